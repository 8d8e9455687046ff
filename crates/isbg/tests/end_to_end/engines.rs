//! Each scorer that there is, as it is installed: the same spam is found, and what is taught is learned.

use std::process::Command;

use isbg_testkit::conservation::Conservation;
use isbg_testkit::mail::{ham, spam};
use isbg_testkit::mailbox::Message;
use isbg_testkit::rspamd::Rspamd;
use isbg_testkit::spamd::{self, Spamd};

use crate::lab::{Lab, conserved, mail};

/// The line that every scorer calls spam.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

/// Scans a ham and a spam, then learns one of each, with this scorer.
fn scan_and_learn(scorer: &str, lab: &Lab) {
    let gtube = [mail("spam 1"), GTUBE.as_bytes().to_vec(), b"\r\n".to_vec()].concat();
    lab.put_mail("INBOX", &gtube, &["\\Seen"]);
    lab.put_mail("INBOX", &ham(1), &[]);
    lab.put_mail("Teach", &spam(2), &[]);
    lab.put_mail("Good", &ham(2), &[]);
    let before = lab.mailbox();
    let with = |options: &str| {
        lab.line(options)
            .replace(&format!("--spamd {}", lab.scorer.address()), scorer)
    };
    let ran = lab.call(&with("--delete --expunge --verbose"));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("1 spams found in 2 messages"), "{ran}");
    let is_gtube = |message: &Message| message.subject() == "spam 1";
    conserved(
        &Conservation::of(&before).may_wrap("INBOX", "Junk", is_gtube),
        &lab.mailbox(),
    );
    let report = &lab.mailbox()["Junk"][0];
    let text = String::from_utf8_lossy(&report.bytes).into_owned();
    assert!(
        text.contains("GTUBE") && text.contains("x-spam-type=original"),
        "{text}"
    );
    assert!(report.has("\\Seen"));
    let ran = lab.call(&with("--learnspambox Teach --learnhambox Good --teachonly"));
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("1/1 spams learned\n1/1 hams learned\n"), "{ran}");
}

#[test]
fn a_real_spamd_over_a_socket() {
    let spamd = Spamd::start(&spamd::Settings {
        allow_tell: true,
        ..spamd::Settings::default()
    })
    .unwrap();
    scan_and_learn(
        &format!("--spamd {}", spamd.socket().display()),
        &Lab::with_folders(&["Teach", "Good"]),
    );
}

#[test]
fn the_spamassassin_program() {
    let lab = Lab::with_folders(&["Teach", "Good"]);
    scan_and_learn("--engine spamassassin", &lab);
    let dump = Command::new("sa-learn")
        .args(["--dump", "magic"])
        .env("HOME", lab.home.path())
        .output()
        .unwrap();
    let dump = String::from_utf8(dump.stdout).unwrap();
    for what in [": nspam", ": nham"] {
        let line = dump.lines().find(|line| line.ends_with(what)).unwrap();
        assert_eq!(line.split_whitespace().nth(2), Some("1"), "{dump}");
    }
}

#[test]
fn a_real_rspamd() {
    let rspamd = Rspamd::start("q1w2e3").unwrap();
    let lab = Lab::with_folders(&["Teach", "Good"]);
    lab.home.write("rspamd-pw", "q1w2e3\n");
    let scorer = format!(
        "--rspamd http://{} --rspamd-password-file rspamd-pw",
        rspamd.controller()
    );
    scan_and_learn(&scorer, &lab);
}
