//! The scripted server, driven by the bare conversation.

use anyhow::Result;
use isbg_testkit::scripted::{Scripted, Talk};
use isbg_testkit::wire::Wire;

fn script(talk: &mut Talk) -> Result<()> {
    talk.say("* OK hello")?;
    talk.answer("LOGIN", &["* CAPABILITY IMAP4rev1"])?;
    let tag = talk.expect("NOOP")?;
    talk.send(format!("{tag} NO not today\r\n"))
}

#[test]
fn a_script_is_followed() {
    let server = Scripted::start(script).unwrap();
    let mut wire = Wire::login(server.address(), "me", "secret").unwrap();
    assert_eq!(wire.say("noop").unwrap().status, "NO not today");
    server.finish().unwrap();
}

#[test]
fn a_client_that_says_something_else_is_found_out() {
    let server = Scripted::start(script).unwrap();
    let mut wire = Wire::connect(server.address()).unwrap();
    assert!(wire.say("EXPUNGE").is_err());
    assert_eq!(server.received(), [b"w1 EXPUNGE\r\n"]);
    let error = format!("{:#}", server.finish().unwrap_err());
    assert!(error.contains("expected LOGIN, not: w1 EXPUNGE"), "{error}");
}
