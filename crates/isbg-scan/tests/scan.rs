//! Scans of a real mailbox that go as they should.

mod lab;

use isbg_scan::{BlastLimit, Form, Mode, Original, Treatment};
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;
use isbg_types::{Class, Flag, Score};
use lab::{Lab, clean, folder, learning, moving, same, spam_may_move, treating};

#[tokio::test(flavor = "multi_thread")]
async fn spam_is_moved_and_the_next_run_does_nothing() {
    let lab = Lab::new(Settings::default());
    for (subject, flags) in [
        ("ham one", &["\\Seen"][..]),
        ("spam one", &["\\Seen", "Work"]),
        ("ham two", &[]),
    ] {
        lab.put("INBOX", subject, flags);
    }
    let before = lab.mailbox();
    let counts = lab.scan(&moving()).await.unwrap();
    assert_eq!(
        (counts.judged, counts.ham, counts.spam, counts.moved),
        (3, 2, 1, 1)
    );
    clean(spam_may_move(&before).problems_when_settled(&lab.mailbox()));
    assert_eq!(lab.subjects("Junk"), ["spam one"]);
    lab.settle(&moving()).await;
    assert_eq!(lab.scorer.scored.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_report_keeps_flags_and_date() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "ham one", &[]);
    lab.put("INBOX", "spam one", &["\\Answered", "\\Seen"]);
    let before = lab.mailbox();
    let copy = Some((folder("Junk"), Form::WithReport));
    let job = treating(Treatment {
        copy: copy.clone(),
        flags: Vec::new(),
        original: Original::Keep,
    });
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.spam, counts.copied, counts.moved), (1, 1, 0));
    let after = lab.mailbox();
    assert!(after["INBOX"] == before["INBOX"]);
    let copy_of = &after["Junk"][0];
    assert_eq!(
        (copy_of.date, &copy_of.flags),
        (before["INBOX"][1].date, &before["INBOX"][1].flags)
    );
    lab.settle(&job).await;
    assert_eq!(lab.mailbox()["Junk"].len(), 1);

    let job = treating(Treatment {
        copy,
        flags: Vec::new(),
        original: Original::Remove,
    });
    lab.put("INBOX", "spam two", &[]);
    let before = lab.mailbox();
    lab.scan(&job).await.unwrap();
    let allowed =
        Conservation::of(&before).may_wrap("INBOX", "Junk", |message| message.subject() == "spam two");
    clean(allowed.problems_when_settled(&lab.mailbox()));
}

#[tokio::test(flavor = "multi_thread")]
async fn flag_and_delete_together() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &["\\Seen"]);
    let job = treating(Treatment {
        copy: Some((folder("Junk"), Form::AsIs)),
        flags: vec![Flag::new(Flag::FLAGGED)],
        original: Original::MarkDeleted,
    });
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!(counts.moved, 1);
    let after = lab.mailbox();
    assert!(after["INBOX"][0].has("\\Flagged") && after["INBOX"][0].has("\\Deleted"));
    assert!(!after["Junk"][0].has("\\Deleted"));
    lab.settle(&job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_marked_deleted_stays() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "ham marked", &["\\Deleted"]);
    lab.put("INBOX", "spam marked by the user", &["\\Deleted"]);
    lab.put("INBOX", "spam one", &[]);
    let before = lab.mailbox();
    let job = treating(Treatment {
        copy: Some((folder("Junk"), Form::WithReport)),
        flags: Vec::new(),
        original: Original::Remove,
    });
    lab.scan(&job).await.unwrap();
    let allowed =
        Conservation::of(&before).may_wrap("INBOX", "Junk", |message| message.subject() == "spam one");
    clean(allowed.problems_when_settled(&lab.mailbox()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_scores_and_changes_nothing() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    let before = lab.mailbox();
    let counts = lab.scan_as(Mode::DryRun, &moving()).await.unwrap();
    assert_eq!(
        (counts.judged, counts.spam, counts.held_back, counts.moved),
        (1, 1, 1, 0)
    );
    same(&lab.mailbox(), &before);
    assert!(!lab::state_of(&lab).exists());
    assert_eq!(lab.scan(&moving()).await.unwrap().moved, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blast_limit_moves_nothing_and_the_next_run_may() {
    let lab = Lab::new(Settings::default());
    (0..5).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &[]));
    let before = lab.mailbox();
    let mut job = moving();
    job.policy.blast_limit = BlastLimit::Messages(4);
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.spam, counts.moved, counts.held_back), (5, 0, 5));
    assert!(lab.told.has("--blast-limit off"));
    same(&lab.mailbox(), &before);
    assert_eq!(lab.scan(&moving()).await.unwrap().moved, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_reports_and_the_second_acts() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &[]);
    let mut job = moving();
    job.policy.first_run_reports = true;
    // A first run that the scorer's failure cut short has not reported.
    lab.scorer.down.store(true, std::sync::atomic::Ordering::Relaxed);
    lab.scan(&job).await.unwrap_err();
    lab.scorer.down.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(lab.scan(&job).await.unwrap().held_back, 1);
    assert_eq!(lab.scan(&job).await.unwrap().moved, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn certain_unsure_and_spared() {
    let lab = Lab::new(Settings::default());
    for (subject, flags) in [
        ("certain one", &[][..]),
        ("unsure one", &[]),
        ("spam one", &["\\Flagged"]),
        ("ham one", &[]),
    ] {
        lab.put("INBOX", subject, flags);
    }
    let mut job = moving();
    job.policy.thresholds.certain_above = Some(Score(15_000));
    job.policy.thresholds.unsure = Some((Score(4_000), Score(5_000)));
    job.policy.certain = Treatment {
        copy: None,
        flags: Vec::new(),
        original: Original::Remove,
    };
    job.policy.unsure = Treatment::move_to(folder("Unsure"));
    job.policy.spare = vec![Flag::new(Flag::FLAGGED)];
    lab.dovecot.maildir("me").create("Unsure").unwrap();
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!(
        (
            counts.certain,
            counts.deleted,
            counts.unsure,
            counts.moved,
            counts.spared
        ),
        (1, 1, 1, 1, 1)
    );
    assert_eq!(lab.subjects("INBOX"), ["spam one", "ham one"]);
    assert_eq!(lab.subjects("Unsure"), ["unsure one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_runs_take_the_newest_and_leave_the_rest_for_later() {
    let lab = Lab::new(Settings::default());
    (0..7).for_each(|n| lab.put("INBOX", &format!("spam {n}"), &[]));
    let mut job = moving();
    job.bounds.at_most = Some(3);
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.judged, counts.left_for_later), (3, 4));
    assert_eq!(lab.subjects("INBOX"), ["spam 0", "spam 1", "spam 2", "spam 3"]);
    assert_eq!(lab.scan(&job).await.unwrap().judged, 3);
    assert_eq!(lab.scan(&job).await.unwrap().judged, 1);
    lab.settle(&job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_is_counted_named_and_scanned_once_the_limit_allows() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", &format!("spam {}", "x".repeat(2_000)), &[]);
    lab.put("INBOX", "ham one", &[]);
    let mut job = moving();
    job.bounds.max_size = 1_500;
    let counts = lab.scan(&job).await.unwrap();
    assert_eq!((counts.judged, counts.too_large), (1, 1));
    assert!(lab.told.has("TooLarge"));
    assert_eq!(lab.scan(&job).await.unwrap().too_large, 0);
    assert_eq!(lab.scan(&moving()).await.unwrap().moved, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn learned_ham_is_moved_and_learned_once() {
    let lab = Lab::new(Settings::default());
    lab.dovecot.maildir("me").create("Learn").unwrap();
    lab.dovecot.maildir("me").create("Kept").unwrap();
    lab.put("Learn", "ham one", &["\\Seen"]);
    let before = lab.mailbox();
    let job = learning(Class::Ham, "Learn", Treatment::move_to(folder("Kept")));
    let counts = lab.learn(&job).await.unwrap();
    assert_eq!((counts.to_learn, counts.learned, counts.treated), (1, 1, 1));
    let allowed = Conservation::of(&before).may_move("Learn", "Kept", |_| true);
    clean(allowed.problems_when_settled(&lab.mailbox()));
    let job = learning(Class::Ham, "Kept", Treatment::leave());
    let counts = lab.learn(&job).await.unwrap();
    assert_eq!((counts.to_learn, counts.learned, counts.already_known), (1, 0, 1));
    assert_eq!(lab.learn(&job).await.unwrap().to_learn, 0);
    assert_eq!(lab.scorer.lessons.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_not_put_where_it_is_already() {
    let lab = Lab::new(Settings::default());
    lab.put("Junk", "spam one", &[]);
    let before = lab.mailbox();
    let mut job = moving();
    job.folder = folder("Junk");
    assert_eq!(lab.scan(&job).await.unwrap().moved, 0);
    let job = learning(Class::Spam, "Junk", Treatment::move_to(folder("Junk")));
    assert_eq!(lab.learn(&job).await.unwrap().learned, 1);
    assert_eq!(lab.learn(&job).await.unwrap().to_learn, 0);
    same(&lab.mailbox(), &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_puts_back_and_what_was_put_back_stays() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &["\\Seen"]);
    lab.put("INBOX", "ham one", &[]);
    let before = lab.mailbox();
    let with_report = Treatment {
        copy: Some((folder("Junk"), Form::WithReport)),
        flags: Vec::new(),
        original: Original::Remove,
    };
    for job in [moving(), treating(with_report)] {
        let lab = Lab::new(Settings::default());
        lab.put("INBOX", "spam one", &["\\Seen"]);
        lab.put("INBOX", "ham one", &[]);
        assert_eq!(lab.scan(&job).await.unwrap().moved, 1);
        let counts = lab.undo_last().await.unwrap();
        assert_eq!((counts.undone, counts.not_undone), (1, 0), "{:?}", lab.told.all());
        let strip = |mailbox: isbg_testkit::mailbox::Mailbox| {
            let mut all: Vec<_> = mailbox
                .into_iter()
                .flat_map(|(folder, messages)| {
                    messages
                        .into_iter()
                        .map(move |m| (folder.clone(), m.bytes, m.flags, m.date))
                })
                .collect();
            all.sort();
            all
        };
        assert!(strip(lab.mailbox()) == strip(before.clone()));
        let counts = lab.scan(&job).await.unwrap();
        assert_eq!((counts.moved, counts.spared), (0, 1));
        lab.settle(&job).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_copy_takes_the_copy_away_and_the_marks_off() {
    let lab = Lab::new(Settings::default());
    lab.put("INBOX", "spam one", &["\\Seen"]);
    let before = lab.mailbox();
    let job = treating(Treatment {
        copy: Some((folder("Junk"), Form::WithReport)),
        flags: vec![Flag::new(Flag::FLAGGED)],
        original: Original::MarkDeleted,
    });
    lab.scan(&job).await.unwrap();
    assert_eq!(lab.undo_last().await.unwrap().undone, 1);
    same(&lab.mailbox(), &before);
    assert_eq!(lab.undo_last().await.unwrap().undone, 0);
}
