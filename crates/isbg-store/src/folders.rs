//! Folders under their UIDVALIDITY, and what the last finished pass over each saw. Does not know what is in them.

use isbg_types::{FolderName, ModSeq, Uid, UidValidity};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::{Error, Result};
use crate::words::opt_uid;
use crate::{AccountId, FolderId, IntentId, Purpose, Settlement, Store, Timestamp, settle};

const DAY: i64 = 86_400;

/// A folder as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id while this UIDVALIDITY stands.
    pub id: FolderId,
    /// Whether it was known.
    pub standing: Standing,
}

/// Whether a folder was known under its UIDVALIDITY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Seen before under this UIDVALIDITY.
    Known,
    /// Never seen before.
    New,
    /// Seen before under another UIDVALIDITY: all its UIDs mean something else now (RFC 9051 §2.3.1.1). What was
    /// known is parked, not deleted; fingerprints, lessons and the user's overrulings still hold.
    Changed {
        /// The UIDVALIDITY before.
        was: UidValidity,
        /// Intents that stood open on the folder and are void now.
        voided: Vec<IntentId>,
        /// How often this folder changed within the last day, this time included. More than twice means that the
        /// server does not keep UIDs, and nothing should be remembered by them.
        changes_today: u32,
    },
}

/// What a finished pass over a folder saw. The caller compares it with what the server says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// UIDNEXT, where the server told it.
    pub uid_next: Option<Uid>,
    /// HIGHESTMODSEQ (RFC 7162), where the server keeps one.
    pub modseq: Option<ModSeq>,
    /// How many messages the folder held.
    pub messages: Option<u32>,
    /// Every message below this UID is dealt with: seen, or left out on purpose by `conditions`. The message of this
    /// UID itself may not be. Equal to `uid_next` if nothing was left over.
    pub complete_below: Uid,
    /// What the pass looked for (a size limit, a search). If it looks for something else now, the mark says nothing.
    pub conditions: String,
    /// When the pass ended.
    pub at: Timestamp,
}

impl Store {
    /// The folder under this UIDVALIDITY. A UIDVALIDITY other than the last parks what was known and voids the
    /// intents that stand open on it.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn open_folder(
        &mut self,
        account: AccountId,
        name: &FolderName,
        validity: UidValidity,
        now: Timestamp,
    ) -> Result<Opened> {
        if let Some((id, known)) = self.read(|conn| standing(conn, account, name))?
            && known == validity
        {
            return Ok(Opened {
                id,
                standing: Standing::Known,
            });
        }
        self.write(|tx| {
            let standing = match standing(tx, account, name)? {
                Some((id, known)) if known == validity => {
                    return Ok(Opened {
                        id,
                        standing: Standing::Known,
                    });
                }
                Some((id, was)) => {
                    let voided = park(tx, id, now)?;
                    Standing::Changed {
                        was,
                        voided,
                        changes_today: changes_since(tx, account, name, now.plus(-DAY))?,
                    }
                }
                None => Standing::New,
            };
            tx.execute(
                "INSERT INTO folder (account, name, validity, opened) VALUES (?1, ?2, ?3, ?4)",
                params![account, name.as_str(), validity.0, now],
            )?;
            Ok(Opened {
                id: FolderId(tx.last_insert_rowid()),
                standing,
            })
        })
    }

    /// What the last finished pass saw, if there was one under this UIDVALIDITY. Constant time.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn mark(&self, folder: FolderId, purpose: Purpose) -> Result<Option<Mark>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT uid_next, modseq, messages, complete_below, conditions, at FROM mark
                 WHERE folder = ?1 AND purpose = ?2",
            )?;
            let mark = statement.query_row(params![folder, purpose], |row| {
                Ok(Mark {
                    uid_next: opt_uid(row.get(0)?),
                    modseq: row
                        .get::<_, Option<i64>>(1)?
                        .map(|bits| ModSeq(bits.cast_unsigned())),
                    messages: row.get(2)?,
                    complete_below: crate::words::uid(row.get(3)?)?,
                    conditions: row.get(4)?,
                    at: row.get(5)?,
                })
            });
            Ok(mark.optional()?)
        })
    }

    /// Keeps what a finished pass saw.
    ///
    /// # Errors
    /// [`Error::Parked`] if the folder's UIDVALIDITY changed meanwhile.
    pub fn set_mark(&mut self, folder: FolderId, purpose: Purpose, mark: &Mark) -> Result<()> {
        self.write(|tx| {
            must_stand(tx, folder)?;
            tx.execute(
                "INSERT OR REPLACE INTO mark
                 (folder, purpose, uid_next, modseq, messages, complete_below, conditions, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    folder,
                    purpose,
                    mark.uid_next.map(Uid::get),
                    mark.modseq.map(|modseq| modseq.0.cast_signed()),
                    mark.messages,
                    mark.complete_below.get(),
                    mark.conditions,
                    mark.at
                ],
            )?;
            Ok(())
        })
    }
}

fn standing(
    conn: &Connection,
    account: AccountId,
    name: &FolderName,
) -> Result<Option<(FolderId, UidValidity)>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, validity FROM folder WHERE account = ?1 AND name = ?2 AND parked IS NULL",
    )?;
    let row = statement.query_row(params![account, name.as_str()], |row| {
        Ok((row.get(0)?, UidValidity(row.get(1)?)))
    });
    Ok(row.optional()?)
}

fn park(tx: &Transaction<'_>, folder: FolderId, now: Timestamp) -> Result<Vec<IntentId>> {
    let open: Vec<IntentId> = tx
        .prepare_cached("SELECT id FROM intent WHERE folder = ?1 AND outcome IS NULL ORDER BY id")?
        .query_map([folder], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for &intent in &open {
        let void = Settlement::Void {
            reason: "the folder's UIDVALIDITY changed".to_owned(),
        };
        settle::one(tx, intent, &void, now)?;
    }
    tx.execute(
        "UPDATE folder SET parked = ?2 WHERE id = ?1",
        params![folder, now],
    )?;
    Ok(open)
}

fn changes_since(
    tx: &Transaction<'_>,
    account: AccountId,
    name: &FolderName,
    since: Timestamp,
) -> Result<u32> {
    Ok(tx.query_row(
        "SELECT count(*) FROM folder WHERE account = ?1 AND name = ?2 AND parked > ?3",
        params![account, name.as_str(), since],
        |row| row.get(0),
    )?)
}

/// The folder exists and its UIDVALIDITY stands; gives its account.
pub(crate) fn must_stand(conn: &Connection, folder: FolderId) -> Result<AccountId> {
    let mut statement =
        conn.prepare_cached("SELECT account, parked IS NOT NULL FROM folder WHERE id = ?1")?;
    let row: Option<(AccountId, bool)> = statement
        .query_row([folder], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match row {
        Some((account, false)) => Ok(account),
        Some((_, true)) => Err(Error::Parked(folder)),
        None => Err(Error::Missing {
            what: "folder",
            id: folder.0,
        }),
    }
}
