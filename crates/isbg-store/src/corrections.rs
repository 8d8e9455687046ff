//! What the user did with messages after us: what lies no longer where we put it, and what was moved against our
//! judgement and is to be learned. Does not know how a moved message is found.

use isbg_types::{Class, Fingerprint, FolderName, Uid, UidValidity};
use rusqlite::{OptionalExtension, Row, params};

use crate::error::Result;
use crate::folders::must_stand;
use crate::words::{ClassWord, class_word, fingerprint, opt_uid, uid};
use crate::{AccountId, EntryId, FolderId, Store, Timestamp, learned};

/// How a folder stood when it was last looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// Its UIDNEXT.
    pub uid_next: Uid,
    /// Its UIDNEXT at the look before that one. A client that moves by copying and removing may have made its copy
    /// before a look and removed the original after it.
    pub earlier: Uid,
    /// How many messages it held, where the server told it.
    pub messages: Option<u32>,
}

/// A message that lies where spam goes, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The history's entry, if it is there because we moved it. Otherwise the user did.
    pub entry: Option<EntryId>,
    /// Its UID in the folder it was put into.
    pub uid: Uid,
    /// The identity of what lies there: the message's, or its report's.
    pub fingerprint: Fingerprint,
    /// The size in bytes of what lies there, where it is known.
    pub size: Option<u64>,
}

/// A message that the user moved against our judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The identity of what lies where the user put it.
    pub fingerprint: Fingerprint,
    /// What it is, by that.
    pub class: Class,
    /// The folder it was found in.
    pub folder: FolderId,
    /// Its UID there.
    pub uid: Uid,
    /// Its size in bytes.
    pub size: u64,
    /// Where it was judged. As long as it is there, it was copied and not moved.
    pub origin: Option<(FolderId, Uid)>,
    /// When it was found.
    pub found: Timestamp,
}

/// What a look through the folders brought. Written down all at once.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Entries whose messages are no longer where they were put.
    pub gone: Vec<EntryId>,
    /// Messages that the user had put where spam goes and that are not there any more.
    pub left: Vec<Fingerprint>,
    /// Messages that the user moved. One that was found before is replaced: only where it came to rest counts.
    pub found: Vec<Correction>,
    /// How the folders stand.
    pub followed: Vec<(FolderId, Followed)>,
}

impl Store {
    /// A folder's name and UIDVALIDITY, while that stands.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn standing(&self, folder: FolderId) -> Result<Option<(FolderName, UidValidity)>> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT name, validity FROM folder WHERE id = ?1 AND parked IS NULL")?;
            let row = statement.query_row([folder], |row| {
                Ok((
                    FolderName::new(row.get::<_, String>(0)?),
                    UidValidity(row.get(1)?),
                ))
            });
            Ok(row.optional()?)
        })
    }

    /// How the folder stood when it was last looked through, if it ever was under this UIDVALIDITY.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn followed(&self, folder: FolderId) -> Result<Option<Followed>> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT uid_next, earlier, messages FROM followed WHERE folder = ?1")?;
            let row = statement.query_row([folder], |row| {
                Ok(Followed {
                    uid_next: uid(row.get(0)?)?,
                    earlier: uid(row.get(1)?)?,
                    messages: row.get(2)?,
                })
            });
            Ok(row.optional()?)
        })
    }

    /// What we moved into this folder, and neither an undo nor a look has taken away since; and what the user put there
    /// as spam.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn placed(&self, account: AccountId, folder: FolderId) -> Result<Vec<Placed>> {
        let Some((name, validity)) = self.standing(folder)? else {
            return Ok(Vec::new());
        };
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT history.id, history.to_uid, coalesce(history.copy_print, history.fingerprint),
                        CASE WHEN history.copy_print IS NULL THEN history.size ELSE intent.copy_size END
                 FROM history JOIN intent ON intent.id = history.intent
                 WHERE history.account = ?1 AND history.to_folder = ?2 AND history.to_validity = ?3
                   AND history.gone IS NULL AND history.undone_by IS NULL AND history.to_uid IS NOT NULL
                   AND history.purpose = 'scan' AND history.action = 'move'",
            )?;
            let placed = |row: &Row<'_>| {
                Ok(Placed {
                    entry: row.get(0)?,
                    uid: uid(row.get(1)?)?,
                    fingerprint: fingerprint(row.get(2)?),
                    size: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                })
            };
            let mut found: Vec<Placed> = statement
                .query_map(params![account, name.as_str(), validity.0], placed)?
                .collect::<rusqlite::Result<_>>()?;
            let mut statement = conn.prepare_cached(
                "SELECT NULL, uid, fingerprint, size FROM correction
                 WHERE account = ?1 AND folder = ?2 AND class = 'spam'",
            )?;
            for row in statement.query_map(params![account, folder], placed)? {
                found.push(row?);
            }
            Ok(found)
        })
    }

    /// Whether a message of this identity was ever moved into this folder by us.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn was_placed(&self, account: AccountId, print: Fingerprint, folder: &FolderName) -> Result<bool> {
        self.read(|conn| {
            Ok(conn
                .prepare_cached(
                    "SELECT 1 FROM history
                     WHERE fingerprint = ?1 AND account = ?2 AND to_folder = ?3 AND action <> 'restore'",
                )?
                .exists(params![print.0, account, folder.as_str()])?)
        })
    }

    /// Writes down what a look brought. What the user moved away from where spam goes is never moved again.
    ///
    /// # Errors
    /// [`Error::Parked`](crate::Error::Parked) if a folder's UIDVALIDITY changed meanwhile; then nothing is written.
    pub fn note_look(&mut self, account: AccountId, look: &Look, now: Timestamp) -> Result<()> {
        self.write(|tx| {
            for entry in &look.gone {
                tx.prepare_cached("UPDATE history SET gone = ?2 WHERE id = ?1")?
                    .execute(params![entry, now])?;
            }
            for print in &look.left {
                tx.prepare_cached("DELETE FROM correction WHERE account = ?1 AND fingerprint = ?2")?
                    .execute(params![account, print.0])?;
            }
            for found in &look.found {
                must_stand(tx, found.folder)?;
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO correction
                     (account, fingerprint, class, folder, uid, size, origin, origin_uid, found)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    account,
                    found.fingerprint.0,
                    class_word(found.class),
                    found.folder,
                    found.uid.get(),
                    found.size.cast_signed(),
                    found.origin.map(|(folder, _)| folder),
                    found.origin.map(|(_, uid)| uid.get()),
                    found.found
                ])?;
                if found.class == Class::Ham {
                    learned::keep_one(tx, account, found.fingerprint.0, "moved back", now)?;
                }
            }
            for (folder, followed) in &look.followed {
                must_stand(tx, *folder)?;
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO followed (folder, uid_next, earlier, messages) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    folder,
                    followed.uid_next.get(),
                    followed.earlier.get(),
                    followed.messages
                ])?;
            }
            Ok(())
        })
    }

    /// What the user moved and was not learned yet, the oldest first.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn corrections(&self, account: AccountId) -> Result<Vec<Correction>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT fingerprint, class, folder, uid, size, origin, origin_uid, found FROM correction
                 WHERE account = ?1 AND taught IS NULL ORDER BY found, folder, uid",
            )?;
            let rows = statement.query_map([account], |row| {
                let origin: Option<FolderId> = row.get(5)?;
                Ok(Correction {
                    fingerprint: fingerprint(row.get(0)?),
                    class: row.get::<_, ClassWord>(1)?.0,
                    folder: row.get(2)?,
                    uid: uid(row.get(3)?)?,
                    size: row.get::<_, i64>(4)?.cast_unsigned(),
                    origin: origin.zip(opt_uid(row.get(6)?)),
                    found: row.get(7)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Notes that these corrections were learned. Those that made spam stay known as long as the message lies where the
    /// user put it; the others are forgotten.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn end_corrections(
        &mut self,
        account: AccountId,
        learned: &[Fingerprint],
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            for print in learned {
                tx.prepare_cached(
                    "UPDATE correction SET taught = ?3 WHERE account = ?1 AND fingerprint = ?2 AND class = 'spam'",
                )?
                .execute(params![account, print.0, now])?;
                tx.prepare_cached(
                    "DELETE FROM correction WHERE account = ?1 AND fingerprint = ?2 AND class = 'ham'",
                )?
                .execute(params![account, print.0])?;
            }
            Ok(())
        })
    }

    /// Forgets corrections that are none: the message was moved on, or copied.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn drop_corrections(&mut self, account: AccountId, prints: &[Fingerprint]) -> Result<()> {
        self.write(|tx| {
            let mut delete =
                tx.prepare_cached("DELETE FROM correction WHERE account = ?1 AND fingerprint = ?2")?;
            for print in prints {
                delete.execute(params![account, print.0])?;
            }
            Ok(())
        })
    }
}
