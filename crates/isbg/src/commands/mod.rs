//! The commands, one file each. This file only hands over to them.

mod backtest;
mod check;
mod explained;
mod failures;
mod folders;
mod history;
mod imported;
mod mailbox;
mod manual;
mod rules;
mod scorer;
mod sources;
mod spamd;
mod stop;
mod train;
mod undo;
mod unwrap;

use std::io::{Write, stdout};

use anyhow::Result;

use crate::args::{Command, Rules, Typed, definition};
use crate::environment::Environment;
use crate::exit::Status;
use crate::report::Terminal;
use crate::settled::{self, Task};

/// Does what the command line asks for.
///
/// # Errors
/// A [`Failure`](crate::exit::Failure) with its exit status, or an error of writing the output.
pub fn run(typed: Typed, around: &Environment, terminal: &Terminal) -> Result<Status> {
    match typed.command {
        None if typed.classic.usage => print(&format!("{}\n", definition().render_usage())),
        None => mailbox::run(&settled::classic(&typed.classic, around)?, around, terminal),
        Some(Command::Scan(typed)) => mailbox::run(
            &settled::configured(&typed, Task::LearnAndScan, around)?,
            around,
            terminal,
        ),
        Some(Command::Learn(typed)) => mailbox::run(
            &settled::configured(&typed, Task::Learn, around)?,
            around,
            terminal,
        ),
        Some(Command::Check(typed)) => check::check(&typed, around, terminal),
        Some(Command::Train(typed)) => train::train(&typed, around, terminal),
        Some(Command::Backtest(typed)) => backtest::backtest(&typed, around, terminal),
        Some(Command::Rules(Rules::List(files))) => rules::list(&files, around),
        Some(Command::Rules(Rules::Lint(files))) => rules::lint(&files, around, terminal),
        Some(Command::Rules(Rules::Update(typed))) => rules::update(&typed, around, terminal),
        Some(Command::Spamd(typed)) => spamd::spamd(&typed, around, terminal),
        Some(Command::History(typed)) => history::history(&typed, around, terminal),
        Some(Command::Undo(typed)) => undo::undo(&typed, around, terminal),
        Some(Command::Unwrap(typed)) => unwrap::unwrap(&typed, terminal),
        Some(Command::Completions(typed)) => manual::completions(typed.shell),
        Some(Command::Man(typed)) => manual::pages(&typed),
    }
}

/// Writes text to standard output.
fn print(text: &str) -> Result<Status> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Status::Fine)
}
