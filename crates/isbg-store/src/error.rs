//! What can go wrong with the state, and what to do then. Does not decide whether a run goes on.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::{EntryId, FolderId, IntentId, Timestamp};

/// The result of a store call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store call failed. Nothing of a failed call is kept: each is one transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No room for the write.
    #[error("the disk is full: cannot write {path}; free some space and run again")]
    Full {
        /// The state file.
        path: PathBuf,
    },
    /// The file or its directory cannot be written.
    #[error("cannot write {path}: it, its directory or its file system is read-only for this user")]
    ReadOnly {
        /// The state file.
        path: PathBuf,
    },
    /// Another process held the file for longer than the busy timeout.
    #[error("{path} is in use by another process for too long; run again when that has ended")]
    Busy {
        /// The state file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error(
        "{path} is damaged ({detail}); it is left as it is: restore it from a backup, or move its directory away to begin anew"
    )]
    Damaged {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// State was kept here, and its file is missing or empty.
    #[error(
        "{path} is missing or empty although state was kept in its directory; restore it from a backup, or move the directory away to begin anew"
    )]
    Lost {
        /// The state file.
        path: PathBuf,
    },
    /// The schema is newer than this program.
    #[error(
        "{path} was written by a newer isbg (its schema is {found}, this isbg knows up to {known}); use the newer isbg"
    )]
    Newer {
        /// The state file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The last one this program knows.
        known: i64,
    },
    /// A SQLite file, but of another program.
    #[error("{path} is the database of another program; name another state directory")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A link where a file or directory of our own is expected.
    #[error(
        "{path} is not a plain file or directory (a symbolic link?); isbg does not follow it: remove it or name another path"
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Others could tamper with the directory.
    #[error("{path} {why}; make it yours alone (chmod 700) or name another state directory")]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// In which way.
        why: &'static str,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite refused for another reason; a defect.
    #[error("{path}: {source}")]
    Database {
        /// The state file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
    /// Another process works on the account.
    #[error("another isbg is at work on this account ({}; lock file {path}); run again when it has ended", holder(*.pid))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The holder's process id, where it can be read.
        pid: Option<u32>,
        /// Since when, where it can be read.
        since: Option<Timestamp>,
    },
    /// The folder's UIDVALIDITY has changed since; its UIDs mean nothing any more.
    #[error("folder {0} is parked: its UIDVALIDITY has changed")]
    Parked(FolderId),
    /// The folder, run or entry does not exist or is of another account.
    #[error("no such {what}: {id}")]
    Missing {
        /// What was asked for.
        what: &'static str,
        /// By which number.
        id: i64,
    },
    /// Something is already being done to this message.
    #[error("an unfinished action on the same message stands in the journal (folder {folder}, UID {uid})")]
    AlreadyOpen {
        /// The message's folder.
        folder: FolderId,
        /// Its UID.
        uid: u32,
    },
    /// The journal's states go forward only.
    #[error("journal row {intent} cannot go from {from} to {to}")]
    Illegal {
        /// The row.
        intent: IntentId,
        /// Its state.
        from: String,
        /// What was asked for.
        to: &'static str,
    },
    /// A password was to be saved over something else.
    #[error("{path} is not a password file of isbg and is left as it is; name another file")]
    NotAPasswordFile {
        /// The file.
        path: PathBuf,
    },
    /// The entry was undone before.
    #[error("entry {0} has been undone already")]
    Undone(EntryId),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "process unknown".to_owned(), |pid| format!("process {pid}"))
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database {
            path: PathBuf::new(),
            source,
        }
    }
}

impl Error {
    /// An error of the operating system on this path.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly { path },
            _ => Self::Io { path, source },
        }
    }

    /// Names the state file and sorts SQLite's error codes into kinds.
    pub(crate) fn at(self, path: &Path) -> Self {
        let Self::Database { source, .. } = self else {
            return self;
        };
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly { path }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path,
                detail: source.to_string(),
            },
            Some(ErrorCode::SystemIoFailure) => Self::Io {
                path,
                source: io::Error::other(source),
            },
            _ if is_odd_value(&source) => Self::Damaged {
                path,
                detail: source.to_string(),
            },
            _ => Self::Database { path, source },
        }
    }
}

/// A column holds what we never write there.
fn is_odd_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
    )
}
