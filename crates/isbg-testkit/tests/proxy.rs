//! The fault proxy between the bare conversation and a real Dovecot.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use isbg_testkit::dovecot::{Dovecot, Settings};
use isbg_testkit::proxy::{Act, Plan, Proxy, Side, When};
use isbg_testkit::wire::Wire;

const MAIL: &[u8] = b"Subject: x\r\n\r\na UID MOVE 1 Junk\r\n";

fn dovecot() -> Dovecot {
    let dovecot = Dovecot::start(Settings::default()).unwrap();
    for date in 1..4 {
        dovecot.deliver("INBOX", MAIL, &[], date).unwrap();
    }
    dovecot
}

fn selected(proxy: &Proxy) -> Wire {
    let mut wire = Wire::login(proxy.address(), "me", "secret").unwrap();
    wire.command("SELECT INBOX").unwrap();
    wire
}

fn counts(dovecot: &Dovecot) -> (usize, usize) {
    let mailbox = dovecot.mailbox().unwrap();
    (mailbox["INBOX"].len(), mailbox.get("Junk").map_or(0, Vec::len))
}

#[test]
fn a_plan_of_nothing_changes_nothing() {
    let dovecot = dovecot();
    let proxy = Proxy::start(dovecot.address(), Plan::new()).unwrap();
    let mut wire = Wire::login(proxy.address(), "me", "secret").unwrap();
    wire.append("Junk", &[], 9, MAIL).unwrap();
    assert_eq!(
        wire.mailbox().unwrap(),
        dovecot.wire().unwrap().mailbox().unwrap()
    );
    let transcript = proxy.transcript();
    assert_eq!(transcript.count("append"), 1);
    // The line in the message that looks like a command is none.
    assert_eq!(transcript.count("uid move"), 0);
    assert_eq!(transcript.changing().len(), 1);
}

#[test]
fn a_cut_before_the_command_and_one_before_its_answer() {
    let dovecot = dovecot();
    let proxy = Proxy::start(
        dovecot.address(),
        Plan::new().at(When::Command("UID MOVE"), 1, Act::Cut),
    )
    .unwrap();
    assert!(selected(&proxy).say("UID MOVE 1 Junk").is_err());
    assert_eq!(counts(&dovecot), (3, 0));
    proxy.set(Plan::new().at(When::Response("UID MOVE"), 2, Act::Cut));
    let mut wire = selected(&proxy);
    wire.command("UID MOVE 1 Junk").unwrap();
    assert!(wire.say("UID MOVE 2 Junk").is_err());
    assert_eq!(counts(&dovecot), (1, 2));
    assert_eq!(proxy.transcript().count("UID MOVE"), 3);
    let heard = proxy.transcript().bytes(1, Side::Server);
    assert_eq!(String::from_utf8_lossy(&heard).matches("COPYUID").count(), 1);
}

#[test]
fn a_cut_within_the_tagged_line() {
    let dovecot = dovecot();
    let plan = Plan::new().at(When::Tagged("UID COPY"), 1, Act::CutWithin(5));
    let proxy = Proxy::start(dovecot.address(), plan).unwrap();
    assert!(selected(&proxy).say("UID COPY 1 Junk").is_err());
    assert!(proxy.transcript().bytes(0, Side::Server).ends_with(b"\r\nw3 OK"));
    assert_eq!(counts(&dovecot), (3, 1));
}

#[test]
fn a_cut_after_every_number_of_bytes() {
    let dovecot = dovecot();
    let proxy = Proxy::start(dovecot.address(), Plan::new()).unwrap();
    for bytes in 0..40 {
        proxy.set(Plan::new().cut_after_bytes(Side::Client, bytes));
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        stream
            .write_all(b"a LOGIN me secret\r\nb LOGOUT\r\n")
            .unwrap_or_default();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(bytes >= 29 || !answer.contains("b OK"), "{bytes}: {answer}");
    }
}

#[test]
fn slow_split_injected_and_answered() {
    let dovecot = dovecot();
    let plan = Plan::new()
        .split_every_byte()
        .at(When::Tagged("NOOP"), 1, Act::Inject(b"* 99 EXISTS\r\n".to_vec()))
        .at(When::Tagged("NOOP"), 2, Act::Slow(Duration::from_micros(100)))
        .at(
            When::Tagged("NOOP"),
            3,
            Act::Replace(b"w9 OK who?\r\n* BYE\r\n".to_vec()),
        )
        .every(When::Command("APPEND"), Act::Answer("NO [OVERQUOTA] full"))
        .claim_capabilities(&["X-LIES"]);
    let proxy = Proxy::start(dovecot.address(), plan).unwrap();
    let mut wire = selected(&proxy);
    assert_eq!(wire.command("NOOP").unwrap().untagged[0].text, "* 99 EXISTS");
    let tag = wire.send("APPEND Junk {4+}\r\na b\n").unwrap();
    assert_eq!(wire.reply(&tag).unwrap().status, "NO [OVERQUOTA] full");
    let tag = wire.send("APPEND Junk {40000}").unwrap();
    assert_eq!(wire.reply(&tag).unwrap().status, "NO [OVERQUOTA] full");
    assert!(
        wire.command("CAPABILITY").unwrap().untagged[0]
            .text
            .contains(" X-LIES")
    );
    wire.command("NOOP").unwrap();
    let tag = wire.send("NOOP").unwrap();
    assert_eq!(wire.line().unwrap().text, "w9 OK who?");
    assert_eq!(wire.line().unwrap().text, "* BYE");
    assert_eq!(tag, "w8");
}

#[test]
fn a_refused_literal_does_not_confuse_it() {
    let dovecot = dovecot();
    let proxy = Proxy::start(dovecot.address(), Plan::new()).unwrap();
    let mut wire = selected(&proxy);
    let tag = wire.send("APPEND Nowhere {500000}").unwrap();
    assert!(wire.reply(&tag).unwrap().status.contains("TRYCREATE"));
    wire.command("UID COPY 1 Junk").unwrap();
    assert_eq!(proxy.transcript().count("UID COPY"), 1);
}

#[test]
fn a_stalled_answer_and_a_refused_connection() {
    let dovecot = dovecot();
    let proxy = Proxy::start(dovecot.address(), Plan::new()).unwrap();
    let mut wire = selected(&proxy);
    proxy.set(
        Plan::new()
            .at(When::Response("NOOP"), 1, Act::Stall)
            .refuse_connections(),
    );
    assert!(Wire::connect(proxy.address()).is_err());
    wire.send("NOOP").unwrap();
    while proxy.transcript().count("NOOP") == 0 {
        std::thread::yield_now();
    }
    proxy.cut();
    assert!(wire.line().is_err());
}

#[test]
fn a_server_without_move_and_uidplus() {
    let dovecot = dovecot();
    let proxy = Proxy::start(dovecot.address(), Plan::new().lacking(&["MOVE", "UIDPLUS"])).unwrap();
    let mut wire = selected(&proxy);
    let capabilities = wire.command("CAPABILITY").unwrap().untagged[0].text.clone();
    assert!(
        !capabilities.contains("MOVE") && !capabilities.contains("UIDPLUS"),
        "{capabilities}"
    );
    assert!(wire.say("UID MOVE 1 Junk").unwrap().status.starts_with("BAD"));
    assert!(wire.say("UID EXPUNGE 1").unwrap().status.starts_with("BAD"));
    assert!(
        !wire
            .command("UID COPY 1 Junk")
            .unwrap()
            .status
            .contains("COPYUID")
    );
    assert_eq!(counts(&dovecot), (3, 1));
}

#[test]
fn bytes_without_lines_pass_at_once() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(server.local_addr().unwrap(), Plan::new().opaque()).unwrap();
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let (mut served, _) = server.accept().unwrap();
    client.write_all(b"no line end").unwrap();
    let mut heard = [0; 11];
    served.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"no line end");
}
