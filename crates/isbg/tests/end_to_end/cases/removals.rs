//! What is removed, marked or thrown away, and what must never be.

use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;
use isbg_testkit::mailbox::Message;
use isbg_testkit::proxy::Plan;

use crate::lab::{Lab, conserved, is_spam, same};

#[test]
fn case_03_expunge_spares_bystanders() {
    for lacking in [&[][..], &["MOVE"], &["MOVE", "UIDPLUS"]] {
        let lab = Lab::new();
        lab.put("INBOX", "spam 1", &[]);
        lab.put("INBOX", "ham marked by another client", &["\\Deleted"]);
        lab.put("INBOX", "spam marked by another client", &["\\Deleted"]);
        lab.put("INBOX", "ham 1", &["\\Seen"]);
        let before = lab.mailbox();
        lab.proxy.set(Plan::new().lacking(lacking));
        for options in ["--noreport --delete --expunge", "--delete --expunge"] {
            lab.run(options);
        }
        lab.harmless();
        let ours = |message: &Message| message.subject() == "spam 1";
        conserved(
            &Conservation::of(&before).may_move("INBOX", "Junk", ours),
            &lab.mailbox(),
        );
        let left = lab.subjects("INBOX");
        // Without UIDPLUS nothing can be removed safely, so the original stays, marked.
        assert_eq!(
            left.contains(&"spam 1".to_owned()),
            lacking.contains(&"UIDPLUS"),
            "{lacking:?}: {left:?}"
        );
        lab.quiet("--delete --expunge");
    }
}

#[test]
fn case_04_deletion_above_a_score_is_told_and_only_marks() {
    let lab = Lab::new();
    for subject in ["certain 1", "spam 1", "ham 1"] {
        lab.put("INBOX", subject, &["\\Seen"]);
    }
    let before = lab.mailbox();
    // The stub gives "certain" mail 30 points: strictly above is above.
    let ran = lab.fine("--deletehigherthan 30 --dryrun --verbose");
    assert!(ran.err.contains("0/2 was automatically deleted"), "{ran}");
    let ran = lab.fine("--deletehigherthan 29.9 --noreport");
    assert!(
        ran.err
            .contains("2 spams found in 3 messages\n1/2 was automatically deleted\n"),
        "{ran}"
    );
    let inbox = &lab.mailbox()["INBOX"];
    assert_eq!(
        inbox
            .iter()
            .map(|message| message.has("\\Deleted"))
            .collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(lab.subjects("Junk"), ["spam 1"]);
    let history = lab.call("history").out;
    assert!(
        history
            .lines()
            .any(|line| line.contains("deleted") && line.contains("certain 1")),
        "{history}"
    );
    let undo = lab.call("undo --nossl --passwdfilename pw --noninteractive");
    assert_eq!(undo.status, 0, "{undo}");
    same(&lab.mailbox(), &before);

    lab.put("INBOX", "certain 2", &[]);
    lab.fine("--deletehigherthan 29.9 --expunge");
    assert!(!lab.subjects("INBOX").contains(&"certain 2".to_owned()));
    let undo = lab.call("undo --nossl --passwdfilename pw --noninteractive");
    assert_ne!(
        undo.status, 0,
        "what is gone cannot be put back, and that is said: {undo}"
    );
}

#[test]
fn case_14_flags_and_date_survive() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &["\\Seen", "\\Answered", "Work"]);
    lab.put("INBOX", "spam 2", &[]);
    let before = lab.mailbox();
    lab.fine("--delete --expunge");
    let after = lab.mailbox();
    for original in &before["INBOX"] {
        let copy = after["Junk"]
            .iter()
            .find(|copy| copy.subject() == original.subject())
            .unwrap();
        assert_eq!((copy.date, &copy.flags), (original.date, &original.flags));
        assert!(
            String::from_utf8_lossy(&copy.bytes).contains("X-Spam-Flag: YES"),
            "it bears the report"
        );
    }
    conserved(
        &Conservation::of(&before).may_wrap("INBOX", "Junk", is_spam),
        &after,
    );
}

#[test]
fn case_15_gmail_ham_never_goes_to_the_bin() {
    let settings = Settings {
        folders: vec![
            ("Junk", Some("\\Junk")),
            ("Papierkorb", Some("\\Trash")),
            ("Good", None),
            ("Teach", None),
        ],
        ..Settings::default()
    };
    let lab = Lab::with(settings);
    lab.put("Good", "ham 1", &[]);
    lab.put("Teach", "spam 1", &[]);
    lab.put("INBOX", "spam 2", &["\\Seen"]);
    lab.put("INBOX", "certain 1", &[]);
    let before = lab.mailbox();
    let options = "--gmail --learnthendestroy --learnhambox Good --learnspambox Teach --noreport --delete \
                   --deletehigherthan 29";
    lab.fine(options);
    assert_eq!(lab.subjects("Good"), ["ham 1"]);
    assert_eq!(
        lab.subjects("Junk"),
        ["spam 2"],
        "what goes to the spam folder does not go to the trash as well"
    );
    let mut trash = lab.subjects("Papierkorb");
    trash.sort();
    assert_eq!(trash, ["certain 1", "spam 1"]);
    let allowed = Conservation::of(&before)
        .may_move("Teach", "Papierkorb", |_| true)
        .may_move("INBOX", "Junk", is_spam)
        .may_move("INBOX", "Papierkorb", |message| message.subject() == "certain 1");
    conserved(&allowed, &lab.mailbox());
    lab.quiet(options);
}
