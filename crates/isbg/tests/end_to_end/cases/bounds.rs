//! Bounds of a run: sizes, numbers, first runs, other runs at the same time, large folders.

use isbg_testkit::conservation::Conservation;

use crate::lab::{Lab, conserved, fails, is_spam, mail, same};

const MOVE: &str = "--noreport --delete --expunge";

#[test]
fn case_17_large_mail_is_named_and_not_forgotten() {
    let lab = Lab::new();
    let mut large = mail("spam that is large");
    large.resize(150_000, b'x');
    lab.put_mail("INBOX", &large, &[]);
    lab.put("INBOX", "ham 1", &[]);
    let ran = lab.fine(&format!("{MOVE} --verbose"));
    assert!(ran.err.contains("0 spams found in 1 messages"), "{ran}");
    assert!(ran.err.contains("1 not scanned because of their size"), "{ran}");
    assert!(
        ran.err.lines().any(|line| line.contains("spam that is large")),
        "{ran}"
    );
    let ran = lab.fine(&format!("{MOVE} --maxsize 200000"));
    assert!(ran.err.contains("1 spams found in 1 messages"), "{ran}");
    assert_eq!(lab.subjects("Junk"), ["spam that is large"]);
}

#[test]
fn case_18_a_first_run_is_careful() {
    let lab = Lab::new();
    (0..25).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &["\\Seen"]));
    lab.put("INBOX", "spam flagged", &["\\Seen", "\\Flagged"]);
    let before = lab.mailbox();
    lab.configure("mode = \"move\"");
    let ran = lab.call("scan");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err.contains("first run") && ran.err.contains("26 spams found in 26 messages"),
        "{ran}"
    );
    assert!(
        ran.err.contains("0 messages moved") && ran.err.contains("1 spared"),
        "{ran}"
    );
    same(&lab.mailbox(), &before);
    let ran = lab.call("scan");
    assert!(ran.err.contains("25 messages moved"), "{ran}");
    assert_eq!(lab.subjects("INBOX"), ["spam flagged"]);
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );

    // The classic form acts at once, as it always has, and warns.
    let lab = Lab::new();
    (0..25).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &["\\Seen"]));
    let ran = lab.fine(MOVE);
    assert!(
        ran.err.contains("warning:") && ran.err.contains("most of the new mail was called spam"),
        "{ran}"
    );
}

#[test]
fn case_20_two_runs_at_a_time() {
    let mut lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    lab.put("INBOX", "ham 1", &[]);
    let before = lab.mailbox();
    let gate = lab.gate();
    let options = format!("{MOVE} --lockfilename lock");
    let mut first = lab.spawn(&options);
    lab.until_asked();
    let lock = lab.home.path().join("lock");
    assert!(lock.exists());
    for more in ["", "--lockfilegrace 0", "--ignorelockfile"] {
        fails(&lab.run(&format!("{options} --nostats {more}")), 30, &[]);
        assert!(lock.exists(), "{more}: the second took the first one's lock away");
    }
    gate.open();
    assert!(first.wait().unwrap().success());
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );
    assert_eq!(lab.subjects("Junk"), ["spam 1"]);
}

#[test]
fn case_20_a_lock_that_a_killed_run_left() {
    let mut lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    let gate = lab.gate();
    let options = format!("{MOVE} --lockfilename lock");
    let mut killed = lab.spawn(&options);
    lab.until_asked();
    killed.kill().unwrap();
    killed.wait().unwrap();
    gate.open();
    assert!(lab.home.path().join("lock").exists());
    lab.fine(&options);
    assert_eq!((lab.subjects("INBOX").len(), lab.subjects("Junk").len()), (0, 1));
}

/// The commands of one run after its login, over a folder of so many messages in which nothing is new.
fn commands_with_nothing_new(messages: u32) -> usize {
    let lab = Lab::new();
    (0..messages).for_each(|n| lab.put("INBOX", &format!("ham {n}"), &["\\Seen"]));
    let status = lab
        .dovecot
        .wire()
        .unwrap()
        .command("STATUS INBOX (UIDVALIDITY)")
        .unwrap();
    let (_, validity) = status.untagged[0].text.rsplit_once(' ').unwrap();
    let uids: Vec<String> = (1..=messages).map(|uid| uid.to_string()).collect();
    let track = format!(
        "{{\"uidvalidity\": {}, \"uids\": [{}]}}",
        validity.trim_end_matches(')'),
        uids.join(", ")
    );
    lab.home.write("trackinbox", &track);
    let ran = lab.fine("--trackfile track --partialrun 0");
    assert!(ran.err.contains("0 spams found in 0 messages"), "{ran}");
    lab.proxy.forget();
    lab.fine("--partialrun 0");
    assert_eq!(lab.scorer.served(), 0);
    let login = |text: &str| text.starts_with("AUTHENTICATE") || text.starts_with("LOGIN");
    let commands = lab.proxy.transcript().commands();
    commands
        .iter()
        .skip_while(|command| !login(&command.text))
        .count()
        - 1
}

#[test]
fn case_22_a_large_folder_costs_no_more_than_a_small_one() {
    let (small, large) = (commands_with_nothing_new(20), commands_with_nothing_new(2_000));
    assert_eq!(small, large);
    assert!(large <= 6, "{large} commands after the login");
}
