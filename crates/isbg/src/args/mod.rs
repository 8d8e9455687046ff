//! The command line: what was typed, read without touching the world. Does not decide anything that needs a file, a
//! terminal or a network; [`crate::settled`] does.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these comments are help texts, in which [default] is no link"
)]

mod backtest;
mod classic;
mod commands;
mod shared;
mod spamd;
mod spelling;
mod update;
pub mod values;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::exit::Status;

pub use backtest::{Backtest, Prior};
pub use classic::{Classic, FileOptions, GoneOptions, LearningOptions, MailboxOptions, PasswordOptions};
pub use commands::{Accounts, Check, Command, History, Man, RuleFiles, Rules, Train, Undo, Unwrap};
pub use shared::{
    ConfigOptions, ConnectionOptions, Engine, JudgingOptions, OutputOptions, ScorerOptions, StateOptions,
    TlsMode,
};
pub use spamd::Spamd;
pub use update::{ChannelKey, Update};

const ABOUT: &str =
    "Keeps an IMAP mailbox clean: has new mail judged, moves the spam, learns from you, loses nothing";

const USAGE: &str = "\
isbg --imaphost <HOST> --imapuser <USER> [OPTIONS]
       isbg --imaphost <HOST> --imapuser <USER> --imaplist [OPTIONS]
       isbg <COMMAND> [OPTIONS]";

const AFTER_HELP: &str = "\
Without a command, isbg does one run over the mailbox that --imaphost and --imapuser name: it learns from the folders \
given for that, then scans the inbox. Option names may be shortened as long as they stay unique.

Exit status: 0 fine; with --exitcodes 1 new mail without spam, 2 nothing but spam, 3 both; 10 wrong arguments; 11 the \
mail server; 12 the scorer; 20 a password is not to be had and may not be asked for; 30 another run has the lock; 255 \
anything else.";

/// Everything that was typed.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "isbg",
    version,
    about = ABOUT,
    override_usage = USAGE,
    after_long_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Typed {
    #[command(flatten)]
    pub classic: Classic,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The definition that help, manual pages and completions are made from.
pub fn definition() -> clap::Command {
    Typed::command()
}

/// Reads a command line, the program's own name first.
///
/// # Errors
/// When it is wrong, or when it asks for the help or the version: clap's error knows which and prints itself.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Typed, clap::Error> {
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_else(|| "isbg".into());
    let rest: Vec<OsString> = words.collect();
    let definition = definition();
    let command = rest
        .first()
        .and_then(|word| word.to_str())
        .is_some_and(|word| definition.find_subcommand(word).is_some());
    let rest = if command {
        rest
    } else {
        spelling::written_out(&definition, rest)
    };
    let matches = definition.try_get_matches_from(std::iter::once(program).chain(rest))?;
    Typed::from_arg_matches(&matches)
}

/// Prints what clap has to say: the help or the version that was asked for, or what is wrong.
pub fn answer(clap: &clap::Error) -> Status {
    // Whoever does not read it misses nothing else.
    drop(clap.print());
    if clap.use_stderr() {
        Status::BadArguments
    } else {
        Status::Fine
    }
}

#[cfg(test)]
mod tests;
