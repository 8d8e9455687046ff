//! A copy of the state to play with: whatever is done to it is gone in the end. Does not touch the state itself.

use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};
use crate::open::FILE;
use crate::{Store, private};

/// So many pages are copied at once.
const PAGES: i32 = 4096;

impl Store {
    /// A private copy of the state in this directory, or of an empty one if there is none. It is kept in a temporary
    /// file without a name: a dry run may work on it like any other run, and nothing is remembered.
    ///
    /// # Errors
    /// Those of reading the state file, and of the temporary file.
    pub fn rehearsal(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let found = private::plain(&path)?.filter(|found| found.len() > 0);
        let copied = || -> rusqlite::Result<Connection> {
            // An empty name is SQLite's for a temporary database of its own.
            let mut copy = Connection::open("")?;
            if found.is_some() {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW;
                let state = Connection::open_with_flags(&path, flags)?;
                Backup::new(&state, &mut copy)?.run_to_completion(PAGES, std::time::Duration::ZERO, None)?;
            }
            copy.pragma_update(None, "foreign_keys", true)?;
            Ok(copy)
        };
        let conn = copied().map_err(|error| Error::from(error).at(&path))?;
        let mut store = Self {
            conn,
            directory: directory.to_owned(),
            path: PathBuf::from("the copy of the state that a dry run works on"),
        };
        store.migrate(false)?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn nothing_done_to_it_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("state");
        assert!(
            Store::rehearsal(&directory)
                .unwrap()
                .accounts()
                .unwrap()
                .is_empty()
        );
        assert!(!directory.exists());

        let mut state = Store::open(&directory).unwrap();
        state.account("home", Timestamp(1)).unwrap();
        let mut play = Store::rehearsal(&directory).unwrap();
        assert!(play.find_account("home").unwrap().is_some());
        play.account("other", Timestamp(2)).unwrap();
        assert!(state.find_account("other").unwrap().is_none());
    }
}
