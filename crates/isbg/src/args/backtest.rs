//! The options of `isbg backtest`, exactly as typed. Does not run it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isbg_classifier::evaluate::Feedback;
use isbg_types::Score;

use super::classic::{MailboxOptions, PasswordOptions};
use super::commands::RuleFiles;
use super::shared::{ConfigOptions, ConnectionOptions, StateOptions};
use super::values;

const USAGE: &str = "\
isbg backtest [OPTIONS] ACCOUNT
       isbg backtest [OPTIONS] --imaphost HOST --imapuser USER
       isbg backtest [OPTIONS] --index FILE";

const AFTER: &str = "\
Of a mailbox, what lies in the spam folder counts as spam, and what was read and kept in the inbox and the archive as ham; \
it is copied to a temporary folder, and nothing is changed on the server.

Each line of the index is `spam PATH` or `ham PATH`, in the order in which the mail came; a path is relative to the index. \
A path names a file with one message, as in a Maildir. Nothing is changed, and nothing of it is kept: neither your own \
model nor your state is read or written.

--feedback says what the user told: full is the class of every message; ask:N the class of messages about which isbg was \
unsure, N in all; errors:F the class of this fraction (0 to 1) of the messages that were treated wrongly; first:N the class \
of the first N messages. Silence teaches nothing.

--json prints one object with messages, ham, spam, ham_as_spam, spam_as_ham, one_minus_roca_percent, \
spam_missed_percent_at_ham_0_1_percent and seconds.";

/// What a model knows before its user has told it anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Prior {
    /// Nothing
    None,
    /// What isbg brings along; there is nothing yet
    Shipped,
}

/// A backtest.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = AFTER, override_usage = USAGE)]
pub struct Backtest {
    /// The account of the config file whose own folders are the sorted mail; or describe a mailbox as for a scan, with
    /// --imaphost and --imapuser; or name an --index
    #[arg(value_name = "ACCOUNT", conflicts_with_all = ["index", "imaphost", "imapuser"])]
    pub account: Option<String>,
    /// The sorted mail: a file with a line `spam PATH` or `ham PATH` for each message
    #[arg(long, value_name = "FILE", conflicts_with_all = ["imaphost", "ham"])]
    pub index: Option<PathBuf>,
    /// A folder of ham in the mailbox (repeatable) [default: the inbox and the server's archive]
    #[arg(long, value_name = "FOLDER")]
    pub ham: Vec<String>,
    /// At most so many messages of each folder, the newest
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = values::at_least_one)]
    pub limit: u64,
    /// Judge each message before learning it, in order [default]
    #[arg(long, conflicts_with = "folds")]
    pub online: bool,
    /// Instead, judge every Kth message with what all the others teach, K times
    #[arg(long, value_name = "K", value_parser = values::folds)]
    pub folds: Option<usize>,
    /// What the user told: full, ask:N, errors:F or first:N
    #[arg(long, value_name = "FEEDBACK", default_value = "full")]
    pub feedback: Feedback,
    /// What the model starts from
    #[arg(long, value_name = "PRIOR", value_enum, default_value_t = Prior::None)]
    pub prior: Prior,
    /// Decides what the model leaves to chance; the same seed gives the same result
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Judge by what was learned alone
    #[arg(long, conflicts_with_all = ["no_classifier", "rules", "prefs", "required_score"])]
    pub no_rules: bool,
    /// Judge by the rules alone
    #[arg(long)]
    pub no_classifier: bool,
    #[command(flatten)]
    pub files: RuleFiles,
    /// Score from which mail is spam [default: what the rules say]
    #[arg(long, value_name = "POINTS", value_parser = values::score, allow_hyphen_values = true)]
    pub required_score: Option<Score>,
    /// How many messages the rules judge at once [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    pub jobs: Option<u64>,
    /// Write a line `LABEL SCORE PATH` for each message to this file; the score is neither bounded nor rounded
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Write a page with the figures, plots and worst mistakes to this file, to be looked at in a browser
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
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
