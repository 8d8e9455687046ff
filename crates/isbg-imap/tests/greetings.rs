//! The beginning of a connection with servers, and others, that mean no good. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use std::io;
use std::time::Duration;

use common::{Ears, password, server};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use isbg_imap::{BoxedStream, Client, Error, Secured, Settings, Transport, Upgrade};

async fn greet(script: &str) -> (Result<Client, Error>, common::Rest) {
    let (stream, rest) = server(script);
    (
        Client::greet(Transport::Plain(Box::new(stream)), Settings::default()).await,
        rest,
    )
}

/// TLS that does nothing but be there.
struct Pretend;

impl Upgrade for Pretend {
    fn upgrade(&self, stream: BoxedStream) -> BoxFuture<'_, io::Result<Secured>> {
        async {
            Ok(Secured {
                stream,
                binding: None,
            })
        }
        .boxed()
    }
}

/// TLS that must not be reached.
struct Never;

impl Upgrade for Never {
    fn upgrade(&self, _: BoxedStream) -> BoxFuture<'_, io::Result<Secured>> {
        panic!("TLS was begun")
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_greeting_ends_the_connection() {
    for line in [
        "garbage",
        "HTTP/1.1 400 Bad Request",
        "+OK POP3 ready",
        "220 smtp.example.org ESMTP",
        "* 1 EXISTS",
        "* NO not today",
        "* BAD what",
        "* CAPABILITY IMAP4rev1",
        "a1 OK hello",
        "A1 OK hello",
        "+ go on",
        "* ",
    ] {
        let (client, rest) = greet(&format!("S: {line}")).await;
        assert!(matches!(client, Err(Error::Protocol(_))), "{line}");
        drop(client);
        assert_eq!(rest.await.unwrap(), b"", "{line}");
    }
    let (client, rest) = greet("s: \\r\\n").await;
    assert!(matches!(client, Err(Error::Protocol(_))));
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn bye_silence_and_an_endless_line() {
    let (client, _) = greet("S: * BYE too many connections from \\x1b[2J you").await;
    let error = client.unwrap_err();
    assert!(matches!(&error, Error::Bye(text) if text.contains("too many")));
    assert!(!error.to_string().contains('\u{1b}'));
    let (client, _) = greet("!").await;
    assert!(matches!(client, Err(Error::Closed("the greeting"))));
    let (client, _) = greet("").await;
    assert!(matches!(client, Err(Error::Timeout { .. })));
    let (client, _) = greet("s: * OK hel").await;
    assert!(matches!(client, Err(Error::Timeout { .. })));
    let (client, rest) = greet(&format!("S: * OK {}", "x".repeat(1 << 20))).await;
    assert!(matches!(client, Err(Error::Protocol(_))));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn capabilities_are_asked_for_unless_told() {
    let (client, _) = greet("S: * OK [CAPABILITY IMAP4rev1 IDLE] hello").await;
    assert!(client.unwrap().offers("IDLE"));
    let (client, _) =
        greet("S: * OK hello\nC: A1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 MOVE\nS: A1 OK").await;
    assert!(client.unwrap().offers("MOVE"));
    let (client, _) = greet("S: * OK hello\nC: A1 CAPABILITY\nS: * CAPABILITY IMAP4rev2\nS: A1 OK").await;
    assert!(client.unwrap().offers("MOVE"));
}

#[tokio::test(start_paused = true)]
async fn starttls_forgets_what_was_heard_before() {
    let (client, _) = greet(
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR] hello
        C: A1 STARTTLS
        S: A1 OK begin
        C: A1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 LOGINDISABLED
        S: A1 OK",
    )
    .await;
    let mut client = client.unwrap().starttls(&Pretend).await.unwrap();
    assert!(!client.offers("SASL-IR"));
    assert!(matches!(
        client.login(&password("me", "x")).await,
        Err(Error::NoMechanism { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn starttls_stripped_refused_or_skipped() {
    for script in [
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello",
        "S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello",
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello\nC: A1 STARTTLS\nS: A1 NO no",
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello\nC: A1 STARTTLS\nS: A1 BAD no",
    ] {
        let (client, rest) = greet(script).await;
        let error = client.unwrap().starttls(&Never).await.unwrap_err();
        assert!(matches!(error, Error::StartTls(_)), "{script}: {error}");
        assert_eq!(rest.await.unwrap(), b"", "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn starttls_with_anything_behind_its_answer() {
    for injected in [
        "* CAPABILITY IMAP4rev1 AUTH=PLAIN\\r\\n",
        "A2 OK forged\\r\\n",
        "* 1 FETCH (BODY[] {100}\\r\\n",
        "x",
        "\\r\\n",
    ] {
        let script = format!(
            "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello\nC: A1 STARTTLS\ns: A1 OK begin\\r\\n{injected}"
        );
        let (client, rest) = greet(&script).await;
        let error = client.unwrap().starttls(&Never).await.unwrap_err();
        assert!(matches!(error, Error::StartTls(_)), "{injected}: {error}");
        assert_eq!(rest.await.unwrap(), b"", "{injected}");
    }
}

#[tokio::test(start_paused = true)]
async fn starttls_that_never_ends() {
    struct Stuck;
    impl Upgrade for Stuck {
        fn upgrade(&self, _: BoxedStream) -> BoxFuture<'_, io::Result<Secured>> {
            futures_util::future::pending().boxed()
        }
    }
    let (client, _) =
        greet("S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello\nC: A1 STARTTLS\nS: A1 OK begin").await;
    let error = client.unwrap().starttls(&Stuck).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Timeout {
            doing: "the TLS handshake",
            ..
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_to_the_observer_before_login() {
    let ears = Ears::default();
    let (stream, _rest) = server(
        "S: * OK [ALERT] you have won
        C: A1 CAPABILITY
        S: * NO [ALERT] call this number
        S: * 5 EXISTS
        S: * CAPABILITY IMAP4rev1
        S: A1 OK",
    );
    let mut client = Client::greet(Transport::Plain(Box::new(stream)), ears.settings())
        .await
        .unwrap();
    assert_eq!(ears.heard(), "");
    assert_eq!(client.take_alerts(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_drips() {
    let (stream, mut peer) = tokio::io::duplex(100);
    let drip = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if tokio::io::AsyncWriteExt::write_all(&mut peer, b"*")
                .await
                .is_err()
            {
                return;
            }
        }
    });
    let client = Client::greet(Transport::Plain(Box::new(stream)), Settings::default()).await;
    assert!(matches!(client, Err(Error::Timeout { .. })));
    drip.await.unwrap();
}
