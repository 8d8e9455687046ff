//! Which messages were judged or taught already. Does not know what the verdicts led to.

use isbg_types::{Fingerprint, Score, Tier, Uid, UidSet};
use rusqlite::{OptionalExtension, params};

use crate::error::Result;
use crate::folders::must_stand;
use crate::words::uid;
use crate::{AccountId, FolderId, Purpose, Store, Timestamp};

/// A message dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its UID in the folder.
    pub uid: Uid,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The tier it was judged to be in; `None` where it was taught, not judged.
    pub tier: Option<Tier>,
    /// Its score, where it was judged.
    pub score: Option<Score>,
}

impl Store {
    /// Remembers messages as dealt with and clears their attempts, in one transaction. A message seen before is
    /// overwritten.
    ///
    /// # Errors
    /// [`Error::Parked`](crate::Error::Parked) if the folder's UIDVALIDITY changed meanwhile.
    pub fn commit_seen(
        &mut self,
        folder: FolderId,
        purpose: Purpose,
        messages: &[Seen],
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            must_stand(tx, folder)?;
            let mut insert = tx.prepare_cached(
                "INSERT OR REPLACE INTO seen (folder, purpose, uid, fingerprint, tier, score, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            let mut clear =
                tx.prepare_cached("DELETE FROM attempt WHERE folder = ?1 AND purpose = ?2 AND uid = ?3")?;
            for message in messages {
                let number = message.uid.get();
                insert.execute(params![
                    folder,
                    purpose,
                    number,
                    message.fingerprint.0,
                    message.tier.map(Tier::as_str),
                    message.score.map(|score| score.0),
                    now
                ])?;
                clear.execute(params![folder, purpose, number])?;
            }
            Ok(())
        })
    }

    /// Takes over UIDs from an older isbg's file as seen: no fingerprint, no verdict. What is known already stays.
    ///
    /// # Errors
    /// [`Error::Parked`](crate::Error::Parked) if the folder's UIDVALIDITY changed meanwhile.
    pub fn adopt(&mut self, folder: FolderId, purpose: Purpose, uids: &UidSet, now: Timestamp) -> Result<()> {
        self.write(|tx| {
            must_stand(tx, folder)?;
            let mut insert = tx.prepare_cached(
                "INSERT INTO seen (folder, purpose, uid, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?;
            for message in uids.iter() {
                insert.execute(params![folder, purpose, message.get(), now])?;
            }
            Ok(())
        })
    }

    /// Those of `uids` that have not been seen. Linear in the number of ranges and of seen messages between the first
    /// and the last of them; ranges are never expanded.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn unseen(&self, folder: FolderId, purpose: Purpose, uids: &UidSet) -> Result<UidSet> {
        let (Some(&(low, _)), Some(&(_, high))) = (uids.ranges().first(), uids.ranges().last()) else {
            return Ok(UidSet::new());
        };
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT uid FROM seen WHERE folder = ?1 AND purpose = ?2 AND uid BETWEEN ?3 AND ?4 ORDER BY uid",
            )?;
            let seen: Vec<u32> = statement
                .query_map(params![folder, purpose, low, high], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(without(uids, &seen))
        })
    }

    /// How many messages have been seen.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn seen_count(&self, folder: FolderId, purpose: Purpose) -> Result<u64> {
        let count: i64 = self.read(|conn| {
            Ok(conn.query_row(
                "SELECT count(*) FROM seen WHERE folder = ?1 AND purpose = ?2",
                params![folder, purpose],
                |row| row.get(0),
            )?)
        })?;
        Ok(count.cast_unsigned())
    }

    /// Forgets seen messages and attempts whose UIDs are no longer in the folder, for all purposes; UIDs are never
    /// used again (RFC 9051 §2.3.1.1). `present` must be everything the folder holds. Gives the number forgotten.
    ///
    /// # Errors
    /// [`Error::Parked`](crate::Error::Parked) if the folder's UIDVALIDITY changed meanwhile.
    pub fn forget_missing(&mut self, folder: FolderId, present: &UidSet) -> Result<u64> {
        self.write(|tx| {
            must_stand(tx, folder)?;
            let mut forgotten = 0;
            for table in ["seen", "attempt"] {
                let known: Vec<(Purpose, u32)> = tx
                    .prepare_cached(&format!("SELECT purpose, uid FROM {table} WHERE folder = ?1"))?
                    .query_map([folder], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                let mut delete = tx.prepare_cached(&format!(
                    "DELETE FROM {table} WHERE folder = ?1 AND purpose = ?2 AND uid = ?3"
                ))?;
                for (purpose, number) in known {
                    if !present.contains(uid(number)?) {
                        forgotten += delete.execute(params![folder, purpose, number])? as u64;
                    }
                }
            }
            Ok(forgotten)
        })
    }

    /// Where messages of these identities were judged last: the folder and their UIDs in it, wherever in the account,
    /// also under an earlier UIDVALIDITY. In the order of `fingerprints`.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn last_judged(
        &self,
        account: AccountId,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Option<(FolderId, Uid)>>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT seen.folder, seen.uid FROM seen JOIN folder ON folder.id = seen.folder
                 WHERE seen.fingerprint = ?1 AND seen.purpose = 'scan' AND folder.account = ?2
                   AND seen.tier IS NOT NULL
                 ORDER BY seen.at DESC, seen.folder DESC, seen.uid DESC LIMIT 1",
            )?;
            fingerprints
                .iter()
                .map(|print| {
                    let row = statement.query_row(params![print.0, account], |row| {
                        Ok((row.get(0)?, uid(row.get(1)?)?))
                    });
                    Ok(row.optional()?)
                })
                .collect()
        })
    }
}

/// The set without these UIDs, which are in ascending order.
fn without(set: &UidSet, seen: &[u32]) -> UidSet {
    let mut rest = UidSet::new();
    let mut keep = |low: u64, high: u64| {
        let uid = |number| u32::try_from(number).ok().and_then(Uid::new);
        if let (true, Some(low), Some(high)) = (low <= high, uid(low), uid(high)) {
            rest.insert_range(low, high);
        }
    };
    let mut seen = seen.iter().copied().map(u64::from).peekable();
    for &(low, high) in set.ranges() {
        let (mut from, high) = (u64::from(low), u64::from(high));
        while let Some(number) = seen.next_if(|&number| number <= high) {
            if number >= from {
                keep(from, number.saturating_sub(1));
                from = number + 1;
            }
        }
        keep(from, high);
    }
    rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn without_is_set_difference(
            ranges in prop::collection::vec((1u32..60, 1u32..60), 0..8),
            seen in prop::collection::btree_set(1u32..70, 0..40),
        ) {
            let mut set = UidSet::new();
            for (one, other) in ranges {
                set.insert_range(Uid::new(one).unwrap(), Uid::new(other).unwrap());
            }
            let plain: BTreeSet<u32> = set.iter().map(Uid::get).filter(|uid| !seen.contains(uid)).collect();
            let seen: Vec<u32> = seen.into_iter().collect();
            let rest: BTreeSet<u32> = without(&set, &seen).iter().map(Uid::get).collect();
            prop_assert_eq!(rest, plain);
        }
    }

    #[test]
    fn the_last_uid_of_all() {
        let mut set = UidSet::new();
        set.insert_range(Uid::new(1).unwrap(), Uid::new(u32::MAX).unwrap());
        assert_eq!(without(&set, &[1, u32::MAX]).ranges(), [(2, u32::MAX - 1)]);
        assert!(without(&[Uid::new(u32::MAX).unwrap()].into_iter().collect(), &[u32::MAX]).is_empty());
    }
}
