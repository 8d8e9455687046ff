//! Opening the state file: the directory, the file's health, the schema's version. Does not know what the tables mean.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, Result};
use crate::private;

/// The state file's name in the state directory.
pub const FILE: &str = "isbg.db";

/// How long a call waits for another process to finish its transaction.
const BUSY: Duration = Duration::from_secs(10);

/// Tells SQLite files of ours from others': "isbg" in ASCII.
const APPLICATION_ID: i64 = 0x6973_6267;

/// The schema, one file a version; `user_version` is the number of files applied.
const SCHEMA: [&str; 1] = [include_str!("schema/0001_state.sql")];

/// Lies in the directory once state has been kept there, so that a lost file is not taken for a new beginning.
const NOTICE: &str = "README.txt";
const NOTICE_TEXT: &str = "isbg keeps its memory here: what it has seen, moved and learned, in isbg.db.\n\
    If isbg.db alone disappears, isbg refuses to run: restore it from a backup.\n\
    To begin anew on purpose, move this whole directory away.\n";

/// What isbg remembers. Several processes may have the same state open; who acts on an account holds its lock.
#[derive(Debug)]
pub struct Store {
    pub(crate) conn: Connection,
    directory: PathBuf,
    path: PathBuf,
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
        let begun = prepare(&directory, &path)?;
        let conn = connect(&path).map_err(|error| Error::from(error).at(&path))?;
        let mut store = Self {
            conn,
            directory,
            path,
        };
        store.migrate(begun)?;
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

    fn migrate(&mut self, begun: bool) -> Result<()> {
        let path = self.path.clone();
        let version = self.read(|conn| Ok(pragma(conn, "user_version")?))?;
        check_version(&path, version)?;
        if version == SCHEMA.len() as i64 {
            return self.read(|conn| is_ours(conn, &path));
        }
        self.write(|tx| {
            // Another process may have been faster, so the version counts that stands inside the transaction.
            let version = pragma(tx, "user_version")?;
            check_version(&path, version)?;
            let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if version > 0 || tables > 0 {
                is_ours(tx, &path)?;
            } else if begun {
                return Err(Error::Lost { path: path.clone() });
            }
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
    if let Some(found) = private::plain(path)?.filter(|found| found.len() > 0) {
        private::close_to_others(path, &found)?;
        return Ok(begun);
    }
    if begun {
        return Err(Error::Lost {
            path: path.to_owned(),
        });
    }
    match private::options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::io(path, error)),
        _ => Ok(false),
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
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    }
    // After the switch to WAL, which does not keep the setting on every path.
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(conn)
}

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

fn check_version(path: &Path, found: i64) -> Result<()> {
    let known = SCHEMA.len() as i64;
    if found > known {
        return Err(Error::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

fn is_ours(conn: &Connection, path: &Path) -> Result<()> {
    if pragma(conn, "application_id")? != APPLICATION_ID {
        return Err(Error::NotOurs {
            path: path.to_owned(),
        });
    }
    Ok(())
}
