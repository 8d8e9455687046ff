//! The rspamd client against a real rspamd, and against servers that are broken or lying.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use isbg_lookups::rspamd::{Client, Password, Settings};
use isbg_lookups::{Address, Endpoint, Unknown, UnknownKind};
use isbg_testkit::rspamd::Rspamd;
use isbg_testkit::scripted::Scripted;
use isbg_types::{Class, Score, Verdict};
use support::{HAM, SPAM, large, mail};

const PASSWORD: &str = "only for this test";

fn settings(address: SocketAddr) -> Settings {
    Settings::new(Endpoint::plain(Address::Tcp {
        host: address.ip().to_string(),
        port: address.port(),
    }))
}

fn controller(server: &Rspamd) -> Client {
    let mut settings = settings(server.controller());
    settings.password = Password::new(PASSWORD);
    settings.user = Some("tim@example.org".into());
    Client::new(settings).unwrap()
}

#[tokio::test]
async fn scoring_on_both_ports() {
    let server = Rspamd::start(PASSWORD).unwrap();
    for client in [
        Client::new(settings(server.address())).unwrap(),
        controller(&server),
    ] {
        client.ping().await.unwrap();
        let ham = client.check(&mail(HAM)).await.unwrap();
        assert!(!ham.spam && ham.score < Score::REQUIRED, "{ham:?}");
        let described = ham.hits.iter().find(|hit| hit.name == "ONCE_RECEIVED").unwrap();
        assert_eq!(described.score, Some(Score(100)));
        assert!(described.description.is_some());

        let spam = client.check(&mail(SPAM)).await.unwrap();
        assert!(spam.spam && spam.score >= Score(15_000), "{spam:?}");
        assert!(spam.hits.iter().any(|hit| hit.name == "GTUBE"));

        client.check(&large(HAM, 3_000_000)).await.unwrap();
        client.check(&mail(b"")).await.unwrap();
    }
}

#[tokio::test]
async fn learning() {
    let server = Rspamd::start(PASSWORD).unwrap();
    let client = controller(&server);
    assert!(client.learn(&mail(HAM), Class::Ham).await.unwrap());
    assert!(!client.learn(&mail(HAM), Class::Ham).await.unwrap());
    assert!(client.learn(&mail(HAM), Class::Spam).await.unwrap());
    assert!(!client.learn(&mail(b""), Class::Spam).await.unwrap());
}

#[tokio::test]
async fn a_wrong_password_and_the_wrong_port() {
    let server = Rspamd::start(PASSWORD).unwrap();
    let without = Client::new(settings(server.controller())).unwrap();
    for unknown in [
        without.check(&mail(HAM)).await.unwrap_err(),
        without.learn(&mail(HAM), Class::Ham).await.unwrap_err(),
    ] {
        assert_eq!(unknown.kind, UnknownKind::Refused);
        assert!(unknown.detail.contains("password"), "{unknown}");
    }
    let scanner = Client::new(settings(server.address())).unwrap();
    let unknown = scanner.learn(&mail(HAM), Class::Ham).await.unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Refused);
    assert!(unknown.detail.contains("11334"), "{unknown}");
}

/// What the client makes of these bytes as an answer.
async fn answered(answer: impl Into<Vec<u8>>) -> Result<Verdict, Unknown> {
    let answer = answer.into();
    let server = Scripted::start(move |talk| {
        while !talk.line()?.is_empty() {}
        talk.bytes(HAM.len())?;
        talk.send(&answer)
    })
    .unwrap();
    Client::new(settings(server.address()))
        .unwrap()
        .check(&mail(HAM))
        .await
}

#[tokio::test]
async fn no_verdict_comes_from_nonsense() {
    let json = r#"{"action":"reject","score":20.0}"#;
    let good = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{json}", json.len());
    assert!(answered(good).await.unwrap().spam);
    for (what, answer) in [
        ("nothing", String::new()),
        (
            "another protocol",
            "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9 / 5\r\n\r\n".into(),
        ),
        (
            "a truncated body",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{json}"),
        ),
        (
            "a web page",
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>".into(),
        ),
        (
            "endless headers",
            format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(200_000)),
        ),
        (
            "an endless body",
            format!(
                "HTTP/1.1 200 OK\r\n\r\n{{\"action\":\"reject\",\"score\":20.0,\"x\":\"{}\"}}",
                "x".repeat(5_000_000)
            ),
        ),
        (
            "a redirection",
            format!(
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            ),
        ),
        (
            "an error with a verdict",
            format!(
                "HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            ),
        ),
    ] {
        let unknown = answered(answer).await.unwrap_err();
        assert_eq!(unknown.kind, UnknownKind::BadAnswer, "{what}: {unknown}");
        assert!(!unknown.detail.contains('\n'), "{what}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_nobody_is_an_outage() {
    let server = Scripted::start(|talk| talk.stall()).unwrap();
    let mut hasty = settings(server.address());
    hasty.deadline = Duration::from_millis(100);
    let unknown = Client::new(hasty).unwrap().check(&mail(HAM)).await.unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Timeout);
    let port = isbg_testkit::Port::reserve().unwrap();
    let unknown = Client::new(settings(port.address()))
        .unwrap()
        .ping()
        .await
        .unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Outage);
}

#[tokio::test]
async fn what_is_sent() {
    let server = Scripted::start(|talk| {
        let mut lines = Vec::new();
        loop {
            let line = talk.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        anyhow::ensure!(lines[0] == "post /behind/learnspam http/1.1", "{lines:?}");
        for line in [
            "password: open sesame",
            "deliver-to: timset: x",
            &format!("content-length: {}", HAM.len()),
        ] {
            anyhow::ensure!(
                lines.iter().any(|sent| sent == line),
                "{line} is missing in {lines:?}"
            );
        }
        anyhow::ensure!(talk.bytes(HAM.len())? == HAM, "another body");
        talk.send("HTTP/1.1 208 Already reported\r\nContent-Length: 0\r\n\r\n")
    })
    .unwrap();
    let mut settings = settings(server.address());
    settings.prefix = "/behind".into();
    settings.password = Password::new("open sesame\r\n");
    settings.user = Some("tim\r\nSet: x".into());
    let learned = Client::new(settings)
        .unwrap()
        .learn(&mail(HAM), Class::Spam)
        .await;
    server.finish().unwrap();
    assert!(!learned.unwrap());
}
