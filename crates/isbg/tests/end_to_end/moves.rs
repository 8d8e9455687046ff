//! Learning from the user's own moves, from the config file to a real SpamAssassin's database.

use isbg_testkit::dovecot::Settings;
use isbg_testkit::spamd::{self, Spamd};

use crate::lab::Lab;
use crate::learning::{counted, counted_or_none};

/// The line that every SpamAssassin calls spam.
fn spam(subject: &str) -> Vec<u8> {
    let gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    [
        crate::lab::mail(subject),
        gtube.as_bytes().to_vec(),
        b"\r\n".to_vec(),
    ]
    .concat()
}

/// Moves messages as a mail program does.
fn moves(lab: &Lab, subjects: &[&str], from: &str, to: &str) {
    for subject in subjects {
        let mailbox = lab.mailbox();
        let message = mailbox[from].iter().find(|message| message.subject() == *subject);
        let uid = message.unwrap().uid.unwrap();
        let mut user = lab.dovecot.wire().unwrap();
        assert!(user.command(&format!("SELECT {from}")).unwrap().is_ok());
        assert!(user.command(&format!("UID MOVE {uid} {to}")).unwrap().is_ok());
    }
}

#[test]
fn moving_mail_teaches_spamassassin() {
    // Left to itself, SpamAssassin learns from what it scores as well.
    let spamd = Spamd::start(&spamd::Settings {
        allow_tell: true,
        lines: vec!["bayes_auto_learn 0"],
        ..spamd::Settings::default()
    })
    .unwrap();
    let folders = vec![
        ("Junk", Some("\\Junk")),
        ("Bin", Some("\\Trash")),
        ("Archive", None),
    ];
    let lab = Lab::with(Settings {
        folders,
        ..Settings::default()
    });
    for n in 1..5 {
        lab.put_mail("INBOX", &spam(&format!("offer {n}")), &[]);
    }
    for n in 1..3 {
        lab.put("INBOX", &format!("letter {n}"), &["\\Seen"]);
    }
    let keys = "mode = \"move\"\nfirst-run-reports = false\nlearn-moves-after = 0";
    lab.configure(keys);
    let scan = |words: &str| {
        let ran = lab.call(&format!("{words} --spamd {}", spamd.address()));
        assert_eq!(ran.status, 0, "{ran}");
        ran
    };
    assert!(scan("scan").err.contains("4 messages moved"));
    assert_eq!(counted_or_none(&spamd), None, "what isbg moved teaches nothing");

    moves(&lab, &["offer 1", "offer 2"], "Junk", "INBOX");
    moves(&lab, &["offer 3"], "Junk", "Archive");
    moves(&lab, &["offer 4"], "Junk", "Bin");
    let ran = scan("scan --dry-run");
    assert!(ran.err.contains("3 moved by you"), "{ran}");
    assert_eq!(counted_or_none(&spamd), None, "a dry run teaches nothing");
    let ran = scan("scan --verbose");
    assert!(
        ran.err.contains("3 moved by you and learned as ham") && ran.err.contains("so ham: learned"),
        "{ran}"
    );
    assert_eq!(counted(&spamd), (0, 3));

    moves(&lab, &["letter 1"], "INBOX", "Junk");
    let ran = scan("learn --json");
    assert!(
        ran.out.contains("\"event\":\"corrected\"")
            && ran.out.contains("\"class\":\"spam\",\"action\":\"learned\"")
            && ran.out.contains("\"corrected_spam\":1,\"corrected_ham\":0"),
        "{ran}"
    );
    assert_eq!(counted(&spamd), (1, 3));
    let ran = scan("scan");
    assert!(!ran.err.contains("moved by you"), "{ran}");
    assert_eq!(counted(&spamd), (1, 3));
    assert_eq!(lab.subjects("INBOX"), ["letter 2", "offer 1", "offer 2"]);

    // A mistake and its correction.
    moves(&lab, &["offer 1"], "INBOX", "Junk");
    scan("scan");
    assert_eq!(counted(&spamd), (2, 2));
}

#[test]
fn moves_that_are_not_to_be_learned() {
    let moving = "mode = \"move\"\nfirst-run-reports = false\nlearn-moves-after = 0";
    for (keys, told) in [
        (format!("{moving}\nlearn-from-moves = false"), false),
        ("learn-moves-after = 0".to_owned(), true),
    ] {
        let lab = Lab::new();
        lab.put("INBOX", "spam 1", &[]);
        lab.configure(moving);
        lab.call("scan");
        moves(&lab, &["spam 1"], "Junk", "INBOX");
        lab.configure(&keys);
        let ran = lab.call("scan");
        assert_eq!(ran.err.contains("1 moved by you"), told, "{ran}");
        let lessons = lab.state_count("SELECT count(*) FROM learned");
        assert_eq!((lessons, lab.subjects("INBOX").len()), (0, 1));
    }
}
