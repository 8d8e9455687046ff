//! The store through updates, rollbacks, interruptions and full disks. Fetches nothing.

use std::fs::OpenOptions;
use std::str::FromStr as _;
use std::time::Duration;

use super::*;
use crate::update::{Fingerprint, Keys, Package, RuleFile, Signed};

fn channel() -> Channel {
    Channel::of_spamassassin()
}

/// Two files with the version as their text, signed at that second.
fn package(version: u64) -> Package {
    let file = |name: &str| RuleFile {
        name: name.into(),
        text: version.to_string().into(),
    };
    Package {
        files: ["a.cf", "b.pre"].map(file).to_vec(),
        signed: Signed {
            by: Fingerprint::from_str(&"A".repeat(40)).unwrap(),
            at: version,
        },
    }
}

fn update(root: &Path, version: u64) {
    let mut held = Held::open(root, &channel()).unwrap();
    let staged = held.stage(version, &package(version)).unwrap();
    held.install(staged).unwrap();
}

/// The version in force as its files have it, and the one before.
fn in_force(root: &Path) -> (String, Option<u64>) {
    let all = installed(root).unwrap();
    let [only] = &all[..] else { panic!("{all:?}") };
    let text = fs::read_to_string(only.folder.join("a.cf")).unwrap();
    assert_eq!(text, only.state.version.to_string());
    assert_eq!(fs::read_to_string(only.folder.join("b.pre")).unwrap(), text);
    (text, only.state.previous)
}

fn names(root: &Path) -> Vec<String> {
    let folder = root.join(channel().as_str());
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn updates_keep_the_version_before() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(installed(root.path()).unwrap(), []);
    assert_eq!(installed(&root.path().join("none")).unwrap(), []);
    for (version, previous) in [(5, None), (6, Some(5)), (10, Some(6))] {
        update(root.path(), version);
        assert_eq!(in_force(root.path()), (version.to_string(), previous));
    }
    assert_eq!(names(root.path()), ["10", "6", "current", "lock"]);
}

#[test]
fn rolling_back_and_forth() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    let nothing = |held: &mut Held| matches!(held.roll_back(), Err(StoreError::NothingBefore(_)));
    assert!(nothing(&mut Held::open(root.path(), &channel()).unwrap()));
    update(root.path(), 6);
    let mut held = Held::open(root.path(), &channel()).unwrap();
    held.roll_back().unwrap();
    assert_eq!(in_force(root.path()), ("5".into(), Some(6)));
    assert_eq!(
        (held.state().unwrap().refused, held.state().unwrap().signed),
        (Some(6), 6)
    );
    held.roll_back().unwrap();
    assert_eq!(in_force(root.path()), ("6".into(), Some(5)));
    assert_eq!(held.state().unwrap().refused, None);
    held.roll_back().unwrap();
    drop(held);
    update(root.path(), 7);
    assert_eq!(in_force(root.path()), ("7".into(), Some(5)));
    fs::remove_dir_all(root.path().join(channel().as_str()).join("5")).unwrap();
    assert!(nothing(&mut Held::open(root.path(), &channel()).unwrap()));
}

#[test]
fn an_interrupted_update_changes_nothing_and_is_cleared_away() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    let folder = root.path().join(channel().as_str());
    let copy = |name: &str| {
        let to = folder.join(name);
        fs::create_dir(&to).unwrap();
        fs::write(to.join("a.cf"), "half").unwrap();
    };
    let interrupted: [&dyn Fn(); 4] = [
        // While files are written.
        &|| copy(".new-6"),
        // After the folder has its name.
        &|| copy("6"),
        // While `current` is written.
        &|| fs::write(folder.join(".new-current"), "{\"ver").unwrap(),
        &|| {
            copy(".new-7");
            copy("7");
            fs::write(folder.join(".new-MIRRORED.BY"), "").unwrap();
        },
    ];
    for interrupt in interrupted {
        interrupt();
        assert_eq!(in_force(root.path()), ("5".into(), None));
        drop(Held::open(root.path(), &channel()).unwrap());
        assert_eq!(names(root.path()), ["5", "current", "lock"]);
    }
    // The same versions can be had afterwards.
    for version in [6, 7] {
        update(root.path(), version);
    }
    assert_eq!(in_force(root.path()), ("7".into(), Some(6)));
}

#[test]
fn what_is_staged_is_not_in_force_and_goes_when_it_is_dropped() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    let held = Held::open(root.path(), &channel()).unwrap();
    let staged = held.stage(6, &package(6)).unwrap();
    assert!(staged.folder().join("a.cf").is_file());
    assert_eq!(in_force(root.path()), ("5".into(), None));
    drop(staged);
    assert_eq!(names(root.path()), ["5", "current", "lock"]);
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_version() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    let held = Held::open(root.path(), &channel()).unwrap();
    let mut bad = package(6);
    bad.files.push(RuleFile {
        name: "no/such/folder.cf".into(),
        text: Vec::new(),
    });
    assert!(matches!(held.stage(6, &bad), Err(StoreError::Io { .. })));
    assert_eq!(in_force(root.path()), ("5".into(), None));
    assert_eq!(names(root.path()), ["5", "current", "lock"]);
}

#[test]
fn a_version_that_cannot_be_put_in_force_leaves_the_old_one() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    let mut held = Held::open(root.path(), &channel()).unwrap();
    let staged = held.stage(6, &package(6)).unwrap();
    let folder = root.path().join(channel().as_str());
    fs::create_dir(folder.join(".new-current")).unwrap();
    let error = held.install(staged).unwrap_err();
    assert!(
        error.to_string().contains("the rules that were in force stay so"),
        "{error}"
    );
    assert_eq!(in_force(root.path()), ("5".into(), None));
    drop(held);
    update(root.path(), 6);
    assert_eq!(in_force(root.path()), ("6".into(), Some(5)));
}

#[test]
fn nothing_old_is_taken_for_new() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    update(root.path(), 6);
    let mut held = Held::open(root.path(), &channel()).unwrap();
    for _ in 0..2 {
        let replayed = held.stage(7, &package(4)).unwrap_err();
        assert!(
            matches!(replayed, StoreError::Older { version: 7, .. }),
            "{replayed}"
        );
        held.stage(7, &package(6)).unwrap();
        held.roll_back().unwrap();
    }
}

#[test]
fn one_update_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let held = Held::open(root.path(), &channel()).unwrap();
    let busy = Held::open(root.path(), &channel()).unwrap_err();
    assert!(matches!(busy, StoreError::Busy(_)), "{busy}");
    let other = "kam.example.org".parse().unwrap();
    drop(Held::open(root.path(), &other).unwrap());
    drop(held);
    drop(Held::open(root.path(), &channel()).unwrap());
}

#[test]
fn damage_is_told() {
    let root = tempfile::tempdir().unwrap();
    update(root.path(), 5);
    let current = root.path().join(channel().as_str()).join("current");
    let good = fs::read_to_string(&current).unwrap();
    for bad in ["", "{}", "[1]", &good.replace('5', "6"), &"9".repeat(10_000)] {
        fs::write(&current, bad).unwrap();
        assert!(
            matches!(installed(root.path()), Err(StoreError::Damaged(_))),
            "{bad}"
        );
        assert!(matches!(
            Held::open(root.path(), &channel()),
            Err(StoreError::Damaged(_))
        ));
    }
    fs::write(&current, good).unwrap();
    assert_eq!(in_force(root.path()), ("5".into(), None));
}

#[test]
fn spamassassin_s_own_channel_comes_first() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("mine.cf"), "").unwrap();
    fs::create_dir(root.path().join("a.empty.example")).unwrap();
    for name in ["b.example.org", "a.example.org", channel().as_str()] {
        let mut held = Held::open(root.path(), &name.parse().unwrap()).unwrap();
        let staged = held.stage(1, &package(1)).unwrap();
        held.install(staged).unwrap();
    }
    let all = installed(root.path()).unwrap();
    let order: Vec<_> = all.iter().map(|one| one.channel.as_str()).collect();
    assert_eq!(order, [channel().as_str(), "a.example.org", "b.example.org"]);
}

#[test]
fn lists_and_keys_are_remembered() {
    let root = tempfile::tempdir().unwrap();
    let held = Held::open(root.path(), &channel()).unwrap();
    assert!(held.keys().unwrap().is_none() && held.mirror_list().unwrap().is_none());
    held.keep_mirror_list(b"http://a.example").unwrap();
    assert_eq!(
        held.mirror_list().unwrap(),
        Some((b"http://a.example".to_vec(), true))
    );
    let list = root.path().join(channel().as_str()).join("MIRRORED.BY");
    let file = OpenOptions::new().write(true).open(list).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(8 * 24 * 60 * 60))
        .unwrap();
    assert_eq!(
        held.mirror_list().unwrap(),
        Some((b"http://a.example".to_vec(), false))
    );
    let keys = Keys::of_spamassassin().unwrap();
    held.remember_keys(&keys).unwrap();
    assert_eq!(held.keys().unwrap().unwrap().fingerprints(), keys.fingerprints());
}
