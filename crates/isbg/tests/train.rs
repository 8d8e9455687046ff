//! `isbg train` and what `isbg check` makes of it: verdicts change on mail like what was taught, lessons can be taken
//! back, and a model that is not one stays as it is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::{Home, Ran};
use serde_json::Value;

/// Enough that what is taught decides.
const RULES: &str = "body LINK /visit us/i\nscore LINK 2.0\n";

fn spam(number: u32) -> String {
    format!(
        "From: Offers <offers{}@winners.example>\nTo: me@example.net\nSubject: You have won, number {number}\n\n\
         Dear customer {number}, your prize of {}00 dollars is waiting. Visit us and claim it today!\n",
        number % 7,
        number % 13
    )
}

fn ham(number: u32) -> String {
    format!(
        "From: Colleague <colleague{}@example.org>\nTo: me@example.net\nSubject: Minutes of meeting {number}\n\n\
         Hello, the minutes of meeting {number} are attached; room {} is booked. Visit us on Monday.\n",
        number % 5,
        number % 11
    )
}

fn mbox(mail: impl Fn(u32) -> String, numbers: std::ops::Range<u32>) -> String {
    let from = "From a@example.org Mon Jan  5 10:00:00 2026\n";
    numbers
        .map(|number| format!("{from}{}\n", mail(number)))
        .collect()
}

fn home() -> Home {
    let home = Home::new();
    home.write("rules/local.cf", RULES);
    home.write("spam.mbox", &mbox(spam, 0..60));
    home.write("ham.mbox", &mbox(ham, 0..220));
    home.write("new-spam.eml", &spam(1000));
    home.write("new-ham.eml", &ham(1000));
    home
}

fn fine(home: &Home, line: &str) -> Ran {
    let ran = home.line(line);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {ran}");
    ran
}

fn record(home: &Home, mail: &str) -> Value {
    let ran = home.line(&format!("check --rules rules --json {mail}"));
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran}"))
}

const MODEL: &str = ".local/state/isbg/models/default.model";

#[test]
fn what_is_taught_changes_verdicts() {
    let home = home();
    assert_eq!(record(&home, "new-spam.eml")["classifier"], Value::Null);
    assert!(!home.path().join(MODEL).exists(), "judging makes nothing");
    let ran = fine(&home, "train --spam spam.mbox --ham ham.mbox");
    assert_eq!(
        ran.out,
        "learned 60 spam and 220 ham\nthe model default knows 60 spam and 220 ham\n"
    );
    let spam = record(&home, "new-spam.eml");
    assert_eq!(spam["verdict"], "spam", "{spam}");
    let (score, points) = (
        spam["score"].as_f64().unwrap(),
        spam["classifier"]["points"].as_f64().unwrap(),
    );
    assert!((score - 2.0 - points).abs() < 1e-9 && points > 3.0, "{spam}");
    assert!(
        spam["classifier"]["probability"].as_f64().unwrap() > 0.95,
        "{spam}"
    );
    assert_eq!(spam["rules"][1]["name"], "BAYES_99", "{spam}");
    let ham = record(&home, "new-ham.eml");
    assert!(
        ham["verdict"] == "ham" && ham["score"].as_f64().unwrap() < 0.0,
        "{ham}"
    );
    let alone = home.line("check --rules rules --json --no-classifier new-spam.eml");
    assert!(
        alone.out.contains("\"score\":2.0") && alone.out.contains("\"classifier\":null"),
        "{alone}"
    );

    let told = home.line("check --rules rules --verbose new-spam.eml");
    assert!(told.out.contains("Learned from 220 ham and 60 spam: 9"), "{told}");
    assert!(
        told.out.contains("text like spam: \"") && told.out.contains("winners.example"),
        "{told}"
    );

    let again = fine(&home, "train --spam spam.mbox --ham ham.mbox");
    assert!(
        again
            .out
            .starts_with("learned 0 spam and 0 ham; 280 known already\n"),
        "{again}"
    );
}

#[test]
fn lessons_are_corrected_and_taken_back() {
    let home = home();
    home.write("mistake.eml", &ham(500));
    fine(&home, "train --spam spam.mbox mistake.eml --ham ham.mbox");
    let ran = fine(&home, "train --json --ham mistake.eml");
    let counts: Value = serde_json::from_str(&ran.out).unwrap();
    let known = |counts: &Value| (counts["ham"].as_u64().unwrap(), counts["spam"].as_u64().unwrap());
    assert_eq!(known(&counts), (221, 60), "{ran}");
    let before = record(&home, "new-spam.eml");
    let ran = fine(&home, "train --forget spam.mbox");
    assert_eq!(
        ran.out,
        "lessons taken back: 60\nthe model default knows 0 spam and 221 ham\n"
    );
    assert_eq!(record(&home, "new-spam.eml")["classifier"], Value::Null);
    let ran = fine(&home, "train --rollback");
    assert!(
        ran.out.starts_with("the model default is again as it was at 20")
            && ran.out.ends_with("knows 60 spam and 221 ham\n"),
        "{ran}"
    );
    assert_eq!(record(&home, "new-spam.eml"), before);
}

#[test]
fn models_of_other_names_are_apart() {
    let home = home();
    fine(&home, "train --model work --spam spam.mbox --ham ham.mbox");
    assert_eq!(record(&home, "new-spam.eml")["classifier"], Value::Null);
    assert_eq!(record(&home, "--model work new-spam.eml")["verdict"], "spam");
}

#[test]
fn a_model_that_cannot_be_used_is_kept() {
    let home = home();
    fine(&home, "train --spam spam.mbox --ham ham.mbox");
    home.write("one.eml", &spam(2000));
    fine(&home, "train --spam one.eml");
    let path = home.path().join(MODEL);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    let ran = home.line("check --rules rules new-spam.eml");
    assert!(ran.status == 0 && ran.out.contains("2.0/5.0"), "{ran}");
    assert!(
        ran.err.contains("judged by the rules alone") && ran.err.contains("default.model"),
        "{ran}"
    );
    let ran = home.line("train --spam spam.mbox");
    assert!(
        ran.status == 12 && ran.err.contains("cut") && ran.err.contains("--rollback"),
        "{ran}"
    );
    assert_eq!(std::fs::read(&path).unwrap().len(), whole.len() / 3);
    let ran = fine(&home, "train --rollback");
    assert!(
        ran.out.ends_with("the model default knows 60 spam and 220 ham\n"),
        "{ran}"
    );
    assert_eq!(record(&home, "new-spam.eml")["verdict"], "spam");
    let ran = home.line("train --rollback");
    assert!(ran.status == 255 && ran.err.contains("no snapshot"), "{ran}");
}

#[test]
fn people_one_has_written_to() {
    let home = home();
    home.write(
        "sent/cur/1:2,S",
        "From: me@example.net\nTo: Ann <Ann@example.org>, bob@example.org\n\nHello\n",
    );
    home.write(
        "sent/cur/2:2,S",
        "To: ann@example.org\nAuto-Submitted: auto-replied\nCc: all@example.org\n\nAway\n",
    );
    let ran = fine(&home, "train --sent sent");
    assert!(
        ran.out
            .starts_with("correspondents known for the first time: 2\n"),
        "{ran}"
    );
    let ran = fine(&home, "train --sent sent --json");
    assert!(ran.out.contains("\"correspondents\":0"), "{ran}");
}

#[test]
fn wrong_wishes() {
    let home = home();
    for (line, status, word) in [
        ("train", 10, "--spam"),
        ("train --rollback --spam spam.mbox", 10, "--rollback"),
        ("train --model ../a --spam spam.mbox", 10, "letters"),
        ("train --rollback", 255, "no snapshot"),
        ("train --spam gone.mbox", 255, "gone.mbox: cannot be read"),
        (
            "check --model a --no-classifier new-ham.eml",
            10,
            "--no-classifier",
        ),
    ] {
        let ran = home.line(line);
        assert!(ran.status == status && ran.err.contains(word), "{line}: {ran}");
    }
}
