//! A check that never failed is not to be trusted: every way of losing mail that we know of must turn it red.

use super::*;
use crate::proxy::{Event, Side, Transcript};

fn message(uid: u32, text: &str, flags: &[&str]) -> Message {
    Message {
        uid: Some(uid),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        date: i64::from(uid) * 100,
        bytes: format!("Subject: {text}\r\n\r\nbody of {text}\r\n").into_bytes(),
    }
}

fn before() -> Mailbox {
    let inbox = vec![
        message(1, "ham", &["\\Seen"]),
        message(2, "spam", &["\\Flagged"]),
        message(3, "marked by another client", &["\\Deleted"]),
        message(4, "spam twice", &[]),
    ];
    Mailbox::from([
        ("INBOX".to_owned(), inbox),
        ("Junk".to_owned(), vec![message(9, "old", &[])]),
    ])
}

fn is_spam(message: &Message) -> bool {
    message.subject().starts_with("spam")
}

fn check<'a>(before: &'a Mailbox) -> Conservation<'a> {
    Conservation::of(before)
        .may_move("INBOX", "Junk", is_spam)
        .moved_may_bear(&["$Junk"])
}

/// Takes a message out of INBOX.
fn take(mailbox: &mut Mailbox, uid: u32) -> Message {
    let inbox = mailbox.get_mut("INBOX").unwrap();
    let place = inbox.iter().position(|message| message.uid == Some(uid)).unwrap();
    inbox.remove(place)
}

fn put(mailbox: &mut Mailbox, message: Message) {
    mailbox.get_mut("Junk").unwrap().push(Message {
        uid: Some(100),
        ..message
    });
}

fn after_a_good_run() -> Mailbox {
    let mut after = before();
    for uid in [2, 4] {
        let mut moved = take(&mut after, uid);
        moved.flags.insert("$Junk".to_owned());
        put(&mut after, moved);
    }
    after
}

/// Expects a fault that mentions `word`, at once and after settling.
fn red(after: &Mailbox, word: &str) {
    let before = before();
    for problems in [
        check(&before).problems(after),
        check(&before).problems_when_settled(after),
    ] {
        assert!(
            problems.iter().any(|problem| problem.contains(word)),
            "{word}: {problems:?}"
        );
    }
}

#[test]
fn good_runs_are_green() {
    let before = before();
    let after = after_a_good_run();
    assert_eq!(check(&before).problems_when_settled(&after), Vec::<String>::new());
    assert_eq!(
        check(&before).problems_when_settled(&before),
        Vec::<String>::new()
    );
}

#[test]
fn a_lost_message() {
    let mut after = after_a_good_run();
    after.get_mut("Junk").unwrap().pop();
    red(&after, "is gone: 0 of 1");
    let mut after = after_a_good_run();
    take(&mut after, 1);
    red(&after, "is not where it was");
}

#[test]
fn a_bystander_expunged() {
    let mut after = after_a_good_run();
    take(&mut after, 3);
    red(&after, "marked by another client");
}

#[test]
fn a_bystander_moved_copied_or_flagged() {
    let mut after = after_a_good_run();
    let ham = take(&mut after, 1);
    put(&mut after, ham);
    red(&after, "is not where it was");
    let mut after = after_a_good_run();
    put(&mut after, message(1, "ham", &["\\Seen"]));
    red(&after, "was doubled");
    let mut after = after_a_good_run();
    take(&mut after, 1);
    after.get_mut("INBOX").unwrap().push(message(1, "ham", &[]));
    red(&after, "had the flags");
    let mut after = after_a_good_run();
    let ham = take(&mut after, 1);
    after
        .get_mut("INBOX")
        .unwrap()
        .push(Message { uid: Some(55), ..ham });
    red(&after, "is not where it was");
}

#[test]
fn bytes_date_or_flags_changed_on_the_way() {
    let mut after = after_a_good_run();
    after
        .get_mut("Junk")
        .unwrap()
        .last_mut()
        .unwrap()
        .bytes
        .push(b'x');
    red(&after, "came from nowhere");
    let mut after = after_a_good_run();
    after.get_mut("Junk").unwrap().last_mut().unwrap().date += 1;
    red(&after, "is gone");
    let mut after = after_a_good_run();
    after.get_mut("Junk").unwrap()[1].flags.clear();
    red(&after, "its copy has");
}

#[test]
fn marked_before_the_copy_is_made() {
    let mut after = before();
    after.get_mut("INBOX").unwrap()[1]
        .flags
        .insert("\\Deleted".to_owned());
    red(&after, "is gone: 0 of 1");
}

#[test]
fn two_live_copies_are_a_fault_only_once_settled() {
    let before = before();
    let mut after = before.clone();
    put(&mut after, message(4, "spam twice", &[]));
    assert_eq!(check(&before).problems(&after), Vec::<String>::new());
    let problems = check(&before).problems_when_settled(&after);
    assert!(problems[0].contains("2 times instead of 1"), "{problems:?}");
    let lenient = check(&before).may_double("INBOX", is_spam);
    assert_eq!(lenient.problems_when_settled(&after), Vec::<String>::new());
    // Without UIDPLUS the original stays, marked.
    after.get_mut("INBOX").unwrap()[3]
        .flags
        .insert("\\Deleted".to_owned());
    assert_eq!(check(&before).problems_when_settled(&after), Vec::<String>::new());
}

#[test]
fn identical_messages_are_counted() {
    let mut before = before();
    before.get_mut("INBOX").unwrap().push(Message {
        uid: Some(5),
        ..message(4, "spam twice", &[])
    });
    let mut after = before.clone();
    let moved = take(&mut after, 4);
    put(&mut after, moved);
    assert_eq!(check(&before).problems_when_settled(&after), Vec::<String>::new());
    take(&mut after, 5);
    let problems = check(&before).problems_when_settled(&after);
    assert!(problems[0].contains("1 of 2 left"), "{problems:?}");
}

#[test]
fn wrapping_deleting_and_flagging_only_where_allowed() {
    let before = before();
    let mut after = before.clone();
    let original = take(&mut after, 2);
    let bytes = [
        b"Subject: report\r\n\r\n".as_slice(),
        &original.bytes,
        b"--end\r\n",
    ]
    .concat();
    put(&mut after, Message { bytes, ..original });
    let wrapping = Conservation::of(&before).may_wrap("INBOX", "Junk", is_spam);
    assert_eq!(wrapping.problems_when_settled(&after), Vec::<String>::new());
    assert!(!check(&before).problems(&after).is_empty());
    after.get_mut("Junk").unwrap()[1].bytes.drain(20..30);
    assert!(!wrapping.problems(&after).is_empty());

    let mut after = before.clone();
    take(&mut after, 2);
    after.get_mut("INBOX").unwrap()[0]
        .flags
        .insert("\\Answered".to_owned());
    let lenient = Conservation::of(&before).may_delete("INBOX", is_spam).may_flag(
        "INBOX",
        &["\\Answered"],
        |message| message.subject() == "ham",
    );
    assert_eq!(lenient.problems_when_settled(&after), Vec::<String>::new());
    assert_eq!(Conservation::of(&before).problems(&after).len(), 2);
}

fn said(lines: &[&str]) -> Transcript {
    let event = |line: &&str| Event {
        connection: 0,
        from: Side::Client,
        first: true,
        bytes: format!("a1 {line}\r\n").into_bytes(),
    };
    Transcript {
        events: lines.iter().map(event).collect(),
    }
}

#[test]
fn dangerous_commands_are_named() {
    let dangers = [
        "EXPUNGE",
        "close",
        "STORE 1 +FLAGS (\\Seen)",
        "COPY 1 x",
        "move 1 x",
        "DELETE x",
    ];
    assert_eq!(dangers_in(&said(&dangers)), dangers);
    let sound = [
        "UID EXPUNGE 4",
        "UID STORE 1 +FLAGS.SILENT (x)",
        "UID MOVE 1 x",
        "UNSELECT",
        "SEARCH CLOSE",
    ];
    assert!(dangers_in(&said(&sound)).is_empty());
    assert_eq!(changes_in(&said(&sound)).len(), 3);
}

#[test]
fn secrets_are_found_in_all_their_forms() {
    let log = "fine\nLOGIN me hunter2\nAUTHENTICATE PLAIN AG1lAGh1bnRlcjI=\n> aHVudGVyMg==\nLOGIN me [...]\n";
    assert_eq!(secrets_in(log.as_bytes(), "me", "hunter2").len(), 3);
}

#[test]
fn faults_are_told_apart() {
    let before = before();
    let kinds = |after: &Mailbox| -> Vec<Wrong> {
        let faults = check(&before).faults_when_settled(after);
        faults.into_iter().map(|fault| fault.wrong).collect()
    };
    let mut after = after_a_good_run();
    let moved = after.get_mut("Junk").unwrap().pop().unwrap();
    assert_eq!(kinds(&after), [Wrong::Lost]);
    put(&mut after, moved.clone());
    put(&mut after, moved);
    assert_eq!(kinds(&after), [Wrong::Doubled]);
    let mut after = after_a_good_run();
    after.get_mut("INBOX").unwrap()[0].flags.clear();
    assert_eq!(kinds(&after), [Wrong::Changed]);
}

#[test]
fn an_empty_message_is_only_within_a_report() {
    let empty = Message {
        bytes: Vec::new(),
        ..message(2, "spam", &[])
    };
    let before = Mailbox::from([("INBOX".to_owned(), vec![empty]), ("Junk".to_owned(), Vec::new())]);
    let problems = |text: &str| {
        let mut after = before.clone();
        take(&mut after, 2);
        put(&mut after, message(2, text, &[]));
        let check = Conservation::of(&before).may_wrap("INBOX", "Junk", |_| true);
        check.problems_when_settled(&after).len()
    };
    assert_eq!(problems("message/rfc822; x-spam-type=original"), 0);
    assert_ne!(problems("anything"), 0);
}
