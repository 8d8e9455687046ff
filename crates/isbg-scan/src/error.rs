//! Why a pass ends early. Does not decide the exit status.

use isbg_engine::Unknown;
use isbg_types::{FolderName, Untrusted};

/// The result of a pass.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a pass ended early. Whatever was begun is in the journal, and the next run settles it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The IMAP server or the way to it.
    #[error("{0}")]
    Imap(#[from] isbg_imap::Error),
    /// The state file.
    #[error("{0}")]
    Store(#[from] isbg_store::Error),
    /// The scorer cannot be reached, does not work (a probe with a harmless message failed as well), or refuses us.
    #[error("{scorer} is of no use: {detail}; what has no verdict counts as new, and the next run tries again", detail = .unknown.detail)]
    Outage {
        /// The scorer's name.
        scorer: &'static str,
        /// What it said, or did not say.
        unknown: Unknown,
    },
    /// A folder does not exist.
    #[error("no folder named {} on the server{}", Untrusted(.folder.as_str()), suggest(.likely))]
    NoFolder {
        /// The name asked for.
        folder: FolderName,
        /// Names that may have been meant.
        likely: Vec<FolderName>,
    },
    /// A folder cannot be changed.
    #[error("the folder {} is read-only on the server; ask its owner for the right to change it, or use --dryrun", Untrusted(.0.as_str()))]
    ReadOnly(FolderName),
    /// The server does not keep UIDs, so nothing can be remembered.
    #[error(
        "the server gave the folder {} a new UIDVALIDITY {changes} times within a day, so isbg cannot know what it has seen; ask the server's administrator",
        Untrusted(.folder.as_str())
    )]
    Unstable {
        /// The folder.
        folder: FolderName,
        /// How often within a day.
        changes: u32,
    },
    /// The server gave a folder a new UIDVALIDITY in the middle of a pass.
    #[error(
        "the server renumbered the folder {} during the run (new UIDVALIDITY); the rest is left to the next run",
        Untrusted(.0.as_str())
    )]
    Renumbered(FolderName),
    /// A temporary file failed.
    #[error("a temporary file failed: {0}; is there room on the disk?")]
    Spool(#[from] std::io::Error),
    /// The user or the system asked for an end.
    #[error("stopped on request; what was begun is settled by the next run")]
    Stopped,
}

fn suggest(names: &[FolderName]) -> String {
    if names.is_empty() {
        return "; --imaplist shows them all".to_owned();
    }
    let names: Vec<String> = names
        .iter()
        .map(|name| Untrusted(name.as_str()).to_string())
        .collect();
    format!("; did you mean {}?", names.join(" or "))
}
