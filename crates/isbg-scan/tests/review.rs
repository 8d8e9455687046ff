//! Rarer troubles: half-done work met by a dry run or a folder that is busy, servers that refuse single messages or get
//! sizes wrong, what is done in two steps, and how each is undone.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod lab;

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use isbg_scan::{Form, Mode, Original, ScanJob, Treatment};
use isbg_testkit::dovecot::Settings;
use isbg_testkit::proxy::{Act, Plan, Side, When};
use isbg_types::{Class, Flag};
use lab::{Lab, clean, folder, learning, moving, same, spam_may_move, treating};

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
async fn a_message_that_the_server_refuses_does_not_stop_the_others() {
    let lab = Lab::new(Settings::default());
    for subject in ["spam one", "spam two", "spam three"] {
        lab.put("INBOX", subject, &[]);
    }
    refuse_second(&lab);
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!((counts.judged, counts.unknown, counts.moved), (2, 1, 2));
    lab.settle(&moving()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_refuses_does_not_stop_the_learning_of_others() {
    let lab = Lab::new(Settings::default());
    for subject in ["ham one", "ham two", "ham three"] {
        lab.put("INBOX", subject, &[]);
    }
    refuse_second(&lab);
    let job = learning(Class::Ham, "INBOX", Treatment::leave());
    let counts = lab.learn(&job).await.unwrap();
    assert_eq!((counts.learned, counts.unknown), (2, 1));
}

/// Whoever fetches the message with UID 2 whole, with others or alone, is refused.
fn refuse_second(lab: &Lab) {
    lab.proxy.set(Plan::new().edit(|side, line| {
        let text = String::from_utf8_lossy(line).into_owned();
        let with_it = [" 1:3 (", " 2 (", " 1:2 (", " 2:3 ("]
            .iter()
            .any(|set| text.contains(set));
        if side == Side::Client && text.contains("BODY.PEEK[]") && with_it {
            let tag = text.split(' ').next().unwrap();
            // What no server can do: it answers NO or BAD to the whole command.
            return format!("{tag} UID FETCH 0 (UID)\r\n").into_bytes();
        }
        line.to_vec()
    }));
}

/// A server that counts some bytes more than it gives.
fn wrong_sizes(plan: Plan) -> Plan {
    plan.edit(|side, line| {
        let text = String::from_utf8_lossy(line).into_owned();
        match (side, text.find("RFC822.SIZE ")) {
            (Side::Server, Some(at)) => {
                let at = at + "RFC822.SIZE ".len();
                let rest = &text[at..];
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
                let size: u64 = rest[..end].parse().unwrap();
                format!("{}{}{}", &text[..at], size + 7, &rest[end..]).into_bytes()
            }
            _ => line.to_vec(),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_sizes_double_nothing_and_keep_nothing_back() {
    for lacking in [&[][..], &["MOVE"], &["MOVE", "UIDPLUS"], &["UIDPLUS"]] {
        let lab = Lab::new(Settings::default());
        lab.put("INBOX", "spam one", &[]);
        lab.put("Junk", "ham in between", &[]);
        lab.proxy.set(wrong_sizes(Plan::new().lacking(lacking)));
        let counts = lab.scan(&moving()).await.unwrap();
        assert_eq!(
            (counts.moved, counts.yielded, counts.not_done),
            (1, 0, 0),
            "{lacking:?}"
        );
        assert_eq!(
            lab.subjects("Junk"),
            ["ham in between", "spam one"],
            "{lacking:?}"
        );
        lab.scan(&moving()).await.unwrap();
        let undone = lab.undo_last().await.unwrap();
        assert_eq!(
            (undone.undone, undone.not_undone),
            (1, 0),
            "{lacking:?}: {:?}",
            lab.told.all()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_header_doubles_nothing() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", &format!("spam {}", "x ".repeat(150_000)), &[]);
    lab.proxy.set(Plan::new().lacking(&["MOVE"]));
    let mut job = moving();
    job.bounds.max_size = 1 << 20;
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.moved, counts.not_done), (1, 0));
    assert_eq!(
        (lab.mailbox()["INBOX"].len(), lab.mailbox()["Junk"].len()),
        (0, 1)
    );
}

fn to_trash() -> ScanJob {
    treating(Treatment {
        copy: Some((folder("Junk"), Form::WithReport)),
        flags: vec![Flag::new(Flag::FLAGGED)],
        original: Original::ToTrash(folder("Trash")),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_flagged_and_copied_still_goes_to_the_trash_and_comes_back() {
    let lab = Lab::new(Settings::default());
    lab.dovecot.maildir("me").create("Trash").unwrap();
    lab.put("INBOX", "spam one", &[]);
    let counts = lab.scan(&to_trash()).await.unwrap();
    assert_eq!((counts.moved, counts.yielded), (1, 0));
    assert_eq!(lab.subjects("Trash"), ["spam one"]);
    lab.settle(&to_trash()).await;
    let undone = lab.undo_last().await.unwrap();
    assert_eq!((undone.undone, undone.not_undone), (2, 0), "{:?}", lab.told.all());
    assert_eq!(lab.subjects("INBOX"), ["spam one"]);
    assert_eq!(
        (lab.mailbox()["Junk"].len(), lab.mailbox()["Trash"].len()),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_stays_where_its_original_could_not_be_unmarked() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    let job = copying(Form::AsIs, Original::MarkDeleted);
    lab.scan(&job).await.unwrap();
    let before = lab.mailbox();
    lab.proxy
        .set(Plan::new().at(When::Command("UID STORE"), 1, Act::Answer("NO [NOPERM] not now")));
    let counts = lab.undo_last().await.unwrap();
    assert_eq!((counts.undone, counts.not_undone), (0, 1));
    same(&lab.mailbox(), &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_removed_is_told_of() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.scan(&copying(Form::AsIs, Original::Keep)).await.unwrap();
    lab.proxy
        .set(Plan::new().every(When::Command("UID STORE"), Act::Answer("NO [NOPERM] not there")));
    lab.undo_last().await.unwrap();
    assert!(lab.told.has("not there"), "{:?}", lab.told.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn learned_messages_that_could_not_be_moved_again_and_again_are_not_given_up() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "ham one", &[]);
    let job = learning(Class::Ham, "INBOX", Treatment::move_to(folder("Junk")));
    for _ in 0..4 {
        lab.proxy
            .set(Plan::new().every(When::Command("STATUS"), Act::Cut));
        lab.learn(&job).await.unwrap_err();
    }
    lab.proxy.set(Plan::new());
    assert_eq!(lab.learn(&job).await.unwrap().treated, 1, "{:?}", lab.told.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_the_line_dropped_is_counted() {
    let lab = Lab::new(Settings::default());
    (0..120).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &[]));
    lab.proxy
        .set(Plan::new().at(When::Command("UID MOVE"), 2, Act::Cut));
    let job = moving();
    let scorer = lab.scorer();
    let (counts, failed) = lab
        .run(Mode::Act, move |pass| {
            async move {
                let mut counts = isbg_scan::ScanCounts::default();
                let failed = isbg_scan::scan(pass, &scorer, &job, &mut counts).await.is_err();
                Ok((counts, failed))
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!((failed, counts.moved), (true, 100));
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_like_a_copy_of_ours_is_not_removed_in_its_place() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    lab.scan(&copying(Form::AsIs, Original::Keep)).await.unwrap();
    lab.put("Junk", "spam one", &[]);
    let mut phone = lab.dovecot.wire().unwrap();
    assert!(phone.command("SELECT Junk").unwrap().is_ok());
    assert!(phone.command("UID STORE 1 +FLAGS (\\Deleted)").unwrap().is_ok());
    assert!(phone.command("UID EXPUNGE 1").unwrap().is_ok());
    assert_eq!(lab.undo_last().await.unwrap().undone, 1);
    assert_eq!(lab.subjects("Junk"), ["spam one"]);
}
