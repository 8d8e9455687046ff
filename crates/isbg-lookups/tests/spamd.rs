//! The spamd client against a real spamd. Does not test what spamd thinks of mail.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use isbg_lookups::spamd::{Client, Lesson, Settings, Verb};
use isbg_lookups::{Address, Endpoint, UnknownKind};
use isbg_testkit::Authority;
use isbg_testkit::spamd::{self, Spamd};
use isbg_tls::Connector;
use isbg_types::{Class, Score};
use support::{HAM, SPAM, large, mail, text};

/// Ends in the middle of a line.
const UNFINISHED: &[u8] = b"From: a@example.org\r\nSubject: x\r\n\r\nno line end";

fn tcp(server: &Spamd) -> Endpoint {
    Endpoint::plain(Address::Tcp {
        host: "127.0.0.1".into(),
        port: server.address().port(),
    })
}

fn client(endpoint: Endpoint) -> Client {
    Client::new(Settings::new(endpoint)).unwrap()
}

#[tokio::test]
async fn every_verb_over_tcp_and_unix_socket() {
    let server = Spamd::start(&spamd::Settings::default()).unwrap();
    for endpoint in [tcp(&server), Endpoint::plain(Address::Unix(server.socket()))] {
        let client = client(endpoint);
        client.ping().await.unwrap();

        let ham = client.ask(Verb::Check, &mail(HAM)).await.unwrap();
        client.ask(Verb::Check, &mail(UNFINISHED)).await.unwrap();
        client.ask(Verb::Check, &mail(b"")).await.unwrap();
        assert!(!ham.verdict.spam && ham.verdict.score < Score(5_000), "{ham:?}");
        assert_eq!(ham.verdict.required, Score::REQUIRED);

        let spam = client.ask(Verb::Symbols, &mail(SPAM)).await.unwrap();
        assert!(
            spam.verdict.spam && spam.verdict.score >= Score(900_000),
            "{spam:?}"
        );
        assert!(
            spam.verdict.hits.iter().any(|hit| hit.name == "GTUBE"),
            "{spam:?}"
        );

        let report = client.ask(Verb::Report, &mail(SPAM)).await.unwrap();
        assert!(report.verdict.spam && text(&report.body).contains("GTUBE"));

        let rewritten = client.ask(Verb::Process, &mail(SPAM)).await.unwrap();
        assert!(rewritten.verdict.spam);
        let whole = text(&rewritten.body);
        assert!(
            whole.contains("X-Spam-Flag: YES") && whole.contains("x-spam-type=original"),
            "{whole}"
        );
        assert!(
            whole.ends_with("--\r\n\r\n") || whole.ends_with("--\r\n"),
            "{whole:?}"
        );

        let header = client.ask(Verb::Headers, &mail(SPAM)).await.unwrap();
        assert!(header.verdict.spam && text(&header.body).contains("X-Spam-Flag: YES"));
    }
}

#[tokio::test]
async fn compressed_and_for_a_user() {
    let server = Spamd::start(&spamd::Settings::default()).unwrap();
    let mut settings = Settings::new(tcp(&server));
    settings.compress = true;
    settings.user = Some("nobody".into());
    let client = Client::new(settings).unwrap();
    assert!(client.ask(Verb::Check, &mail(SPAM)).await.unwrap().verdict.spam);
    assert!(!client.ask(Verb::Check, &mail(HAM)).await.unwrap().verdict.spam);
    client.ask(Verb::Check, &mail(UNFINISHED)).await.unwrap();
    client
        .tell(&mail(HAM), Lesson::Learn(Class::Ham))
        .await
        .unwrap_err();
    assert!(server.log().contains("for nobody:"), "{}", server.log());
}

#[tokio::test]
async fn a_message_from_a_file_and_its_rewriting_into_one() {
    let server = Spamd::start(&spamd::Settings::default()).unwrap();
    let client = client(tcp(&server));
    let original = large(SPAM, 1_500_000);
    let answer = client.ask(Verb::Process, &original).await.unwrap();
    assert!(answer.verdict.spam);
    assert!(answer.body.in_memory().is_none() && answer.body.len() > original.len());
}

#[tokio::test]
async fn over_tls() {
    let authority = Authority::new().unwrap();
    let settings = spamd::Settings {
        tls: Some(authority.good().unwrap()),
        ..spamd::Settings::default()
    };
    let server = Spamd::start(&settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority.certificate()).unwrap();
    let tls = |ca_file| {
        let trust = isbg_tls::Settings {
            ca_file,
            ..isbg_tls::Settings::default()
        };
        Endpoint {
            tls: Some(Connector::new(&trust).unwrap()),
            ..tcp(&server)
        }
    };
    let trusting = client(tls(Some(ca_file)));
    trusting.ping().await.unwrap();
    trusting.ask(Verb::Check, &mail(UNFINISHED)).await.unwrap();
    let mut settings = Settings::new(tls(Some(folder.path().join("ca.pem"))));
    settings.compress = true;
    let compressing = Client::new(settings).unwrap();
    compressing
        .ask(Verb::Check, &large(HAM, 1_100_000))
        .await
        .unwrap();
    assert!(
        trusting
            .ask(Verb::Process, &mail(SPAM))
            .await
            .unwrap()
            .verdict
            .spam
    );

    let unknown = client(tls(None)).ask(Verb::Check, &mail(SPAM)).await.unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Outage);
    assert!(unknown.detail.contains("--pin"), "{unknown}");
}

#[tokio::test]
async fn learning_and_forgetting() {
    let settings = spamd::Settings {
        allow_tell: true,
        ..spamd::Settings::default()
    };
    let server = Spamd::start(&settings).unwrap();
    let client = client(tcp(&server));
    let message = mail(HAM);
    assert!(client.tell(&message, Lesson::Learn(Class::Ham)).await.unwrap());
    assert!(!client.tell(&message, Lesson::Learn(Class::Ham)).await.unwrap());
    assert!(client.tell(&message, Lesson::Learn(Class::Spam)).await.unwrap());
    assert!(client.tell(&message, Lesson::Forget).await.unwrap());
    assert!(!client.tell(&message, Lesson::Forget).await.unwrap());
}

#[tokio::test]
async fn a_spamd_that_may_not_be_taught_refuses() {
    let server = Spamd::start(&spamd::Settings::default()).unwrap();
    let unknown = client(tcp(&server))
        .tell(&mail(HAM), Lesson::Learn(Class::Ham))
        .await
        .unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::Refused);
    assert!(unknown.detail.contains("--allow-tell"), "{unknown}");
}

#[tokio::test]
async fn many_at_once_keep_to_the_limit_and_to_their_own_answers() {
    let server = Spamd::start(&spamd::Settings {
        children: 2,
        ..spamd::Settings::default()
    })
    .unwrap();
    let mut settings = Settings::new(tcp(&server));
    settings.at_once = 2;
    let client = std::sync::Arc::new(Client::new(settings).unwrap());
    let asking: Vec<_> = (0..12)
        .map(|number| {
            let client = client.clone();
            let spam = number % 3 == 0;
            tokio::spawn(async move {
                let answer = client
                    .ask(Verb::Check, &mail(if spam { SPAM } else { HAM }))
                    .await
                    .unwrap();
                assert_eq!(answer.verdict.spam, spam);
            })
        })
        .collect();
    for task in asking {
        task.await.unwrap();
    }
}
