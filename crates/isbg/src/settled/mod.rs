//! What a run is to do, complete and checked: plain data made from the command line, the config file and the
//! surroundings. Does not open a connection, a state file or a prompt.

mod from_classic;
mod from_config;
mod parts;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use isbg_engine::People;
use isbg_types::{Score, Thresholds};

use crate::args::{OutputOptions, StateOptions};
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::rules;
use crate::secrets::Secret;

pub use from_classic::{access, classic};
pub use from_config::{Mailbox, configured, configured_access, configured_mailbox};
pub use parts::scorer;

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    /// What is done with each account.
    pub task: Task,
    /// The accounts, in the order they are worked on.
    pub accounts: Vec<Account>,
    /// Where isbg's state lives.
    pub state_dir: PathBuf,
    /// What is printed and returned.
    pub output: Output,
    /// What the user should be told before anything starts.
    pub notices: Vec<String>,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Learn from the folders given for it, then scan.
    LearnAndScan,
    /// Learn only.
    Learn,
    /// List the folders.
    ListFolders,
}

/// What a run prints and returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Output {
    /// Change nothing anywhere.
    pub dry_run: bool,
    /// A line for every message.
    pub verbose: bool,
    /// JSON lines on standard output.
    pub json: bool,
    /// The statistics lines.
    pub statistics: bool,
    /// Exit statuses 1, 2 and 3.
    pub exit_codes: bool,
}

/// A mailbox and the way into it.
#[derive(Debug, Clone)]
pub struct Access {
    /// Its name in reports: the config file's, or `user@host`.
    pub name: String,
    /// The server.
    pub server: Server,
    /// The login name.
    pub user: String,
    /// How to log in.
    pub login: Login,
}

/// One mailbox and everything wished for it. Folders are named as people type them.
#[derive(Debug, Clone)]
pub struct Account {
    /// The way into it.
    pub access: Access,
    /// The folder to scan.
    pub inbox: String,
    /// The folder for spam, where one was named.
    pub spam_folder: Option<String>,
    /// The folder for unsure mail, where one was named.
    pub unsure_folder: Option<String>,
    /// What is done with spam.
    pub manner: Manner,
    /// The user's own limits on top of the scorer's verdict.
    pub thresholds: Thresholds,
    /// What is learned.
    pub learning: Learning,
    /// How much is looked at.
    pub bounds: Bounds,
    /// Who judges.
    pub scorer: Scorer,
    /// Files of earlier versions, and their lock. Classic runs only.
    pub old_files: Option<OldFiles>,
}

/// A mail server, and what makes sure that it is the right one.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// What is trusted, and who we are.
    pub tls: isbg_tls::Settings,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte on.
    ImplicitTls,
    /// TLS after STARTTLS, without which nothing is sent.
    StartTls,
    /// None; only to this machine.
    PlainToLoopback,
    /// None, whichever machine it is: the user said so.
    PlainAnywhere,
}

/// How to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// With a password from the first of these sources that has one; `save`: stored once the server accepted it.
    Password {
        /// Where to look, in this order.
        sources: Vec<Source>,
        /// Where to store it, if that was wished.
        save: Option<SaveTo>,
    },
    /// With the OAuth 2 access token that this command prints.
    Token(String),
}

/// Where a password may come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It was given outright.
    Given(Secret),
    /// A file. Missing or unusable is an error.
    File(PathBuf),
    /// The output of a command. A failure is an error.
    Command(String),
    /// A systemd credential. `optional`: skipped where there is none.
    Credential {
        /// Its name.
        name: String,
        /// Whether it may be missing.
        optional: bool,
    },
    /// What `--savepw` stored, here or in an earlier isbg.
    Saved,
    /// The user.
    Prompt,
}

/// Where a password is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveTo {
    /// With isbg's state.
    State,
    /// In this file.
    File(PathBuf),
}

/// What is done with spam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// As isbg has always done it: a copy into the spam folder, the original as the flags say.
    Classic(Classic),
    /// As an account of the config file wants it.
    Configured(Configured),
}

/// What the classic form wishes for spam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classic {
    /// The copy is the untouched original, without the scorer's report.
    pub no_report: bool,
    /// The original is flagged.
    pub flag: bool,
    /// The original is marked as deleted.
    pub delete: bool,
    /// What this run marked as deleted is removed.
    pub expunge: bool,
    /// "Delete" means move to the trash folder.
    pub gmail: bool,
}

/// What an account of the config file wishes for spam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// How far isbg may go.
    pub mode: Mode,
    /// Whether the first run over a folder only reports.
    pub first_run_reports: bool,
    /// Whether certain spam is removed without a copy.
    pub delete_certain: bool,
    /// The folder for certain spam, where it is not the one for spam.
    pub certain_folder: Option<String>,
}

/// How far isbg may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Change nothing and say what it would do.
    Observe,
    /// Flag spam where it is.
    Flag,
    /// Move the untouched original.
    Move,
}

/// What is learned, and what becomes of learned messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learning {
    /// Folder of spam to learn from.
    pub spam: Option<String>,
    /// Folder of ham to learn from.
    pub ham: Option<String>,
    /// Which of their messages.
    pub which: Which,
    /// Learned messages are marked as deleted; spam on Gmail goes to the trash. Ham that is moved is not marked.
    pub destroy: bool,
    /// Learned messages are flagged.
    pub flag: bool,
    /// Where learned spam is moved to.
    pub move_spam_to: Option<String>,
    /// What the user moves is learned after so many minutes; `None`: it is not.
    pub moves_after: Option<u32>,
    /// Where learned ham is moved to.
    pub move_ham_to: Option<String>,
}

/// Which messages are learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Flagged ones.
    Flagged,
    /// Unflagged ones.
    Unflagged,
}

/// How much one run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Only messages smaller than this many bytes are judged.
    pub max_size: u64,
    /// At most this many new messages a folder, the newest first; `None` for all.
    pub at_most: Option<u64>,
    /// Move nothing when more messages than this look like spam; `None` for no such brake.
    pub blast_limit: Option<u64>,
}

/// Who judges.
#[derive(Debug, Clone)]
pub struct Scorer {
    /// Which scorer.
    pub engine: EngineChoice,
    /// What is trusted where TLS is spoken with it.
    pub tls: isbg_tls::Settings,
    /// How many messages are scored at once.
    pub jobs: NonZeroUsize,
    /// The DNS servers that network rules ask; an empty list: those that the rules name, or else this machine's. `None`:
    /// nobody is asked.
    pub network: Option<Vec<SocketAddr>>,
    /// The native scorer's model; `None`: it uses its rules alone.
    pub model: Option<String>,
    /// Whom the user welcomes or blocks, and whose word on senders counts. Only the native scorer asks.
    pub people: People,
}

/// Which scorer.
#[derive(Debug, Clone)]
pub enum EngineChoice {
    /// The native scorer if there are rules, else a spamd at its default address if one answers, else the spamassassin
    /// program.
    Found {
        /// Whether the native scorer may be it. Not where spamd's user was named.
        native: bool,
        /// The user whose preferences and learning count.
        user: Option<String>,
    },
    /// The native scorer.
    Native(rules::Wish),
    /// A spamd.
    Spamd {
        /// HOST:PORT or the path of a socket; `None` for the default address.
        address: Option<String>,
        /// Whether TLS is spoken.
        tls: bool,
        /// The user whose preferences and learning count.
        user: Option<String>,
    },
    /// The spamassassin program.
    Program,
    /// An rspamd.
    Rspamd {
        /// Where it answers; `None` for the default address.
        url: Option<String>,
        /// Where its password comes from.
        password: Option<Source>,
    },
}

/// What a classic run has to do with earlier versions of isbg.
#[derive(Debug, Clone, PartialEq)]
pub struct OldFiles {
    /// The start of the track files' names, where it is not the default.
    pub track_prefix: Option<PathBuf>,
    /// The lock file, unless it is to be ignored.
    pub lock: Option<LockFile>,
}

/// The lock file of the classic form, beside the account's own lock.
#[derive(Debug, Clone, PartialEq)]
pub struct LockFile {
    /// Its path; `None` for the default.
    pub path: Option<PathBuf>,
    /// An older one is ignored.
    pub grace_minutes: f64,
}

impl Access {
    /// What the state knows the account by: the config file's name, or `user@host:port`.
    pub fn label(&self) -> String {
        let classic = format!("{}@{}", self.user, self.server.host);
        if self.name == classic {
            format!("{classic}:{}", self.server.port)
        } else {
            self.name.clone()
        }
    }
}

/// Where the state lives: the folder named on the command line, else the default.
///
/// # Errors
/// With status 10 when there is neither.
pub fn state_dir(options: &StateOptions, around: &Environment) -> Result<PathBuf, Failure> {
    options
        .state_dir
        .clone()
        .or_else(|| Some(around.state_home.as_ref()?.join("isbg")))
        .ok_or_else(|| {
            Failure::new(
                Status::BadArguments,
                "there is no home folder to keep isbg's state in",
            )
            .hint("name one with --state-dir")
        })
}

/// What the output options mean.
pub fn output(options: &OutputOptions) -> Output {
    Output {
        dry_run: options.dryrun,
        verbose: options.verbose || options.verbose_mails,
        json: options.json,
        statistics: !options.nostats,
        exit_codes: options.exitcodes,
    }
}

/// Refuses scores that do not fit one another.
///
/// # Errors
/// With status 10.
pub fn check_thresholds(limits: &Thresholds) -> Result<(), Failure> {
    let above =
        |one: Option<Score>, other: Option<Score>| one.zip(other).is_some_and(|(one, other)| one > other);
    if above(limits.required, limits.certain_above) {
        return Err(Failure::arguments(
            "the score above which spam is removed is below the score from which mail is spam",
        ));
    }
    if above(limits.unsure.map(|band| band.1), limits.certain_above) {
        return Err(Failure::arguments(
            "the unsure band reaches above the score of certain spam",
        ));
    }
    Ok(())
}
