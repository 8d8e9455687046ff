//! Tests of what a run says.

use isbg_message::Summary;
use isbg_scan::{CorrectionCounts, Form, LearnCounts, Original, ScanCounts, Treatment};
use isbg_types::{Flag, FolderName, Score, Tier, Verdict};

use super::*;
use crate::exit::Status;

fn scan(judged: u64, spam: u64) -> ScanCounts {
    ScanCounts {
        judged,
        spam,
        ham: judged - spam,
        ..ScanCounts::default()
    }
}

fn tally(scan: ScanCounts) -> Tally {
    Tally {
        scan: Some(scan),
        ..Tally::default()
    }
}

#[test]
fn the_four_lines_of_isbg_2() {
    let all = Tally {
        learned_spam: Some(LearnCounts {
            learned: 3,
            to_learn: 4,
            already_known: 1,
            ..LearnCounts::default()
        }),
        learned_ham: Some(LearnCounts {
            learned: 5,
            to_learn: 5,
            ..LearnCounts::default()
        }),
        scan: Some(ScanCounts {
            deleted: 1,
            moved: 6,
            copied: 2,
            too_large: 9,
            ..scan(20, 9)
        }),
        corrected: Some(CorrectionCounts {
            ham: 3,
            waiting: 1,
            ..CorrectionCounts::default()
        }),
    };
    insta::assert_snapshot!(all.lines().join("\n"), @r"
    3/4 spams learned
    5/5 hams learned
    9 spams found in 20 messages
    1/9 was automatically deleted
    6 messages moved, 2 copied
    9 not scanned because of their size
    3 moved by you and learned as ham
    1 moved by you and to be learned if they stay there
    1 known to the scorer already
    ");
    assert_eq!(
        tally(scan(0, 0)).lines(),
        [
            "0 spams found in 0 messages",
            "0/0 was automatically deleted",
            "0 messages moved"
        ]
    );
    let teaching = Tally {
        learned_ham: Some(LearnCounts::default()),
        ..Tally::default()
    };
    assert_eq!(teaching.lines(), ["0/0 hams learned"]);
}

#[test]
fn exit_statuses_of_a_scan() {
    let failing = |unknown, not_done, counts| ScanCounts {
        unknown,
        not_done,
        ..counts
    };
    for (counts, plain, detailed) in [
        (scan(0, 0), Status::Fine, Status::Fine),
        (scan(5, 0), Status::Fine, Status::AllHam),
        (scan(5, 5), Status::Fine, Status::AllSpam),
        (scan(5, 2), Status::Fine, Status::Mixed),
        (failing(3, 0, scan(0, 0)), Status::Scorer, Status::Scorer),
        (failing(3, 0, scan(5, 0)), Status::Fine, Status::AllHam),
        (failing(0, 1, scan(5, 2)), Status::Imap, Status::Imap),
    ] {
        let tally = tally(counts);
        assert_eq!(
            (tally.status(false), tally.status(true)),
            (plain, detailed),
            "{counts:?}"
        );
    }
}

#[test]
fn a_message_cannot_act_on_the_terminal() {
    let summary = Summary {
        from: "Mallory \u{1b}]0;x\u{7} <m@example.org>".to_owned(),
        subject: "score=0 required=0\r\nisbg: all is well \u{202e}".to_owned(),
        ..Summary::default()
    };
    let verdict = Verdict {
        score: Score(7_300),
        required: Score::REQUIRED,
        spam: true,
        hits: Vec::new(),
    };
    let line = lines::judged("INBOX/1", &summary, &verdict, Tier::Spam, "moved to Spam");
    assert!(
        !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
        "{line:?}"
    );
    assert!(line.ends_with("7.3/5.0  spam  moved to Spam"), "{line}");
}

#[test]
fn what_would_be_done() {
    let spam = || FolderName::new("Spam");
    let flag = vec![Flag::new(Flag::FLAGGED)];
    for (treatment, words) in [
        (Treatment::move_to(spam()), "move to Spam"),
        (
            Treatment {
                copy: Some((spam(), Form::WithReport)),
                flags: flag.clone(),
                original: Original::MarkDeleted,
            },
            "put a report to Spam, mark as deleted, flag",
        ),
        (
            Treatment {
                copy: None,
                flags: Vec::new(),
                original: Original::Remove,
            },
            "remove",
        ),
        (
            Treatment {
                copy: None,
                flags: flag,
                original: Original::Keep,
            },
            "flag",
        ),
    ] {
        assert_eq!(lines::intended(&treatment), words);
    }
}
