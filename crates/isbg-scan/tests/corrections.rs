//! Learning from what the user moves, on a real mailbox: what teaches, what does not, and that nothing teaches twice.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod lab;

use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use isbg_scan::{CorrectionCounts, Corrections, Mode};
use isbg_testkit::dovecot::Settings;
use isbg_types::Class;
use lab::{Lab, folder, moving};

/// A mailbox whose server says which folder is the trash, if it does.
fn lab(trash: Option<&'static str>) -> Lab {
    Lab::new(Settings {
        folders: vec![
            ("Junk", Some("\\Junk")),
            ("Bin", trash),
            ("Archive", None),
            ("Teach", None),
        ],
        ..Settings::default()
    })
}

fn job(grace: i64) -> Corrections {
    Corrections {
        inbox: folder("INBOX"),
        spam: vec![folder("Junk")],
        unsure: None,
        learned_from: vec![folder("Teach")],
        grace,
    }
}

/// What a run does first.
async fn corrected_as(lab: &Lab, mode: Mode, grace: i64) -> CorrectionCounts {
    let scorer = lab.scorer();
    lab.run(mode, move |pass| {
        async move {
            let mut counts = CorrectionCounts::default();
            isbg_scan::correct(pass, &scorer, &job(grace), &mut counts).await?;
            Ok(counts)
        }
        .boxed()
    })
    .await
    .unwrap()
}

/// A whole run: ham and spam learned from what was moved.
async fn corrected(lab: &Lab) -> (u64, u64) {
    let counts = corrected_as(lab, Mode::Act, 0).await;
    lab.scan(&moving()).await.unwrap();
    (counts.ham, counts.spam)
}

/// As the user does it.
fn moves(lab: &Lab, subject: &str, from: &str, to: &str) {
    gives(lab, subject, from, &format!("MOVE {{}} {to}"));
}

fn gives(lab: &Lab, subject: &str, folder: &str, command: &str) {
    let mailbox = lab.mailbox();
    let message = mailbox[folder]
        .iter()
        .find(|message| message.subject() == subject);
    let uid = message.unwrap().uid.unwrap().to_string();
    let mut phone = lab.dovecot.wire().unwrap();
    assert!(phone.command(&format!("SELECT {folder}")).unwrap().is_ok());
    let command = format!("UID {}", command.replace("{}", &uid));
    assert!(phone.command(&command).unwrap().is_ok(), "{command}");
}

/// What was learned, in order.
fn lessons(lab: &Lab) -> Vec<(Class, String)> {
    let lessons = lab.scorer.lessons.lock().unwrap();
    let subject = |mail: &[u8]| -> String {
        let text = String::from_utf8_lossy(mail).into_owned();
        text.split("Subject: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    lessons
        .iter()
        .map(|(class, mail)| (*class, subject(mail)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_moves_teaches_once() {
    let lab = lab(Some("\\Trash"));
    for subject in [
        "spam one",
        "spam two",
        "spam three",
        "spam four",
        "ham one",
        "ham two",
    ] {
        lab.put("INBOX", subject, &[]);
    }
    assert_eq!(corrected(&lab).await, (0, 0));
    assert_eq!(lab.subjects("Junk").len(), 4);
    assert_eq!(corrected(&lab).await, (0, 0), "what we moved teaches nothing");
    moves(&lab, "spam one", "Junk", "INBOX");
    moves(&lab, "spam two", "Junk", "INBOX");
    moves(&lab, "spam three", "Junk", "Archive");
    moves(&lab, "spam four", "Junk", "Bin");
    assert_eq!(corrected(&lab).await, (3, 0), "{:?}", lab.told.all());
    moves(&lab, "ham one", "INBOX", "Junk");
    moves(&lab, "ham two", "INBOX", "Archive");
    assert_eq!(corrected(&lab).await, (0, 1), "{:?}", lab.told.all());
    for _ in 0..2 {
        assert_eq!(corrected(&lab).await, (0, 0));
    }
    let mut all = lessons(&lab);
    all.sort();
    let ham = |subject: &str| (Class::Ham, subject.to_owned());
    assert_eq!(
        all,
        [
            ham("spam one"),
            ham("spam three"),
            ham("spam two"),
            (Class::Spam, "ham one".to_owned())
        ]
    );
    // What was put back stays where it was put.
    assert_eq!(lab.subjects("INBOX"), ["spam one", "spam two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_again_is_learned_as_it_ends() {
    let lab = lab(Some("\\Trash"));
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "ham one", &[]);
    corrected(&lab).await;
    corrected(&lab).await;
    let mut expected = Vec::new();
    for _ in 0..2 {
        moves(&lab, "spam one", "Junk", "INBOX");
        moves(&lab, "ham one", "INBOX", "Junk");
        assert_eq!(corrected(&lab).await, (1, 1), "{:?}", lab.told.all());
        moves(&lab, "spam one", "INBOX", "Junk");
        moves(&lab, "ham one", "Junk", "INBOX");
        assert_eq!(corrected(&lab).await, (1, 1), "{:?}", lab.told.all());
        assert_eq!(corrected(&lab).await, (0, 0));
        expected.extend([2, 2]);
    }
    let all = lessons(&lab);
    assert_eq!(all.len(), expected.iter().sum::<usize>());
    let last = |subject: &str| all.iter().rev().find(|(_, own)| own == subject).unwrap().0;
    assert_eq!((last("spam one"), last("ham one")), (Class::Spam, Class::Ham));
    // Moved back before anybody looked, it was never moved.
    moves(&lab, "spam one", "Junk", "INBOX");
    moves(&lab, "spam one", "INBOX", "Junk");
    corrected(&lab).await;
    assert_eq!(lessons(&lab).len(), all.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_lately_waits() {
    let lab = lab(Some("\\Trash"));
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "spam two", &[]);
    corrected(&lab).await;
    moves(&lab, "spam one", "Junk", "INBOX");
    moves(&lab, "spam two", "Junk", "INBOX");
    let counts = corrected_as(&lab, Mode::Act, 3_600).await;
    assert_eq!((counts.ham, counts.waiting), (0, 2));
    // A mistake that is put right in time teaches nothing wrong.
    moves(&lab, "spam two", "INBOX", "Bin");
    assert_eq!(corrected(&lab).await, (1, 0));
    assert_eq!(lessons(&lab), [(Class::Ham, "spam one".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_users_move_teaches_nothing() {
    let lab = lab(Some("\\Trash"));
    for subject in ["spam one", "spam two", "spam three", "ham one"] {
        lab.put("INBOX", subject, &[]);
    }
    corrected(&lab).await;
    // Delivered there by the server, copied there, marked deleted elsewhere, moved to where it is learned anyway, undone.
    lab.put("Junk", "spam from elsewhere", &[]);
    gives(&lab, "ham one", "INBOX", "COPY {} Junk");
    moves(&lab, "spam one", "Junk", "INBOX");
    gives(&lab, "spam one", "INBOX", "STORE {} +FLAGS (\\Deleted)");
    moves(&lab, "spam two", "Junk", "Teach");
    lab.undo_last().await.unwrap();
    assert_eq!(lab.subjects("INBOX"), ["ham one", "spam one", "spam three"]);
    for _ in 0..2 {
        assert_eq!(corrected(&lab).await, (0, 0), "{:?}", lab.told.all());
    }
    assert_eq!(lessons(&lab), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_trash_is_not_known_only_the_inbox_is_no_trash() {
    let lab = lab(None);
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "spam two", &[]);
    corrected(&lab).await;
    moves(&lab, "spam one", "Junk", "Archive");
    moves(&lab, "spam two", "Junk", "INBOX");
    assert_eq!(corrected(&lab).await, (1, 0));
    assert_eq!(lessons(&lab), [(Class::Ham, "spam two".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_changed_one_question_is_asked() {
    let lab = lab(Some("\\Trash"));
    (0..20).for_each(|n| lab.put("Archive", &format!("ham {n}"), &[]));
    lab.put("INBOX", "spam one", &[]);
    corrected(&lab).await;
    corrected(&lab).await;
    lab.proxy.forget();
    corrected_as(&lab, Mode::Act, 0).await;
    let commands = lab.proxy.transcript().commands();
    let after_login: Vec<&str> = commands
        .iter()
        .map(|command| command.text.as_str())
        .skip_while(|text| !text.starts_with("STATUS"))
        .collect();
    assert_eq!(after_login.len(), 1, "{commands:?}");
    // What was moved is looked for among what is new only.
    moves(&lab, "spam one", "Junk", "Archive");
    lab.proxy.forget();
    assert_eq!(corrected_as(&lab, Mode::Act, 0).await.ham, 1);
    assert_eq!(lab.proxy.transcript().count("UID FETCH 1:"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn observing_tells_what_it_would_learn() {
    let lab = lab(Some("\\Trash"));
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "ham one", &[]);
    corrected(&lab).await;
    moves(&lab, "spam one", "Junk", "INBOX");
    moves(&lab, "ham one", "INBOX", "Junk");
    let counts = corrected_as(&lab, Mode::DryRun, 0).await;
    assert_eq!((counts.ham, counts.spam), (1, 1));
    let counts = corrected_as(&lab, Mode::Observe, 0).await;
    assert_eq!((counts.ham, counts.spam), (1, 1));
    assert!(lab.told.has("taught: None"), "{:?}", lab.told.all());
    assert_eq!(lessons(&lab), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scorer_that_is_down_loses_no_lesson() {
    let lab = lab(Some("\\Trash"));
    lab.put("INBOX", "spam one", &[]);
    corrected(&lab).await;
    moves(&lab, "spam one", "Junk", "INBOX");
    lab.scorer.down.store(true, Ordering::Relaxed);
    assert_eq!(corrected_as(&lab, Mode::Act, 0).await.ham, 0);
    assert!(lab.told.has("kept for the next run"), "{:?}", lab.told.all());
    lab.scorer.down.store(false, Ordering::Relaxed);
    assert_eq!(corrected(&lab).await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_copies_and_then_removes_is_understood() {
    let lab = lab(Some("\\Trash"));
    lab.put("INBOX", "spam one", &[]);
    lab.put("INBOX", "spam two", &[]);
    corrected(&lab).await;
    // The run comes between the copy and the removal, and something else has changed as well.
    gives(&lab, "spam one", "Junk", "COPY {} Archive");
    moves(&lab, "spam two", "Junk", "Archive");
    assert_eq!(corrected(&lab).await, (1, 0));
    gives(&lab, "spam one", "Junk", "STORE {} +FLAGS (\\Deleted)");
    gives(&lab, "spam one", "Junk", "EXPUNGE {}");
    assert_eq!(corrected(&lab).await, (1, 0), "{:?}", lab.told.all());
}
