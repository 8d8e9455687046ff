//! Which rules are found and read. Judges nothing.

use std::fs;
use std::path::Path;

use super::*;

fn around(home: &Path) -> Environment {
    Environment {
        home: Some(home.into()),
        data_home: Some(home.join("data")),
        ..Environment::default()
    }
}

#[test]
fn named_rules_and_prefs_win() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".spamassassin")).unwrap();
    let default = home.path().join(".spamassassin").join("user_prefs");
    fs::write(&default, "").unwrap();
    let find = |paths: &[&str], prefs: Option<&str>| {
        let wish = Wish {
            paths: paths.iter().map(PathBuf::from).collect(),
            prefs: prefs.map(PathBuf::from),
        };
        find(&wish, &around(home.path()))
    };
    let found = find(&["~/a", "/b.cf"], None).unwrap();
    let paths: Vec<_> = found.places.iter().map(|place| place.path.clone()).collect();
    assert_eq!(paths, [home.path().join("a"), PathBuf::from("/b.cf")]);
    assert_eq!(found.prefs, Some(default));
    assert_eq!(find(&["/a"], Some("none")).unwrap().prefs, None);
    let other = find(&["/a"], Some("~/mine")).unwrap();
    assert_eq!(other.prefs, Some(home.path().join("mine")));
    assert!(!found.builtin);
    let found = find(&["/a", "builtin"], None).unwrap();
    assert!(found.builtin && found.places.len() == 1);
}

#[test]
fn isbg_s_own_folder_counts_once_there_are_rules_in_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("data").join("isbg").join("rules");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("notes.txt"), "").unwrap();
    let find = || find(&Wish::default(), &around(home.path())).unwrap();
    let is_read = |found: &Found| found.places.iter().any(|place| place.path == folder);
    assert!(!is_read(&find()));
    fs::write(folder.join("a.cf"), "body A /a/\n").unwrap();
    let found = find();
    assert!(found.builtin && is_read(&found));
    let loaded = found.load().unwrap();
    assert!(loaded.matcher.rules().find("A").is_some() && loaded.remark().is_none());
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.cf");
    fs::write(
        &file,
        "body A /(/\nbody B eval:check_nothing_known()\nloadplugin\n",
    )
    .unwrap();
    let loaded = Found {
        builtin: false,
        places: vec![file.into()],
        prefs: None,
        language: String::new(),
        default_plugins: false,
    }
    .load()
    .unwrap();
    assert_eq!(
        loaded.remark().unwrap(),
        "lines of the rule files that cannot be used: 2; rules that cannot be run here: B; isbg rules lint tells why"
    );
}

#[test]
fn nothing_to_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let found = |path: &Path| Found {
        builtin: false,
        places: vec![PathBuf::from(path).into()],
        prefs: None,
        language: String::new(),
        default_plugins: false,
    };
    for path in [folder.path(), &folder.path().join("missing")] {
        assert_eq!(found(path).load().unwrap_err().status, Status::Scorer);
    }
}

#[test]
fn the_built_in_rules_stand_alone() {
    let home = tempfile::tempdir().unwrap();
    let wish = Wish {
        paths: vec!["builtin".into()],
        prefs: None,
    };
    let loaded = find(&wish, &around(home.path())).unwrap().load().unwrap();
    assert_eq!(loaded.name, "built-in rules");
    assert_eq!(loaded.remark(), None);
    assert!(loaded.matcher.rules().find("ISBG_BRAND_NAME").is_some());
}
