//! The spamd client against servers that are broken, lying or not spamd at all. Needs no spamd.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use isbg_lookups::spamd::{Answer, Client, Lesson, Settings, Verb};
use isbg_lookups::{Address, Endpoint, Unknown, UnknownKind};
use isbg_testkit::scripted::{Scripted, Talk};
use isbg_testkit::spamd_stub::{self, SpamdStub};
use isbg_types::{Class, Score};
use support::{HAM, large, mail};

fn settings(address: std::net::SocketAddr) -> Settings {
    Settings::new(Endpoint::plain(Address::Tcp {
        host: address.ip().to_string(),
        port: address.port(),
    }))
}

/// Reads a request with its message.
fn request(talk: &mut Talk) -> anyhow::Result<()> {
    let mut length = 0;
    loop {
        let line = talk.line()?;
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-length: ") {
            length = number.parse()?;
        }
    }
    talk.bytes(length)?;
    Ok(())
}

/// What the client makes of these bytes as an answer to `verb`.
async fn answered(verb: Verb, answer: impl Into<Vec<u8>>) -> Result<Answer, Unknown> {
    let answer = answer.into();
    let server = Scripted::start(move |talk| {
        request(talk)?;
        talk.send(&answer)
    })
    .unwrap();
    Client::new(settings(server.address()))
        .unwrap()
        .ask(verb, &mail(HAM))
        .await
}

fn answer(headers: &str, body: &str) -> String {
    format!("SPAMD/1.1 0 EX_OK\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn what_a_good_answer_may_look_like() {
    let lower =
        "spamd/1.5 0 ex_ok\ncontent-LENGTH: 7\nspam: tRuE ; 9.5 / 4.5\nX-Other: x\n\nONE,TWO and more";
    let good = answered(Verb::Symbols, lower).await.unwrap();
    assert_eq!(
        (good.verdict.score, good.verdict.required),
        (Score(9_500), Score(4_500))
    );
    let names: Vec<&str> = good.verdict.hits.iter().map(|hit| hit.name.as_str()).collect();
    assert_eq!(names, ["ONE", "TWO"], "what follows the length is not looked at");
    // Without a length the answer ends with the connection.
    let open = answered(Verb::Symbols, answer("Spam: False ; 1.0 / 5.0\r\n", "ONE\r\n"))
        .await
        .unwrap();
    assert_eq!(open.verdict.hits.len(), 1);
}

#[tokio::test]
async fn no_verdict_comes_from_nonsense() {
    let spam = "Spam: True ; 9.0 / 5.0\r\n";
    for (what, reply) in [
        ("nothing", String::new()),
        ("a piece of a status line", "SPAMD/1.1 0 EX".into()),
        ("no end of the head", format!("SPAMD/1.1 0 EX_OK\r\n{spam}")),
        ("no verdict", answer("Content-length: 4\r\n", "ONE\n")),
        ("a verdict in the body only", answer("", spam)),
        (
            "a truncated body",
            answer(&format!("Content-length: 40\r\n{spam}"), "ONE,TWO"),
        ),
        (
            "a length beyond reason",
            answer(&format!("Content-length: 18446744073709551615\r\n{spam}"), "ONE"),
        ),
        (
            "two verdicts",
            answer(&format!("{spam}Spam: False ; 1.0 / 5.0\r\n"), "ONE"),
        ),
        (
            "two lengths",
            answer(
                &format!("Content-length: 1\r\nContent-length: 2\r\n{spam}"),
                "ONE",
            ),
        ),
        ("no number", answer("Spam: True ; many / 5.0\r\n", "ONE")),
        ("not a header", answer("Spam True\r\n", "ONE")),
        (
            "an endless line",
            format!("SPAMD/1.1 0 {}", "x".repeat(1_000_000)),
        ),
        ("endless headers", answer(&"A: b\r\n".repeat(100_000), "")),
        ("an endless body", answer(spam, &"RULE,".repeat(1_000_000))),
        (
            "another protocol",
            "HTTP/1.1 200 OK\r\n\r\nSpam: False ; 0.0 / 5.0\r\n".into(),
        ),
        (
            "an error with a verdict",
            format!("SPAMD/1.0 70 EX_SOFTWARE\r\n{spam}\r\n"),
        ),
    ] {
        let unknown = answered(Verb::Symbols, reply).await.unwrap_err();
        assert_eq!(unknown.kind, UnknownKind::BadAnswer, "{what}: {unknown}");
        assert!(!unknown.detail.contains('\n'), "{what}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    for reply in [
        "",
        "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 9.0 / 5.0\r\n",
        "SPAMD/1.1 0 EX_OK\r\nContent-length: 9\r\nSpam: True ; 9.0 / 5.0\r\n\r\nONE",
    ] {
        let (test_is_over, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let server = Scripted::start(move |talk| {
            request(talk)?;
            talk.send(reply)?;
            wait.lock().unwrap().recv().unwrap_err();
            Ok(())
        })
        .unwrap();
        let mut settings = settings(server.address());
        settings.deadline = Duration::from_millis(100);
        let client = Client::new(settings).unwrap();
        let unknown = client.ask(Verb::Symbols, &mail(HAM)).await.unwrap_err();
        assert_eq!(unknown.kind, UnknownKind::Timeout, "{reply}");
        drop(test_is_over);
        server.finish().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_refuses_before_it_has_read_all_is_heard() {
    let server = Scripted::start(|talk| {
        talk.line()?;
        talk.send("SPAMD/1.0 76 Bad header line: too much\r\n")?;
        talk.stall()
    })
    .unwrap();
    let client = Client::new(settings(server.address())).unwrap();
    let unknown = client.ask(Verb::Check, &large(HAM, 3_000_000)).await.unwrap_err();
    assert!(unknown.detail.contains("spamd says 76"), "{unknown}");
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let port = isbg_testkit::Port::reserve().unwrap();
    let client = Client::new(settings(port.address())).unwrap();
    for unknown in [
        client.ping().await.unwrap_err(),
        client.ask(Verb::Check, &mail(HAM)).await.unwrap_err(),
    ] {
        assert_eq!(unknown.kind, UnknownKind::Outage);
        assert!(unknown.detail.contains(&port.address().to_string()), "{unknown}");
    }
    let nowhere = Endpoint::plain(Address::Unix("/nowhere/spamd.sock".into()));
    let client = Client::new(Settings::new(nowhere)).unwrap();
    assert_eq!(client.ping().await.unwrap_err().kind, UnknownKind::Outage);
}

#[tokio::test]
async fn a_user_name_cannot_bring_a_header_along() {
    for name in ["", "me\r\nSet: local", "me\0"] {
        let mut settings = settings(([127, 0, 0, 1], 783).into());
        settings.user = Some(name.into());
        assert_eq!(Client::new(settings).unwrap_err().kind, UnknownKind::Refused);
    }
}

#[tokio::test]
async fn what_is_sent() {
    let stub = SpamdStub::start(|request| {
        assert_eq!(request.method, "TELL");
        assert_eq!(request.header("message-class"), Some("spam"));
        assert_eq!(request.header("set"), Some("local"));
        assert_eq!(request.header("user"), Some("tim"));
        assert_eq!(request.mail, HAM);
        spamd_stub::Answer::Nothing
    })
    .unwrap();
    let mut settings = settings(stub.address());
    settings.user = Some("tim".into());
    let client = Client::new(settings).unwrap();
    assert!(!client.tell(&mail(HAM), Lesson::Learn(Class::Spam)).await.unwrap());
}

#[tokio::test]
async fn no_more_than_allowed_at_once() {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (inside, highest) = (now.clone(), most.clone());
    let stub = SpamdStub::start(move |_| {
        highest.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        inside.fetch_sub(1, Ordering::SeqCst);
        spamd_stub::Answer::ham()
    })
    .unwrap();
    let mut settings = settings(stub.address());
    settings.at_once = 3;
    let client = Arc::new(Client::new(settings).unwrap());
    let asking: Vec<_> = (0..30)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.ask(Verb::Check, &mail(HAM)).await.unwrap() })
        })
        .collect();
    for task in asking {
        task.await.unwrap();
    }
    assert!(most.load(Ordering::SeqCst) <= 3);
}
