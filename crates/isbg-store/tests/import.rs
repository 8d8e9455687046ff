//! What older isbg versions left behind is found and read; what none of them wrote is refused. The fixtures of 2.3.1 are
//! what that program wrote for this account, those of 0.99 were made from its description with another MD5.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use isbg_store::import::{
    ImportError, Places, find_files, name_hashes, read_old_file, read_password, read_track,
};
use isbg_store::{Error, Password, Purpose, load_password, save_password};
use isbg_types::{Uid, UidValidity};

const HOST: &str = "imap.example.org";
const USER: &str = "me@example.org";

/// "correct horse", stored by 0.99 for port 993.
const OBFUSCATED: &str = "1f1518f4c67a94e2f84241955c0733cdf4e2071cc24f7fee654e08fd6c2b973af6848d783cd2d8ad5ad0fdcb2f665bf1d21f207921d0802b74c7c8efb4a6e1276f898c163c97f03144ea8af50e56cd04de4ebb1772a25bc470b1c7addfdebfda52665eb563d943954ffa2797c45441d94d8a243f67e006646a4f1548cdf17371480a295421d77472c26d57a0fc641f5429a835700f5fe2e60f5d5b10a68b535ea889f0ce174582b5a4a0e9b9206a8d1213fdc9d2476150628cd32a9ac0af39123c024893166d646faa9cb353c7eba89e3b3243edfd4ba73fa4eb7a751661eac371e399f369f83eeee269121c74cf6cabcaa195fc62b4853738eccbb79bf407bb";

/// "päss wörd", stored by 0.99 with `--imapport=143`.
const OBFUSCATED_143: &str = "d91372159132efc624b88a2390433d98072a66f4f9cf30a76aaeade0ddaa8949f379d03203d8b2adf501ed100c1820c7487f606fdb191cec04179f8ac6417aac1a3e96c56c4a7d96e20d9ec17113cbd3ac405021bda76ec20ef80682d7d37519bfe2d8aa1d856a81e23388812e7ece1899cba2c0b0e5f955cfae2c4d3080080a79310bf92126efbb1b67b40940b39900be28270904be6da5b51d610fedbaf3a8025a6436c08155713959c1d9344eaf7a59159da32536ac7be11344e50dfd28ac08fd883e2b6fc4ca116dc5d9fe964aae51a29d7ceaf89757bd539b20acc68dccc6fd3a718f9830f3e4acb48fd4bdfc2cb69434020b47e967e9aede11304b66c6";

/// What isbg 2.3.1 writes.
const TRACK: &str = r#"{"uidvalidity": 1519500000, "uids": ["17", 3, 4, 204, 17]}"#;
const PASSWORD: &str = r#"{"password": "correct \"horse\" \u00e9"}"#;

#[test]
fn names_are_those_isbg_gave() {
    let hashes = name_hashes(HOST, USER, 993);
    assert_eq!(
        hashes,
        [
            "d68a3108b36471497d09416f524195dc",
            "8c001dfa9cb1db41ab911ed84e3bb743"
        ]
    );
}

#[test]
fn files_are_found_newer_versions_first() {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".cache");
    fs::create_dir_all(cache.join("isbg")).unwrap();
    let [bare, quoted] = name_hashes(HOST, USER, 993);
    for name in [
        format!(".isbg-track{bare}"),
        format!(".isbg-{bare}"),
        format!(".cache/isbg/track{quoted}inbox"),
        format!(".cache/isbg/track{bare}spam"),
        format!(".cache/isbg/track{bare}ham"),
        format!(".cache/isbg/.isbg-{quoted}"),
        ".cache/isbg/trackd41d8cd98f00b204e9800998ecf8427einbox".to_owned(),
    ] {
        fs::write(home.path().join(name), "x").unwrap();
    }
    let mut places = Places {
        home: Some(home.path().to_owned()),
        cache: Some(cache.clone()),
        trackfile: None,
    };
    let found = find_files(&places, HOST, USER, 993);
    let tracks: Vec<_> = found
        .tracks
        .iter()
        .map(|track| {
            (
                track.purpose,
                track
                    .path
                    .strip_prefix(home.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(
        tracks,
        [
            (Purpose::Scan, format!(".cache/isbg/track{quoted}inbox")),
            (Purpose::LearnSpam, format!(".cache/isbg/track{bare}spam")),
            (Purpose::LearnHam, format!(".cache/isbg/track{bare}ham")),
            (Purpose::Scan, format!(".isbg-track{bare}")),
        ]
    );
    assert_eq!(
        found.passwords,
        [
            home.path().join(format!(".isbg-{bare}")),
            cache.join(format!("isbg/.isbg-{quoted}"))
        ]
    );
    assert_eq!(find_files(&places, HOST, "another", 993), Default::default());

    places.trackfile = Some(home.path().join("mine"));
    fs::write(home.path().join("mineinbox"), TRACK).unwrap();
    let found = find_files(&places, HOST, USER, 993);
    assert_eq!(found.tracks.len(), 1);
    let (bytes, _) = read_old_file(&found.tracks[0].path).unwrap();
    assert_eq!(
        read_track(&bytes).unwrap().validity,
        Some(UidValidity(1_519_500_000))
    );
}

#[test]
fn a_track_file_of_2_3_1() {
    let track = read_track(TRACK.as_bytes()).unwrap();
    assert_eq!(
        track.uids.iter().map(Uid::get).collect::<Vec<_>>(),
        [3, 4, 17, 204]
    );
}

#[test]
fn passwords_of_both_forms() {
    let read =
        |text: &str, port| read_password(text.as_bytes(), HOST, USER, port).map(|it| it.expose().to_owned());
    assert_eq!(read(PASSWORD, 993).unwrap(), "correct \"horse\" é");
    assert_eq!(read(OBFUSCATED, 993).unwrap(), "correct horse");
    assert_eq!(
        read(&format!("{}\n", OBFUSCATED.to_uppercase()), 993).unwrap(),
        "correct horse"
    );
    assert_eq!(read(OBFUSCATED_143, 143).unwrap(), "päss wörd");
    assert!(matches!(read(OBFUSCATED, 143), Err(ImportError::OtherAccount)));
    let other = read_password(OBFUSCATED.as_bytes(), HOST, "you@example.org", 993);
    assert!(matches!(other, Err(ImportError::OtherAccount)));
    // Right as far as the password goes, and another stream behind it.
    let tail = format!("{}00", OBFUSCATED.get(..510).unwrap());
    assert!(matches!(read(&tail, 993), Err(ImportError::OtherAccount)));
    let cut = OBFUSCATED.get(..510).unwrap().to_owned();
    for garbage in [
        "",
        "hunter2",
        "{}",
        "[]",
        "12345",
        r#"{"password": 5}"#,
        r#"{"password": null}"#,
        &cut,
    ] {
        assert!(
            matches!(read(garbage, 993), Err(ImportError::Garbage(_))),
            "{garbage}"
        );
    }
    let huge = vec![b'a'; 1_000_000];
    assert!(matches!(
        read_password(&huge, HOST, USER, 993),
        Err(ImportError::TooLarge(_))
    ));
}

#[test]
fn debug_hides_the_password() {
    let password = read_password(OBFUSCATED.as_bytes(), HOST, USER, 993).unwrap();
    assert!(!format!("{password:?}").contains("horse"));
}

#[test]
fn saved_and_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pw");
    assert_eq!(load_password(&path, HOST, USER, 993).unwrap(), None);
    save_password(&path, &Password::new("a \"quoted\" \\ pässword".to_owned())).unwrap();
    let stored = load_password(&path, HOST, USER, 993).unwrap().unwrap();
    assert_eq!(stored.password.expose(), "a \"quoted\" \\ pässword");
    assert!(!stored.open_to_others);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    fs::write(&path, r#"{"other": 1, "password": "old"}"#).unwrap();
    save_password(&path, &Password::new("new".to_owned())).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        r#"{"other":1,"password":"new"}"#
    );
    fs::write(&path, OBFUSCATED).unwrap();
    save_password(&path, &Password::new("new".to_owned())).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"password":"new"}"#);
}

#[test]
fn nothing_else_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shopping-list");
    fs::write(&path, "milk\n").unwrap();
    let error = save_password(&path, &Password::new("secret".to_owned())).unwrap_err();
    assert!(matches!(error, Error::NotAPasswordFile { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "milk\n");
}

#[cfg(unix)]
#[test]
fn modes_links_and_pipes() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pw");
    fs::write(&path, PASSWORD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        load_password(&path, HOST, USER, 993)
            .unwrap()
            .unwrap()
            .open_to_others
    );
    save_password(&path, &Password::new("new".to_owned())).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let victim = directory.path().join("victim");
    let link = directory.path().join("link");
    fs::write(&victim, "{}").unwrap();
    symlink(&victim, &link).unwrap();
    let error = save_password(&link, &Password::new("new".to_owned())).unwrap_err();
    assert!(matches!(error, Error::Link { .. }), "{error}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "{}");

    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(matches!(read_old_file(&pipe), Err(ImportError::Io { .. })));
    assert!(matches!(
        load_password(&pipe, HOST, USER, 993),
        Err(ImportError::Io { .. })
    ));
}
