//! Accounts of the config file from the first look to moving, several at once, and the way back.

use isbg_testkit::conservation::Conservation;

use crate::lab::{Lab, conserved, is_spam, same};

#[test]
fn from_observing_to_moving() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &["\\Seen"]);
    lab.put("INBOX", "ham 1", &[]);
    let before = lab.mailbox();
    lab.configure("");
    let ran = lab.call("scan --verbose");
    assert!(
        ran.err.contains("would move to Junk") && ran.err.contains("1 spams found in 2 messages"),
        "{ran}"
    );
    same(&lab.mailbox(), &before);

    lab.configure("mode = \"flag\"");
    lab.put("INBOX", "spam 2", &["\\Seen"]);
    lab.call("scan home");
    let inbox = lab.mailbox()["INBOX"].clone();
    let flagged = inbox
        .iter()
        .find(|message| message.subject() == "spam 2")
        .unwrap();
    assert!(flagged.has("\\Flagged"), "{inbox:?}");
    assert_eq!(lab.subjects("INBOX").len(), 3);

    lab.configure("mode = \"move\"");
    lab.put("INBOX", "spam 3", &["\\Answered"]);
    let before = lab.mailbox();
    let ran = lab.call("scan");
    assert!(ran.err.contains("1 messages moved"), "{ran}");
    let new = |message: &isbg_testkit::mailbox::Message| message.subject() == "spam 3";
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", new),
        &lab.mailbox(),
    );
    assert_eq!(lab.subjects("Junk"), ["spam 3"]);
}

#[test]
fn the_blast_limit() {
    let lab = Lab::new();
    (0..6).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &[]));
    let before = lab.mailbox();
    lab.configure("mode = \"move\"\nfirst-run-reports = false\nblast-limit = 5");
    for _ in 0..2 {
        let ran = lab.call("scan");
        assert!(
            ran.err.contains("blast limit of 5") && ran.err.contains("6 held back"),
            "{ran}"
        );
        same(&lab.mailbox(), &before);
    }
    let ran = lab.call("scan --blast-limit off");
    assert!(ran.err.contains("6 messages moved"), "{ran}");
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );
}

#[test]
fn tiers_with_folders_of_their_own() {
    let lab = Lab::with_folders(&["Maybe", "Surely"]);
    for subject in ["ham 1", "unsure 1", "spam 1", "certain 1"] {
        lab.put("INBOX", subject, &["\\Seen"]);
    }
    let before = lab.mailbox();
    lab.configure(
        "mode = \"move\"\nfirst-run-reports = false\nunsure-band = [4.0, 4.9]\nunsure-folder = \"Maybe\"\n\
         certain-above = 25.0\ncertain-folder = \"Surely\"",
    );
    let ran = lab.call("scan");
    assert_eq!(ran.status, 0, "{ran}");
    let placed = ["INBOX", "Maybe", "Junk", "Surely"].map(|folder| lab.subjects(folder).join(","));
    assert_eq!(placed, ["ham 1", "unsure 1", "spam 1", "certain 1"]);
    let allowed = Conservation::of(&before)
        .may_move("INBOX", "Maybe", |message| message.subject() == "unsure 1")
        .may_move("INBOX", "Junk", is_spam)
        .may_move("INBOX", "Surely", |message| message.subject() == "certain 1");
    conserved(&allowed, &lab.mailbox());
}

#[test]
fn certain_spam_may_be_deleted_and_that_is_said() {
    let lab = Lab::new();
    lab.put("INBOX", "certain 1", &[]);
    lab.put("INBOX", "spam 1", &[]);
    let before = lab.mailbox();
    lab.configure(
        "mode = \"move\"\nfirst-run-reports = false\ncertain-above = 25.0\ncertain-action = \"delete\"",
    );
    let ran = lab.call("scan");
    assert!(ran.err.contains("1/2 was automatically deleted"), "{ran}");
    let certain = |message: &isbg_testkit::mailbox::Message| message.subject().starts_with("certain");
    let allowed = Conservation::of(&before)
        .may_delete("INBOX", certain)
        .may_move("INBOX", "Junk", is_spam);
    conserved(&allowed, &lab.mailbox());
    lab.harmless();
}

#[test]
fn learning_alone() {
    let lab = Lab::with_folders(&["Teach", "Good", "Taught", "Kept"]);
    lab.put("Teach", "spam 1", &[]);
    lab.put("Good", "ham 1", &[]);
    lab.put("INBOX", "spam 2", &[]);
    let before = lab.mailbox();
    lab.configure(
        "mode = \"move\"\nfirst-run-reports = false\nlearn-spam-folder = \"Teach\"\nlearn-ham-folder = \"Good\"\n\
         move-spam-to = \"Taught\"\nmove-ham-to = \"Kept\"",
    );
    let ran = lab.call("learn home");
    assert!(ran.err.contains("1/1 spams learned\n1/1 hams learned"), "{ran}");
    let allowed = Conservation::of(&before)
        .may_move("Teach", "Taught", |_| true)
        .may_move("Good", "Kept", |_| true);
    conserved(&allowed, &lab.mailbox());
    assert_eq!(
        (lab.subjects("Taught").len(), lab.subjects("INBOX").len()),
        (1, 1)
    );
}

#[test]
fn two_accounts_one_after_the_other() {
    let lab = Lab::new();
    let other = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    other.put("INBOX", "spam 2", &[]);
    other.put("INBOX", "ham 2", &[]);
    let keys = "mode = \"move\"\nfirst-run-reports = false";
    let second = format!(
        "{keys}\n[account.work]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"me\"\ntls = \"none\"\npassword-file = \"~/pw\"\n\
         spamd = \"{}\"\n{keys}",
        other.proxy.address().port(),
        other.scorer.address()
    );
    lab.configure(&second);
    let ran = lab.call("scan --exitcodes");
    assert_eq!(ran.status, 3, "{ran}");
    assert_eq!(
        (lab.subjects("Junk"), other.subjects("Junk")),
        (vec!["spam 1".to_owned()], vec!["spam 2".to_owned()])
    );
    let history = lab.call("history work").out;
    assert!(
        history.contains("spam 2") && !history.contains("spam 1"),
        "{history}"
    );
    let undo = lab.call("undo --account work --noninteractive");
    assert_eq!(undo.status, 0, "{undo}");
    assert_eq!((lab.subjects("Junk").len(), other.subjects("Junk").len()), (1, 0));
    // A server that is gone costs its own account's turn only.
    lab.put("INBOX", "spam 3", &[]);
    drop(other);
    let ran = lab.call("scan");
    assert_eq!(ran.status, 11, "{ran}");
    assert_eq!(lab.subjects("Junk"), ["spam 1", "spam 3"]);
}

#[test]
fn the_way_back() {
    let lab = Lab::new();
    for (subject, flags) in [
        ("spam 1", &["\\Seen", "Work"][..]),
        ("spam 2", &[]),
        ("spam 3", &["\\Answered"]),
    ] {
        lab.put("INBOX", subject, flags);
    }
    let before = lab.mailbox();
    lab.configure("mode = \"move\"\nfirst-run-reports = false");
    lab.call("scan");
    assert_eq!(lab.subjects("Junk").len(), 3);
    let entries = lab.call("history --json").out;
    let record: Vec<&str> = entries.lines().filter(|line| line.contains("spam 2")).collect();
    let number = record[0]
        .split("\"entry\":")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let ran = lab.call(&format!("undo {number} --dryrun"));
    assert!(
        ran.status == 0 && ran.out.contains("spam 2") && lab.subjects("Junk").len() == 3,
        "{ran}"
    );
    assert_eq!(lab.call(&format!("undo {number} --noninteractive")).status, 0);
    assert_eq!(lab.subjects("INBOX"), ["spam 2"]);
    // The user moves one on and throws one away: of these undo says honestly what it cannot do.
    let mut user = lab.dovecot.wire().unwrap();
    user.command("SELECT Junk").unwrap();
    let gone = lab.mailbox()["Junk"]
        .iter()
        .find(|message| message.subject() == "spam 3")
        .unwrap()
        .uid
        .unwrap();
    user.command(&format!("UID STORE {gone} +FLAGS (\\Deleted)"))
        .unwrap();
    user.command(&format!("UID EXPUNGE {gone}")).unwrap();
    let ran = lab.call("undo --noninteractive");
    assert_ne!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("1 of 2 put back"), "{ran}");
    let allowed = Conservation::of(&before)
        .may_move("INBOX", "INBOX", |_| true)
        .may_delete("INBOX", |message| message.subject() == "spam 3");
    conserved(&allowed, &lab.mailbox());
    // What was put back is never moved again.
    let ran = lab.call("scan");
    assert!(ran.err.contains("0 messages moved"), "{ran}");
    assert_eq!(lab.subjects("INBOX").len(), 2);
}
