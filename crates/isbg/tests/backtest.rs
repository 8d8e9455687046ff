//! `isbg backtest` over mail that we wrote: figures, scores, what is refused.

#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;
use std::fs;

use common::{Home, Ran};
use isbg_classifier::Model;
use isbg_classifier::evaluate::{Filter, Verdict, folds, online};
use isbg_testkit::mail::{SAMPLES, Sample};
use isbg_types::Class;

const RULES: &str = "\
body LUCK /lottery|inheritance|free spins/i
score LUCK 3.5
describe LUCK Promises money
header FROM_BANK From =~ /bank/i
score FROM_BANK 5.5
body __NEVER /x/
required_score 5
";

/// Mail in files of a home of their own, with an index and rules.
fn home_of(mail: &[(Class, Vec<u8>)]) -> Home {
    let home = Home::new();
    fs::create_dir(home.path().join("mail")).unwrap();
    let mut index = String::new();
    for (number, (class, message)) in mail.iter().enumerate() {
        fs::write(home.path().join(format!("mail/{number} x")), message).unwrap();
        index.push_str(&format!("{} {number} x\n", word(*class)));
    }
    home.write("mail/index", &index);
    home.write("rules.cf", RULES);
    home
}

/// The samples, ham and spam in turn.
fn home() -> (Home, Vec<(Class, Vec<u8>)>) {
    let (spam, ham): (Vec<&Sample>, Vec<&Sample>) = SAMPLES.iter().partition(|sample| sample.spam);
    let pairs = ham.iter().zip(&spam);
    let mail: Vec<_> = pairs
        .flat_map(|(ham, spam)| [(Class::Ham, ham.bytes()), (Class::Spam, spam.bytes())])
        .collect();
    (home_of(&mail), mail)
}

/// A few letters that no other test changes.
fn letters() -> Vec<(Class, Vec<u8>)> {
    let letter = |number: usize| {
        let (class, from, about) = match number {
            7 => (Class::Ham, "news@bank.example.org", "your statement"),
            10 => (Class::Spam, "friend@example.net", "lunch on Friday"),
            _ if number % 2 == 1 => (Class::Ham, "friend@example.net", "dinner on Sunday"),
            _ => (
                Class::Spam,
                "prize@lottery.example.org",
                "the lottery and an inheritance",
            ),
        };
        let text = format!(
            "From: {from}\nTo: me@example.com\nSubject: {about}\n\nThis is about {about}, {number}.\n"
        );
        (class, text.into_bytes())
    };
    (0..12).map(letter).collect()
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Ham => "ham",
        Class::Spam => "spam",
    }
}

fn run(home: &Home, options: &str) -> Ran {
    let ran = home.line(&format!("backtest --index mail/index {options}"));
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{options}");
    ran
}

/// The scores that a run writes: label, score and path of each message.
fn scores(home: &Home, options: &str) -> Vec<(String, f64, String)> {
    run(home, &format!("{options} --json --scores scores"));
    let text = fs::read_to_string(home.path().join("scores")).unwrap();
    text.lines()
        .map(|line| {
            let (label, rest) = line.split_once(' ').unwrap();
            let (score, path) = rest.split_once(' ').unwrap();
            (label.to_owned(), score.parse().unwrap(), path.to_owned())
        })
        .collect()
}

fn snapshot(name: &str, text: String) {
    let filters = vec![
        (r#""seconds":[0-9.e-]+"#, r#""seconds":TIME"#),
        (r"in [0-9.]+ seconds", "in TIME seconds"),
    ];
    insta::with_settings!({ omit_expression => true, filters => filters }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn figures_for_programs_and_people() {
    let home = home_of(&letters());
    let ran = run(&home, "--online --no-rules --json");
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    assert!(keys["seconds"].as_f64().unwrap() > 0.0);
    snapshot("json", ran.out);
    snapshot("people", run(&home, "--rules rules.cf").out);
}

/// The classifier's own loop over the same mail.
struct Plain<'a>(Model, &'a [(Class, Vec<u8>)]);

impl Filter for Plain<'_> {
    type Error = Infallible;

    fn judge(&mut self, number: usize) -> Result<Verdict, Infallible> {
        let judgement = self.0.score(&self.1[number].1);
        Ok(Verdict {
            score: judgement.logit,
            spam: judgement.is_spam(),
            suspect: judgement.is_suspect(),
            ask: judgement.is_uncertain(),
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Infallible> {
        self.0.learn(&self.1[number].1, class);
        Ok(())
    }
}

#[test]
fn without_rules_the_scores_are_the_classifier_s_own() {
    let (home, mail) = home();
    let classes: Vec<Class> = mail.iter().map(|(class, _)| *class).collect();
    let fresh = || Plain(Model::new([0; 16]), &mail);
    let same = |options: &str, expected: Vec<Verdict>| {
        let found = scores(&home, &format!("--no-rules {options}"));
        assert_eq!(found.len(), expected.len());
        for (number, ((label, score, path), verdict)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(
                (label.as_str(), path),
                (word(classes[number]), &format!("{number} x"))
            );
            assert_eq!(*score, verdict.score, "{options}, message {number}");
        }
    };
    for feedback in ["full", "ask:5", "errors:0.5", "first:7"] {
        let told = feedback.parse().unwrap();
        let expected = online(&mut fresh(), &classes, told, 0).unwrap();
        same(&format!("--feedback {feedback}"), expected);
    }
    same("--folds 3", folds(fresh, &classes, 3).unwrap());
}

#[test]
fn the_seed_alone_decides_what_is_left_to_chance() {
    let (home, _) = home();
    let usual = scores(&home, "--no-rules");
    assert_eq!(scores(&home, "--no-rules --seed 0"), usual);
    assert_ne!(scores(&home, "--no-rules --seed 1"), usual);
    let folded = scores(&home, "--no-rules --folds 4");
    assert_ne!(folded, usual);
    assert_eq!(scores(&home, "--no-rules --folds 4"), folded);
}

#[test]
fn rules_alone_know_their_points_and_nothing_else() {
    let (home, mail) = home();
    let rules = "--rules rules.cf --no-classifier";
    let found = scores(&home, rules);
    let sums = [0.0, 3.5, 5.5, 9.0];
    assert!(found.iter().all(|(_, score, _)| sums.contains(score)));
    assert!(found.iter().any(|(_, score, _)| *score == 3.5));
    assert_eq!(scores(&home, &format!("{rules} --jobs 3")), found);
    assert_eq!(scores(&home, &format!("{rules} --folds 3")), found);
    let figures = |options: &str| -> serde_json::Value {
        serde_json::from_str(&run(&home, &format!("{rules} --json {options}")).out).unwrap()
    };
    let over = |limit: f64| {
        found
            .iter()
            .filter(|(label, score, _)| label == "ham" && *score >= limit)
            .count()
    };
    assert!(over(5.0) > 0, "a bank writes to its customer");
    assert_eq!(figures("")["ham_as_spam"], over(5.0));
    assert_eq!(figures("--required-score 6")["ham_as_spam"], over(6.0));
    assert_eq!(figures("")["messages"], mail.len());
}

#[test]
fn mail_of_one_class_cannot_be_ranked() {
    let home = home_of(&letters());
    home.write("mail/index", "ham 1 x\r\nham 3 x\r\n");
    let ran = run(&home, "--no-rules --json");
    snapshot("one_class", ran.out);
    assert!(run(&home, "--no-rules").out.contains("-\n"));
}

#[test]
fn nothing_from_a_message_acts_on_the_terminal() {
    let home = home_of(&letters());
    let mail = "From: bank@example.org\nSubject: \x1b[2J\u{202e}evil\n\nHello\n";
    home.write("mail/odd", mail);
    home.write("mail/index", "ham odd\nspam 1 x\n");
    let ran = run(&home, "--rules rules.cf");
    assert!(ran.out.contains("Ham called spam, the worst first:") && ran.out.contains("FROM_BANK 5.5"));
    assert!(ran.out.contains("evil") && !ran.out.contains('\x1b') && !ran.out.contains('\u{202e}'));
}

#[test]
fn an_index_that_cannot_be_used_is_refused_with_its_line() {
    let home = home_of(&letters());
    let mut told = String::new();
    for (index, options) in [
        ("", ""),
        ("ham 0 x\njunk 1 x\n", ""),
        ("ham 0 x\nspam\n", ""),
        ("ham 0 x\n\nspam ../mail\n", ""),
        ("ham 0 x\nspam nowhere\x1b[2J\n", ""),
        ("ham 0 x\n", "--prior shipped"),
        ("ham 0 x\n", "--scores mail/index"),
        ("ham 1 x\n", "--folds 3 --feedback first:2"),
        ("ham 0 x\n", "--folds 1"),
        ("ham 0 x\n", "--feedback much"),
        ("ham 0 x\n", "--required-score 6"),
    ] {
        home.write("mail/index", index);
        let ran = home.line(&format!("backtest --index mail/index --no-rules {options}"));
        assert_eq!(ran.status, 10, "{index:?} {options}");
        told.push_str(&format!("{index:?} {options}\n{}\n", ran.err));
        assert_eq!(fs::read_to_string(home.path().join("mail/index")).unwrap(), index);
    }
    let ran = home.line("backtest --index missing --no-rules");
    told.push_str(&ran.to_string());
    snapshot("refused", told);
}
