//! The spamd launcher against the spamd it launches.

#![cfg(unix)]

use isbg_testkit::spamd::{Settings, Spamd, ask};

const HAM: &[u8] = b"From: a@example.org\r\nSubject: lunch\r\n\r\nAt one?\r\n";

#[test]
fn it_judges_and_lets_itself_be_taught() {
    let settings = Settings {
        allow_tell: true,
        children: 2,
        ..Settings::default()
    };
    let spamd = Spamd::start(&settings).unwrap();
    let answer = ask(spamd.address(), "CHECK", &[], HAM).unwrap();
    assert!(answer.contains("Spam: False ;"), "{answer}");
    let lesson = ["Message-class: ham", "Set: local"];
    assert!(
        ask(spamd.address(), "TELL", &lesson, HAM)
            .unwrap()
            .contains("DidSet: local")
    );
    assert!(
        !ask(spamd.address(), "TELL", &lesson, HAM)
            .unwrap()
            .contains("DidSet: local")
    );
    assert!(spamd.home().join(".spamassassin/bayes_toks").exists());
}

#[test]
fn it_refuses_lessons_unless_told_to_take_them() {
    let settings = Settings {
        lines: vec!["required_score -100"],
        ..Settings::default()
    };
    let spamd = Spamd::start(&settings).unwrap();
    let answer = ask(
        spamd.address(),
        "TELL",
        &["Message-class: ham", "Set: local"],
        HAM,
    )
    .unwrap();
    assert!(answer.starts_with("SPAMD/1.0 69"), "{answer}");
    let answer = ask(spamd.address(), "CHECK", &[], HAM).unwrap();
    assert!(answer.contains("/ -100"), "{answer}");
}
