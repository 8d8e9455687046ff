//! The built-in rules over mail that we wrote: each on a mail it is for and on one like it, and all of them on honest mail.
//! Does not know how often they hit on others' mail: `docs/rules.md` does.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use isbg_message::views::Views;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};

fn matcher() -> Matcher {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("local.cf");
    std::fs::write(
        &file,
        "authres_networks all\nauthres_trusted_authserv mx.home.example\n",
    )
    .unwrap();
    let rules = load(&Sources {
        builtin: true,
        ..Sources::of(vec![file])
    })
    .unwrap();
    assert_eq!(rules.lint, []);
    Matcher::new(rules, Mode::default()).unwrap()
}

fn check(matcher: &Matcher, message: Vec<u8>) -> (f64, Vec<&str>) {
    let message = Bytes::from(message);
    let outcome = matcher.check(&Views::new(&message, matcher.view_settings()));
    let names = outcome
        .hits
        .iter()
        .map(|hit| matcher.rules().rules[hit.rule].name.as_str());
    (outcome.score.points(), names.collect())
}

/// A file to hang on: `NAME` or `NAME=CONTENT`, where `%00` is a byte.
fn attached(file: &str, message: &mut Vec<u8>) {
    let (name, content) = file.split_once('=').unwrap_or((file, "x"));
    let head = format!(
        "\n--b\nContent-Type: application/octet-stream; name=\"{name}\"\nContent-Disposition: attachment; filename=\"{name}\"\n\n"
    );
    message.extend(head.bytes());
    let mut rest = content.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = std::str::from_utf8(after.get(..2).unwrap_or_default()).ok();
        match code
            .filter(|_| *first == b'%')
            .and_then(|code| u8::from_str_radix(code, 16).ok())
        {
            Some(byte) => {
                message.push(byte);
                rest = &after[2..];
            }
            None => {
                message.push(*first);
                rest = after;
            }
        }
    }
}

/// The mail that a line of the cases stands for.
fn mail(line: &str) -> Vec<u8> {
    let (head, body) = line.split_once("||").unwrap_or((line, "Hello"));
    let hidden = "words that nobody is to see ".repeat(40);
    let body = body.trim().replace("\\n", "\n").replace("HIDE", &hidden);
    let mut headers = BTreeMap::from([
        ("Date", "Tue, 3 Jun 2025 10:00:00 +0000"),
        ("From", "Anna Berg <anna@firma.example>"),
        ("Subject", "Notes"),
        ("To", "me@home.example"),
    ]);
    let given = head
        .split(" | ")
        .filter_map(|header| header.trim().split_once(": "));
    headers.extend(given);
    let file = headers.remove("attach");
    let kind = if body.starts_with('<') { "html" } else { "plain" };
    let mut text = String::new();
    for (name, value) in headers {
        writeln!(text, "{name}: {value}").unwrap();
    }
    let boundary = "Content-Type: multipart/mixed; boundary=b\n\n--b\n";
    let before = if file.is_some() { boundary } else { "" };
    write!(text, "MIME-Version: 1.0\n{before}Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n").unwrap();
    let mut message = text.into_bytes();
    if let Some(file) = file {
        attached(file, &mut message);
        message.extend(b"\n--b--\n");
    }
    message
}

#[test]
fn each_rule_hits_what_it_is_for_and_not_what_is_like_it() {
    let matcher = matcher();
    let cases = include_str!("builtin/cases.txt");
    let mut seen: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut wrong = String::new();
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.splitn(3, ' ');
        let (Some(rule), Some(sign)) = (words.next(), words.next()) else {
            continue;
        };
        let wanted = sign == "+";
        seen.entry(rule).or_default()[usize::from(wanted)] += 1;
        let (_, hits) = check(&matcher, mail(words.next().unwrap_or_default()));
        if hits.contains(&rule) != wanted {
            writeln!(wrong, "{line}: {hits:?}").unwrap();
        }
    }
    for rule in &matcher.rules().rules {
        let name = rule.name.as_str();
        if !name.starts_with("__") && !seen.get(name).is_some_and(|[miss, hit]| *miss > 0 && *hit > 0) {
            writeln!(wrong, "{name}: no mail for it").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_says_what_it_means_and_none_decides_alone() {
    for rule in &matcher().rules().rules {
        let name = rule.name.as_str();
        assert!(name.starts_with("ISBG_") || name.starts_with("__ISBG_"), "{name}");
        if name.starts_with("__") {
            continue;
        }
        assert!(
            rule.description.as_deref().is_some_and(|text| text.len() <= 90),
            "{name}"
        );
        assert!(
            rule.scores.iter().all(|score| *score < 3.0 && *score != 0.0),
            "{name}: {:?}",
            rule.scores
        );
        let is_nice = rule.flags.nice;
        assert!(
            rule.scores.iter().all(|score| (*score < 0.0) == is_nice),
            "{name}"
        );
    }
}

#[test]
fn honest_mail_stays_below_the_threshold() {
    let matcher = matcher();
    let mail = Path::new(env!("CARGO_MANIFEST_DIR")).join("../isbg-testkit/mail");
    let mut messages = 0;
    for folder in ["near-miss", "ham"] {
        for entry in std::fs::read_dir(mail.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let (score, hits) = check(&matcher, std::fs::read(&path).unwrap());
            assert!(score < 5.0, "{}: {score} {hits:?}", path.display());
            messages += 1;
        }
    }
    assert!(messages >= 300, "{messages}");
}

#[test]
fn the_list_of_top_level_domains_yields_to_another() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.cf"), "util_rb_tld com\n").unwrap();
    let load = |paths: Vec<_>| {
        let sources = Sources {
            builtin: true,
            ..Sources::of(paths)
        };
        load(&sources).unwrap().settings.suffixes[&1].len()
    };
    assert_eq!(load(vec![folder.path().to_owned()]), 1);
    assert!(load(Vec::new()) > 1_000);
}
