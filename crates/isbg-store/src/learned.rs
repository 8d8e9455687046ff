//! What was taught, and on which messages the user overruled us. Both by fingerprint, so they outlive UIDVALIDITY. Does
//! not know how an engine learns.

use isbg_types::{Class, Fingerprint};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::error::Result;
use crate::words::{ClassWord, class_word};
use crate::{AccountId, Store, Timestamp};

impl Store {
    /// As what each message was taught to this engine last. In the order of `fingerprints`. A message taught as one
    /// class is not taught as that class again; as the other it is taught anew.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn learned(
        &self,
        account: AccountId,
        engine: &str,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Option<Class>>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT class FROM learned WHERE account = ?1 AND engine = ?2 AND fingerprint = ?3",
            )?;
            fingerprints
                .iter()
                .map(|print| {
                    let class = statement.query_row(params![account, engine, print.0], |row| {
                        Ok(row.get::<_, ClassWord>(0)?.0)
                    });
                    Ok(class.optional()?)
                })
                .collect()
        })
    }

    /// Notes what an engine has just learned, in one transaction. A lesson in the other class replaces the earlier one.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn note_learned(
        &mut self,
        account: AccountId,
        engine: &str,
        lessons: &[(Fingerprint, Class)],
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            let mut note = tx.prepare_cached(
                "INSERT INTO learned (account, engine, fingerprint, class, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET class = ?4, at = ?5 WHERE class <> ?4",
            )?;
            for (print, class) in lessons {
                note.execute(params![account, engine, print.0, class_word(*class), now])?;
            }
            Ok(())
        })
    }

    /// How many messages stand as learned by this engine: ham, spam.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn learned_counts(&self, account: AccountId, engine: &str) -> Result<(u64, u64)> {
        self.read(|conn| {
            let counts: (i64, i64) = conn.query_row(
                "SELECT count(*) FILTER (WHERE class = 'ham'), count(*) FILTER (WHERE class = 'spam')
                 FROM learned WHERE account = ?1 AND engine = ?2",
                params![account, engine],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok((counts.0.cast_unsigned(), counts.1.cast_unsigned()))
        })
    }

    /// Remembers that the user wants these messages where they put them: they are never moved again.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn keep(
        &mut self,
        account: AccountId,
        fingerprints: &[Fingerprint],
        reason: &str,
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            for print in fingerprints {
                keep_one(tx, account, print.0, reason, now)?;
            }
            Ok(())
        })
    }

    /// Whether the user overruled us on each message. In the order of `fingerprints`.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn kept(&self, account: AccountId, fingerprints: &[Fingerprint]) -> Result<Vec<bool>> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT 1 FROM kept WHERE account = ?1 AND fingerprint = ?2")?;
            fingerprints
                .iter()
                .map(|print| Ok(statement.exists(params![account, print.0])?))
                .collect()
        })
    }
}

pub(crate) fn keep_one(
    tx: &Transaction<'_>,
    account: AccountId,
    print: [u8; 32],
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO kept (account, fingerprint, reason, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![account, print, reason, now])?;
    Ok(())
}
