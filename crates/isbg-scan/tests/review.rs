//! Rarer troubles: half-done work met by a dry run or a folder that is busy, servers that refuse single messages or get
//! sizes wrong, what is done in two steps, and how each is undone.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod lab;

use std::sync::atomic::{AtomicBool, Ordering};

use isbg_scan::{Form, Mode, Original, ScanJob, Treatment};
use isbg_testkit::dovecot::Settings;
use isbg_testkit::proxy::{Act, Plan, Side, When};
use isbg_types::Flag;
use lab::{Lab, clean, folder, moving, same, spam_may_move, treating};

fn copying(form: Form, original: Original) -> ScanJob {
    treating(Treatment {
        copy: Some((folder("Junk"), form)),
        flags: Vec::new(),
        original,
    })
}

/// A server without MOVE, cut off at this point.
fn cut_at(when: When) -> Plan {
    Plan::new().lacking(&["MOVE"]).at(when, 1, Act::Cut)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_what_is_half_done_to_a_real_run() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    let before = lab.mailbox();
    lab.proxy.set(cut_at(When::Command("UID STORE")));
    lab.scan(&moving()).await.unwrap_err();
    let half = lab.mailbox();
    lab.proxy.set(Plan::new());
    lab.scan_as(Mode::DryRun, &moving()).await.unwrap();
    same(&lab.mailbox(), &half);
    lab.settle(&moving()).await;
    clean(spam_may_move(&before).problems_when_settled(&lab.mailbox()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_busy_when_it_is_to_be_looked_into_doubles_nothing() {
    for (job, command) in [
        (copying(Form::WithReport, Original::Keep), "APPEND"),
        (copying(Form::AsIs, Original::Keep), "UID COPY"),
    ] {
        let lab = Lab::new(Settings::default());
        lab.put("INBOX", "spam one", &[]);
        lab.proxy.set(cut_at(When::Tagged(command)));
        lab.scan(&job).await.unwrap_err();
        assert_eq!(lab.mailbox()["Junk"].len(), 1);
        lab.proxy.set(Plan::new().every(
            When::Command("EXAMINE Junk"),
            Act::Answer("NO [INUSE] Mailbox is locked"),
        ));
        lab.scan(&job).await.unwrap_err();
        lab.settle(&job).await;
        assert_eq!(lab.mailbox()["Junk"].len(), 1, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_recovery_found_out_is_told() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.proxy.set(cut_at(When::Command("UID STORE")));
    lab.scan(&moving()).await.unwrap_err();
    lab.proxy.set(Plan::new());
    lab.scan(&moving()).await.unwrap();
    assert!(lab.told.has("what: \"moved\""), "{:?}", lab.told.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_changed_at_the_last_moment_is_not_counted_as_flagged() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    let address = lab.dovecot.address();
    let once = AtomicBool::new(true);
    lab.proxy.set(Plan::new().edit(move |side, line| {
        let stores = side == Side::Client && line.windows(9).any(|window| window == b"UID STORE");
        if stores && once.swap(false, Ordering::Relaxed) {
            let mut phone = isbg_testkit::wire::Wire::login(address, "me", "secret").unwrap();
            assert!(phone.command("SELECT INBOX").unwrap().is_ok());
            assert!(phone.command("UID STORE 1 +FLAGS (\\Answered)").unwrap().is_ok());
        }
        line.to_vec()
    }));
    let job = treating(Treatment {
        copy: None,
        flags: vec![Flag::new(Flag::FLAGGED)],
        original: Original::Keep,
    });
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.flagged, counts.yielded), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_unmarks_before_it_is_removed_stays() {
    for copy in [None, Some((folder("Junk"), Form::AsIs))] {
        let lab = Lab::new(Settings::default());
        lab.put("INBOX", "spam one", &[]);
        lab.proxy.set(cut_at(When::Command("UID EXPUNGE")));
        let job = treating(Treatment {
            copy,
            flags: Vec::new(),
            original: Original::Remove,
        });
        lab.scan(&job).await.unwrap_err();
        let mut phone = lab.dovecot.wire().unwrap();
        assert!(phone.command("SELECT INBOX").unwrap().is_ok());
        assert!(phone.command("UID STORE 1 -FLAGS (\\Deleted)").unwrap().is_ok());
        lab.settle(&job).await;
        assert_eq!(lab.subjects("INBOX"), ["spam one"]);
        assert!(!lab.mailbox()["INBOX"][0].has("\\Deleted"));
    }
}
