//! Compares our views with what `oracle/dump-views.pl` printed: rates of agreement per view, and the first differences.
//! Knows SpamAssassin's rule files only as far as the views depend on them.
//!
//! `compare-views RULES_DIR [--cf FILE] SHOW DUMP.json...`: FILE is what the oracle was given as preferences, SHOW how many
//! differences to print for each view.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for developers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use isbg_message::views::{Networks, Selector, Settings, Views};
use serde_json::Value;

use compare::{compare, first_difference};

#[path = "../tests/compare/mod.rs"]
mod compare;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rules = arguments.next().expect("RULES_DIR");
    let mut show = arguments.next().expect("SHOW");
    let mut preferences = None;
    if show == "--cf" {
        preferences = arguments.next();
        show = arguments.next().expect("SHOW");
    }
    let show: usize = show.parse().expect("a number");
    let settings = settings(&rules, preferences);
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut spent = Duration::ZERO;
    let mut messages = 0u32;
    for dump in arguments {
        for line in BufReader::new(fs::File::open(&dump).expect("the dump")).lines() {
            let theirs: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            let file = theirs["file"].as_str().expect("a file name");
            let message = Bytes::from(fs::read(file).expect("the message"));
            let names: Vec<&String> = theirs["get"]
                .as_object()
                .map(|get| get.keys().collect())
                .unwrap_or_default();
            let selectors: Vec<(String, Selector)> = names
                .into_iter()
                .map(|name| (name.clone(), Selector::parse(name)))
                .collect();
            let start = Instant::now();
            let views = Views::new(&message, &settings);
            views.body();
            views.rawbody();
            views.uris();
            views.relays();
            spent += start.elapsed();
            messages += 1;
            compare(&views, &theirs, &selectors, &mut |view, ours, theirs| {
                let (agreed, all) = tally.entry(view.to_owned()).or_default();
                *all += 1;
                if ours == theirs {
                    *agreed += 1;
                } else if *all - *agreed <= show {
                    println!("{view} {file}\n  {}", first_difference(&ours, &theirs));
                }
            });
        }
    }
    println!(
        "{messages} messages, {:?} each for body, rawbody, uris and relays",
        spent / messages.max(1)
    );
    for (view, (agreed, all)) in tally {
        println!(
            "{:8.3} %  {agreed} of {all}  {view}",
            100.0 * agreed as f64 / all as f64
        );
    }
}

/// What the views need of the rule files.
fn settings(rules: &str, preferences: Option<String>) -> Settings {
    let mut settings = Settings::default();
    let mut files: Vec<_> = fs::read_dir(rules)
        .expect("RULES_DIR")
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "cf"));
    files.sort();
    files.extend(preferences.map(Into::into));
    for file in &files {
        for line in String::from_utf8_lossy(&fs::read(file).unwrap()).lines() {
            let line = line.trim();
            let (key, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let words = || {
                rest.split_whitespace()
                    .map(|word| word.to_ascii_lowercase().into_bytes())
            };
            match key {
                "util_rb_tld" => settings.tlds.top.extend(words()),
                "util_rb_2tld" => settings.tlds.two.extend(words()),
                "util_rb_3tld" => settings.tlds.three.extend(words()),
                "originating_ip_headers" => {
                    settings
                        .originating_ip_headers
                        .extend(rest.split_whitespace().map(str::to_owned));
                }
                "clear_originating_ip_headers" => settings.originating_ip_headers.clear(),
                "trusted_networks" => add(&mut settings.trust.trusted, rest),
                "internal_networks" => add(&mut settings.trust.internal, rest),
                "msa_networks" => rest
                    .split_whitespace()
                    .for_each(|text| assert!(settings.trust.msa.add(text))),
                "envelope_sender_header" => settings.envelope_sender_header = Some(rest.trim().to_owned()),
                "redirector_pattern" => {
                    let rest = rest.trim();
                    let body = rest.strip_prefix('m').unwrap_or(rest);
                    let close = body.chars().next().unwrap();
                    let inner = &body[1..body.rfind(close).unwrap()];
                    let pattern = fancy_regex::Regex::new(&format!("(?i){inner}")).expect("a pattern");
                    settings.redirectors.push(Arc::new(move |uri: &[u8]| {
                        let uri = std::str::from_utf8(uri).ok()?;
                        Some(pattern.captures(uri).ok()??.get(1)?.range())
                    }));
                }
                _ => {}
            }
        }
    }
    settings
}

fn add(networks: &mut Option<Networks>, list: &str) {
    let networks = networks.get_or_insert_default();
    list.split_whitespace()
        .for_each(|text| assert!(networks.add(text)));
}
