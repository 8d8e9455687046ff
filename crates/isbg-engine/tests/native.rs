//! The native scorer with rule files that we wrote: the contract of all scorers, and what hostile rules and mail do to
//! it. Does not compare it with SpamAssassin.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use isbg_engine::{Consequence, MOST_BYTES, Native, NativeSettings, Scorer, UnknownKind, Wish, consequence};
use isbg_message::unwrap_report;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_spool::{Spool, Writer};
use isbg_types::{Class, Score};

const RULES: &str = "\
body PILLS /cheap pills/i
describe PILLS Offers pills
score PILLS 4.5
header __FROM_ANN From:addr =~ /^ann@/
meta ANN (__FROM_ANN && PILLS)
score ANN 1.25
";

const HAM: &[u8] =
    b"From: Ann <ann@example.org>\r\nTo: b@example.net\r\nSubject: Keys\r\n\r\nThe keys are here.\r\n";
const SPAM: &[u8] =
    b"From: Ann <ann@example.org>\r\nTo: b@example.net\r\nSubject: Offer\r\n\r\nCheap pills!\r\n";

fn scorer(rules: &str, settings: NativeSettings) -> Native {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.cf"), rules).unwrap();
    let rules = load(&Sources::of(vec![folder.path().into()])).unwrap();
    Native::new(Arc::new(Matcher::new(rules, Mode::default()).unwrap()), settings).unwrap()
}

fn mail(bytes: &[u8]) -> Spool {
    bytes.to_vec().into()
}

#[tokio::test]
async fn verdict_report_and_lesson() {
    let scorer = scorer(RULES, NativeSettings::default());
    scorer.probe().await.unwrap();
    for wish in [Wish::Verdict, Wish::Report] {
        let scored = scorer.score(&mail(HAM), wish).await.unwrap();
        assert!(!scored.verdict.spam && scored.verdict.hits.is_empty() && scored.rewritten.is_none());
    }
    let scored = scorer.score(&mail(SPAM), Wish::Report).await.unwrap();
    let verdict = &scored.verdict;
    assert_eq!(
        (verdict.score, verdict.required, verdict.spam),
        (Score(5_750), Score::REQUIRED, true)
    );
    let hits: Vec<_> = verdict
        .hits
        .iter()
        .map(|hit| (hit.name.as_str(), hit.score.unwrap()))
        .collect();
    assert_eq!(hits, [("ANN", Score(1_250)), ("PILLS", Score(4_500))]);
    assert_eq!(verdict.hits[1].description.as_deref(), Some("Offers pills"));
    let report = scored.rewritten.unwrap();
    assert!(String::from_utf8_lossy(&report.prefix(usize::MAX).unwrap()).contains("Offers pills"));
    assert!(
        unwrap_report(&report)
            .unwrap()
            .unwrap()
            .same_bytes(&mail(SPAM))
            .unwrap()
    );

    let unknown = scorer.teach(&mail(SPAM), Class::Spam).await.unwrap_err();
    assert!(
        unknown.kind == UnknownKind::Refused && unknown.detail.contains("--no-classifier"),
        "{unknown}"
    );
    assert_eq!(consequence(&scorer, &unknown).await, Consequence::Stop(unknown));
    assert_eq!(scorer.remarks(), Vec::<String>::new());
}

#[tokio::test]
async fn sub_rules_are_listed_where_they_are_wanted() {
    let settings = NativeSettings {
        sub_rules: true,
        ..NativeSettings::default()
    };
    let verdict = scorer(RULES, settings)
        .score(&mail(HAM), Wish::Verdict)
        .await
        .unwrap()
        .verdict;
    let hits: Vec<_> = verdict
        .hits
        .iter()
        .map(|hit| (hit.name.as_str(), hit.score.unwrap()))
        .collect();
    assert_eq!(hits, [("__FROM_ANN", Score(0))]);
}

#[tokio::test]
async fn a_long_message_is_judged_by_its_beginning() {
    let scorer = scorer(
        &format!("{RULES}full AT_THE_END /the very end/\n"),
        NativeSettings::default(),
    );
    let mut writer = Writer::new();
    writer.write_all(SPAM).unwrap();
    let line = [b'x'; 1_000];
    while writer.len() < MOST_BYTES as u64 + 1_000 {
        writer.write_all(&line).unwrap();
        writer.write_all(b"\r\n").unwrap();
    }
    writer.write_all(b"the very end\r\n").unwrap();
    let verdict = scorer
        .score(&writer.finish().unwrap(), Wish::Verdict)
        .await
        .unwrap()
        .verdict;
    assert_eq!(verdict.score, Score(5_750), "{:?}", verdict.hits);
}

/// Patterns that explode, rules that need one another in a circle, lines that are none: there is a verdict all the same,
/// and it says what is not known.
#[tokio::test]
async fn hostile_rules() {
    let rules = format!(
        "{RULES}body EXPLODES /(a+)+\\1[qz]/\nscore EXPLODES 9\nmeta A1 B1\nmeta B1 A1\n\
         body BROKEN /(/\nnonsense\ninclude rules.cf\nbody HUGE /{}/\nmeta FROM_NOWHERE UNDEFINED > 0\n",
        "a{1000}".repeat(1_000)
    );
    let scorer = scorer(&rules, NativeSettings::default());
    let mut exploding = SPAM.to_vec();
    exploding.extend_from_slice("a".repeat(900).as_bytes());
    exploding.extend_from_slice(b"b\r\n");
    let verdict = scorer
        .score(&mail(&exploding), Wish::Verdict)
        .await
        .unwrap()
        .verdict;
    assert!(verdict.hits.iter().any(|hit| hit.name == "PILLS"), "{verdict:?}");
    let remarks = scorer.remarks();
    assert!(
        remarks.len() == 1 && remarks[0].contains("EXPLODES") && remarks[0].contains("too many steps"),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn no_time_is_no_verdict() {
    let settings = NativeSettings {
        deadline: Duration::ZERO,
        ..NativeSettings::default()
    };
    let scorer = scorer(RULES, settings);
    let mut large = SPAM.to_vec();
    large.resize(1_000_000, b'x');
    let large = mail(&large);
    // A verdict that is there when its deadline is looked at is given all the same: on a busy machine that happens.
    for _ in 0..1_000 {
        if let Err(unknown) = scorer.score(&large, Wish::Verdict).await {
            assert_eq!(unknown.kind, UnknownKind::Timeout);
            return;
        }
    }
    panic!("the deadline is not kept");
}
