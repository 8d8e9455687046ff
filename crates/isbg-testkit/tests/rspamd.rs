//! The rspamd launcher against the rspamd it launches.

#![cfg(unix)]

use isbg_testkit::rspamd::{Rspamd, ask};

const MAIL: &[u8] = b"From: a@example.org\r\nSubject: lunch\r\n\r\n\
    There are a few words needed here before anything can be learned from this small message about lunch.\r\n";

#[test]
fn it_judges_and_is_taught_by_whoever_knows_the_password() {
    let rspamd = Rspamd::start("secret").unwrap();
    let answer = ask(rspamd.address(), "POST", "/checkv2", &[], MAIL).unwrap();
    assert!(answer.contains("\"required_score\":15.0"), "{answer}");
    // Its two processes share a database, and on a busy machine one is refused while the other has it.
    let teach = |headers: &[&str]| {
        let mut answers =
            (0..100).map(|_| ask(rspamd.controller(), "POST", "/learnspam", headers, MAIL).unwrap());
        let answer = answers.find(|answer| !answer.contains("database is locked"));
        answer.unwrap_or_else(|| panic!("locked for ever\n{}", rspamd.log()))
    };
    assert!(teach(&[]).contains("Unauthorized"));
    let answer = teach(&["Password: secret"]);
    assert!(answer.contains("\"success\":true"), "{answer}\n{}", rspamd.log());
    assert!(teach(&["Password: secret"]).contains("has been already learned as spam"));
}
