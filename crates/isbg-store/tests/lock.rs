//! One process an account: a held lock is respected, a stale one never is. Does not test what is done under it.

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use common::child::{self, Running};
use common::{Lab, NOW};
use isbg_store::{Error, LockFile, Store, Timestamp};

const GRACE: Duration = Duration::from_secs(240 * 60);

fn file(path: &Path) -> Option<LockFile<'_>> {
    Some(LockFile { path, grace: GRACE })
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

#[test]
fn held_by_another_process_until_it_dies() {
    if let Some(directory) = child::directory() {
        let mut store = Store::open(&directory).unwrap();
        let account = store.account("me@example.org:993", NOW).unwrap();
        let _lock = store.lock(account, file(&directory.join("named")), NOW).unwrap();
        child::say("held");
        return child::wait();
    }
    let mut lab = Lab::new();
    let directory = lab.directory.path().join("state");
    let mut running = Running::start("held_by_another_process_until_it_dies", &directory);
    assert_eq!(running.line().as_deref(), Some("held"));
    // Its age is no reason to take it: the process lives.
    let error = lab
        .store
        .lock(lab.account, None, NOW.plus(1_000_000))
        .unwrap_err();
    let Error::Locked { pid, since, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*pid, *since), (Some(running.process.id()), Some(NOW)));
    assert!(
        error.to_string().contains(&running.process.id().to_string()),
        "{error}"
    );
    // Another account is free, unless it shares the named file.
    let other = lab.store.account("other", NOW).unwrap();
    let named = directory.join("named");
    assert!(matches!(
        lab.store.lock(other, file(&named), NOW),
        Err(Error::Locked { .. })
    ));
    let free = lab.store.lock(other, None, NOW).unwrap();
    running.kill();
    let lock = lab.store.lock(lab.account, file(&named), now()).unwrap();
    assert_eq!(lock.paths().count(), 2);
    drop((lock, free));
    lab.end();
}

#[test]
fn held_within_the_process_and_given_back() {
    let lab = Lab::new();
    let named = lab.directory.path().join("named");
    let lock = lab.store.lock(lab.account, file(&named), NOW).unwrap();
    let pid = fs::read_to_string(&named)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(pid, std::process::id().to_string());
    assert!(matches!(
        lab.store.lock(lab.account, None, NOW),
        Err(Error::Locked { .. })
    ));
    drop(lock);
    assert_eq!(fs::read_to_string(&named).unwrap(), "");
    drop(lab.store.lock(lab.account, file(&named), NOW).unwrap());
    lab.end();
}

#[test]
fn refused_by_the_named_file_gives_the_accounts_lock_back() {
    let lab = Lab::new();
    let named = lab.directory.path().join("named");
    fs::write(&named, std::process::id().to_string()).unwrap();
    assert!(lab.store.lock(lab.account, file(&named), now()).is_err());
    drop(lab.store.lock(lab.account, None, now()).unwrap());
    lab.end();
}

#[cfg(unix)]
#[test]
fn a_lock_file_of_isbg_2() {
    let lab = Lab::new();
    let named = lab.directory.path().join("lock");
    let write = |text: &str| fs::write(&named, text).unwrap();
    let living = std::process::id();
    write(&living.to_string());
    let error = lab.store.lock(lab.account, file(&named), now()).unwrap_err();
    assert!(
        matches!(error, Error::Locked { pid: Some(pid), since: None, .. } if pid == living),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&named).unwrap(), living.to_string());
    // A clock that was set back makes it no older.
    assert!(lab.store.lock(lab.account, file(&named), Timestamp(0)).is_err());
    // Older than the grace time: ignored, as isbg does.
    let later = now().plus(240 * 60 + 5);
    drop(lab.store.lock(lab.account, file(&named), later).unwrap());
    // Young, but its process is gone.
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    write(&gone.id().to_string());
    drop(lab.store.lock(lab.account, file(&named), now()).unwrap());
    // Young, and written by one of ours that was killed: nobody holds it.
    write(&format!("{living}\n{}\n", now().0));
    drop(lab.store.lock(lab.account, file(&named), now()).unwrap());
    for garbage in ["", "\n", "0", "-1", "99999999999999", "none", "12\nnone\n"] {
        write(garbage);
        drop(lab.store.lock(lab.account, file(&named), now()).unwrap());
    }
    fs::write(&named, vec![0xff; 100_000]).unwrap();
    drop(lab.store.lock(lab.account, file(&named), now()).unwrap());
    lab.end();
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_refused() {
    let lab = Lab::new();
    let victim = lab.directory.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let named = lab.directory.path().join("link");
    std::os::unix::fs::symlink(&victim, &named).unwrap();
    assert!(matches!(
        lab.store.lock(lab.account, file(&named), NOW),
        Err(Error::Link { .. })
    ));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    let pipe = lab.directory.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        lab.store.lock(lab.account, file(&pipe), NOW),
        Err(Error::Link { .. })
    ));
    let nowhere = lab.directory.path().join("missing/lock");
    assert!(matches!(
        lab.store.lock(lab.account, file(&nowhere), NOW),
        Err(Error::Io { .. })
    ));
    lab.end();
}
