//! Messages that we wrote, and what SpamAssassin's rules read of them. `cargo xtask oracle --golden` makes the golden
//! files again.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use isbg_message::views::{Networks, Selector, Settings, Views};
use serde_json::Value;

use compare::{compare, first_difference};

mod compare;

/// As much of the rule files' lists as the messages need.
fn settings() -> Settings {
    let mut settings = Settings::default();
    for tld in ["com", "org", "net", "uk", "jp"] {
        settings.tlds.top.insert(tld.as_bytes().to_vec());
    }
    settings.tlds.two.insert(b"co.uk".to_vec());
    settings.originating_ip_headers = vec!["X-Originating-IP".to_owned()];
    settings
}

fn agrees(name: &str, settings: &Settings) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let message = Bytes::from(fs::read(folder.join(format!("{name}.eml"))).unwrap());
    let golden = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let theirs: Value = serde_json::from_str(&golden).unwrap();
    let selectors = fs::read_to_string(folder.join("selectors")).unwrap();
    let selectors: Vec<(String, Selector)> = selectors
        .lines()
        .map(|line| (line.to_owned(), Selector::parse(line)))
        .collect();
    let views = Views::new(&message, settings);
    let mut differences = Vec::new();
    compare(&views, &theirs, &selectors, &mut |view, ours, theirs| {
        if ours != theirs {
            differences.push(format!("{view} {}", first_difference(&ours, &theirs)));
        }
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn plain_text_with_links_and_relays() {
    agrees("plain", &settings());
}

#[test]
fn html_with_styles_links_and_tricks() {
    agrees("html", &settings());
}

#[test]
fn broken_mime_and_header() {
    agrees("broken", &settings());
}

#[test]
fn japanese_charsets() {
    agrees("japanese", &settings());
}

#[test]
fn trust_as_configured() {
    // As in hops.cf. Loopback is trusted by all, and makes no hop a submission of mail.
    let mut settings = settings();
    let networks = |list: &[&str]| {
        let mut networks = Networks::default();
        assert!(list.iter().all(|text| networks.add(text)));
        networks
    };
    settings.trust.trusted = Some(networks(&["!203.0.113.99", "203.0.113.0/24"]));
    settings.trust.internal = Some(networks(&["203.0.113.20"]));
    settings.trust.msa = networks(&["203.0.113.30"]);
    settings.envelope_sender_header = Some("Return-Path".to_owned());
    agrees("hops", &settings);
}
