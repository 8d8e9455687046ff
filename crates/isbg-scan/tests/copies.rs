//! Copies that are not what they seem: twins, look-alikes, copies that the server changed, that vanish, or that are the
//! message itself; and what comes after a copy, cut off in between.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod lab;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use isbg_scan::{Form, Mode, Original, ScanJob, Treatment};
use isbg_store::{Entry, Filter, NewIntent, Purpose, Step, Target, Timestamp};
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;
use isbg_testkit::proxy::{Act, Plan, Side, When};
use isbg_testkit::wire::Wire;
use isbg_types::{Flags, Uid, UidValidity};
use lab::{Lab, clean, folder, mail, moving, same, spam_may_move, treating};

fn copying(form: Form, original: Original) -> ScanJob {
    treating(Treatment {
        copy: Some((folder("Junk"), form)),
        flags: Vec::new(),
        original,
    })
}

/// A run that only recovers.
fn leaving() -> ScanJob {
    treating(Treatment::leave())
}

/// Another client's commands in a folder, all of which must go well.
fn phone(address: SocketAddr, folder: &str, commands: &[&str]) {
    let mut phone = Wire::login(address, "me", "secret").unwrap();
    assert!(phone.command(&format!("SELECT {folder}")).unwrap().is_ok());
    for command in commands {
        assert!(phone.command(command).unwrap().is_ok(), "{command}");
    }
}

fn history(lab: &Lab) -> Vec<Entry> {
    lab.store().history(&Filter::default(), 10).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_message_that_is_nowhere_is_in_the_history() {
    let lab = Lab::new(Settings::default());
    lab.dovecot.maildir("me").create("Other").unwrap();
    lab.put("INBOX", "spam one", &[]);
    let address = lab.dovecot.address();
    // A rule on the server, or another client, takes the copy away before anybody can look.
    let plan = Plan::new().lacking(&["UIDPLUS"]).edit(move |side, line| {
        if side == Side::Server && String::from_utf8_lossy(line).contains("Move completed") {
            phone(address, "Junk", &["UID MOVE 1 Other"]);
        }
        line.to_vec()
    });
    lab.proxy.set(plan);
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.moved, counts.yielded), (1, 0));
    let entry = &history(&lab)[0];
    assert_eq!(entry.original, isbg_store::Original::Remove);
    assert!(
        entry.note.as_ref().unwrap().contains("not in the target folder"),
        "{entry:?}"
    );
    // It can be put back once it is there again.
    phone(address, "Other", &["UID MOVE 1 Junk"]);
    assert_eq!(lab.undo_last().await.unwrap().undone, 1, "{:?}", lab.told.all());
    assert_eq!(lab.subjects("INBOX"), ["spam one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_cut_off_and_left_nothing_is_in_the_history() {
    let lab = Lab::new(Settings::default());
    lab.dovecot.maildir("me").create("Other").unwrap();
    lab.put("INBOX", "spam one", &[]);
    lab.proxy
        .set(Plan::new().at(When::Tagged("UID MOVE"), 1, Act::Cut));
    lab.scan(&moving()).await.unwrap_err();
    phone(lab.dovecot.address(), "Junk", &["UID MOVE 1 Other"]);
    lab.settle(&moving()).await;
    let entries = history(&lab);
    assert!(
        entries[0].note.as_ref().unwrap().contains("cut off"),
        "{entries:?}"
    );
    assert!(lab.told.has("Recovered"), "{:?}", lab.told.all());
}

/// A server that gives each message, in whatever folder, the same X-GM-MSGID.
fn like_gmail() -> Plan {
    Plan::new()
        .claim_capabilities(&["X-GM-EXT-1"])
        .edit(|side, line| {
            let text = String::from_utf8_lossy(line);
            let text = match side {
                Side::Client => text.replace(" X-GM-MSGID X-GM-LABELS", ""),
                Side::Server => text.replace(" FETCH (", " FETCH (X-GM-MSGID 77 "),
            };
            text.into_bytes()
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_not_taken_for_a_copy_that_could_be_removed() {
    for (plan, left) in [(like_gmail(), 1), (Plan::new(), 0)] {
        let lab = Lab::new(Settings::default());
        lab.put("INBOX", "spam one", &[]);
        lab.proxy.set(plan);
        lab.scan(&copying(Form::AsIs, Original::Keep)).await.unwrap();
        assert_eq!(lab.undo_last().await.unwrap().undone, 1);
        assert_eq!(lab.subjects("Junk").len(), left);
        assert_eq!(
            lab.told.has("under another label"),
            left == 1,
            "{:?}",
            lab.told.all()
        );
        assert_eq!(lab.subjects("INBOX"), ["spam one"]);
    }
}

/// A server that never tells UIDNEXT.
fn without_uid_next(plan: Plan) -> Plan {
    plan.edit(|side, line| {
        let text = String::from_utf8_lossy(line).into_owned();
        match (side, text.find("UIDNEXT ")) {
            (Side::Server, Some(at)) => {
                let rest = text[at + 8..].trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{}X-NOTHING 1{rest}", &text[..at]).into_bytes()
            }
            _ => line.to_vec(),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_that_was_there_before_is_not_taken_for_the_copy() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.put("Junk", "spam one", &[]);
    let lacking = || without_uid_next(Plan::new().lacking(&["MOVE", "UIDPLUS"]));
    lab.proxy
        .set(lacking().at(When::Command("UID COPY"), 1, Act::Cut));
    lab.scan(&moving()).await.unwrap_err();
    lab.proxy.set(lacking());
    lab.scan(&leaving()).await.unwrap();
    assert!(
        !lab.mailbox()["INBOX"][0].has("\\Deleted"),
        "{:?}",
        lab.told.all()
    );
    assert_eq!(lab.mailbox()["Junk"].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_another_change_names_is_not_taken() {
    let lab = Lab::new(Settings::default());
    // Twins, of which one was copied before the cut.
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "spam one", &[]);
    lab.put("Junk", "spam one", &[]);
    let before = lab.mailbox();
    let validity = |name: &str| {
        let mut wire = lab.dovecot.wire().unwrap();
        let answer = format!(
            "{:?}",
            wire.command(&format!("STATUS {name} (UIDVALIDITY)")).unwrap()
        );
        let digits = answer.split("UIDVALIDITY ").nth(1).unwrap();
        UidValidity(
            digits
                .split(|c: char| !c.is_ascii_digit())
                .next()
                .unwrap()
                .parse()
                .unwrap(),
        )
    };
    let (inbox, junk) = (validity("INBOX"), validity("Junk"));
    let mut store = lab.store();
    let now = Timestamp(1);
    let account = store.account("test", now).unwrap();
    let run = store.begin_run(account, "test", now).unwrap();
    let id = store
        .open_folder(account, &folder("INBOX"), inbox, now)
        .unwrap()
        .id;
    let bytes = mail("spam one").into_bytes();
    let plan = |uid| NewIntent {
        folder: id,
        uid: Uid::new(uid).unwrap(),
        purpose: Purpose::Scan,
        action: isbg_store::Action::Move,
        fingerprint: isbg_message::fingerprint(&bytes, bytes.len() as u64),
        flags: Flags::default(),
        modseq: None,
        internal_date: String::new(),
        size: bytes.len() as u64,
        target: Some(Target {
            folder: folder("Junk"),
            validity: junk,
            uid_next: Uid::new(1),
        }),
        form: isbg_store::Form::Original,
        copy_fingerprint: None,
        copy_size: None,
        original: isbg_store::Original::Remove,
        trash: None,
        add_flags: Flags::default(),
        remove_flags: Flags::default(),
        score: None,
        tier: None,
        rules: Vec::new(),
        sender: String::new(),
        subject: String::new(),
        undoes: None,
    };
    let ids = store.plan(run, &[plan(1), plan(2)], now).unwrap();
    let steps: Vec<_> = ids.iter().map(|id| (*id, Step::Sent)).collect();
    store.advance(&steps, now).unwrap();
    store
        .advance(&[(ids[1], Step::Copied(Uid::new(1)))], now)
        .unwrap();
    drop(store);
    lab.scan(&leaving()).await.unwrap();
    assert_eq!((lab.subjects("INBOX").len(), lab.subjects("Junk").len()), (1, 1));
    assert_eq!(lab.mailbox()["INBOX"][0].uid, before["INBOX"][0].uid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_alike_with_another_body_is_not_taken_for_the_copy() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.proxy.set(
        Plan::new()
            .lacking(&["MOVE"])
            .at(When::Command("UID COPY"), 1, Act::Cut),
    );
    lab.scan(&moving()).await.unwrap_err();
    let other = mail("spam one").replace("This is about", "This is not a");
    lab.dovecot
        .deliver("Junk", other.as_bytes(), &[], 1_790_000_000)
        .unwrap();
    let before = lab.mailbox();
    lab.proxy.set(Plan::new());
    lab.settle(&moving()).await;
    clean(spam_may_move(&before).problems_when_settled(&lab.mailbox()));
    assert_eq!(lab.mailbox()["Junk"].len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_itself_goes_where_the_server_changes_its_report() {
    for original in [Original::Remove, Original::ToTrash(folder("Trash"))] {
        let points = [
            None,
            Some(When::Tagged("APPEND")),
            Some(When::Command("UID MOVE")),
            Some(When::Tagged("UID MOVE")),
            Some(When::Command("UID EXPUNGE")),
            Some(When::Tagged("UID EXPUNGE")),
        ];
        for point in points {
            let lab = Lab::new(Settings::default());
            lab.dovecot.maildir("me").create("Trash").unwrap();
            // Dovecot keeps a CR before CRLF in what is delivered, and drops it from what is appended.
            let spam = mail("spam one").replace("This", "This\r\r\n");
            let date = 1_790_000_000;
            lab.dovecot
                .deliver("INBOX", spam.as_bytes(), &["\\Seen"], date)
                .unwrap();
            lab.put("INBOX", "ham one", &[]);
            let before = lab.mailbox();
            let job = copying(Form::WithReport, original.clone());
            lab.proxy.set(match point.clone() {
                Some(point) => Plan::new().at(point, 1, Act::Cut),
                None => Plan::new(),
            });
            let first = lab.scan(&job).await;
            assert_eq!(first.is_err(), point.is_some(), "{point:?}");
            lab.proxy.set(Plan::new());
            lab.scan(&job).await.unwrap();
            let allowed = Conservation::of(&before)
                .may_move("INBOX", "Junk", |message| message.subject() == "spam one");
            clean(allowed.problems_when_settled(&lab.mailbox()));
            assert_eq!(lab.subjects("Junk"), ["spam one"], "{point:?}");
            assert!(
                lab.told.has("the server changed the report"),
                "{:?}",
                lab.told.all()
            );
            assert_eq!(lab.undo_last().await.unwrap().not_undone, 1, "the removed report");
            assert_eq!(lab.subjects("INBOX"), ["ham one", "spam one"], "{point:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_is_cut_off_still_takes_the_copy_away() {
    for (command, nth) in [
        ("UID STORE", 2),
        ("UID EXPUNGE", 1),
        ("SELECT Junk", 1),
        ("EXAMINE Junk", 1),
    ] {
        let lab = Lab::new(Settings::default());
        lab.put("INBOX", "spam one", &[]);
        let before = lab.mailbox();
        lab.scan(&copying(Form::WithReport, Original::MarkDeleted))
            .await
            .unwrap();
        lab.proxy
            .set(Plan::new().at(When::Command(command), nth, Act::Cut));
        lab.undo_last().await.unwrap_err();
        lab.proxy.set(Plan::new());
        lab.settle(&leaving()).await;
        same(&lab.mailbox(), &before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_gone_is_not_looked_for_for_ever() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "poison one", &[]);
    assert_eq!(lab.scan(&moving()).await.unwrap().unknown, 1);
    phone(
        lab.dovecot.address(),
        "INBOX",
        &["UID STORE 1 +FLAGS (\\Deleted)", "UID EXPUNGE 1"],
    );
    lab.put("INBOX", "ham one", &[]);
    lab.scan(&moving()).await.unwrap();
    lab.proxy.forget();
    lab.scan(&moving()).await.unwrap();
    assert_eq!(lab.proxy.transcript().count("UID SEARCH"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_run_did_not_come_to_is_nobodys_doing() {
    let lab = Lab::new(Settings::default());
    (0..120).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &[]));
    let (job, scorer) = (moving(), lab.scorer());
    let stop = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&stop);
    lab.proxy.set(Plan::new().edit(move |side, line| {
        if side == Side::Client && line.windows(8).any(|window| window == b"UID MOVE") {
            own.store(true, Ordering::Relaxed);
        }
        line.to_vec()
    }));
    let counts = lab
        .run(Mode::Act, move |pass| {
            pass.stop = stop;
            async move {
                let mut counts = isbg_scan::ScanCounts::default();
                isbg_scan::scan(pass, &scorer, &job, &mut counts)
                    .await
                    .unwrap_or_default();
                Ok(counts)
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!((counts.moved, counts.yielded, counts.not_done), (100, 0, 0));
    lab.settle(&moving()).await;
    assert_eq!(lab.subjects("Junk").len(), 120);
}
