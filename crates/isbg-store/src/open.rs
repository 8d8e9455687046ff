//! Opening the state file: the directory, the file's health, the schema's version. Does not know what the tables mean.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, Result};
use crate::private;

/// The state file's name in the state directory.
pub const FILE: &str = "isbg.db";

/// How long a call waits for another process to finish its transaction.
const BUSY: Duration = Duration::from_secs(10);

/// The length of the header that every SQLite file begins with.
const HEADER: u64 = 100;

/// Tells SQLite files of ours from others': "isbg" in ASCII.
const APPLICATION_ID: i64 = 0x6973_6267;

/// The schema, one file a version; `user_version` is the number of files applied.
const SCHEMA: [&str; 3] = [
    include_str!("schema/0001_state.sql"),
    include_str!("schema/0002_follow.sql"),
    include_str!("schema/0003_correspondents.sql"),
];

/// Held while a file may be made and closed: on Unix, closing a file ends the locks that SQLite holds on it for another
/// thread.
static OPENING: Mutex<()> = Mutex::new(());

/// Lies in the directory once state has been kept there, so that a lost file is not taken for a new beginning.
const NOTICE: &str = "README.txt";
const NOTICE_TEXT: &str = "isbg keeps its memory here: what it has seen, moved and learned, in isbg.db.\n\
    If isbg.db alone disappears, isbg refuses to run: restore it from a backup.\n\
    To begin anew on purpose, move this whole directory away.\n";

/// What isbg remembers. Several processes may have the same state open; who acts on an account holds its lock.
#[derive(Debug)]
pub struct Store {
    pub(crate) conn: Connection,
    pub(crate) directory: PathBuf,
    pub(crate) path: PathBuf,
}

impl Store {
    /// Opens the state in this directory, or begins it there. The directory is made with mode 0700, the file with 0600.
    ///
    /// # Errors
    /// [`Error::Link`] or [`Error::Exposed`] if the directory is not safe, [`Error::Lost`], [`Error::Damaged`],
    /// [`Error::NotOurs`] or [`Error::Newer`] if the file is not what this program can go on with, and the errors of
    /// the disk. A damaged file is never replaced.
    pub fn open(directory: &Path) -> Result<Self> {
        let directory = private::directory(directory)?;
        let path = directory.join(FILE);
        let opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = prepare(&directory, &path)?;
        let conn = connect(&path).map_err(|error| Error::from(error).at(&path))?;
        drop(opening);
        let mut store = Self {
            conn,
            directory,
            path,
        };
        // Nothing is changed, not even a setting in the file, before it is known to be ours.
        let version = store.read(|conn| examine(conn, &store.path, begun))?;
        private::close_to_others(&store.path)?;
        store.settle_mode()?;
        if version < SCHEMA.len() as i64 {
            store.migrate(begun)?;
        }
        if !begun {
            store.leave_notice()?;
        }
        Ok(store)
    }

    /// The state directory, with links above it resolved.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One transaction that changes something: all of it, or nothing.
    pub(crate) fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let Self { conn, path, .. } = self;
        let run = || {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error: Error| error.at(path))
    }

    /// One consistent look.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let run = || {
            let snapshot = self.conn.unchecked_transaction()?;
            work(&snapshot)
        };
        run().map_err(|error: Error| error.at(&self.path))
    }

    /// Write-ahead log, and every commit on the disk before its call returns.
    fn settle_mode(&self) -> Result<()> {
        let set = || {
            let mode: String = self
                .conn
                .pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            if mode != "wal" {
                self.conn
                    .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
            }
            self.conn.pragma_update(None, "synchronous", "FULL")
        };
        set().map_err(|error| Error::from(error).at(&self.path))
    }

    pub(crate) fn migrate(&mut self, begun: bool) -> Result<()> {
        let path = self.path.clone();
        self.write(|tx| {
            // Another process may have been faster, so the version counts that stands inside the transaction.
            let version = examine(tx, &path, begun)?;
            for schema in SCHEMA.iter().skip(usize::try_from(version).unwrap_or(0)) {
                tx.execute_batch(schema)?;
            }
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(None, "user_version", SCHEMA.len() as i64)?;
            Ok(())
        })
    }

    /// Only after the schema is committed: where the notice lies, there is a file with a schema.
    fn leave_notice(&self) -> Result<()> {
        let path = self.directory.join(NOTICE);
        private::options()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .and_then(|mut file| {
                file.write_all(NOTICE_TEXT.as_bytes())?;
                file.sync_all()
            })
            .map_err(|error| Error::io(&path, error))?;
        private::sync_directory(&self.directory)
    }
}

/// Sees to it that a plain file is at the path. Whether state has been kept here before.
fn prepare(directory: &Path, path: &Path) -> Result<bool> {
    for side in ["-wal", "-shm", "-journal"] {
        private::plain(&directory.join(format!("{FILE}{side}")))?;
    }
    let begun = private::plain(&directory.join(NOTICE))?.is_some();
    match private::plain(path)?.map_or(0, |found| found.len()) {
        0 if begun => Err(Error::Lost {
            path: path.to_owned(),
        }),
        0 => match private::options().write(true).create_new(true).open(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::io(path, error)),
            _ => Ok(false),
        },
        // SQLite takes a file of one byte for an empty one.
        1..HEADER => Err(Error::Damaged {
            path: path.to_owned(),
            detail: "it is too short".to_owned(),
        }),
        _ => Ok(begun),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "fullfsync", true)?;
    Ok(conn)
}

/// The schema's version, 0 where there is none yet, if this program can go on with the file.
fn examine(conn: &Connection, path: &Path, begun: bool) -> Result<i64> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (found, known) = (pragma("user_version")?, SCHEMA.len() as i64);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let path = path.to_owned();
    match (found, tables) {
        (0, 0) if begun => Err(Error::Lost { path }),
        (0, 0) => Ok(0),
        _ if pragma("application_id")? != APPLICATION_ID => Err(Error::NotOurs { path }),
        _ if found > known => Err(Error::Newer { path, found, known }),
        _ => Ok(found),
    }
}
