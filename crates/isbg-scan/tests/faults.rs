//! Moves that are cut off, refused, raced or misreported, on every path; and that in the end each message is there once.
//!
//! A: MOVE. B: COPY with UIDPLUS. C: neither. R: a copy with the scorer's report, the original removed. K: the same, the
//! original kept. T: the same, the original into the trash.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod lab;

use isbg_scan::{Form, Original, ScanJob, Treatment};
use isbg_testkit::conservation::Conservation;
use isbg_testkit::dovecot::Settings;
use isbg_testkit::mailbox::{Mailbox, Message};
use isbg_testkit::proxy::{Act, Plan, Side, When};
use lab::{Lab, folder, moving, treating};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    A,
    B,
    C,
    R,
    K,
    T,
}

impl Path {
    /// The server as it looks on this path.
    fn plan(self) -> Plan {
        match self {
            Self::A | Self::R | Self::K | Self::T => Plan::new(),
            Self::B => Plan::new().lacking(&["MOVE"]),
            Self::C => Plan::new().lacking(&["MOVE", "UIDPLUS"]),
        }
    }

    fn job(self) -> ScanJob {
        let with_report = |original| {
            treating(Treatment {
                copy: Some((folder("Junk"), Form::WithReport)),
                flags: Vec::new(),
                original,
            })
        };
        match self {
            Self::R => with_report(Original::Remove),
            Self::K => with_report(Original::Keep),
            Self::T => with_report(Original::ToTrash(folder("Trash"))),
            Self::A | Self::B | Self::C => moving(),
        }
    }

    /// The commands that this path sends once login is over, in order.
    fn commands(self) -> &'static [&'static str] {
        match self {
            Self::A => &[
                "EXAMINE",
                "UID SEARCH",
                "UID FETCH",
                "STATUS",
                "SELECT",
                "UID MOVE",
            ],
            Self::B => &[
                "EXAMINE",
                "UID FETCH",
                "STATUS",
                "SELECT",
                "UID COPY",
                "UID STORE",
                "UID EXPUNGE",
            ],
            Self::C => &["STATUS", "SELECT", "UID COPY", "UID STORE"],
            Self::R => &["STATUS", "SELECT", "APPEND", "UID STORE", "UID EXPUNGE"],
            Self::K => &["STATUS", "SELECT", "APPEND", "EXAMINE", "UID FETCH"],
            Self::T => &["STATUS", "SELECT", "APPEND", "UID FETCH", "UID MOVE"],
        }
    }

    /// What is wrong with the mailbox, in the middle or once everything is settled.
    fn problems(self, before: &Mailbox, after: &Mailbox, settled: bool) -> Vec<String> {
        let spam = |message: &Message| message.subject().starts_with("spam");
        let allowed = Conservation::of(before);
        let allowed = match self {
            Self::R => allowed.may_wrap("INBOX", "Junk", spam),
            Self::A | Self::B | Self::C => allowed.may_move("INBOX", "Junk", spam),
            Self::K => return reported(&allowed, before, after, settled),
            Self::T => {
                let allowed = allowed.may_move("INBOX", "Trash", spam);
                let there = after["INBOX"].iter().filter(|message| spam(message)).count();
                let mut problems = reported(&allowed, before, after, settled);
                if settled && there > 0 {
                    problems.push(format!("{there} messages are not in the trash"));
                }
                return problems;
            }
        };
        if settled {
            allowed.problems_when_settled(after)
        } else {
            allowed.problems(after)
        }
    }
}

/// The originals are where they may be, and in the end there is one report for each spam.
fn reported(allowed: &Conservation<'_>, before: &Mailbox, after: &Mailbox, settled: bool) -> Vec<String> {
    let mut rest = after.clone();
    let reports = rest
        .insert("Junk".to_owned(), before["Junk"].clone())
        .unwrap_or_default();
    let mut problems = match settled {
        true => allowed.problems_when_settled(&rest),
        false => allowed.problems(&rest),
    };
    if settled && reports.len() != 2 {
        problems.push(format!("{} reports of 2 messages", reports.len()));
    }
    problems
}

fn mailbox(lab: &Lab) -> Mailbox {
    lab.dovecot.maildir("me").create("Trash").unwrap();
    lab.put("INBOX", "ham one", &["\\Seen"]);
    lab.put("INBOX", "spam one", &["\\Seen"]);
    lab.put("INBOX", "ham marked by another client", &["\\Deleted"]);
    lab.put("INBOX", "spam two", &[]);
    lab.mailbox()
}

/// Runs with this plan, which may fail; then as often as it takes, and demands that each message is there once.
async fn cut(path: Path, lab: &Lab, before: &Mailbox, plan: Plan, what: &str) {
    lab.proxy.set(plan);
    let first = lab.scan(&path.job()).await;
    let problems = path.problems(before, &lab.mailbox(), false);
    assert!(problems.is_empty(), "{path:?}, {what}, {first:?}: {problems:#?}");
    lab.proxy.set(path.plan());
    for _ in 0..2 {
        lab.scan(&path.job()).await.unwrap();
    }
    lab.proxy.forget();
    lab.scan(&path.job()).await.unwrap();
    let changes = isbg_testkit::conservation::changes_in(&lab.proxy.transcript());
    assert!(
        changes.is_empty(),
        "{path:?}, {what}: a further run changed something: {changes:?}"
    );
    let problems = path.problems(before, &lab.mailbox(), true);
    assert!(
        problems.is_empty(),
        "{path:?}, {what}, {first:?}, then {:?}: {problems:#?}",
        lab.told.all()
    );
}

async fn each_point(path: Path, act: Act, tagged: bool) {
    for command in path.commands() {
        for nth in 1..=3 {
            let lab = Lab::new(Settings::default());
            let before = mailbox(&lab);
            let when = if tagged {
                When::Tagged(command)
            } else {
                When::Command(command)
            };
            let plan = path.plan().at(when, nth, act.clone());
            cut(
                path,
                &lab,
                &before,
                plan,
                &format!("{act:?} at {command} number {nth}, tagged {tagged}"),
            )
            .await;
        }
    }
}

async fn each_byte(path: Path) {
    for side in [Side::Client, Side::Server] {
        let total = {
            let lab = Lab::new(Settings::default());
            mailbox(&lab);
            lab.proxy.set(path.plan());
            lab.scan(&path.job()).await.unwrap();
            lab.proxy.transcript().len(side)
        };
        let mut at = 1;
        while at < total {
            let lab = Lab::new(Settings::default());
            let before = mailbox(&lab);
            let plan = path.plan().cut_after_bytes(side, at);
            cut(
                path,
                &lab,
                &before,
                plan,
                &format!("cut after {at} bytes of {side:?}"),
            )
            .await;
            at += 1 + total / 12;
        }
    }
}

macro_rules! on_each_path {
    ($($module:ident = $path:expr),*) => {$(
        mod $module {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn cut_before_each_command() {
                each_point($path, Act::Cut, false).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn cut_after_each_command_was_sent() {
                each_point($path, Act::CutAfter, false).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn cut_before_each_answer_ends() {
                each_point($path, Act::Cut, true).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn cut_within_each_answers_end() {
                each_point($path, Act::CutWithin(5), true).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn cut_after_bytes_of_either_side() {
                each_byte($path).await;
            }
        }
    )*};
}

on_each_path!(
    path_a = Path::A,
    path_b = Path::B,
    path_c = Path::C,
    path_r = Path::R,
    path_k = Path::K,
    path_t = Path::T
);
