//! State files that are missing, foreign, too new, or broken: refused with a reason, never replaced. Does not repair
//! anything.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use common::{Lab, NOW, seen};
use isbg_store::{Error, Purpose, Store};

/// A state directory with something in it, closed.
fn kept() -> (tempfile::TempDir, PathBuf) {
    let mut lab = Lab::new();
    let messages: Vec<_> = (1..2000).map(seen).collect();
    lab.store
        .commit_seen(lab.inbox, Purpose::Scan, &messages, NOW)
        .unwrap();
    let Lab { directory, store, .. } = lab;
    drop(store);
    let file = directory.path().join("state/isbg.db");
    (directory, file)
}

fn open(directory: &tempfile::TempDir) -> Result<Store, Error> {
    Store::open(&directory.path().join("state"))
}

fn says(error: &Error, words: &str) {
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn missing_or_empty() {
    let (directory, file) = kept();
    drop(open(&directory).unwrap());
    fs::write(&file, "").unwrap();
    let error = open(&directory).unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    says(&error, "backup");
    assert_eq!(fs::metadata(&file).unwrap().len(), 0);
    fs::remove_file(&file).unwrap();
    assert!(matches!(open(&directory), Err(Error::Lost { .. })));
    assert!(!file.exists());
}

#[test]
fn replaced_by_a_database_with_nothing_in_it() {
    let (directory, file) = kept();
    fs::remove_file(&file).unwrap();
    let conn = rusqlite::Connection::open(&file).unwrap();
    conn.execute_batch("PRAGMA user_version = 0; VACUUM").unwrap();
    drop(conn);
    assert!(fs::metadata(&file).unwrap().len() > 0);
    assert!(matches!(open(&directory), Err(Error::Lost { .. })));
}

#[test]
fn garbage() {
    for garbage in [
        vec![b'x'; 5000],
        vec![0; 5000],
        b"SQLite format 3\0".to_vec(),
        b"?".to_vec(),
    ] {
        let (directory, file) = kept();
        fs::write(&file, &garbage).unwrap();
        let error = open(&directory).unwrap_err();
        assert!(
            matches!(error, Error::Damaged { .. } | Error::Lost { .. }),
            "{error}"
        );
        says(&error, "backup");
        assert!(fs::read(&file).unwrap() == garbage);
    }
}

#[test]
fn cut_off_or_torn() {
    let (directory, file) = kept();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, whole.get(..whole.len() / 2).unwrap()).unwrap();
    let found = open(&directory).and_then(|store| store.check());
    assert!(
        !matches!(&found, Ok(findings) if findings.is_empty()),
        "{found:?}"
    );

    for page in 1..whole.len() / 4096 {
        fs::write(&file, &whole).unwrap();
        let mut torn = File::options().write(true).open(&file).unwrap();
        torn.seek(SeekFrom::Start(page as u64 * 4096)).unwrap();
        torn.write_all(&[0x5a; 2048]).unwrap();
        drop(torn);
        let found = open(&directory).and_then(|store| store.check());
        assert!(
            !matches!(&found, Ok(findings) if findings.is_empty()),
            "page {page}: {found:?}"
        );
    }
}

#[test]
fn of_another_program() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("state")).unwrap();
    let file = directory.path().join("state/isbg.db");
    for version in [0, 1] {
        let conn = rusqlite::Connection::open(&file).unwrap();
        conn.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS theirs (a); PRAGMA user_version = {version}"
        ))
        .unwrap();
        drop(conn);
        let error = open(&directory).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error}");
    }
    assert_ne!(
        fs::read(&file).unwrap().get(18),
        Some(&2),
        "its journal mode was changed"
    );
    let conn = rusqlite::Connection::open(&file).unwrap();
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn of_a_newer_version() {
    let (directory, file) = kept();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = open(&directory).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
    says(&error, "newer isbg");
}

#[test]
fn words_that_no_isbg_writes() {
    let mut lab = Lab::new();
    let plan = common::spam(lab.inbox, 1);
    lab.store.plan(lab.run, &[plan], NOW).unwrap();
    rusqlite::Connection::open(lab.store.path())
        .unwrap()
        .execute_batch("UPDATE intent SET flags = 'not JSON'")
        .unwrap();
    let error = lab.store.open_intents(lab.account).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn check_finds_what_does_not_fit() {
    for (change, finding) in [
        ("UPDATE folder SET parked = 1 WHERE id = 1", "parked folder"),
        (
            "UPDATE folder SET account = 2 WHERE id = 1",
            "folder is of another account",
        ),
        (
            "UPDATE run SET account = 2 WHERE id = 1",
            "run is of another account",
        ),
        ("UPDATE intent SET outcome = NULL, follows = id", "not settled"),
        ("UPDATE intent SET outcome = 'done'", "not in the history"),
        (
            "UPDATE intent SET target = NULL, target_validity = NULL, target_uid = 5",
            "never wanted",
        ),
        (
            "INSERT INTO attempt SELECT folder, purpose, uid, 1, 0, 0, 1, 1, 'x' FROM seen",
            "yet being tried",
        ),
        (
            "PRAGMA foreign_keys = OFF; UPDATE mark SET folder = 77",
            "refers to nothing",
        ),
    ] {
        let mut lab = Lab::new();
        lab.store.account("other", NOW).unwrap();
        let ids = lab
            .store
            .plan(lab.run, &[common::spam(lab.inbox, 1)], NOW)
            .unwrap();
        lab.store
            .advance(&[(ids[0], isbg_store::Step::Sent)], NOW)
            .unwrap();
        lab.store
            .commit_seen(lab.inbox, Purpose::Scan, &[seen(2)], NOW)
            .unwrap();
        let mark = isbg_store::Mark {
            uid_next: None,
            modseq: None,
            messages: None,
            complete_below: common::uid(1),
            conditions: String::new(),
            at: NOW,
        };
        lab.store.set_mark(lab.inbox, Purpose::Scan, &mark).unwrap();
        lab.clean();
        rusqlite::Connection::open(lab.store.path())
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let findings = lab.store.check().unwrap();
        assert!(
            findings.iter().any(|line| line.contains(finding)),
            "{change}: {findings:?}"
        );
    }
}

#[test]
fn several_begin_at_once() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let directory = &directory;
            scope.spawn(move || {
                let mut store = open(directory).unwrap();
                store.account(&format!("account {number}"), NOW).unwrap();
            });
        }
    });
    let store = open(&directory).unwrap();
    assert_eq!(store.accounts().unwrap().len(), 8);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::os::unix::process::CommandExt;

    use super::*;
    use crate::common::child::{self, Running};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn nobody_else_may_read_it() {
        let (directory, file) = kept();
        let state = directory.path().join("state");
        let mut store = open(&directory).unwrap();
        store.account("x", NOW).unwrap();
        assert_eq!(mode(&state), 0o700);
        for entry in fs::read_dir(&state).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        assert!(state.join("isbg.db-wal").exists());
        drop(store);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        drop(open(&directory).unwrap());
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn links_are_refused() {
        let (directory, file) = kept();
        let state = directory.path().join("state");
        let elsewhere = directory.path().join("elsewhere");
        for name in ["isbg.db", "isbg.db-wal", "isbg.db-shm", "README.txt"] {
            let path = state.join(name);
            let had = path.exists();
            if had {
                fs::rename(&path, &elsewhere).unwrap();
            } else {
                fs::write(&elsewhere, "").unwrap();
            }
            symlink(&elsewhere, &path).unwrap();
            let error = open(&directory).unwrap_err();
            assert!(matches!(error, Error::Link { .. }), "{name}: {error}");
            fs::remove_file(&path).unwrap();
            if had {
                fs::rename(&elsewhere, &path).unwrap();
            }
        }
        assert!(file.exists());
        fs::rename(&state, &elsewhere).unwrap();
        symlink(&elsewhere, &state).unwrap();
        let error = open(&directory).unwrap_err();
        assert!(matches!(error, Error::Link { .. }), "{error}");
        // A link further up is the user's own affair.
        let above = directory.path().join("above");
        symlink(directory.path(), &above).unwrap();
        drop(Store::open(&above.join("elsewhere")).unwrap());
    }

    #[test]
    fn a_directory_open_to_all() {
        let (directory, _) = kept();
        let state = directory.path().join("state");
        fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
        let error = open(&directory).unwrap_err();
        assert!(matches!(error, Error::Exposed { .. }), "{error}");
        says(&error, "chmod 700");
    }

    #[test]
    fn a_directory_without_leave_to_write() {
        const TEST: &str = "unix::a_directory_without_leave_to_write";
        if let Some(directory) = child::directory() {
            let error = Store::open(&directory.join("state")).unwrap_err();
            assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
            child::say("refused");
            let error = Store::open(&directory.join("state/deeper")).unwrap_err();
            assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
            return child::say("refused");
        }
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        fs::create_dir(&state).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o500)).unwrap();
        let mut command = child::command(TEST, directory.path());
        if fs::metadata(&state).unwrap().uid() == 0 {
            // Nothing is forbidden to root, so somebody else tries.
            chown(&state, Some(65534), Some(65534)).unwrap();
            // Somebody else may not reach the folder this test was built in.
            let copy = directory.path().join("test");
            fs::copy(command.get_program(), &copy).unwrap();
            command = child::command_of(&copy, TEST, directory.path());
            command.uid(65534).gid(65534);
        }
        let mut running = Running::of(command);
        assert_eq!(running.line().as_deref(), Some("refused"));
        assert_eq!(running.line().as_deref(), Some("refused"));
        assert!(running.process.wait().unwrap().success());
    }
}
