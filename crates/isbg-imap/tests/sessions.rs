//! What servers do in the middle of a session, against scripts. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Ears, at_home, in_inbox, plain, set};
use isbg_imap::{Client, Error, Limits, Settings};
use tokio::time::timeout;

/// Every reading command once, on its own connection, with this said after the command.
async fn ask_everything(said: &str) -> Vec<(&'static str, Result<(), Error>)> {
    let mut outcomes = Vec::new();
    for (name, sent) in [
        ("noop", "A2 NOOP"),
        ("list", "A2 LIST \"\" \"*\""),
        ("status", "A2 STATUS Junk (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"),
        ("search", "A2 UID SEARCH ALL"),
        ("look", "A2 UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)"),
        ("namespaces", "A2 NAMESPACE"),
        ("examine", "A2 EXAMINE Junk"),
        ("unselect", "A2 UNSELECT"),
    ] {
        let script = format!("C: {sent}\n{said}");
        let (mut client, _rest) = in_inbox("NAMESPACE UNSELECT", &script, plain()).await;
        let outcome = match name {
            "noop" => client.noop().await,
            "list" => client.list(false).await.map(drop),
            "status" => client.status(&"Junk".into()).await.map(drop),
            "search" => client.search(&[]).await.map(drop),
            "look" => client.look(&set([1]), false).await.map(drop),
            "namespaces" => client.namespaces().await.map(drop),
            "examine" => client.examine(&"Junk".into(), None).await.map(drop),
            _ => client.unselect().await,
        };
        outcomes.push((name, outcome));
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn every_refusal_is_seen() {
    for (said, bad) in [
        ("S: A2 NO no", false),
        ("S: A2 BAD no", true),
        ("S: A2 NO", false),
    ] {
        for (name, outcome) in ask_everything(said).await {
            let error = outcome.unwrap_err();
            let refusal = error.refusal().unwrap_or_else(|| panic!("{name}: {error}"));
            assert_eq!(refusal.kind == isbg_imap::RefusalKind::Bad, bad);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_end_of_a_connection_looks_like_an_answer() {
    for (name, outcome) in ask_everything("!").await {
        assert!(
            matches!(outcome, Err(Error::Closed(_) | Error::Io(_))),
            "{name}: {outcome:?}"
        );
    }
    for (name, outcome) in ask_everything("S: * SEARCH 1\ns: * LIST () \"/\" x\\r\\nA2 OK\n!").await {
        assert!(
            matches!(outcome, Err(Error::Closed(_) | Error::Io(_))),
            "{name}: {outcome:?}"
        );
    }
    for (name, outcome) in ask_everything("S: * BYE shutting down\n!").await {
        assert!(
            matches!(&outcome, Err(Error::Bye(text)) if text == "shutting down"),
            "{name}: {outcome:?}"
        );
    }
    for (name, outcome) in ask_everything("").await {
        assert!(
            matches!(outcome, Err(Error::Timeout { .. })),
            "{name}: {outcome:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_tags_and_garbage() {
    for said in [
        "S: A3 OK not yet asked",
        "S: A1 NO stale",
        "S: A1 OK stale",
        "S: a2 OK other case",
        "S: XX BAD what",
        "S: garbage",
        "S: A2",
        "S: A2 PREAUTH hello",
        "s: \\0\\0\\0\\r\\n",
        "S: * X {99999999999999999999}",
    ] {
        for (name, outcome) in ask_everything(said).await {
            assert!(
                matches!(outcome, Err(Error::Protocol(_))),
                "{said} {name}: {outcome:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nothing_more_is_sent() {
    let (mut client, rest) = at_home("", "C: A1 NOOP\nS: A9 OK", plain()).await;
    assert!(matches!(client.noop().await, Err(Error::Protocol(_))));
    assert!(matches!(client.noop().await, Err(Error::Unusable)));
    assert!(matches!(client.list(true).await, Err(Error::Unusable)));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_command_leaves_the_connection_unusable() {
    let (mut client, _rest) = at_home("", "C: A1 NOOP", plain()).await;
    assert!(timeout(Duration::from_secs(1), client.noop()).await.is_err());
    assert!(!client.is_usable());
    assert!(matches!(client.noop().await, Err(Error::Unusable)));
}

#[tokio::test(start_paused = true)]
async fn empty_lines_untagged_refusals_and_stray_go_aheads_are_passed_over() {
    let ears = Ears::default();
    let script = "C: A1 NOOP\ns: \\r\\n\\n\nS: * BAD you said something odd\nS: + what\nS: * NO [ALERT] quota is at 90 %\nS: A1 OK";
    let (mut client, _) = at_home("", script, ears.settings()).await;
    client.noop().await.unwrap();
    assert!(ears.heard().contains("something odd"));
    assert_eq!(client.take_alerts(), ["quota is at 90 %"]);
    assert_eq!(client.take_alerts(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn endless_chatter_ends_at_the_deadline() {
    let chatter = "S: * OK still here\n".repeat(100);
    let settings = Settings {
        timeouts: isbg_imap::Timeouts {
            command: Duration::from_secs(120),
            ..Default::default()
        },
        ..plain()
    };
    let (stream, mut peer) = tokio::io::duplex(1000);
    let talk = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        peer.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
            .await
            .unwrap();
        while peer.write_all(b"* OK still here\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
    });
    let mut client = Client::greet(isbg_imap::Transport::Plain(Box::new(stream)), settings)
        .await
        .unwrap();
    client.login(&common::password("me", "x")).await.unwrap();
    assert!(matches!(client.noop().await, Err(Error::Timeout { after, .. }) if after.as_secs() == 120));
    drop(client);
    talk.await.unwrap();
    let (mut client, _) = at_home("", &format!("C: A1 NOOP\n{chatter}S: A1 OK"), plain()).await;
    client.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_reaches_the_observer() {
    let ears = Ears::default();
    let script = "C: A2 LIST \"\" \"*\"
        S: * 4 EXISTS
        S: * LIST () \"/\" INBOX
        S: * 2 FETCH (UID 8 FLAGS (\\Seen))
        S: * 1 EXPUNGE
        S: * OK [COPYUID 1 1:3 4:6] who asked
        S: * XYZZY nothing happens
        S: A2 OK done";
    let (mut client, _) = in_inbox("", script, ears.settings()).await;
    assert_eq!(client.list(false).await.unwrap().len(), 1);
    for word in ["Exists(4)", "Fetch", "Expunge(1)", "CopyUid", "XYZZY"] {
        assert!(ears.heard().contains(word), "{word} in {}", ears.heard());
    }
    assert!(!ears.heard().contains("List"));
    assert_eq!(client.mailbox().unwrap().exists, 3);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_too_long_are_refused_and_the_connection_goes_on() {
    let limits = Limits {
        line: 100,
        response: 100,
        ..Limits::default()
    };
    let script = format!(
        "C: A2 UID SEARCH ALL\nS: * SEARCH{}\nS: A2 OK\nC: A3 UID SEARCH ALL\nS: * SEARCH 5\nS: A3 OK",
        " 1".repeat(100)
    );
    let (mut client, _) = in_inbox("", &script, Settings { limits, ..plain() }).await;
    assert!(matches!(client.search(&[]).await, Err(Error::TooLarge { .. })));
    assert_eq!(client.search(&[]).await.unwrap(), set([5]));
}

#[tokio::test(start_paused = true)]
async fn literals_that_claim_too_much() {
    for (size, hopeless) in [
        ("2147483648", false),
        ("4294967296", false),
        ("17179869185", true),
    ] {
        let script = format!("C: A2 LIST \"\" \"*\"\nS: * LIST () \"/\" {{{size}}}\nS: short\n!");
        let (mut client, _) = in_inbox("", &script, plain()).await;
        let error = client.list(false).await.unwrap_err();
        assert_eq!(
            matches!(error, Error::TooLarge { .. }),
            hopeless,
            "{size}: {error}"
        );
        assert!(hopeless || matches!(error, Error::Closed(_)));
    }
    // No size at all: the line is what it is.
    let script = "C: A2 LIST \"\" \"*\"\nS: * LIST () \"/\" {-1}\nS: A2 OK";
    let (mut client, _) = in_inbox("", script, plain()).await;
    assert_eq!(client.list(false).await.unwrap()[0].name.as_str(), "{-1}");
}

#[tokio::test(start_paused = true)]
async fn logout() {
    for said in ["S: * BYE bye\nS: A1 OK", "S: * BYE bye\n!", "S: A1 OK\n!"] {
        let (client, _) = at_home("", &format!("C: A1 LOGOUT\n{said}"), plain()).await;
        client.logout().await.unwrap();
    }
    let (client, _) = at_home("", "C: A1 LOGOUT\n!", plain()).await;
    assert!(client.logout().await.is_err());
}
