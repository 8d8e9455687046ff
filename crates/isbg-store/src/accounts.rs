//! Accounts and runs. Does not know how an account is reached.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::words::Json;
use crate::{AccountId, RunId, Store, Timestamp};

/// What a run counted. Every field is a number of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Judged: a verdict was reached.
    pub judged: u64,
    /// Judged ham.
    pub ham: u64,
    /// Judged unsure.
    pub unsure: u64,
    /// Judged spam, the certain ones included.
    pub spam: u64,
    /// Judged certain spam.
    pub certain: u64,
    /// No verdict: the scorer gave none.
    pub unknown: u64,
    /// Left out for their size.
    pub too_large: u64,
    /// Left out because judging them failed again and again.
    pub set_aside: u64,
    /// Moved to another folder.
    pub moved: u64,
    /// Copied to another folder.
    pub copied: u64,
    /// Flagged only.
    pub flagged: u64,
    /// Marked deleted or removed without a copy.
    pub deleted: u64,
    /// Dropped because the user had touched the message meanwhile.
    pub yielded: u64,
    /// Actions that failed.
    pub failed: u64,
    /// Taught as spam.
    pub learned_spam: u64,
    /// Offered to be taught as spam.
    pub to_learn_spam: u64,
    /// Taught as ham.
    pub learned_ham: u64,
    /// Offered to be taught as ham.
    pub to_learn_ham: u64,
}

/// One run of the program over one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The account.
    pub account: AccountId,
    /// Which kind of command: `classic`, `scan`, `learn`, `undo`.
    pub kind: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` if it still runs or was cut off.
    pub ended: Option<Timestamp>,
    /// What it counted.
    pub counters: Counters,
}

impl Store {
    /// The account of this label (`home`, or `user@host:port`), made if it is new.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn account(&mut self, label: &str, now: Timestamp) -> Result<AccountId> {
        if let Some(found) = self.find_account(label)? {
            return Ok(found);
        }
        self.write(|tx| {
            tx.execute(
                "INSERT INTO account (label, created) VALUES (?1, ?2) ON CONFLICT (label) DO NOTHING",
                params![label, now],
            )?;
            Ok(
                tx.query_row("SELECT id FROM account WHERE label = ?1", [label], |row| {
                    row.get(0)
                })?,
            )
        })
    }

    /// The account of this label, if there is one.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn find_account(&self, label: &str) -> Result<Option<AccountId>> {
        self.read(|conn| {
            Ok(conn
                .query_row("SELECT id FROM account WHERE label = ?1", [label], |row| {
                    row.get(0)
                })
                .optional()?)
        })
    }

    /// All accounts with their labels, by label.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn accounts(&self) -> Result<Vec<(AccountId, String)>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached("SELECT id, label FROM account ORDER BY label")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Notes that a run begins.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn begin_run(&mut self, account: AccountId, kind: &str, now: Timestamp) -> Result<RunId> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO run (account, kind, started) VALUES (?1, ?2, ?3)",
                params![account, kind, now],
            )?;
            Ok(RunId(tx.last_insert_rowid()))
        })
    }

    /// Notes that a run ends, and what it counted.
    ///
    /// # Errors
    /// [`Error::Missing`] for an unknown run.
    pub fn end_run(&mut self, run: RunId, counters: &Counters, now: Timestamp) -> Result<()> {
        self.write(|tx| {
            let changed = tx.execute(
                "UPDATE run SET ended = ?2, counters = ?3 WHERE id = ?1",
                params![run, now, Json(counters)],
            )?;
            if changed == 0 {
                return Err(Error::Missing {
                    what: "run",
                    id: run.0,
                });
            }
            Ok(())
        })
    }

    /// The latest runs, newest first, of one account or of all.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn runs(&self, account: Option<AccountId>, limit: u32) -> Result<Vec<Run>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, account, kind, started, ended, counters FROM run
                 WHERE ?1 IS NULL OR account = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![account, limit], |row| {
                Ok(Run {
                    id: row.get(0)?,
                    account: row.get(1)?,
                    kind: row.get(2)?,
                    started: row.get(3)?,
                    ended: row.get(4)?,
                    counters: row.get::<_, Json<Counters>>(5)?.0,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
