//! Scorers that fail, users who are faster, servers that refuse: what must not be seen, moved or lost then.

mod lab;

use std::sync::atomic::{AtomicBool, Ordering};

use isbg_scan::{Error, Form, Original, Treatment};
use isbg_store::Timestamp;
use isbg_testkit::dovecot::Settings;
use isbg_testkit::proxy::{Act, Plan, Side, When};
use isbg_types::{Class, Flag, Uid};
use lab::{Lab, clean, folder, learning, moving, same, spam_may_move, treating};

#[tokio::test(flavor = "multi_thread")]
async fn while_the_scorer_is_down_nothing_counts_as_seen() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "ham one", &[]);
    let before = lab.mailbox();
    lab.scorer.down.store(true, Ordering::Relaxed);
    let error = lab.scan(&moving()).await.unwrap_err();
    assert!(matches!(error, Error::Outage { .. }), "{error}");
    same(&lab.mailbox(), &before);
    lab.scorer.down.store(false, Ordering::Relaxed);
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.judged, counts.moved), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_scorer_is_down_nothing_counts_as_learned() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "ham one", &[]);
    lab.scorer.down.store(true, Ordering::Relaxed);
    let job = learning(Class::Ham, "INBOX", Treatment::move_to(folder("Junk")));
    assert!(matches!(lab.learn(&job).await.unwrap_err(), Error::Outage { .. }));
    assert_eq!(lab.subjects("INBOX"), ["ham one"]);
    lab.scorer.down.store(false, Ordering::Relaxed);
    assert_eq!(lab.learn(&job).await.unwrap().learned, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_the_scorer_cannot_bear_does_not_stop_the_others() {
    let lab = Lab::new(Settings::default());
    for subject in ["spam one", "poison", "panic", "spam two"] {
        lab.put("INBOX", subject, &[]);
    }
    let before = lab.mailbox();
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.judged, counts.unknown, counts.moved), (2, 2, 2));
    clean(spam_may_move(&before).problems_when_settled(&lab.mailbox()));
    // They wait for their next try, and newer mail does not wait for them.
    lab.put("INBOX", "spam three", &[]);
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.judged, counts.unknown, counts.moved), (1, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_is_faster_than_the_move() {
    for (act, left) in [
        ("UID STORE 1 +FLAGS (\\Flagged)", vec!["spam one"]),
        ("UID STORE 1 +FLAGS (\\Seen)", vec!["spam one"]),
        ("UID MOVE 1 Kept", vec![]),
    ] {
        let lab = Lab::new(Settings::default());
        lab.dovecot.maildir("me").create("Kept").unwrap();
        lab.put("INBOX", "spam one", &[]);
        let address = lab.dovecot.address();
        *lab.scorer.meanwhile.lock().unwrap() = Some(Box::new(move || {
            let mut phone = isbg_testkit::wire::Wire::login(address, "me", "secret").unwrap();
            assert!(phone.command("SELECT INBOX").unwrap().is_ok());
            assert!(phone.command(act).unwrap().is_ok());
        }));
        let counts = lab.scan(&moving()).await.unwrap();
        assert_eq!((counts.moved, counts.yielded), (0, 1), "{act}");
        assert_eq!(lab.subjects("INBOX"), left);
        assert_eq!(lab.subjects("Junk"), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_vanishes_while_it_is_fetched_stops_nothing() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "spam two", &[]);
    let address = lab.dovecot.address();
    let once = AtomicBool::new(true);
    lab.proxy.set(Plan::new().edit(move |side, line| {
        let fetches = side == Side::Client && line.windows(9).any(|window| window == b"UID FETCH");
        if fetches && once.swap(false, Ordering::Relaxed) {
            let mut phone = isbg_testkit::wire::Wire::login(address, "me", "secret").unwrap();
            assert!(phone.command("SELECT INBOX").unwrap().is_ok());
            assert!(phone.command("UID MOVE 1 Junk").unwrap().is_ok());
        }
        line.to_vec()
    }));
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.judged, counts.unknown, counts.moved), (1, 0, 1));
    lab.settle(&moving()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_leave_the_original_and_are_not_repeated_at_once() {
    let with_report = |original| {
        treating(Treatment {
            copy: Some((folder("Junk"), Form::WithReport)),
            flags: Vec::new(),
            original,
        })
    };
    for (job, command) in [
        (moving(), "UID MOVE"),
        (with_report(Original::Remove), "APPEND"),
        (with_report(Original::Keep), "APPEND"),
    ] {
        let lab = Lab::new(Settings::default());
        (0..3).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &[]));
        let before = lab.mailbox();
        lab.proxy.set(Plan::new().every(
            When::Command(command),
            Act::Answer("NO [OVERQUOTA] Mailbox is full"),
        ));
        let counts = lab.scan(&job).await.unwrap();
        assert_eq!(
            (counts.moved, counts.copied, counts.not_done),
            (0, 0, 3),
            "{command}"
        );
        assert!(lab.told.has("Mailbox is full"), "{:?}", lab.told.all());
        assert_eq!(
            lab.proxy.transcript().count(command),
            1,
            "{command}: one refusal is enough"
        );
        same(&lab.mailbox(), &before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_quota_leaves_the_original() {
    let lab = Lab::new(Settings {
        quota: Some(4_000),
        ..Settings::default()
    });
    (0..3).for_each(|n| lab.put("INBOX", &format!("spam {n} {}", "x".repeat(500)), &[]));
    let before = lab.mailbox();
    let copy = Some((folder("Junk"), Form::WithReport));
    let job = treating(Treatment {
        copy,
        flags: Vec::new(),
        original: Original::Remove,
    });
    let counts = lab.scan(&job).await.unwrap();
    assert!(counts.not_done >= 1, "{counts:?}");
    let allowed =
        isbg_testkit::conservation::Conservation::of(&before)
            .may_wrap("INBOX", "Junk", |message| message.subject().starts_with("spam"));
    clean(allowed.problems(&lab.mailbox()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_not_understood_becomes_a_copy() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &["\\Seen"]);
    lab.put("INBOX", "ham one", &[]);
    let before = lab.mailbox();
    lab.proxy
        .set(Plan::new().every(When::Command("UID MOVE"), Act::Answer("BAD Unknown command")));
    assert_eq!(lab.scan(&moving()).await.unwrap().moved, 1);
    clean(spam_may_move(&before).problems_when_settled(&lab.mailbox()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_is_said_and_nothing_is_done() {
    let lab = Lab::new(Settings {
        read_only: vec!["Shared"],
        ..Settings::default()
    });
    lab.put("Shared", "spam one", &[]);
    let before = lab.mailbox();
    let mut job = moving();
    job.folder = folder("Shared");
    let error = lab.scan(&job).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)), "{error}");
    same(&lab.mailbox(), &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_is_an_error_and_nothing_is_done() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    let before = lab.mailbox();
    let job = treating(Treatment::move_to(folder("Nowhere")));
    let error = lab.scan(&job).await.unwrap_err();
    assert!(
        error.to_string().contains("Nowhere") || error.to_string().contains("exist"),
        "{error}"
    );
    same(&lab.mailbox(), &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renumbered_folder_is_looked_at_anew_and_nothing_is_doubled() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "ham one", &[]);
    let job = treating(Treatment {
        copy: Some((folder("Junk"), Form::AsIs)),
        flags: vec![Flag::new(Flag::FLAGGED)],
        original: Original::Keep,
    });
    assert_eq!(lab.scan(&job).await.unwrap().copied, 1);
    let inbox = lab.dovecot.maildir("me").path("INBOX");
    for file in std::fs::read_dir(inbox).unwrap().flatten() {
        // What Dovecot keeps a folder's numbers in; but not what it knows them by to be new.
        let name = file.file_name().to_string_lossy().into_owned();
        if name.starts_with("dovecot") && !name.starts_with("dovecot-uidvalidity") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.judged, counts.copied, counts.spared), (2, 0, 1));
    assert_eq!(lab.subjects("Junk"), ["spam one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_processes_die_over_is_tried_alone_then_left_alone() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "spam two", &[]);
    let opened = lab
        .client()
        .await
        .unwrap()
        .examine(&folder("INBOX"), None)
        .await
        .unwrap();
    let deadly = Uid::new(1).unwrap();
    let die = |store: &mut isbg_store::Store| {
        let account = store.account("test", Timestamp(1)).unwrap();
        let validity = opened.uid_validity.unwrap();
        let id = store
            .open_folder(account, &folder("INBOX"), validity, Timestamp(1))
            .unwrap()
            .id;
        store
            .begin_attempts(id, isbg_store::Purpose::Scan, &[deadly], Timestamp(1))
            .unwrap();
    };
    (0..3).for_each(|_| die(&mut lab.store()));
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.judged, counts.moved), (1, 1));
    assert_eq!(lab.subjects("INBOX"), ["spam one"]);
    assert!(lab.told.has("left alone"), "{:?}", lab.told.all());
    // It waits, and that is said each time.
    assert_eq!(lab.scan(&moving()).await.unwrap().judged, 0);
    assert_eq!(
        lab.told
            .all()
            .iter()
            .filter(|line| line.contains("left alone"))
            .count(),
        2
    );
}
