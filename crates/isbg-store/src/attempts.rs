//! Messages being judged, and those that could not be. Does not decide when to give up on one.
//!
//! A message is noted here before it is parsed. If the process dies, the row stays and tells the next run which
//! messages may have killed it; if no verdict was reached, the row holds why and when to try again.

use isbg_types::Uid;
use rusqlite::params;

use crate::error::Result;
use crate::folders::must_stand;
use crate::words::uid;
use crate::{FolderId, Purpose, Store, Timestamp};

/// The longest error text kept, in bytes.
const ERROR_TEXT: usize = 500;

/// A message that was begun and is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its UID.
    pub uid: Uid,
    /// How often it was begun.
    pub tries: u32,
    /// How often a process died between beginning it and ending it, or, under the account's lock, has died now. After
    /// the first time it should be tried alone, after the second left alone.
    pub crashes: u32,
    /// Not to be tried before this moment.
    pub next_try: Option<Timestamp>,
    /// Why the last try gave no verdict.
    pub error: Option<String>,
}

/// A try that gave no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoVerdict {
    /// The message.
    pub uid: Uid,
    /// When to try again.
    pub next_try: Timestamp,
    /// What went wrong, for people.
    pub error: String,
}

impl Store {
    /// Notes, in one transaction, that these messages are about to be parsed and judged. A message that was begun
    /// before and never ended counts as having killed its process.
    ///
    /// # Errors
    /// [`Error::Parked`](crate::Error::Parked) if the folder's UIDVALIDITY changed meanwhile.
    pub fn begin_attempts(
        &mut self,
        folder: FolderId,
        purpose: Purpose,
        uids: &[Uid],
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            must_stand(tx, folder)?;
            let mut begin = tx.prepare_cached(
                "INSERT INTO attempt (folder, purpose, uid, tries, crashes, begun, at) VALUES (?1, ?2, ?3, 1, 0, 1, ?4)
                 ON CONFLICT DO UPDATE SET tries = tries + 1, crashes = crashes + begun, begun = 1, at = ?4,
                     next_try = NULL",
            )?;
            for uid in uids {
                begin.execute(params![folder, purpose, uid.get(), now])?;
            }
            Ok(())
        })
    }

    /// Notes that these messages got no verdict: they are to be tried again, and are not seen.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn end_without_verdict(
        &mut self,
        folder: FolderId,
        purpose: Purpose,
        failures: &[NoVerdict],
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            let mut end = tx.prepare_cached(
                "UPDATE attempt SET begun = 0, next_try = ?4, error = ?5, at = ?6
                 WHERE folder = ?1 AND purpose = ?2 AND uid = ?3",
            )?;
            for failure in failures {
                let error = clip(&failure.error, ERROR_TEXT);
                end.execute(params![
                    folder,
                    purpose,
                    failure.uid.get(),
                    failure.next_try,
                    error,
                    now
                ])?;
            }
            Ok(())
        })
    }

    /// Takes back that these messages were begun: the run ends in good order before it came to them.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn withdraw_attempts(&mut self, folder: FolderId, purpose: Purpose, uids: &[Uid]) -> Result<()> {
        self.write(|tx| {
            let mut back = tx.prepare_cached(
                "UPDATE attempt SET begun = 0, tries = tries - 1
                 WHERE folder = ?1 AND purpose = ?2 AND uid = ?3 AND begun = 1",
            )?;
            let mut clear = tx.prepare_cached(
                "DELETE FROM attempt
                 WHERE folder = ?1 AND purpose = ?2 AND uid = ?3 AND tries = 0 AND crashes = 0",
            )?;
            for uid in uids {
                back.execute(params![folder, purpose, uid.get()])?;
                clear.execute(params![folder, purpose, uid.get()])?;
            }
            Ok(())
        })
    }

    /// Forgets the attempts at messages that are no longer in the folder.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn forget_attempts(&mut self, folder: FolderId, purpose: Purpose, uids: &[Uid]) -> Result<()> {
        self.write(|tx| {
            let mut delete =
                tx.prepare_cached("DELETE FROM attempt WHERE folder = ?1 AND purpose = ?2 AND uid = ?3")?;
            for uid in uids {
                delete.execute(params![folder, purpose, uid.get()])?;
            }
            Ok(())
        })
    }

    /// All messages begun and not seen, by UID. Under the account's lock, at the start of a pass, those begun and not
    /// ended are the ones a process died over; they count as crashed.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn attempts(&self, folder: FolderId, purpose: Purpose) -> Result<Vec<Attempt>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT uid, tries, crashes + begun, next_try, error FROM attempt
                 WHERE folder = ?1 AND purpose = ?2 ORDER BY uid",
            )?;
            let rows = statement.query_map(params![folder, purpose], |row| {
                Ok(Attempt {
                    uid: uid(row.get(0)?)?,
                    tries: row.get(1)?,
                    crashes: row.get(2)?,
                    next_try: row.get(3)?,
                    error: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// The text's beginning, at most `limit` bytes of it.
pub(crate) fn clip(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}
