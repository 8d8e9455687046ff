//! Single runs: what is moved, what is said, and which status is returned. Knows nothing of accounts and history.

use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;
use isbg_testkit::spamd_stub::{Answer, SpamdStub};

use crate::lab::*;

#[test]
fn a_plain_run_copies_and_leaves_the_inbox_alone() {
    let scene = Scene::new(&["lunch", "pills", "minutes"]);
    let before = scene.mailbox();
    let ran = scene.run("");
    assert_eq!(ran.status, 0, "{ran}");
    assert_eq!(
        lines(&ran),
        [
            "1 spams found in 3 messages",
            "0/1 was automatically deleted",
            "0 messages moved, 1 copied"
        ]
    );
    let after = scene.mailbox();
    assert_eq!(scene.subjects("INBOX"), ["lunch", "pills", "minutes"]);
    assert_eq!(after["Junk"].len(), 1);
    check(
        &Conservation::of(&before)
            .may_double("INBOX", is_spam)
            .may_wrap("INBOX", "Junk", is_spam),
        &after,
    );
    let again = scene.run("");
    assert_eq!(lines(&again)[0], "0 spams found in 0 messages");
    assert_eq!(scene.mailbox(), after, "a second run changes nothing");
}

#[test]
fn spam_is_moved_untouched() {
    let scene = Scene::new(&["lunch", "pills", "more pills"]);
    let before = scene.mailbox();
    let ran = scene.run("--noreport --delete --expunge --verbose");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("2 messages moved"), "{ran}");
    let line = ran.err.lines().find(|line| line.contains("more pills")).unwrap();
    assert!(
        line.contains("Somebody <s@example.org>") && line.contains("20.0/5.0  spam  moved to Junk"),
        "{ran}"
    );
    assert!(
        ran.err
            .lines()
            .any(|line| line.contains("lunch") && line.ends_with("0.0/5.0  ham  left")),
        "{ran}"
    );
    assert_eq!(scene.subjects("INBOX"), ["lunch"]);
    check(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &scene.mailbox(),
    );
}

#[test]
fn flag_and_delete_together() {
    let scene = Scene::new(&["lunch", "pills"]);
    let ran = scene.run("--flag --delete");
    assert_eq!(ran.status, 0, "{ran}");
    let inbox = &scene.mailbox()["INBOX"];
    assert!(inbox[1].has("\\Flagged") && inbox[1].has("\\Deleted") && !inbox[0].has("\\Deleted"));
}

#[test]
fn expunge_spares_bystanders() {
    let scene = Scene::new(&["lunch", "pills"]);
    scene
        .dovecot
        .deliver("INBOX", &mail("mine"), &["\\Deleted", "\\Seen"], DATE)
        .unwrap();
    assert_eq!(scene.run("--delete --expunge").status, 0);
    assert_eq!(scene.subjects("INBOX"), ["lunch", "mine"]);
}

#[test]
fn statuses_with_exitcodes() {
    for (subjects, status) in [
        (&[][..], 0),
        (&["lunch"][..], 1),
        (&["pills", "pills"][..], 2),
        (&["lunch", "pills"][..], 3),
    ] {
        let scene = Scene::new(subjects);
        assert_eq!(scene.run("--exitcodes --nostats").status, status, "{subjects:?}");
        assert_eq!(scene.run("--exitcodes --nostats").status, 0, "nothing new");
    }
}

#[test]
fn certain_spam_and_unsure_mail() {
    let settings = Settings {
        folders: vec![("Junk", Some("\\Junk")), ("Maybe", None)],
        ..Settings::default()
    };
    let scene = Scene::with(settings, &["lunch", "pills", "surely pills", "perhaps"]);
    let ran = scene
        .run("--deletehigherthan 25 --unsure-band 4,4.9 --unsureinbox Maybe --noreport --delete --expunge");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(
        ran.err
            .contains("2 spams found in 4 messages\n1/2 was automatically deleted\n"),
        "{ran}"
    );
    assert_eq!(scene.subjects("INBOX"), ["lunch"]);
    assert_eq!(scene.subjects("Junk"), ["pills"]);
    assert_eq!(scene.subjects("Maybe"), ["perhaps"]);
}

#[test]
fn a_dry_run_scores_and_changes_nothing() {
    let scene = Scene::new(&["lunch", "pills"]);
    let before = scene.mailbox();
    let ran = scene.run("--dryrun --noreport --delete --expunge --verbose");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.err.contains("1 spams found in 2 messages"), "{ran}");
    assert!(ran.err.contains("would move to Junk"), "{ran}");
    assert_eq!(scene.mailbox(), before);
    assert!(
        !scene.home.path().join(".local").exists(),
        "a dry run leaves no trace"
    );
    assert!(scene.scorer.served() >= 2);
}

#[test]
fn the_size_limit_is_told() {
    let scene = Scene::new(&["lunch"]);
    let mut large = mail("large pills");
    large.resize(150_000, b'x');
    scene.dovecot.deliver("INBOX", &large, &[], DATE).unwrap();
    let ran = scene.run("--verbose");
    assert!(ran.err.contains("0 spams found in 1 messages"), "{ran}");
    assert!(ran.err.contains("1 not scanned because of their size"), "{ran}");
    assert!(
        ran.err
            .lines()
            .any(|line| line.contains("large pills") && line.contains("not scanned: ")),
        "{ran}"
    );
}

#[test]
fn only_so_many_in_a_run() {
    let scene = Scene::new(&["a", "b", "c", "d"]);
    let ran = scene.run("--partialrun 3");
    assert!(
        ran.err.contains("0 spams found in 3 messages") && ran.err.contains("1 left for the next run"),
        "{ran}"
    );
    assert!(
        scene
            .run("--partialrun 3")
            .err
            .contains("0 spams found in 1 messages")
    );
}

#[test]
fn many_messages_with_spam_among_the_first() {
    let scene = Scene::new(&["pills"; 5]);
    for number in 0..250 {
        scene
            .dovecot
            .deliver("INBOX", &mail(&format!("letter {number}")), &[], DATE)
            .unwrap();
    }
    scene
        .dovecot
        .deliver("INBOX", &mail("more pills"), &[], DATE)
        .unwrap();
    let ran = scene.run("--partialrun 0");
    assert!(ran.err.contains("6 spams found in 256 messages"), "{ran}");
    assert!(
        scene
            .run("--partialrun 0")
            .err
            .contains("0 spams found in 0 messages")
    );
}

#[test]
fn folders_that_do_not_exist() {
    let scene = Scene::new(&["pills"]);
    let before = scene.mailbox();
    for options in [
        "--spaminbox Jun",
        "--imapinbox Posteingang",
        "--learnspambox Junkyard",
    ] {
        let ran = scene.run(options);
        assert_eq!((ran.status, lines(&ran).len()), (11, 1), "{ran}");
    }
    assert!(scene.run("--spaminbox Jun").err.contains("did you mean Junk"));
    assert_eq!(scene.mailbox(), before);
}

#[test]
fn a_spam_folder_is_made_where_there_is_none() {
    let scene = Scene::with(
        Settings {
            folders: Vec::new(),
            ..Settings::default()
        },
        &["pills"],
    );
    let ran = scene.run("--noreport --delete --expunge");
    assert!(
        ran.err.contains("there was no folder for spam; made Spam"),
        "{ran}"
    );
    assert_eq!(scene.subjects("Spam"), ["pills"]);
}

#[test]
fn no_scorer_is_no_verdict() {
    let scene = Scene::new(&["pills"]);
    let before = scene.mailbox();
    let gone = isbg_testkit::NOBODY_LISTENS.to_string();
    let line = scene.line("").replace(&scene.scorer.address().to_string(), &gone);
    let ran = scene.home.line(&line);
    assert_eq!(ran.status, 12, "{ran}");
    assert_eq!(scene.mailbox(), before);
    assert!(
        scene.run("").err.contains("1 spams found in 1 messages"),
        "and it counts as new later"
    );
}

#[test]
fn a_run_that_is_told_to_end() {
    let mut scene = Scene::new(&["pills"]);
    let before = scene.mailbox();
    let patient = std::mem::replace(&mut scene.scorer, SpamdStub::start(|_| Answer::Hang).unwrap());
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("isbg"))
        .env("HOME", scene.home.path())
        .current_dir(scene.home.path())
        .args(scene.line("--noreport --delete --expunge").split_whitespace())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while scene.scorer.served() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for _ in 0..2 {
        isbg_testkit::terminate(&child).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(255), "{output:?}");
    assert_eq!(scene.mailbox(), before);
    scene.scorer = patient;
    assert!(
        scene
            .run("--noreport --delete --expunge")
            .err
            .contains("1 messages moved")
    );
}

#[test]
fn records_for_programs() {
    let scene = Scene::new(&["lunch", "pills"]);
    let ran = scene.run("--json --noreport --delete --expunge");
    assert_eq!(ran.status, 0, "{ran}");
    let records: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let spam = records
        .iter()
        .find(|record| record["subject"] == "pills")
        .unwrap();
    assert_eq!(spam["event"], "message");
    assert_eq!(
        (&spam["verdict"], &spam["action"], &spam["to"]),
        (&"spam".into(), &"moved".into(), &"Junk".into())
    );
    assert_eq!(spam["score"], 20.0);
    assert_eq!(spam["rules"][0]["name"], "STUB_SAYS_SPAM");
    let summary = records.last().unwrap();
    assert_eq!(
        (&summary["event"], &summary["judged"], &summary["moved"]),
        (&"summary".into(), &2.into(), &1.into())
    );
    let documented =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md")).unwrap();
    for record in &records {
        for key in record.as_object().unwrap().keys() {
            assert!(
                documented.contains(&format!("`{key}`")),
                "{key} is not in docs/json.md"
            );
        }
    }
}
