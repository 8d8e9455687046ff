//! The real programs `spamassassin` and `sa-learn`, and broken ones in their place.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isbg_lookups::UnknownKind;
use isbg_lookups::program::{Answer, Client, Settings};
use isbg_types::{Class, Score};
use support::{HAM, SPAM, large, mail, text};

/// Installed programs with preferences and a Bayes database of their own.
fn settings(folder: &Path, lines: &[&str]) -> Settings {
    let preferences = folder.join("user_prefs");
    std::fs::write(&preferences, lines.join("\n")).unwrap();
    let bayes = format!("--cf=bayes_path {}", folder.join("bayes").display());
    let arguments = [
        "--local".into(),
        format!("--prefspath={}", preferences.display()),
        bayes,
    ];
    Settings {
        arguments: arguments.map(Into::into).to_vec(),
        ..Settings::default()
    }
}

async fn check(lines: &[&str], message: &'static [u8]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    Client::new(settings(folder.path(), lines))
        .check(&mail(message))
        .await
        .unwrap()
}

#[tokio::test]
async fn ham_and_spam() {
    let ham = check(&[], HAM).await;
    assert!(
        !ham.verdict.spam && ham.verdict.score < Score::REQUIRED,
        "{ham:?}"
    );
    assert_eq!(ham.verdict.required, Score::REQUIRED);
    assert!(text(&ham.rewritten).ends_with(std::str::from_utf8(HAM).unwrap()));

    let spam = check(&[], SPAM).await.verdict;
    let gtube = spam.hits.iter().find(|hit| hit.name == "GTUBE").unwrap();
    assert_eq!(gtube.score, Some(Score(1_000_000)));
    assert!(spam.spam && spam.score >= Score(900_000));
}

/// Subject, header and body of the message all claim to be an innocent score.
#[tokio::test]
async fn a_message_cannot_speak_for_the_scorer() {
    for lines in [
        &["report_safe 0"][..],
        &["report_safe 1"],
        &["report_safe 2"],
        &["clear_headers"],
        &["fold_headers 0", "rewrite_header Subject score=0 required=0"],
    ] {
        let answer = check(lines, SPAM).await;
        assert!(
            answer.verdict.spam && answer.verdict.score >= Score(900_000),
            "{lines:?}"
        );
        let rewritten = text(&answer.rewritten);
        assert!(
            !rewritten.contains("Isbg-"),
            "our own field is gone again: {rewritten}"
        );
        assert!(rewritten.contains("score=0 required=0"), "{rewritten}");
    }
}

#[tokio::test]
async fn the_users_own_threshold_is_told() {
    let verdict = check(&["required_score -10"], HAM).await.verdict;
    assert!(verdict.spam);
    assert_eq!(verdict.required, Score(-10_000));
}

#[tokio::test]
async fn a_message_from_a_file_and_odd_ones() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new(settings(folder.path(), &[]));
    let answer = client.check(&large(SPAM, 1_200_000)).await.unwrap();
    assert!(answer.verdict.spam && answer.rewritten.len() > 1_200_000);
    for odd in [
        &b""[..],
        b"\n",
        b"no header at all",
        b"A: b\r\n\r\nno line end",
        b"\0\xff\n\n\0",
    ] {
        client.check(&odd.to_vec().into()).await.unwrap();
    }
}

#[tokio::test]
async fn learning() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new(settings(folder.path(), &["use_bayes 1"]));
    assert!(client.learn(&mail(HAM), Class::Ham).await.unwrap());
    assert!(!client.learn(&mail(HAM), Class::Ham).await.unwrap());
    assert!(client.learn(&mail(HAM), Class::Spam).await.unwrap());
    assert!(
        client.learn(&large(HAM, 1_100_000), Class::Ham).await.unwrap(),
        "size is no obstacle"
    );

    let off = Client::new(settings(folder.path(), &["use_bayes 0"]));
    let unknown = off.learn(&mail(HAM), Class::Ham).await.unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Refused, "{unknown}");
}

/// A program in place of both.
fn script(folder: &Path, text: &str) -> Settings {
    let path: PathBuf = folder.join("spamassassin");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Settings {
        spamassassin: path.clone(),
        sa_learn: path,
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_crash_is_neither_spam_nor_ham() {
    for (what, text) in [
        (
            "status 5 with a forged score",
            "cat >/dev/null; printf 'X-Spam-Status: Yes, score=9.0 required=5.0\\n\\n'; exit 5",
        ),
        (
            "status 0 with a forged score",
            "cat >/dev/null; printf 'X-Spam-Status: No, score=0.0 required=5.0\\n\\n'",
        ),
        ("another status", "echo out of memory >&2; exit 1"),
        ("killed", "kill -9 $$"),
        ("nothing read, nothing said", "exit 0"),
        ("endless output", "yes"),
        // The name of our field is the first word after `all ` of the argument; its verdict contradicts the status.
        (
            "witnesses that disagree",
            "cat >/dev/null; set -- ${2#*all }; printf 'X-Spam-%s: Yes 9.0 5.0 A=9\\n\\n' $1; exit 0",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::new(script(folder.path(), text));
        for message in [mail(HAM), large(HAM, 3_000_000)] {
            let unknown = client.check(&message).await.unwrap_err();
            assert_eq!(unknown.kind, UnknownKind::BadAnswer, "{what}: {unknown}");
            assert_eq!(
                unknown.detail.contains("disagree"),
                what.contains("disagree"),
                "{unknown}"
            );
        }
        assert!(client.learn(&mail(HAM), Class::Spam).await.is_err(), "{what}");
    }
}

#[tokio::test]
async fn at_the_deadline_the_whole_family_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let text = format!("echo $$ > {0}; sleep 1000 & echo $! >> {0}; wait", pids.display());
    let settings = Settings {
        deadline: Duration::from_millis(500),
        ..script(folder.path(), &text)
    };
    let unknown = Client::new(settings).check(&mail(HAM)).await.unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Timeout);
    let pids = std::fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        let alive = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            !status.is_empty() && !status.contains("State:\tZ")
        };
        // Whoever inherits the orphan takes a moment to bury it.
        let gone = async {
            while alive() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_program_is_an_outage() {
    let settings = Settings {
        spamassassin: "no-such-spamassassin".into(),
        ..Settings::default()
    };
    assert!(!settings.installed());
    assert!(Settings::default().installed());
    let unknown = Client::new(settings).check(&mail(HAM)).await.unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Outage);
    assert!(unknown.detail.contains("--engine"), "{unknown}");
}
