//! Every scorer behind the trait, against the real servers and programs. Does not test their protocols.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;

use isbg_engine::{Consequence, Rspamd, Scorer, SpamAssassin, Spamd, Taught, UnknownKind, Wish, consequence};
use isbg_lookups::rspamd::Password;
use isbg_lookups::{Address, Endpoint, program, rspamd, spamd};
use isbg_message::unwrap_report;
use isbg_spool::{Spool, Writer};
use isbg_testkit::spamd_stub::{Answer, SpamdStub};
use isbg_testkit::{Authority, rspamd as real_rspamd, spamd as real_spamd};
use isbg_tls::Connector;
use isbg_types::{Class, Score};

const HAM: &[u8] = b"Received: from mx.example (mx.example [192.0.2.1]) by mail.example; Tue, 24 Nov 2026 09:00:00 +0000\r\n\
From: Ann Example <ann@example.org>\r\nTo: Ben Example <ben@example.net>\r\nSubject: The kitchen key\r\n\
Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <20261124090000.1234@example.org>\r\n\r\n\
Hello Ben,\r\n\r\nthe key for the kitchen is with the neighbours again. We are back on Sunday evening.\r\n\r\nAnn\r\n";

const SPAM: &[u8] = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: score=0 required=0\r\n\
X-Spam-Status: No, score=-99.0 required=5.0 tests=FORGED\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n\
Message-ID: <20261124090001.1234@example.org>\r\n\r\n\
XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n";

const PASSWORD: &str = "only for this test";

fn tcp(address: std::net::SocketAddr) -> Endpoint {
    Endpoint::plain(Address::Tcp {
        host: address.ip().to_string(),
        port: address.port(),
    })
}

fn spamd(address: std::net::SocketAddr) -> Spamd {
    Spamd::new(spamd::Settings::new(tcp(address))).unwrap()
}

fn program(folder: &Path) -> SpamAssassin {
    let preferences = folder.join("user_prefs");
    std::fs::write(&preferences, "").unwrap();
    let arguments = [
        "--local".to_owned(),
        format!("--prefspath={}", preferences.display()),
        format!("--cf=bayes_path {}", folder.join("bayes").display()),
    ];
    SpamAssassin::new(program::Settings {
        arguments: arguments.map(Into::into).to_vec(),
        ..program::Settings::default()
    })
}

fn is_ours(report: &Spool) -> bool {
    let text = String::from_utf8_lossy(&report.prefix(usize::MAX).unwrap()).into_owned();
    text.contains("The message itself is attached as it arrived.")
}

fn has_bare_line_feeds(message: &Spool) -> bool {
    let bytes = message.prefix(usize::MAX).unwrap();
    bytes.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
}

/// What every scorer must do.
async fn keeps_the_contract(scorer: &dyn Scorer) {
    let (ham, spam): (Spool, Spool) = (HAM.to_vec().into(), SPAM.to_vec().into());
    scorer.probe().await.unwrap();
    for wish in [Wish::Verdict, Wish::Report] {
        let scored = scorer.score(&ham, wish).await.unwrap();
        assert!(
            !scored.verdict.spam && scored.rewritten.is_none(),
            "{}: {scored:?}",
            scorer.name()
        );
    }
    let scored = scorer.score(&spam, Wish::Verdict).await.unwrap();
    assert!(scored.verdict.spam && scored.rewritten.is_none());
    let scored = scorer.score(&spam, Wish::Report).await.unwrap();
    assert!(
        scored.verdict.spam && scored.verdict.score >= Score(15_000),
        "{scored:?}"
    );
    let names: Vec<&str> = scored.verdict.hits.iter().map(|hit| hit.name.as_str()).collect();
    assert!(
        names.contains(&"GTUBE") && !names.contains(&"FORGED"),
        "{names:?}"
    );
    let rewritten = scored.rewritten.unwrap();
    assert!(
        unwrap_report(&rewritten)
            .unwrap()
            .unwrap()
            .same_bytes(&spam)
            .unwrap()
    );
    // A report of our own only where the scorer's would not do.
    assert_eq!(is_ours(&rewritten), scorer.name() == "rspamd");
    let mbox = [b"From a@example.org Tue Nov 24 09:00:00 2026\r\n", SPAM].concat();
    let one_line = SPAM
        .rsplit(|byte| *byte == b'\n')
        .nth(1)
        .unwrap()
        .trim_ascii()
        .to_vec();
    for odd in [Spool::from(mbox), Spool::from(one_line)] {
        let rewritten = scorer.score(&odd, Wish::Report).await.unwrap().rewritten.unwrap();
        assert!(
            unwrap_report(&rewritten)
                .unwrap()
                .unwrap()
                .same_bytes(&odd)
                .unwrap()
        );
        assert!(!has_bare_line_feeds(&rewritten));
    }

    assert_eq!(scorer.teach(&ham, Class::Ham).await.unwrap(), Taught::Learned);
    assert_eq!(
        scorer.teach(&ham, Class::Ham).await.unwrap(),
        Taught::AlreadyKnown
    );
    assert_eq!(scorer.teach(&ham, Class::Spam).await.unwrap(), Taught::Learned);
}

#[tokio::test]
async fn spamd_keeps_the_contract() {
    let server = real_spamd::Spamd::start(&real_spamd::Settings {
        allow_tell: true,
        ..real_spamd::Settings::default()
    })
    .unwrap();
    keeps_the_contract(&spamd(server.address())).await;
}

#[tokio::test]
async fn the_program_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    keeps_the_contract(&program(folder.path())).await;
}

#[tokio::test]
async fn rspamd_keeps_the_contract() {
    let server = real_rspamd::Rspamd::start(PASSWORD).unwrap();
    let mut settings = rspamd::Settings::new(tcp(server.controller()));
    settings.password = Password::new(PASSWORD);
    keeps_the_contract(&Rspamd::new(settings).unwrap()).await;
}

/// spamd breaks large answers off over TLS.
#[tokio::test]
async fn a_large_spam_over_tls_still_gets_a_report() {
    let authority = Authority::new().unwrap();
    let server = real_spamd::Spamd::start(&real_spamd::Settings {
        tls: Some(authority.good().unwrap()),
        ..real_spamd::Settings::default()
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority.certificate()).unwrap();
    let trust = isbg_tls::Settings {
        ca_file: Some(ca_file),
        ..isbg_tls::Settings::default()
    };
    let endpoint = Endpoint {
        tls: Some(Connector::new(&trust).unwrap()),
        ..tcp(server.address())
    };
    let scorer = Spamd::new(spamd::Settings::new(endpoint)).unwrap();

    let mut writer = Writer::new();
    writer.write_all(SPAM).unwrap();
    for _ in 0..4_000 {
        writer
            .write_all(b"One line of many that make this message a large one.\r\n")
            .unwrap();
    }
    let large = writer.finish().unwrap();
    for mail in [&large, &SPAM.to_vec().into()] {
        let scored = scorer.score(mail, Wish::Report).await.unwrap();
        assert!(scored.verdict.hits.iter().any(|hit| hit.name == "GTUBE"));
        let original = unwrap_report(&scored.rewritten.unwrap()).unwrap().unwrap();
        assert!(original.len() >= mail.len());
    }
}

#[tokio::test]
async fn a_report_in_the_header_is_kept_where_the_original_can_be_had_back() {
    let server = isbg_testkit::spamd::Spamd::start(&isbg_testkit::spamd::Settings {
        lines: vec!["report_safe 0"],
        ..isbg_testkit::spamd::Settings::default()
    })
    .unwrap();
    let scorer = spamd(server.address());
    let unmarked: Vec<u8> = SPAM
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"X-Spam-"))
        .flatten()
        .copied()
        .collect();
    // SpamAssassin takes out the marks that others left, so that its own rewriting would lose them.
    for (mail, wrapped) in [(unmarked, false), (SPAM.to_vec(), true)] {
        let mail: Spool = mail.into();
        let rewritten = scorer
            .score(&mail, Wish::Report)
            .await
            .unwrap()
            .rewritten
            .unwrap();
        let inside = unwrap_report(&rewritten).unwrap();
        assert_eq!(inside.is_some(), wrapped);
        let original = inside.unwrap_or_else(|| isbg_message::strip_markup(&rewritten).unwrap());
        assert!(original.same_bytes(&mail).unwrap());
    }
}

#[tokio::test]
async fn an_outage_is_told_from_a_poison_message() {
    let poison = SpamdStub::start(|request| match request.mentions("kitchen") {
        true => Answer::Close,
        false => Answer::ham(),
    })
    .unwrap();
    let scorer = spamd(poison.address());
    let unknown = scorer
        .score(&HAM.to_vec().into(), Wish::Verdict)
        .await
        .unwrap_err();
    assert_eq!(unknown.kind, UnknownKind::BadAnswer);
    assert_eq!(consequence(&scorer, &unknown).await, Consequence::SetAside);

    let broken = SpamdStub::start(|_| Answer::error(70, "EX_SOFTWARE")).unwrap();
    let scorer = spamd(broken.address());
    let unknown = scorer
        .score(&HAM.to_vec().into(), Wish::Verdict)
        .await
        .unwrap_err();
    assert!(matches!(
        consequence(&scorer, &unknown).await,
        Consequence::Stop(_)
    ));
}

#[tokio::test]
async fn a_spamd_that_may_not_be_taught_stops_the_teaching_at_once() {
    let server = real_spamd::Spamd::start(&real_spamd::Settings::default()).unwrap();
    let scorer = spamd(server.address());
    let unknown = scorer.teach(&HAM.to_vec().into(), Class::Ham).await.unwrap_err();
    assert_eq!(consequence(&scorer, &unknown).await, Consequence::Stop(unknown));
}
