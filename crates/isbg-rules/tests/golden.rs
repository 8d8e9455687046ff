//! Messages of ours under rules of ours, against what SpamAssassin made of them: `golden/hits.jsonl`, which
//! `cargo xtask oracle --golden` makes again. Needs no SpamAssassin.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use isbg_message::views::Views;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_testkit::mail::{SAMPLES, hostile};
use serde_json::Value;

/// The message of that name in the golden file: one written by hand, or made up by a seed.
fn message(name: &str) -> Vec<u8> {
    match SAMPLES.iter().find(|sample| sample.name == name) {
        Some(sample) => sample.bytes(),
        None => hostile(name.parse().unwrap()),
    }
}

#[test]
fn hits_and_scores_are_those_of_spamassassin() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let golden = std::fs::read_to_string(folder.join("hits.jsonl")).unwrap();
    let rules = load(&Sources::of(vec![folder])).unwrap();
    assert!(rules.lint.iter().all(|lint| lint.message.contains("depends on")));
    let matcher = Matcher::new(rules, Mode::default()).unwrap();
    assert!(matcher.unknown().is_empty());
    let (mut messages, mut rules_that_hit) = (0, BTreeMap::new());
    for line in golden.lines() {
        let (name, theirs): (String, Value) = serde_json::from_str(line).unwrap();
        let message = Bytes::from(message(&name));
        let outcome = matcher.check(&Views::new(&message, matcher.view_settings()));
        let ours: BTreeMap<String, f64> = outcome
            .hits
            .iter()
            .map(|hit| (matcher.rules().rules[hit.rule].name.clone(), hit.value))
            .collect();
        let hits: BTreeMap<String, f64> = serde_json::from_value(theirs["hits"].clone()).unwrap();
        assert_eq!(ours, hits, "{name}");
        let score = theirs["score"].as_f64().unwrap();
        assert!((outcome.score.points() - score).abs() < 0.0005, "{name}: {score}");
        messages += 1;
        rules_that_hit.extend(ours);
    }
    assert!(
        messages > 80 && rules_that_hit.len() > 70,
        "{}",
        rules_that_hit.len()
    );
}
