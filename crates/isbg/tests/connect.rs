//! Connecting and logging in to a real Dovecot: what is said and returned when it works and when it does not.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use common::{Home, Ran};
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::{Authority, Identity};

const PASSWORD: &str = "canary-7Zx!";

fn dovecot(settings: Settings) -> Dovecot {
    Dovecot::start(Settings {
        users: vec![("me".to_owned(), PASSWORD.to_owned())],
        ..settings
    })
    .unwrap()
}

fn plain(dovecot: &Dovecot) -> String {
    format!(
        "--imaphost 127.0.0.1 --imapport {} --imapuser me --imaplist --nossl",
        dovecot.address().port()
    )
}

fn implicit(dovecot: &Dovecot) -> String {
    let port = dovecot.tls_address().unwrap().port();
    format!("--imaphost localhost --imapport {port} --imapuser me --imaplist")
}

fn tls(identity: Identity) -> Dovecot {
    dovecot(Settings {
        tls: Some(identity),
        ..Settings::default()
    })
}

/// A run that fails in one line (but for notices), with this status.
fn fails(ran: &Ran, status: i32, part: &str) {
    let lines: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| !line.contains("warning:"))
        .collect();
    assert_eq!((ran.status, lines.len()), (status, 1), "{ran}");
    assert!(lines[0].contains(part), "{ran}");
    assert!(!ran.to_string().contains("canary"), "{ran}");
}

#[test]
fn folders_are_listed() {
    let settings = Settings {
        folders: vec![("Junk", Some("\\Junk")), ("Grüße & mehr", None)],
        ..Settings::default()
    };
    let dovecot = dovecot(settings);
    dovecot
        .deliver("INBOX", b"Subject: one\r\n\r\n", &[], 1_780_000_000)
        .unwrap();
    dovecot
        .deliver("INBOX", b"Subject: two\r\n\r\n", &["\\Seen"], 1_780_000_000)
        .unwrap();
    let home = Home::new();
    home.write("pw", PASSWORD);
    let line = format!("{} --passwdfilename pw", plain(&dovecot));
    let ran = home.line(&line);
    assert_eq!(ran.status, 0, "{ran}");
    let mut lines: Vec<&str> = ran.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "Grüße & mehr             0 messages, 0 unseen",
            "INBOX                    2 messages, 1 unseen",
            "Junk          junk       0 messages, 0 unseen",
        ]
    );
    let json = home.line(&format!("{line} --json"));
    assert!(
        json.out.contains(
            r#"{"event":"folder","account":"me@127.0.0.1","name":"Junk","special_use":"junk","selectable":true,"messages":0,"unseen":0}"#
        ),
        "{json}"
    );
}

#[test]
fn every_way_to_a_password() {
    let dovecot = dovecot(Settings::default());
    let home = Home::new();
    home.write("plain", &format!("{PASSWORD}\n"));
    home.write("json", &format!("{{\"password\": \"{PASSWORD}\"}}"));
    home.write("credentials/isbg-password", PASSWORD);
    let line = format!("{} --noninteractive --verbose --verbose-mails", plain(&dovecot));
    for options in [
        "--passwdfilename plain",
        "--passwdfilename json",
        "--password-command cat${IFS}plain",
    ] {
        let ran = home.line(&format!("{line} {options}"));
        assert_eq!(ran.status, 0, "{options}: {ran}");
        assert!(!ran.to_string().contains("canary"), "{ran}");
    }
    let credential = home
        .isbg()
        .args(line.split_whitespace())
        .env("CREDENTIALS_DIRECTORY", home.path().join("credentials"))
        .output()
        .unwrap();
    assert_eq!(credential.status.code(), Some(0), "{credential:?}");
    fails(&home.line(&line), 20, "a password for me@127.0.0.1 is needed");
}

#[test]
fn a_password_is_stored_once_the_server_has_accepted_it() {
    let dovecot = dovecot(Settings::default());
    let home = Home::new();
    let line = format!("{} --noninteractive", plain(&dovecot));
    fails(
        &home.line(&format!("{line} --savepw --imappasswd canary-wrong")),
        11,
        "refused",
    );
    fails(&home.line(&line), 20, "needed");
    let ran = home.line(&format!("{line} --savepw --imappasswd {PASSWORD}"));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err.contains("the password is stored in") && ran.err.contains("can be seen"),
        "{ran}"
    );
    assert!(!ran.to_string().contains("canary"), "{ran}");
    assert_eq!(home.line(&line).status, 0);
    let named = home.line(&format!(
        "{line} --savepw --imappasswd {PASSWORD} --passwdfilename mine"
    ));
    assert_eq!(named.status, 0, "{named}");
    assert_eq!(home.line(&format!("{line} --passwdfilename mine")).status, 0);
}

#[test]
fn wrong_credentials() {
    let dovecot = dovecot(Settings::default());
    let home = Home::new();
    home.write("pw", "canary-wrong");
    let line = format!(
        "{} --noninteractive --passwdfilename pw --verbose",
        plain(&dovecot)
    );
    fails(&home.line(&line), 11, "app password");
    let token = format!(
        "{} --noninteractive --oauth-token-command cat${{IFS}}pw",
        plain(&dovecot)
    );
    fails(&home.line(&token), 11, "no way to log in");
}

#[test]
fn servers_that_are_not_there() {
    let home = Home::new();
    home.write("pw", PASSWORD);
    let gone = isbg_testkit::NOBODY_LISTENS.port();
    for (server, part) in [
        (
            format!("127.0.0.1 --imapport {gone}"),
            "refuses connections on port",
        ),
        ("no-such-host.invalid".to_owned(), "no-such-host.invalid"),
    ] {
        let line = format!("--imaphost {server} --imapuser me --imaplist --passwdfilename pw");
        fails(&home.line(&line), 11, part);
    }
}

#[test]
fn a_trusted_server() {
    let authority = Authority::new().unwrap();
    let dovecot = tls(authority.good().unwrap());
    let home = Home::new();
    home.write("pw", PASSWORD);
    home.write("ca.pem", authority.certificate());
    let starttls = format!("{} --tls starttls", plain(&dovecot).replace(" --nossl", ""));
    for line in [implicit(&dovecot), starttls] {
        let line = format!("{line} --passwdfilename pw");
        let ran = home.line(&format!("{line} --cafile ca.pem"));
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran}");
        let untrusted = home.line(&line);
        fails(&untrusted, 11, "--pin sha256:");
        let pin = untrusted
            .err
            .split_whitespace()
            .find(|word| word.starts_with("sha256:"))
            .unwrap();
        assert_eq!(home.line(&format!("{line} --pin {pin}")).status, 0);
    }
    fails(
        &home.line(&format!(
            "{} --passwdfilename pw --cafile none.pem",
            implicit(&dovecot)
        )),
        10,
        "none.pem",
    );
}

#[test]
fn servers_that_must_not_be_trusted() {
    let authority = Authority::new().unwrap();
    let home = Home::new();
    home.write("pw", PASSWORD);
    home.write("ca.pem", authority.certificate());
    for (identity, part) in [
        (
            authority.wrong_name().unwrap(),
            "the certificate is for mail.example.org",
        ),
        (authority.expired().unwrap(), "expired"),
        (Identity::self_signed().unwrap(), "self-signed"),
    ] {
        let dovecot = tls(identity);
        for line in [
            implicit(&dovecot),
            format!("{} --tls starttls", plain(&dovecot).replace(" --nossl", "")),
        ] {
            fails(
                &home.line(&format!("{line} --passwdfilename pw --cafile ca.pem")),
                11,
                part,
            );
        }
        assert!(!dovecot.log().contains("canary"));
    }
}

#[test]
fn a_server_without_starttls() {
    let dovecot = dovecot(Settings::default());
    let home = Home::new();
    home.write("pw", PASSWORD);
    let line = format!(
        "{} --tls starttls --passwdfilename pw",
        plain(&dovecot).replace(" --nossl", "")
    );
    fails(&home.line(&line), 11, "STARTTLS");
}

#[test]
fn a_server_that_speaks_something_else() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let talking = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = server.accept().unwrap();
        stream
            .write_all(b"220 mail.example.org ESMTP \x1b[2J\r\n")
            .unwrap();
    });
    let home = Home::new();
    home.write("pw", PASSWORD);
    let line = format!(
        "--imaphost 127.0.0.1 --imapport {port} --imapuser me --imaplist --nossl --passwdfilename pw"
    );
    let ran = home.line(&line);
    fails(&ran, 11, "right port");
    assert!(!ran.err.contains('\u{1b}'));
    talking.join().unwrap();
}
