//! Whole runs with the native scorer against a real Dovecot: what it moves and wraps, that it is the default, and what it
//! learns.

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
        let scene = Self::with(&["Teach"]);
        for sample in SAMPLES
            .iter()
            .filter(|sample| ["gtube", "dating", "short-reply", "work-minutes"].contains(&sample.name))
        {
            scene
                .dovecot
                .deliver("INBOX", &sample.bytes(), &[], DATE)
                .unwrap();
        }
        scene
    }

    /// An empty inbox, Junk, and these folders.
    fn with(folders: &[&'static str]) -> Self {
        let others = folders.iter().map(|name| (*name, None));
        let settings = Settings {
            folders: [("Junk", Some("\\Junk"))].into_iter().chain(others).collect(),
            ..Settings::default()
        };
        let home = Home::new();
        home.write("pw", "secret\n");
        Self {
            home,
            dovecot: Dovecot::start(settings).unwrap(),
        }
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

/// Alike, and no two the same.
fn offer(number: u32) -> Vec<u8> {
    format!(
        "From: Offers <offers{}@winners.example>\r\nTo: me@example.net\r\nSubject: You have won, number {number}\r\n\r\n\
         Dear customer {number}, your prize of {}00 dollars is waiting. Visit us and claim it today!\r\n",
        number % 7,
        number % 13
    )
    .into_bytes()
}

fn minutes(number: u32) -> Vec<u8> {
    format!(
        "From: Colleague <colleague{}@example.org>\r\nTo: me@example.net\r\nSubject: Minutes of meeting {number}\r\n\r\n\
         Hello, the minutes of meeting {number} are attached; room {} is booked. Visit us on Monday.\r\n",
        number % 5,
        number % 11
    )
    .into_bytes()
}

#[test]
fn it_learns_from_folders_and_acts_on_it() {
    let scene = Scene::with(&["Teach", "Good"]);
    scene
        .home
        .write("mine.cf", "body VISIT /visit us/i\nscore VISIT 2\n");
    for number in 0..40 {
        scene.dovecot.deliver("Teach", &offer(number), &[], DATE).unwrap();
    }
    for number in 0..210 {
        scene
            .dovecot
            .deliver("Good", &minutes(number), &[], DATE)
            .unwrap();
    }
    scene.dovecot.deliver("INBOX", &offer(1000), &[], DATE).unwrap();
    scene.dovecot.deliver("INBOX", &minutes(1000), &[], DATE).unwrap();
    let before = scene.mailbox();
    let learn = "--rules mine.cf --prefs none --learnspambox Teach --learnhambox Good --partialrun 0";
    let ran = scene.run(&format!("{learn} --teachonly --dryrun"));
    assert_eq!(ran.status, 0, "{ran}");
    let models = scene.home.path().join(".local/state/isbg/models");
    assert!(!models.exists(), "a dry run teaches nothing");
    let ran = scene.run(&format!("{learn} --teachonly"));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err.contains("40/40 spams learned\n210/210 hams learned\n"),
        "{ran}"
    );
    assert_eq!(scene.mailbox(), before);
    let again = scene.run(&format!("{learn} --teachonly"));
    assert!(
        again.err.contains("0/0 spams learned\n0/0 hams learned\n"),
        "{again}"
    );

    // What was taught by hand counts for all accounts, and the other way round.
    scene
        .home
        .write("more.eml", &String::from_utf8(offer(3000)).unwrap());
    let known = scene.home.line("train --json --spam more.eml");
    assert!(known.out.contains("\"ham\":210,\"spam\":41"), "{known}");

    let scan = "--rules mine.cf --prefs none --noreport --delete --expunge";
    let ran = scene.run(&format!("{scan} --no-classifier"));
    assert!(ran.err.contains("0 spams found in 2 messages"), "{ran}");
    scene.dovecot.deliver("INBOX", &offer(1001), &[], DATE).unwrap();
    scene.dovecot.deliver("INBOX", &minutes(1001), &[], DATE).unwrap();
    let before = scene.mailbox();
    let ran = scene.run(&format!("{scan} --json"));
    assert!(ran.err.contains("1 spams found in 2 messages"), "{ran}");
    assert!(ran.out.contains("\"name\":\"BAYES_99\""), "{ran}");
    let problems = Conservation::of(&before)
        .may_move("INBOX", "Junk", |message| message.bytes == offer(1001))
        .problems_when_settled(&scene.mailbox());
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(scene.mailbox()["Junk"].len(), 1);

    // The model spoils: nothing is learned, mail is still judged, and the file stays as it is.
    let model = models.join("default.model");
    std::fs::write(&model, b"isbgmodl, cut").unwrap();
    scene.dovecot.deliver("Teach", &offer(2000), &[], DATE).unwrap();
    scene.dovecot.deliver("INBOX", &offer(2001), &[], DATE).unwrap();
    let ran = scene.run(&format!("{learn} {scan}"));
    assert!(ran.err.contains("0 spams found in 1 messages"), "{ran}");
    assert!(
        ran.err.contains("judged by the rules alone") && ran.err.contains("default.model"),
        "{ran}"
    );
    assert_eq!(std::fs::read(&model).unwrap(), b"isbgmodl, cut");
}

#[test]
fn without_its_classifier_it_learns_nothing() {
    let scene = Scene::new();
    scene
        .dovecot
        .deliver("Teach", &SAMPLES[0].bytes(), &[], DATE)
        .unwrap();
    let before = scene.mailbox();
    let ran = scene.run("--engine native --no-classifier --learnspambox Teach --teachonly");
    assert_eq!(ran.status, 12, "{ran}");
    assert!(ran.err.contains("learns nothing with --no-classifier"), "{ran}");
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
