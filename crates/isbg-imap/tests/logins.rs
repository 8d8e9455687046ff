//! Logging in, against scripts. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use common::{CANARY, Ears, password, plain, server};
use isbg_imap::{Client, Credentials, Error, Secret, Settings, Transport};

async fn greet(script: &str, settings: Settings) -> (Client, common::Rest) {
    let (stream, rest) = server(script);
    (
        Client::greet(Transport::Plain(Box::new(stream)), settings)
            .await
            .unwrap(),
        rest,
    )
}

/// Logs in as `me` with the password `pw`.
async fn try_script(script: &str) -> (Result<(), Error>, Client, common::Rest) {
    let (mut client, rest) = greet(script, plain()).await;
    let outcome = client.login(&password("me", "pw")).await;
    (outcome, client, rest)
}

// "\0me\0pw"
const PLAIN: &str = "AG1lAHB3";

#[tokio::test(start_paused = true)]
async fn with_the_first_message_at_once_where_that_is_offered() {
    let (outcome, client, _) = try_script(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello
        C: A1 AUTHENTICATE PLAIN {PLAIN}
        S: A1 OK [CAPABILITY IMAP4rev1 MOVE] in"
    ))
    .await;
    outcome.unwrap();
    assert!(client.offers("MOVE") && !client.offers("SASL-IR"));
}

#[tokio::test(start_paused = true)]
async fn without_it() {
    let (outcome, client, _) = try_script(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
        C: A1 AUTHENTICATE PLAIN
        S: +
        C: {PLAIN}
        S: * CAPABILITY IMAP4rev1 STALE
        S: A1 OK in
        C: A2 CAPABILITY
        S: * CAPABILITY IMAP4rev1 FRESH
        S: A2 OK"
    ))
    .await;
    outcome.unwrap();
    assert!(client.offers("FRESH") && !client.offers("STALE"));
}

#[tokio::test(start_paused = true)]
async fn coremail_announces_the_initial_response_and_rejects_it() {
    let (outcome, ..) = try_script(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello
        C: A1 AUTHENTICATE PLAIN {PLAIN}
        S: A1 BAD parse error
        C: A2 AUTHENTICATE PLAIN
        S: +
        C: {PLAIN}
        S: A2 OK [CAPABILITY IMAP4rev1] in"
    ))
    .await;
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_next_way_only_when_the_server_does_not_know_the_first() {
    let (outcome, ..) = try_script(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
        C: A1 AUTHENTICATE PLAIN
        S: A1 BAD unknown
        C: A2 LOGIN me pw
        S: A2 OK [CAPABILITY IMAP4rev1] in",
    )
    .await;
    outcome.unwrap();
    let (outcome, client, rest) = try_script(&format!(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN SASL-IR] hello
        C: A1 AUTHENTICATE PLAIN {PLAIN}
        S: A1 NO wrong"
    ))
    .await;
    assert!(matches!(outcome, Err(Error::AuthenticationFailed { .. })));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn the_login_command_and_its_passwords() {
    for (pass, sent) in [
        ("pw", "C: A1 LOGIN me pw".to_owned()),
        ("a b", "C: A1 LOGIN me \"a b\"".to_owned()),
        ("a\"b\\", "C: A1 LOGIN me \"a\\\"b\\\\\"".to_owned()),
        ("{5}", "C: A1 LOGIN me \"{5}\"".to_owned()),
        (
            "pä",
            "C: A1 LOGIN me {3}\nS: * NO [ALERT] soon\nS: + go\nC: pä".to_owned(),
        ),
    ] {
        let script =
            format!("S: * OK [CAPABILITY IMAP4rev1] hello\n{sent}\nS: A1 OK [CAPABILITY IMAP4rev1] in");
        let (mut client, _) = greet(&script, plain()).await;
        client.login(&password("me", pass)).await.unwrap();
    }
    for pass in ["a\r\nA2 DELETE INBOX", "a\0"] {
        let (mut client, rest) = greet("S: * OK [CAPABILITY IMAP4rev1] hello", plain()).await;
        let error = client.login(&password("me", pass)).await.unwrap_err();
        assert!(matches!(error, Error::Unsendable(_)), "{error}");
        drop(client);
        assert_eq!(rest.await.unwrap(), b"");
    }
}

#[tokio::test(start_paused = true)]
async fn logindisabled_is_respected() {
    let (outcome, client, rest) =
        try_script("S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI] hello").await;
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, Error::NoMechanism { offered } if offered == "GSSAPI"),
        "{error}"
    );
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn refusals_by_their_reason() {
    for (answer, failed) in [
        ("NO [AUTHENTICATIONFAILED] no", true),
        ("NO", true),
        ("NO [ALERT] Application-specific password required", true),
        ("NO [REFERRAL imap://evil.example/] try there", true),
        ("NO [UNAVAILABLE] database is down", false),
        ("NO [INUSE] locked", false),
        ("NO [CONTACTADMIN] ask", false),
        ("BAD what", false),
    ] {
        let script = format!("S: * OK [CAPABILITY IMAP4rev1] hello\nC: A1 LOGIN me pw\nS: A1 {answer}");
        let (outcome, client, rest) = try_script(&script).await;
        let error = outcome.unwrap_err();
        assert_eq!(
            matches!(error, Error::AuthenticationFailed { .. }),
            failed,
            "{answer}"
        );
        assert_eq!(matches!(error, Error::Refused(_)), !failed, "{answer}");
        assert!(error.is_definite());
        drop(client);
        assert_eq!(rest.await.unwrap(), b"", "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn bye_instead_of_an_answer() {
    let (outcome, ..) = try_script(
        "S: * OK [CAPABILITY IMAP4rev1] hello
        C: A1 LOGIN me pw
        S: * BYE too many attempts
        !",
    )
    .await;
    assert!(matches!(outcome, Err(Error::Bye(text)) if text == "too many attempts"));
}

#[tokio::test(start_paused = true)]
async fn an_ok_from_a_server_that_proved_nothing() {
    for script in [
        "C: A1 AUTHENTICATE SCRAM-SHA-256
        S: A1 OK in",
        "C: A1 AUTHENTICATE SCRAM-SHA-256
        S: * OK still thinking
        S: A1 OK [CAPABILITY IMAP4rev1] in",
    ] {
        let greeting = "S: * OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 AUTH=PLAIN] hello\n";
        let (outcome, client, rest) = try_script(&(greeting.to_owned() + script)).await;
        assert!(matches!(outcome, Err(Error::Sasl(_))), "{outcome:?}");
        assert!(!client.is_usable());
        drop(client);
        assert_eq!(rest.await.unwrap(), b"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hostile_challenge_is_cancelled() {
    let (stream, rest) = server(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=OAUTHBEARER SASL-IR] hello
        c: A1 AUTHENTICATE OAUTHBEARER bixhPW1lLAFob3N0PWgBcG9ydD05OTMBYXV0aD1CZWFyZXIgdG9rAQE=\\r\\n
        S: + eyJzdGF0dXMiOiI0MDAifQ==
        C: AQ==
        S: + bW9yZQ==
        C: *
        S: A1 BAD cancelled",
    );
    let mut client = Client::greet(Transport::Plain(Box::new(stream)), plain())
        .await
        .unwrap();
    let who = Credentials::OAuth {
        user: "me".into(),
        token: Secret::from("tok".to_owned()),
        host: "h".into(),
        port: 993,
    };
    let error = client.login(&who).await.unwrap_err();
    assert!(matches!(error, Error::Sasl(_)), "{error}");
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn introductions_go_together_and_their_refusal_does_no_harm() {
    let (outcome, client, _) = try_script(
        "S: * OK [CAPABILITY IMAP4rev1] hello
        C: A1 LOGIN me pw
        S: A1 OK [CAPABILITY IMAP4rev1 ID ENABLE CONDSTORE QRESYNC UTF8=ACCEPT] in
        C: A2 ID (\"name\" \"isbg\" \"version\" \"3.0.0-dev\")
        C: A3 ENABLE CONDSTORE QRESYNC UTF8=ACCEPT
        S: * ID (\"name\" \"x\") 
        S: A2 NO never heard of you
        S: A3 BAD what",
    )
    .await;
    outcome.unwrap();
    assert!(client.is_usable());
}

#[tokio::test(start_paused = true)]
async fn the_password_is_nowhere_to_be_seen() {
    let encoded = BASE64_STANDARD.encode(CANARY);
    let in_plain = BASE64_STANDARD.encode(format!("\0me\0{CANARY}"));
    for (capabilities, says) in [
        ("", format!("S: A1 NO bad password {CANARY} {encoded}")),
        (
            "AUTH=PLAIN SASL-IR",
            format!("S: A1 NO cannot {in_plain} {CANARY}"),
        ),
        (
            "AUTH=PLAIN",
            format!("S: +\nc: {in_plain}\\r\\n\nS: * NO {CANARY}\nS: A1 NO {CANARY}"),
        ),
        (
            "AUTH=LOGIN",
            format!("S: + VXNlcm5hbWU6\nC: bWU=\nS: + {encoded}\nC: {encoded}\nS: A1 NO {CANARY}"),
        ),
    ] {
        let quoted = CANARY.replace('\\', "\\\\").replace('"', "\\\"");
        let command = match capabilities {
            "" => format!("C: A1 LOGIN me \"{quoted}\""),
            "AUTH=PLAIN SASL-IR" => format!("C: A1 AUTHENTICATE PLAIN {in_plain}"),
            other => format!("C: A1 AUTHENTICATE {}", other.trim_start_matches("AUTH=")),
        };
        let script = format!("S: * OK [CAPABILITY IMAP4rev1 {capabilities}] hello\n{command}\n{says}");
        let ears = Ears::default();
        let (mut client, rest) = greet(&script, ears.settings()).await;
        let error = client.login(&password("me", CANARY)).await.unwrap_err();
        let seen = format!(
            "{error} {error:?} {client:?} {} {}",
            ears.transcript(),
            ears.heard()
        );
        for secret in [CANARY, &encoded, &quoted] {
            assert!(!seen.contains(secret), "{capabilities}: {seen}");
        }
        assert!(
            ears.transcript().contains("A1 NO (hidden)"),
            "{}",
            ears.transcript()
        );
        drop(client);
        rest.await.unwrap();
    }
}
