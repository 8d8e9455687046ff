//! The subcommands and their options, exactly as typed. Does not run any of them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;
use isbg_types::Score;

use super::backtest::Backtest;
use super::classic::{MailboxOptions, PasswordOptions};
use super::shared::{
    ConfigOptions, ConnectionOptions, JudgingOptions, OutputOptions, ScorerOptions, StateOptions,
};
use super::spamd::Spamd;
use super::update::Update;
use super::values::{self, Band};

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Scan the accounts of the config file once: learn, judge, act
    Scan(Accounts),
    /// Learn from the folders of the config file's accounts, and scan nothing
    Learn(Accounts),
    /// Judge mail in files, mboxes, folders, Maildirs or on standard input; no mail server is asked
    Check(Check),
    /// Teach the native scorer from mail in files, mboxes, folders or Maildirs; no mail server is asked
    Train(Train),
    /// Find out how well isbg would have done on mail that is already sorted
    Backtest(Backtest),
    /// Show the native scorer's rules, or what is wrong with them
    #[command(subcommand)]
    Rules(Rules),
    /// Judge mail for spamc and other clients of SpamAssassin's spamd
    Spamd(Spamd),
    /// Show what was done, newest first
    History(History),
    /// Put messages back where they were
    Undo(Undo),
    /// Take the original message out of a SpamAssassin report
    Unwrap(Unwrap),
    /// Print completions for a shell
    Completions(Completions),
    /// Print or write the manual pages
    Man(Man),
}

/// A run over accounts of the config file.
#[derive(Debug, Clone, Args)]
pub struct Accounts {
    /// Names of accounts in the config file [default: all of them]
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    #[command(flatten)]
    pub config: ConfigOptions,
    #[command(flatten)]
    pub judging: JudgingOptions,
    #[command(flatten)]
    pub scorer: ScorerOptions,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub state: StateOptions,
}

/// Which mail to judge, and how.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit status: 0 no spam; 1 some spam; 12 there is no verdict about a message; anything else: an error."
)]
pub struct Check {
    /// Files with a message or an mbox, folders, Maildirs; - is standard input [default: standard input]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print the rules that hit as well, and what in the message was most like what you taught
    #[arg(long, short)]
    pub verbose: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Print all rules that hit, the sub-rules too, whose names begin with two underscores
    #[arg(long)]
    pub all_hits: bool,
    /// Mail whose score lies in this band is unsure: neither ham nor spam [default: no band]
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true)]
    pub unsure_band: Option<Band>,
    /// Spam that scores higher than this is certain [default: none is]
    #[arg(long, value_name = "POINTS", value_parser = values::removal_score, allow_hyphen_values = true)]
    pub deletehigherthan: Option<Score>,
    /// Trust the certificates in this PEM file besides the system's, where a scorer is asked over TLS
    #[arg(long, value_name = "FILE")]
    pub cafile: Option<PathBuf>,
    #[command(flatten)]
    pub scorer: ScorerOptions,
    #[command(flatten)]
    pub state: StateOptions,
}

/// What to teach.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_TRAIN)]
#[group(id = "lessons", required = true, multiple = true, args = ["spam", "ham", "forget", "sent", "rollback"])]
pub struct Train {
    /// Spam to learn
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub spam: Vec<PathBuf>,
    /// Ham to learn
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub ham: Vec<PathBuf>,
    /// Mail whose lessons are taken back, whatever it was learned as
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub forget: Vec<PathBuf>,
    /// Mail that you have sent: whom it was written to is known from then on
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub sent: Vec<PathBuf>,
    /// Go back to the model as it was before the last run that taught it; again, one further back
    #[arg(long, conflicts_with_all = ["spam", "ham", "forget", "sent"])]
    pub rollback: bool,
    /// The model that learns [default: default]
    #[arg(long, value_name = "NAME", value_parser = values::model)]
    pub model: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub state: StateOptions,
}

const AFTER_TRAIN: &str = "\
A PATH is a file with a message or an mbox, a folder or a Maildir. A message that was learned before teaches nothing new; learned \
as the other class, it first has that lesson taken back.

Exit status: 0 fine; 12 the model cannot be used; 255 a message could not be read, or the model not be saved.";

/// What to do with the rules.
#[derive(Debug, Clone, Subcommand)]
pub enum Rules {
    /// List the rules: name, what is tested, points, description
    List(RuleFiles),
    /// Name what is wrong with the rule files, and the rules that cannot be run here; status 1 if there is any
    Lint(RuleFiles),
    /// Fetch new versions of the rules, prove them and put them in force
    Update(Update),
}

/// Which rules.
#[derive(Debug, Clone, Args)]
pub struct RuleFiles {
    /// A folder with rule files, or a rule file (repeatable)
    /// [default: the built-in rules with SpamAssassin's on this machine and those of its administrator]
    #[arg(long, value_name = "PATH|builtin")]
    pub rules: Vec<PathBuf>,
    /// Preferences, read after the rules [default: ~/.spamassassin/user_prefs if it exists]
    #[arg(long, value_name = "FILE|none")]
    pub prefs: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What of the history to show.
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Only these accounts: names of the config file, or USER@HOST [default: all of them]
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Only this run
    #[arg(long, value_name = "N")]
    pub run: Option<u64>,
    /// At most this many entries; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u64,
    /// Only entries before this one (to see the next page)
    #[arg(long, value_name = "N")]
    pub before: Option<u64>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: ConfigOptions,
    #[command(flatten)]
    pub state: StateOptions,
}

/// What to put back. The mailbox is the entry's account in the config file, or described as in the classic form.
#[derive(Debug, Clone, Args)]
pub struct Undo {
    /// An entry's number in the history, or run:N for everything run N moved [default: the account's last run]
    #[arg(value_name = "N|run:N")]
    pub what: Option<String>,
    /// The account, where it cannot be told from the entry
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Say what would be put back, and change nothing
    #[arg(long, visible_alias = "dry-run")]
    pub dryrun: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Never ask for a password
    #[arg(long)]
    pub noninteractive: bool,
    #[command(flatten)]
    pub mailbox: MailboxOptions,
    #[command(flatten)]
    pub password: PasswordOptions,
    #[command(flatten)]
    pub connection: ConnectionOptions,
    #[command(flatten)]
    pub config: ConfigOptions,
    #[command(flatten)]
    pub state: StateOptions,
}

/// Where the report is read from and the original written to.
#[derive(Debug, Clone, Args)]
pub struct Unwrap {
    /// File to read [default: standard input]
    #[arg(short, long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// Which shell.
#[derive(Debug, Clone, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Which page, or where to.
#[derive(Debug, Clone, Args)]
pub struct Man {
    /// Write the pages of all commands into this folder [default: print isbg's own page]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}
