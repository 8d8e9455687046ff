//! Rule files from the line to the verdict, over messages written here.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use isbg_message::views::Views;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode, Outcome};
use isbg_rules::ruleset::{RuleSet, Test};
use isbg_types::Score;

const MAIL: &str = "Received: from mail.example.org (mail.example.org [192.0.2.7]) by mx.example.net (Postfix)\r\n\
    \twith ESMTP id ABC123 for <you@example.net>; Mon, 5 Jan 2026 10:00:00 +0000\r\n\
    From: \"A. Writer\" <writer@example.org>\r\nTo: you@example.net\r\nSubject: Cheap watches\r\n\
    Date: Mon, 5 Jan 2026 09:59:58 +0000\r\nMessage-ID: <1@example.org>\r\nContent-Type: text/plain\r\n\r\n\
    Buy a watch, a watch, a WATCH.\r\n\r\nSee http://shop.example.com/watch?id=1 today.\r\n";

fn read(files: &[(&str, &str)]) -> RuleSet {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    load(&Sources::of(vec![folder.path().to_owned()])).unwrap()
}

fn rules(text: &str) -> RuleSet {
    read(&[("rules.cf", text)])
}

fn judged(rules: RuleSet) -> (Matcher, Outcome) {
    let matcher = Matcher::new(rules, Mode::default()).unwrap();
    let mail = Bytes::from(MAIL);
    let outcome = matcher.check(&Views::new(&mail, matcher.view_settings()));
    (matcher, outcome)
}

/// The rules that hit, with their values.
fn hits(text: &str) -> Vec<(String, f64)> {
    let (matcher, outcome) = judged(rules(text));
    let name = |at: usize| matcher.rules().rules[at].name.clone();
    outcome
        .hits
        .iter()
        .map(|hit| (name(hit.rule), hit.value))
        .collect()
}

fn names(text: &str) -> Vec<String> {
    hits(text).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn each_kind_of_rule_hits() {
    let found = names(
        "header H_SUBJECT Subject =~ /watches$/\nheader H_ADDR From:addr =~ /^writer\\@/\nheader H_NONE X-None =~ /^$/\n\
         header H_NEG Subject !~ /cars/\nheader H_EXISTS exists:Date\nheader H_ABSENT exists:X-None\n\
         header H_UNSET X-None =~ /^gone$/ [if-unset: gone]\nbody B_TEXT /a WATCH/\nbody B_SUBJECT /^Cheap watches/\n\
         body B_CASE /a Watch/\nbody B_FOLD /a Watch/i\nrawbody R_TEXT /watch\\?id=1/\nfull F_TEXT /\\r\\n\\r\\nBuy/\n\
         util_rb_tld com\nuri U_SHOP m{^https?://shop\\.example}\nmeta M_BOTH H_SUBJECT && B_TEXT\nmeta M_NOT !H_ABSENT\n",
    );
    let expected = [
        "B_FOLD",
        "B_SUBJECT",
        "B_TEXT",
        "F_TEXT",
        "H_ADDR",
        "H_EXISTS",
        "H_NEG",
        "H_NONE",
        "H_SUBJECT",
        "H_UNSET",
        "M_BOTH",
        "M_NOT",
        "R_TEXT",
        "U_SHOP",
    ];
    assert_eq!(found, expected);
}

#[test]
fn counted_hits_reach_metas_and_scores() {
    let text = "body __W /watch/i\ntflags __W multiple maxhits=3\nmeta MANY __W > 2\nscore MANY 1.5\n\
                body EACH /a watch/\ntflags EACH multiple\nscore EACH 0.25\nmeta SUM __W + EACH\nscore SUM 0.001\n";
    assert_eq!(
        hits(text),
        [
            ("EACH".to_owned(), 2.0),
            ("MANY".to_owned(), 1.0),
            ("SUM".to_owned(), 5.0),
            ("__W".to_owned(), 3.0)
        ]
    );
    assert_eq!(judged(rules(text)).1.score, Score(2_001));
}

#[test]
fn the_last_definition_wins_and_scores_of_nothing_switch_off() {
    let found = names(
        "body A /nothing like it/\nheader A Subject =~ /Cheap/\nbody B /watch/\nscore B 0\nmeta C !B\n\
         body D /watch/\nbody D /(/\n",
    );
    assert_eq!(found, ["A", "C", "D"]);
}

#[test]
fn scores() {
    let set = rules(
        "body A /a/\nscore A 1 2 3 4\nscore A (0.5)\nbody T_B /b/\nbody C /c/\ntflags C nice\nscore NEW (1)\nscore C x\n\
         body D /d/\n",
    );
    let scores = |name: &str| set.rules[set.find(name).unwrap()].scores;
    assert_eq!(scores("A"), [1.5, 2.5, 3.5, 4.5]);
    assert_eq!(
        (scores("T_B")[0], scores("C")[0], scores("D")[0]),
        (0.01, -1.0, 1.0)
    );
    assert_eq!(set.lint.iter().map(|lint| lint.line).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn conditionals_choose_lines() {
    let found = names(
        "ifplugin Mail::SpamAssassin::Plugin::NoSuch\nbody A /watch/\nelse\nbody B /watch/\nendif\n\
         if (version >= 4.0) && !plugin(Mail::SpamAssassin::Plugin::NoSuch)\nbody C /watch/\nif version < 3\n\
         body D /watch/\nelse\nbody E /watch/\nendif\nendif\nif version < 3\nif version > 3\nbody F /watch/\nelse\n\
         body G /watch/\nendif\nendif\nbody H /watch/\nrequire_version 3.004\nbody I /watch/\n",
    );
    assert_eq!(found, ["B", "C", "E", "H"]);
}

#[test]
fn tags_captures_and_templates() {
    let found = names(
        "loadplugin Mail::SpamAssassin::Plugin::ReplaceTags\nreplace_tag A [a@4]\nreplace_rules TAGGED\n\
         body TAGGED /w<A>tch/\nheader __SENDER From:addr =~ /(?<WRITER>\\w+)@/\nbody FOUND /%{WRITER}|watch/\n\
         header SAME From:addr =~ /^%{WRITER}/\nheader NEVER From =~ /%{OTHER}|./\n",
    );
    assert_eq!(found, ["FOUND", "SAME", "TAGGED", "__SENDER"]);
}

#[test]
fn functions_run_and_unknown_ones_are_named() {
    let (matcher, outcome) = judged(rules(
        "header SAME eval:check_for_shifted_date('-1', '1')\nheader LOST eval:check_something_new()\n\
         header CAPS eval:subject_is_all_caps()\n",
    ));
    let name = |at: usize| matcher.rules().rules[at].name.as_str();
    assert_eq!(
        outcome.hits.iter().map(|hit| name(hit.rule)).collect::<Vec<_>>(),
        ["SAME"]
    );
    assert_eq!(
        matcher
            .unknown()
            .iter()
            .map(|(at, _)| name(*at))
            .collect::<Vec<_>>(),
        ["LOST"]
    );
}

#[test]
fn broken_lines_are_named_and_the_rest_loads() {
    let set = rules(
        "body OK /watch/\nbody 1BAD /x/\nbody BAD x\nnosuchthing 1\nmeta LOOP_A LOOP_B\nmeta LOOP_B LOOP_A\n\
         meta HALF OK &&\nmeta DIV 1/OK\nheader H Foo:bar =~ /x/\nendif\nelse\nif version >\nbody HIDDEN /x/\nendif\n\
         body EXPLODE /^(a+)+$/\nbody LATE /\\p{Lu}/\nmeta LOST OK && NOBODY\nif 1\n",
    );
    let lines: Vec<u32> = set.lint.iter().map(|lint| lint.line).collect();
    assert_eq!(lines, [2, 3, 4, 7, 8, 9, 10, 11, 12, 18, 16, 17]);
    assert!(set.find("OK").is_some() && set.find("HIDDEN").is_none() && set.find("DIV").is_none());
    assert!(matches!(
        set.rules[set.find("LATE").unwrap()].test,
        Test::Unrunnable(_)
    ));
    let (matcher, outcome) = judged(set);
    let hits: Vec<&str> = outcome
        .hits
        .iter()
        .map(|hit| matcher.rules().rules[hit.rule].name.as_str())
        .collect();
    assert_eq!(hits, ["OK"]);
}

#[test]
fn files_in_order_with_inclusion() {
    let set = read(&[
        ("b.cf", "score A 2\nscore B 7\n"),
        (
            "a.cf",
            "body A /x/\nscore A 1\ninclude more.inc\ninclude a.cf\ninclude none.inc\n",
        ),
        ("z.pre", "loadplugin Mail::SpamAssassin::Plugin::HashBL\n"),
        (
            "more.inc",
            "body B /x/\nifplugin Mail::SpamAssassin::Plugin::HashBL\nscore B 3\nendif\n",
        ),
    ]);
    let score = |name: &str| set.rules[set.find(name).unwrap()].scores[0];
    assert_eq!((score("A"), score("B")), (2.0, 7.0));
    assert_eq!(set.lint.iter().map(|lint| lint.line).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn users_may_not_do_everything() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site.cf");
    let prefs = folder.path().join("user_prefs");
    fs::write(
        &prefs,
        "required_score 7.5\nbody MINE /x/\nloadplugin Mail::SpamAssassin::Plugin::HashBL\nscore A 4\n",
    )
    .unwrap();
    let load_with = |text: &str, unrestricted| {
        fs::write(&site, text).unwrap();
        let mut sources = Sources::of(vec![site.clone()]);
        sources.prefs = Some(prefs.clone());
        sources.prefs_unrestricted = unrestricted;
        load(&sources).unwrap()
    };
    let closed = load_with("body A /x/\n", false);
    assert_eq!(closed.settings.required_score, Score(7_500));
    assert!(closed.find("MINE").is_none() && closed.settings.plugins.is_empty());
    assert_eq!(closed.rules[0].scores[0], 4.0);
    assert!(
        load_with("body A /x/\nallow_user_rules 1\n", false)
            .find("MINE")
            .is_some()
    );
    assert!(load_with("body A /x/\n", true).find("MINE").is_some());
}

#[test]
fn exploding_patterns_are_bounded_counted_and_named() {
    // The back-reference keeps it from the linear engine.
    let text = "body BOOM /^(?:(a+)+\\1)+$/\nbody FINE /aaa/\n";
    let matcher = Matcher::new(rules(text), Mode::default()).unwrap();
    let mail = Bytes::from(format!("Subject: x\n\n{}b\n", "a".repeat(1_500)));
    let boom = matcher.rules().find("BOOM").unwrap();
    for _ in 0..30 {
        let outcome = matcher.check(&Views::new(&mail, matcher.view_settings()));
        assert_eq!(outcome.hits.len(), 1);
        assert!(outcome.limited == [boom] || matcher.switched_off() == [boom]);
    }
    assert_eq!(matcher.switched_off(), [boom]);
}

/// Every pattern of the rule files that the machine has compiles, and nothing else is wrong with them.
#[test]
fn installed_rules_load() {
    let folders = ["/usr/share/spamassassin", "/etc/spamassassin"].map(Path::new);
    if !folders.iter().all(|folder| folder.is_dir()) {
        return;
    }
    let set = load(&Sources::of(
        folders.iter().map(|folder| folder.to_path_buf()).collect(),
    ))
    .unwrap();
    let errors: Vec<String> = set
        .lint
        .iter()
        .filter(|lint| lint.severity == isbg_rules::lint::Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    let matcher = Matcher::new(set, Mode::default()).unwrap();
    assert_eq!(matcher.compile_all(), []);
    assert!(matcher.rules().rules.len() > 2_000);
}
