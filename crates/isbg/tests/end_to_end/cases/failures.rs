//! Runs that are cut off, refused or confused in the middle: nothing is done twice afterwards, and nothing is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use isbg_testkit::conservation::{Conservation, changes_in};
use isbg_testkit::mail::odd;
use isbg_testkit::proxy::{Act, Plan, Side, When};
use isbg_testkit::spamd_stub::{Answer, Request};
use isbg_testkit::wire::Wire;

use crate::lab::{Lab, PASSWORD, USER, conserved, fails, is_spam, mail, same};

#[test]
fn case_01_duplicates_after_a_failure() {
    let spams = ["spam 1", "spam 2", "spam 3", "spam 4"];
    for (when, act) in [
        (When::Command("APPEND"), Act::Cut),
        (When::Command("APPEND"), Act::CutAfter),
        (When::Tagged("APPEND"), Act::Cut),
    ] {
        for nth in [1, 3] {
            let lab = Lab::new();
            spams.iter().for_each(|subject| lab.put("INBOX", subject, &[]));
            let before = lab.mailbox();
            lab.proxy.set(Plan::new().at(when.clone(), nth, act.clone()));
            fails(&lab.run("--nostats"), 11, &["127.0.0.1"]);
            lab.proxy.set(Plan::new());
            lab.fine("");
            let mut reports = lab.subjects("Junk");
            reports.sort();
            assert_eq!(reports, spams, "{act:?} at {when:?}, number {nth}");
            let mut rest = lab.mailbox();
            rest.insert("Junk".to_owned(), Vec::new());
            same(&rest, &before);
            lab.quiet("");
        }
    }
}

#[test]
fn case_02_flag_and_delete_together() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &["\\Seen"]);
    lab.put("INBOX", "ham 1", &[]);
    let ran = lab.fine("--flag --delete");
    assert!(ran.err.contains("1 spams found in 2 messages"), "{ran}");
    let mailbox = lab.mailbox();
    assert!(
        ["\\Flagged", "\\Deleted", "\\Seen"]
            .iter()
            .all(|flag| mailbox["INBOX"][0].has(flag))
    );
    assert!(mailbox["INBOX"][1].flags.is_empty());
    assert_eq!(lab.subjects("Junk"), ["spam 1"]);
    lab.quiet("--flag --delete");
}

#[test]
fn case_10_empty_and_vanished_messages() {
    let lab = Lab::new();
    lab.put_mail("INBOX", b"", &[]);
    lab.put_mail("INBOX", b"\r\n", &[]);
    lab.put("INBOX", "spam that vanishes", &[]);
    lab.put("INBOX", "spam 1", &[]);
    lab.put("INBOX", "ham 1", &[]);
    let before = lab.mailbox();
    let (server, once) = (lab.dovecot.address(), AtomicBool::new(true));
    lab.proxy.set(Plan::new().edit(move |side, line| {
        let fetches = side == Side::Client && String::from_utf8_lossy(line).contains("UID FETCH");
        if fetches && once.swap(false, Ordering::SeqCst) {
            let mut phone = Wire::login(server, USER, PASSWORD).unwrap();
            phone.command("SELECT INBOX").unwrap();
            phone.command("UID MOVE 3 Junk").unwrap();
        }
        line.to_vec()
    }));
    let ran = lab.fine("--noreport --delete --expunge");
    assert!(ran.err.contains("1 spams found in 4 messages"), "{ran}");
    lab.proxy.set(Plan::new());
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );
    lab.quiet("--noreport --delete --expunge");
}

#[test]
fn case_11_odd_mime() {
    let lab = Lab::new();
    let odd: Vec<_> = odd()
        .into_iter()
        .filter(|(_, bytes)| bytes.len() < 100_000)
        .collect();
    assert!(odd.iter().any(|(name, _)| *name == "8-bit boundary"));
    for (_, bytes) in &odd {
        lab.put_mail("INBOX", bytes, &[]);
    }
    lab.put("INBOX", "spam 1", &[]);
    let before = lab.mailbox();
    let ran = lab.fine("--partialrun 0 --noreport --delete --expunge --verbose --verbose-mails");
    assert!(
        ran.err
            .contains(&format!("1 spams found in {} messages", odd.len() + 1)),
        "{ran}"
    );
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );
    lab.quiet("--partialrun 0 --noreport --delete --expunge");
}

#[test]
fn case_12_a_refused_copy_is_tried_again() {
    for (options, command) in [
        ("", "APPEND"),
        ("--noreport", "UID COPY"),
        ("--noreport --delete --expunge", "UID MOVE"),
    ] {
        let lab = Lab::new();
        lab.put("INBOX", "spam 1", &[]);
        lab.put("INBOX", "ham 1", &[]);
        let before = lab.mailbox();
        let full = Act::Answer("NO [OVERQUOTA] Quota exceeded (mailbox for user is full)");
        lab.proxy.set(Plan::new().every(When::Command(command), full));
        let ran = lab.run(options);
        assert_eq!(ran.status, 11, "a refusal is an error of the server's: {ran}");
        assert!(ran.err.contains("Quota exceeded"), "{ran}");
        same(&lab.mailbox(), &before);
        lab.proxy.set(Plan::new());
        lab.a_day_passes();
        lab.fine(options);
        assert_eq!(lab.subjects("Junk"), ["spam 1"], "{command}");
        lab.quiet(options);
    }
}

#[test]
fn case_16_a_folder_renumbered_between_judging_and_moving() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    let before = lab.mailbox();
    let selected = AtomicBool::new(false);
    lab.proxy.set(Plan::new().edit(move |side, line| {
        let text = String::from_utf8_lossy(line);
        if side == Side::Client {
            selected.store(text.contains(" SELECT "), Ordering::SeqCst);
        } else if selected.load(Ordering::SeqCst) && text.contains("[UIDVALIDITY ") {
            return text.replace("[UIDVALIDITY ", "[UIDVALIDITY 1").into_bytes();
        }
        line.to_vec()
    }));
    let options = "--noreport --flag --delete --expunge";
    let ran = lab.run(options);
    assert!(
        ran.err.contains("0 messages moved") && ran.err.contains("1 not treated as decided"),
        "{ran}"
    );
    assert_eq!(changes_in(&lab.proxy.transcript()), Vec::<String>::new());
    same(&lab.mailbox(), &before);
    lab.proxy.set(Plan::new());
    lab.fine(options);
    assert_eq!(
        (lab.subjects("INBOX").len(), lab.subjects("Junk")),
        (0, vec!["spam 1".to_owned()])
    );
}

#[test]
fn case_19_a_damaged_state_is_not_an_empty_one() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    lab.fine("");
    let before = lab.mailbox();
    let folder = lab.home.path().join(".local/state/isbg");
    let state = std::fs::read(folder.join("isbg.db")).unwrap();
    for damaged in [
        &state[..state.len() / 2],
        &b"{\"uidvalidity\": 1, \"uids\": []}"[..],
        b"",
    ] {
        for file in ["isbg.db-wal", "isbg.db-shm"] {
            drop(std::fs::remove_file(folder.join(file)));
        }
        std::fs::write(folder.join("isbg.db"), damaged).unwrap();
        let ran = lab.run("--nostats");
        fails(&ran, 255, &["isbg.db"]);
        same(&lab.mailbox(), &before);
    }
    std::fs::write(folder.join("isbg.db"), &state).unwrap();
    lab.quiet("");
}

#[test]
fn case_21_learning_goes_on_where_it_stopped() {
    let mut lab = Lab::with_folders(&["Good", "Kept"]);
    let hams = ["ham 1", "ham 2", "ham 3", "ham 4", "ham 5"];
    hams.iter()
        .for_each(|subject| lab.put("Good", subject, &["\\Seen"]));
    let before = lab.mailbox();
    let (told, down) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let lessons = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (own_told, own_down, own_lessons) = (Arc::clone(&told), Arc::clone(&down), Arc::clone(&lessons));
    lab.judge(move |request: &Request| {
        let failing = own_down.load(Ordering::SeqCst) && own_told.load(Ordering::SeqCst) >= 2;
        match request.method.as_str() {
            _ if failing => Answer::Close,
            "TELL" => {
                own_told.fetch_add(1, Ordering::SeqCst);
                own_lessons.lock().unwrap().push(request.mail.clone());
                Answer::ham()
            }
            _ => Answer::ham(),
        }
    });
    let options = "--learnhambox Good --movehamto Kept --teachonly";
    let ran = lab.run(options);
    assert_eq!(ran.status, 12, "{ran}");
    assert!(ran.err.contains("2/5 hams learned"), "{ran}");
    down.store(false, Ordering::SeqCst);
    let ran = lab.fine(options);
    assert!(ran.err.contains("3/3 hams learned"), "{ran}");
    let mut lessons = lessons.lock().unwrap().clone();
    lessons.sort();
    assert_eq!(lessons, hams.map(mail), "each is taught once");
    conserved(
        &Conservation::of(&before).may_move("Good", "Kept", |_| true),
        &lab.mailbox(),
    );
    assert_eq!(lab.subjects("Kept").len(), 5);
    lab.quiet(options);
}
