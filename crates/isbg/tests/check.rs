//! `isbg check` and `isbg rules`, with rules that we wrote and with those of the distribution.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{Home, Ran};
use serde_json::Value;

const RULES: &str = "\
body PILLS /cheap pills/i
describe PILLS Offers pills
score PILLS 6.25
header __FROM_ANN From:addr =~ /^ann@/
meta ANN (__FROM_ANN && PILLS)
score ANN 1.5
";

const HAM: &str = "From: Ann <ann@example.org>\nSubject: Keys\n\nThe keys are here.\n";
const SPAM: &str = "From: Ann <ann@example.org>\nSubject: Offer\n\nCheap pills!\n";
const FROM: &str = "From ann@example.org Mon Jan  5 10:00:00 2026\n";

fn home() -> Home {
    let home = Home::new();
    home.write("rules/local.cf", RULES);
    home.write("ham.eml", HAM);
    home.write("spam.eml", SPAM);
    home.write("box", &format!("{FROM}{HAM}\n{FROM}{SPAM}\n{FROM}{HAM}"));
    home.write("mail/cur/1.a:2,S", HAM);
    home.write("mail/new/2.a", SPAM);
    home.write("mail/tmp/3.a", SPAM);
    home
}

fn records(ran: &Ran) -> Vec<Value> {
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Path and verdict of each record.
fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    records(ran)
        .iter()
        .map(|record| (text(&record["path"]), text(&record["verdict"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(path, verdict)| ((*path).to_owned(), (*verdict).to_owned()))
        .collect()
}

#[test]
fn lines_for_people() {
    let ran = home().line("check --rules rules ham.eml spam.eml mail --verbose");
    let expected = "\
ham          0.0/5.0  ham.eml
spam        7.75/5.0  spam.eml
                 1.5  ANN
                6.25  PILLS                         Offers pills
ham          0.0/5.0  mail/cur/1.a:2,S
spam        7.75/5.0  mail/new/2.a
                 1.5  ANN
                6.25  PILLS                         Offers pills
";
    assert_eq!(
        (ran.status, ran.err.as_str(), ran.out.as_str()),
        (1, "", expected)
    );
    assert_eq!(home().line("check --rules rules ham.eml").status, 0);
}

#[test]
fn records_for_programs() {
    let home = home();
    let ran = home.line("check --rules rules --json --no-network --no-classifier box ham.eml mail");
    let expected = [
        ("box#1", "ham"),
        ("box#2", "spam"),
        ("box#3", "ham"),
        ("ham.eml", "ham"),
        ("mail#1", "ham"),
        ("mail#2", "spam"),
    ];
    assert_eq!((ran.status, verdicts(&ran)), (1, pairs(&expected)), "{ran}");
    let expected = serde_json::json!({
        "path": "mail#2", "file": "mail/new/2.a", "verdict": "spam", "score": 7.75, "required": 5.0, "engine": "native",
        "rules": [
            { "name": "ANN", "score": 1.5, "description": null },
            { "name": "PILLS", "score": 6.25, "description": "Offers pills" },
        ],
        "classifier": null, "rule_set": "rules",
    });
    assert_eq!(records(&ran)[5], expected);
    let documented =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md")).unwrap();
    for key in expected.as_object().unwrap().keys() {
        assert!(
            documented.contains(&format!("`{key}`")),
            "{key} is not in docs/json.md"
        );
    }
    let all = records(&home.line("check --rules rules --json --all-hits ham.eml"));
    assert_eq!(
        all[0]["rules"],
        serde_json::json!([{ "name": "__FROM_ANN", "score": 0.0, "description": null }])
    );
}

#[test]
fn standard_input() {
    let home = home();
    for (arguments, input, expected) in [
        (&["check"][..], SPAM, &[("-", "spam")][..]),
        (&["check", "-"], &format!("{FROM}{HAM}"), &[("-", "ham")]),
        (
            &["check", "-", "ham.eml"],
            &format!("{FROM}{SPAM}\n{FROM}{HAM}"),
            &[("-#1", "spam"), ("-#2", "ham"), ("ham.eml", "ham")],
        ),
        (&["check"], "", &[("-", "ham")]),
    ] {
        let output = home
            .isbg()
            .args(arguments)
            .args(["--rules", "rules", "--json"])
            .write_stdin(input)
            .output()
            .unwrap();
        let ran = Ran {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code().unwrap(),
        };
        assert_eq!(verdicts(&ran), pairs(expected), "{arguments:?} {ran}");
    }
}

#[test]
fn the_order_is_kept_however_many_are_judged_at_once() {
    let home = home();
    let mut text = String::new();
    for number in 0..200 {
        let pages = "One line of many.\n".repeat(if number % 7 == 0 { 3_000 } else { 1 });
        text.push_str(&format!(
            "{FROM}Subject: {number}\n\nCheap pills{}\n{pages}\n",
            number % 3
        ));
    }
    home.write("many", &text);
    let one = home.line("check --rules rules --json --jobs 1 many");
    let four = home.line("check --rules rules --json --jobs 4 many");
    assert_eq!((one.out.lines().count(), &one.out), (200, &four.out));
    assert_eq!(verdicts(&one)[199].0, "many#200");
}

#[test]
fn limits_of_one_s_own() {
    let home = home();
    home.write("prefs", "required_score 8\n");
    for (options, verdict, required, status) in [
        ("--required-score 7.75", "spam", 7.75, 1),
        ("--required-score 7.8", "ham", 7.8, 0),
        ("--prefs prefs", "ham", 8.0, 0),
        ("--prefs prefs --required-score 7", "spam", 7.0, 1),
        ("--unsure-band 4,9", "unsure", 5.0, 0),
        ("--deletehigherthan 7", "certain", 5.0, 1),
    ] {
        let ran = home.line(&format!("check --rules rules --json spam.eml {options}"));
        let record = &records(&ran)[0];
        assert_eq!(
            (&record["verdict"], &record["required"], ran.status),
            (&verdict.into(), &required.into(), status),
            "{options}: {ran}"
        );
    }
    home.write(".spamassassin/user_prefs", "required_score 100\n");
    assert_eq!(
        home.line("check --rules rules spam.eml").status,
        0,
        "SpamAssassin's own are the default"
    );
    assert_eq!(home.line("check --rules rules --prefs none spam.eml").status, 1);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let ran = home().line("check --rules rules missing.eml spam.eml --json");
    let records = records(&ran);
    assert_eq!((ran.status, records.len()), (255, 2), "{ran}");
    assert_eq!(
        (&records[0]["verdict"], &records[0]["score"]),
        (&"unknown".into(), &Value::Null)
    );
    assert!(records[0]["why"].as_str().unwrap().contains("cannot be read"));
    assert_eq!(records[1]["verdict"], "spam");
    let ran = home().line("check --rules rules missing.eml");
    assert!(
        ran.out.starts_with("unknown") && ran.out.contains("missing.eml: cannot be read"),
        "{ran}"
    );
}

#[test]
fn what_is_refused() {
    let home = home();
    std::fs::create_dir(home.path().join("empty")).unwrap();
    for (options, status, part) in [
        ("--rules rules --network --no-network", 10, "cannot be used with"),
        ("--rules rules --engine spamd", 10, "two scorers"),
        (
            "--rules rules --deletehigherthan 4 --required-score 5",
            10,
            "below",
        ),
        (
            "--engine spamassassin --all-hits",
            10,
            "--all-hits needs the native scorer",
        ),
        ("--rules empty", 12, "there are no rules in empty"),
        ("--rules missing", 12, "cannot read missing"),
        ("--rules rules --prefs missing", 12, "missing"),
        ("--spamd 127.0.0.1:1", 12, "spamd"),
    ] {
        let ran = home.line(&format!("check {options} spam.eml"));
        assert_eq!(ran.status, status, "{options}: {ran}");
        assert!(ran.err.contains(part), "{options}: {ran}");
    }
}

#[test]
fn broken_rules_are_named_and_the_rest_is_used() {
    let home = home();
    let broken = format!("{RULES}body BROKEN /(/\nnonsense here\nbody NOBODY eval:check_nothing_known()\n");
    home.write("rules/local.cf", &broken);
    let ran = home.line("check --rules rules spam.eml");
    assert_eq!(ran.status, 1, "{ran}");
    assert!(
        ran.err.contains("NOBODY") && ran.err.contains("isbg rules lint tells why"),
        "{ran}"
    );
    let lint = home.line("rules lint --rules rules");
    assert_eq!(lint.status, 1, "{lint}");
    for part in [
        "rules/local.cf:7: ",
        "rules/local.cf:8: ",
        "rule NOBODY: it cannot be run here",
    ] {
        assert!(lint.out.contains(part), "{part}: {lint}");
    }
    let records = records(&home.line("rules lint --rules rules --json"));
    assert!(
        records
            .iter()
            .any(|record| record["line"] == 7 && record["severity"] == "error"),
        "{records:?}"
    );
    home.write("rules/local.cf", RULES);
    assert_eq!(home.line("rules lint --rules rules").status, 0);
}

#[test]
fn rules_are_listed() {
    let ran = home().line("rules list --rules rules --json");
    let names: Vec<_> = records(&ran)
        .iter()
        .map(|record| format!("{} {} {}", record["name"], record["type"], record["score"]))
        .collect();
    assert_eq!(
        names,
        [
            "\"ANN\" \"meta\" 1.5",
            "\"PILLS\" \"body\" 6.25",
            "\"__FROM_ANN\" \"header\" 0.0"
        ]
    );
    let ran = home().line("rules list --rules rules");
    assert!(
        ran.out
            .lines()
            .any(|line| line.starts_with("PILLS ") && line.ends_with("6.25  Offers pills")),
        "{ran}"
    );
}

/// On our sample mail, with the distribution's rules: the rules that hit, the score and the verdict are SpamAssassin's own.
#[test]
#[cfg(unix)]
fn the_distribution_s_rules_judge_as_spamassassin_does() {
    use isbg_testkit::mail::SAMPLES;
    use isbg_testkit::spamd::{Settings, Spamd};

    let home = Home::new();
    let folder = home.path().join("mail");
    std::fs::create_dir(&folder).unwrap();
    for sample in SAMPLES {
        std::fs::write(folder.join(sample.name), sample.bytes()).unwrap();
    }
    let updated = ["/var/lib/spamassassin/4.000001", "/usr/share/spamassassin"];
    let rules = updated
        .iter()
        .find(|folder| std::path::Path::new(folder).is_dir());
    let rules = rules.expect("SpamAssassin's rules are installed");
    let native = records(&home.line(&format!(
        "check mail --json --rules {rules} --rules /etc/spamassassin"
    )));
    let spamd = Spamd::start(&Settings {
        children: 2,
        ..Settings::default()
    })
    .unwrap();
    let spamd = records(&home.line(&format!("check mail --json --spamd {}", spamd.address())));
    assert_eq!((native.len(), spamd.len()), (SAMPLES.len(), SAMPLES.len()));
    let names = |record: &Value| -> BTreeSet<String> {
        let rules = record["rules"].as_array().unwrap().iter();
        rules
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (ours, theirs) in native.iter().zip(&spamd) {
        assert_eq!(
            (&ours["engine"], &theirs["engine"]),
            (&"native".into(), &"spamd".into())
        );
        let file = &ours["file"];
        assert_eq!(file, &theirs["file"]);
        assert_eq!(names(ours), names(theirs), "{file}");
        assert_eq!(ours["verdict"], theirs["verdict"], "{file}");
        // spamd tells one decimal.
        let apart = ours["score"].as_f64().unwrap() - theirs["score"].as_f64().unwrap();
        assert!(
            apart.abs() < 0.051,
            "{file}: {} and {}",
            ours["score"],
            theirs["score"]
        );
        assert!(ours["rule_set"].is_string() && theirs["rule_set"].is_null());
    }
}

#[test]
fn the_built_in_rules_need_nothing_else() {
    let ran = home().line("check --rules builtin spam.eml --json");
    let records = records(&ran);
    assert_eq!((ran.status, records.len()), (0, 1), "{ran}");
    assert_eq!(records[0]["rule_set"], "built-in rules");
}
