//! Whole runs with the native scorer against a real Dovecot: what it moves and wraps, that it is the default, and that it
//! says that it does not learn.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use common::{Home, Ran};
use isbg_message::unwrap_report;
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::mail::SAMPLES;
use isbg_testkit::mailbox::{Mailbox, Message};

const DATE: i64 = 1_780_000_000;

struct Scene {
    home: Home,
    dovecot: Dovecot,
}

impl Scene {
    /// An inbox with a few of our samples, and a folder to learn from.
    fn new() -> Self {
        let settings = Settings {
            folders: vec![("Junk", Some("\\Junk")), ("Teach", None)],
            ..Settings::default()
        };
        let dovecot = Dovecot::start(settings).unwrap();
        for sample in SAMPLES
            .iter()
            .filter(|sample| ["gtube", "dating", "short-reply", "work-minutes"].contains(&sample.name))
        {
            dovecot.deliver("INBOX", &sample.bytes(), &[], DATE).unwrap();
        }
        let home = Home::new();
        home.write("pw", "secret\n");
        Self { home, dovecot }
    }

    fn run(&self, options: &str) -> Ran {
        self.home.line(&format!(
            "--imaphost 127.0.0.1 --imapport {} --imapuser me --nossl --passwdfilename pw {options}",
            self.dovecot.address().port(),
        ))
    }

    fn mailbox(&self) -> Mailbox {
        self.dovecot.wire().unwrap().mailbox().unwrap()
    }
}

fn is_spam(message: &Message) -> bool {
    SAMPLES
        .iter()
        .any(|sample| sample.spam && sample.bytes() == message.bytes)
}

#[test]
fn it_is_the_default_and_moves_spam() {
    let scene = Scene::new();
    let before = scene.mailbox();
    let ran = scene.run("--noreport --delete --expunge --json");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("2 spams found in 4 messages"), "{ran}");
    // No other scorer tells each rule's points and description.
    assert!(
        ran.out
            .contains("{\"name\":\"GTUBE\",\"score\":1000.0,\"description\":\""),
        "{ran}"
    );
    let after = scene.mailbox();
    assert_eq!((after["INBOX"].len(), after["Junk"].len()), (2, 2));
    let problems = Conservation::of(&before)
        .may_move("INBOX", "Junk", is_spam)
        .problems_when_settled(&after);
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn its_reports_hold_the_original() {
    let scene = Scene::new();
    let ran = scene.run("--engine native");
    assert_eq!(ran.status, 0, "{ran}");
    for report in &scene.mailbox()["Junk"] {
        let original = unwrap_report(&report.bytes.clone().into()).unwrap().unwrap();
        let original = original.prefix(usize::MAX).unwrap();
        assert!(
            SAMPLES
                .iter()
                .any(|sample| sample.spam && sample.bytes() == original[..])
        );
        assert!(String::from_utf8_lossy(&report.bytes).contains("by native: "));
    }
    assert_eq!(scene.mailbox()["Junk"].len(), 2);
}

#[test]
fn it_says_that_it_does_not_learn() {
    let scene = Scene::new();
    scene
        .dovecot
        .deliver("Teach", &SAMPLES[0].bytes(), &[], DATE)
        .unwrap();
    let before = scene.mailbox();
    let ran = scene.run("--engine native --learnspambox Teach --teachonly");
    assert_eq!(ran.status, 12, "{ran}");
    assert!(
        ran.err.contains("the native scorer does not learn") && ran.err.contains("--engine spamd"),
        "{ran}"
    );
    assert_eq!(scene.mailbox(), before);
}

#[test]
fn no_rules_are_no_verdict() {
    let scene = Scene::new();
    let before = scene.mailbox();
    let ran = scene.run("--rules missing --delete --expunge");
    assert_eq!(ran.status, 12, "{ran}");
    assert!(ran.err.contains("cannot read missing"), "{ran}");
    assert_eq!(scene.mailbox(), before);
}

#[test]
fn rules_of_the_config_file() {
    let scene = Scene::new();
    scene.home.write(
        "mine.cf",
        "header MINUTES Subject =~ /minutes/i\nscore MINUTES 9\n",
    );
    scene.home.write(
        ".config/isbg/config.toml",
        &format!(
            "[account.home]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"me\"\ntls = \"none\"\npassword-file = \"~/pw\"\n\
             rules = \"~/mine.cf\"\nprefs = \"none\"\n",
            scene.dovecot.address().port(),
        ),
    );
    let ran = scene.home.line("scan --verbose");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("1 spams found in 4 messages"), "{ran}");
}
