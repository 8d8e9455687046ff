//! Slow clients, too many of them, scorers that fail: each costs its own answer at most.

#![cfg(unix)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of tests fails by panicking, and a scorer has a defect on purpose"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use isbg_engine::{Scored, Scorer, Taught, Unknown, UnknownKind, Wish};
use isbg_message::views::Networks;
use isbg_spamd::{Markup, Settings};
use isbg_spool::Spool;
use isbg_types::{Class, Score, Verdict};
use support::{HAM, Ours, ask, request, text};

/// Does what a message says.
struct Obedient;

impl Scorer for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    fn score<'a>(&'a self, mail: &'a Spool, _: Wish) -> BoxFuture<'a, Result<Scored, Unknown>> {
        Box::pin(async move {
            let unknown = |kind| Err(Unknown::new(kind, "why\nnot"));
            match &mail.prefix(20).unwrap()[..] {
                b"panic" => panic!("asked to"),
                b"outage" => unknown(UnknownKind::Outage),
                b"timeout" => unknown(UnknownKind::Timeout),
                b"too large" => unknown(UnknownKind::TooLarge),
                b"bad answer" => unknown(UnknownKind::BadAnswer),
                b"sleep" => std::future::pending().await,
                _ => Ok(Verdict {
                    score: Score(0),
                    required: Score(5_000),
                    spam: false,
                    hits: Vec::new(),
                }
                .into()),
            }
        })
    }

    fn teach<'a>(&'a self, _: &'a Spool, _: Class) -> BoxFuture<'a, Result<Taught, Unknown>> {
        Box::pin(async { Ok(Taught::TooLarge) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async { Ok(()) })
    }
}

fn ours(settings: Settings) -> Ours {
    Ours::with(Arc::new(Obedient), Markup::new("here".into()), settings)
}

const FINE: &str = "SPAMD/1.1 0 EX_OK\r\nSpam: False ; 0.0 / 5.0\r\n\r\n";

#[test]
fn what_a_client_is_told_where_there_is_no_verdict() {
    let ours = ours(Settings {
        allow_tell: true,
        ..Settings::default()
    });
    for (mail, line) in [
        ("outage", "75 Temporary Failure: why\\nnot"),
        (
            "timeout",
            "79 Timeout: (300 second timeout while trying to CHECK)",
        ),
        ("too large", "69 Service Unavailable: why\\nnot"),
        ("bad answer", "70 Internal Error: why\\nnot"),
    ] {
        let answer = ask(ours.address, &request("CHECK", "1.5", &[], mail.as_bytes()));
        assert_eq!(text(&answer), format!("SPAMD/1.0 {line}\r\n"));
    }
    let lesson = request("TELL", "1.5", &["Set: local"], HAM);
    assert!(
        text(&ask(ours.address, &lesson))
            .starts_with("SPAMD/1.0 69 Service Unavailable: the message is too large")
    );
}

#[test]
fn a_defect_costs_one_answer() {
    let ours = ours(Settings {
        most_connections: 1,
        ..Settings::default()
    });
    for _ in 0..3 {
        assert_eq!(ask(ours.address, &request("CHECK", "1.5", &[], b"panic")), b"");
        assert_eq!(text(&ask(ours.address, &request("CHECK", "1.5", &[], HAM))), FINE);
    }
}

/// Sends this and no more, without saying that it is all; what comes back.
fn unfinished(ours: &Ours, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(ours.address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn slow_clients_are_told_and_left() {
    let short = Duration::from_millis(200);
    let by_head = ours(Settings {
        head_timeout: short,
        ..Settings::default()
    });
    let timeout = "SPAMD/1.0 79 Timeout: (0 second timeout while trying to";
    assert_eq!(
        unfinished(&by_head, b"CHECK SPAMC/1.5\r\n"),
        format!("{timeout} read the headers)\r\n")
    );
    let by_message = ours(Settings {
        timeout: short,
        ..Settings::default()
    });
    let part = b"CHECK SPAMC/1.5\r\nContent-length: 9\r\n\r\nabc";
    assert_eq!(
        unfinished(&by_message, part),
        format!("{timeout} read the message)\r\n")
    );
    // On a busy machine it may be the message that is late, and not the scorer.
    let whole = b"CHECK SPAMC/1.5\r\nContent-length: 5\r\n\r\nsleep";
    assert!(unfinished(&by_message, whole).starts_with(timeout));
}

#[test]
fn more_clients_wait_for_their_turn() {
    let ours = ours(Settings {
        most_connections: 2,
        ..Settings::default()
    });
    let busy: Vec<TcpStream> = (0..2)
        .map(|_| TcpStream::connect(ours.address).unwrap())
        .collect();
    let mut waiting = TcpStream::connect(ours.address).unwrap();
    waiting.write_all(&request("CHECK", "1.5", &[], HAM)).unwrap();
    drop(busy);
    let mut answer = String::new();
    waiting.shutdown(std::net::Shutdown::Write).unwrap();
    waiting.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, FINE);
}

#[test]
fn a_message_that_is_refused_unread_does_not_cost_the_answer() {
    let ours = ours(Settings {
        max_size: 1_000,
        ..Settings::default()
    });
    let answer = ask(ours.address, &request("CHECK", "1.5", &[], &vec![b'x'; 3 << 20]));
    assert_eq!(
        text(&answer),
        "SPAMD/1.0 98 Message Too Big: more than 1000 bytes\r\n"
    );
}

#[test]
fn who_may_connect() {
    let mut allowed = Networks::default();
    assert!(allowed.add("192.0.2.0/24"));
    let ours = ours(Settings {
        allowed,
        ..Settings::default()
    });
    for (address, allows) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("192.0.2.9", true),
        ("::ffff:192.0.2.9", true),
        ("192.0.3.1", false),
        ("2001:db8::1", false),
    ] {
        assert_eq!(ours.server.allows(address.parse().unwrap()), allows, "{address}");
    }
}
