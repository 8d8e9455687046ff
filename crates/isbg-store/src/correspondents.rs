//! Whom the user has written to. Does not know how that was found out, nor what follows from it.

use std::collections::HashSet;

use rusqlite::params;

use crate::error::Result;
use crate::{Store, Timestamp};

/// So many are remembered; those not met again for the longest time go first.
const MOST: usize = 100_000;

impl Store {
    /// Notes addresses, in lower case, that the user has written to. Gives how many are new. What is no address is left
    /// out.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn add_correspondents<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = &'a str>,
        now: Timestamp,
    ) -> Result<usize> {
        self.write(|tx| {
            let count = "SELECT count(*) FROM correspondent";
            let before: i64 = tx.query_row(count, [], |row| row.get(0))?;
            let mut note = tx.prepare_cached(
                "INSERT INTO correspondent (address, at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = ?2",
            )?;
            let is_one =
                |address: &&str| (3..=254).contains(&address.chars().count()) && address.contains('@');
            for address in addresses.into_iter().filter(is_one) {
                note.execute(params![address, now])?;
            }
            let after: i64 = tx.query_row(count, [], |row| row.get(0))?;
            tx.execute(
                "DELETE FROM correspondent WHERE address IN
                 (SELECT address FROM correspondent ORDER BY at DESC, address LIMIT -1 OFFSET ?1)",
                [MOST as i64],
            )?;
            Ok(usize::try_from(after - before).unwrap_or(0))
        })
    }

    /// All of them.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn correspondents(&self) -> Result<HashSet<String>> {
        self.read(|conn| {
            let mut all = conn.prepare("SELECT address FROM correspondent")?;
            let addresses = all.query_map([], |row| row.get(0))?;
            Ok(addresses.collect::<rusqlite::Result<_>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_once() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(&home.path().join("state")).unwrap();
        let known = ["ann@example.org", "bob@example.org"];
        assert_eq!(store.add_correspondents(known, Timestamp(1)).unwrap(), 2);
        let more = [
            "bob@example.org",
            "carl@example.org",
            "carl@example.org",
            "",
            "nobody",
        ];
        assert_eq!(store.add_correspondents(more, Timestamp(2)).unwrap(), 1);
        let expected = ["ann@example.org", "bob@example.org", "carl@example.org"];
        assert_eq!(
            store.correspondents().unwrap(),
            expected.map(str::to_owned).into()
        );
    }

    #[test]
    fn the_oldest_make_room() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(&home.path().join("state")).unwrap();
        store
            .add_correspondents(["old@example.org"], Timestamp(1))
            .unwrap();
        let many: Vec<String> = (0..MOST).map(|number| format!("{number}@example.org")).collect();
        let added = store
            .add_correspondents(many.iter().map(String::as_str), Timestamp(2))
            .unwrap();
        let known = store.correspondents().unwrap();
        assert_eq!((added, known.len()), (MOST, MOST));
        assert!(!known.contains("old@example.org"));
    }
}
