//! The client against a real Dovecot.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]
#![cfg(unix)]

mod common;

use std::time::Duration;

use common::dovecot::{DATE, enter, start};
use common::{CANARY, Ears, connect, fetch, password, set, uid};
use isbg_imap::{Error, Key, Known, SpecialUse, Wake};
use isbg_testkit::dovecot::Settings;
use isbg_testkit::mail;
use isbg_types::{Flag, Uid};

#[tokio::test]
async fn every_mechanism_logs_in_and_every_wrong_password_is_told_apart() {
    for mechanisms in ["plain", "login", "scram-sha-256"] {
        let dovecot = start(Settings {
            users: vec![("me".into(), CANARY.into()), ("ann".into(), "pässwörd".into())],
            mechanisms,
            ..Settings::default()
        });
        let ears = Ears::default();
        for (user, pass) in [("me", CANARY), ("ann", "pässwörd")] {
            let mut client = connect(dovecot.address(), ears.settings()).await;
            client.login(&password(user, pass)).await.unwrap();
            assert!(client.offers("MOVE"));
            client.logout().await.unwrap();
        }
        let mut client = connect(dovecot.address(), ears.settings()).await;
        let error = client.login(&password("me", "wrong-canary")).await.unwrap_err();
        assert!(matches!(error, Error::AuthenticationFailed { .. }), "{error}");
        assert!(!ears.transcript().contains("canary"), "{}", ears.transcript());
        assert!(
            ears.transcript().contains("AUTHENTICATE (hidden)"),
            "{}",
            ears.transcript()
        );
    }
}

#[tokio::test]
async fn the_login_command_takes_any_password() {
    // Dovecot always offers AUTH=PLAIN, so the command is reached by offering nothing that fits.
    for pass in [CANARY, "pässwörd", "", "nil", "a b"] {
        let dovecot = start(Settings {
            users: vec![("me".into(), pass.into())],
            ..Settings::default()
        });
        let mut client = connect(dovecot.address(), common::plain()).await;
        match client.login(&password("me", pass)).await {
            Ok(()) => client.logout().await.unwrap(),
            Err(error) => assert!(pass.is_empty(), "{pass}: {error}"),
        }
    }
}

#[tokio::test]
async fn no_password_leaves_over_a_plain_connection_unless_allowed() {
    let dovecot = start(Settings::default());
    let mut client = connect(dovecot.address(), isbg_imap::Settings::default()).await;
    let error = client.login(&password("me", "secret")).await.unwrap_err();
    assert!(matches!(error, Error::Plaintext), "{error}");
}

#[tokio::test]
async fn folders_namespaces_and_counts() {
    let dovecot = start(Settings {
        prefix: "INBOX.",
        separator: '.',
        folders: vec![("INBOX.Spam", Some("\\Junk")), ("INBOX.Größe & Co", None)],
        ..Settings::default()
    });
    dovecot
        .deliver("INBOX.Größe & Co", &mail::ham(1), &[], DATE)
        .unwrap();
    let mut client = enter(&dovecot).await;
    let namespaces = client.namespaces().await.unwrap();
    assert_eq!(namespaces.personal[0].prefix, "INBOX.");
    assert_eq!(namespaces.personal[0].separator, Some('.'));
    let folders = client.list(true).await.unwrap();
    let find = |name: &str| {
        folders
            .iter()
            .find(|folder| folder.name.as_str() == name)
            .unwrap()
    };
    assert_eq!(find("INBOX.Spam").special_use, Some(SpecialUse::Junk));
    let counts = find("INBOX.Größe & Co").counts.clone().unwrap();
    assert_eq!(
        (counts.messages, counts.unseen, counts.uid_next),
        (Some(1), Some(1), Some(2))
    );
    assert!(counts.highest_modseq.is_some());
    assert_eq!(
        client
            .status(&find("INBOX.Größe & Co").name)
            .await
            .unwrap()
            .uid_validity,
        counts.uid_validity
    );
    let error = client.status(&"INBOX.Nowhere".into()).await.unwrap_err();
    assert!(
        error.is_definite() && error.to_string().contains("STATUS"),
        "{error}"
    );
}

#[tokio::test]
async fn messages_come_with_their_exact_bytes() {
    let dovecot = start(Settings::default());
    for (_, bytes) in mail::odd() {
        dovecot.deliver("INBOX", &bytes, &["\\Seen"], DATE).unwrap();
    }
    dovecot
        .deliver("INBOX", &mail::sized(9, 3 << 20), &["\\Flagged"], DATE)
        .unwrap();
    // As an independent client reads them: Dovecot sends NUL as 0x80.
    let read = dovecot.wire().unwrap().messages("INBOX").unwrap();
    let wanted: Vec<Vec<u8>> = read.into_iter().map(|message| message.bytes).collect();
    let mut client = enter(&dovecot).await;
    let mailbox = client.examine(&"INBOX".into(), None).await.unwrap();
    assert!(mailbox.read_only);
    assert_eq!(mailbox.exists as usize, wanted.len());
    let uids: Vec<Uid> = (1..=wanted.len() as u32 + 5).filter_map(Uid::new).collect();
    let mut fetched = fetch(&mut client, uids).await;
    fetched.sort_by_key(|fetched| fetched.facts.uid);
    assert_eq!(fetched.len(), wanted.len());
    for (fetched, wanted) in fetched.iter().zip(&wanted) {
        assert!(
            fetched.body.same_bytes(&wanted.clone().into()).unwrap(),
            "{}",
            fetched.facts.uid
        );
        assert_eq!(fetched.facts.size, Some(wanted.len() as u64));
        assert!(fetched.facts.modseq.is_some() && fetched.facts.internal_date.is_some());
    }
    let looked = client.look(&set(1..=wanted.len() as u32), true).await.unwrap();
    for (facts, fetched) in looked.iter().zip(&fetched) {
        let header = facts.header.clone().unwrap();
        let body = fetched.body.prefix(header.len()).unwrap();
        assert_eq!(header, body, "{}", facts.uid);
        assert_eq!(facts.flags, fetched.facts.flags);
    }
    assert!(looked.last().unwrap().flags.has(Flag::FLAGGED));
}

#[tokio::test]
async fn reading_leaves_no_trace() {
    let dovecot = start(Settings::default());
    for number in 0..20 {
        dovecot.deliver("INBOX", &mail::ham(number), &[], DATE).unwrap();
    }
    let mut client = enter(&dovecot).await;
    client.examine(&"INBOX".into(), None).await.unwrap();
    let uids = client.search(&[Key::All]).await.unwrap();
    client.look(&uids, true).await.unwrap();
    assert_eq!(fetch(&mut client, uids.iter().collect()).await.len(), 20);
    client.unselect().await.unwrap();
    assert!(
        dovecot.mailbox().unwrap()["INBOX"]
            .iter()
            .all(|message| message.flags.is_empty())
    );
}

#[tokio::test]
async fn searches() {
    let dovecot = start(Settings::default());
    for (number, flags) in [&[][..], &["\\Seen"], &["\\Flagged", "\\Seen"], &["\\Deleted"]]
        .iter()
        .enumerate()
    {
        let text = format!("Subject: Gr\u{fc}\u{df}e {number}\r\nMessage-ID: <{number}@x>\r\n\r\nhello\r\n");
        dovecot.deliver("INBOX", text.as_bytes(), flags, DATE).unwrap();
    }
    let mut client = enter(&dovecot).await;
    client.examine(&"INBOX".into(), None).await.unwrap();
    for (keys, found) in [
        (vec![], vec![1, 2, 3, 4]),
        (vec![Key::With(Flag::new(Flag::SEEN))], vec![2, 3]),
        (
            vec![
                Key::Without(Flag::new(Flag::DELETED)),
                Key::Without(Flag::new(Flag::SEEN)),
            ],
            vec![1],
        ),
        (vec![Key::From(uid(3))], vec![3, 4]),
        (vec![Key::From(uid(9))], vec![]),
        (vec![Key::Uids(set([1, 4, 9]))], vec![1, 4]),
        (vec![Key::Header("Message-ID".into(), "<1@x>".into())], vec![2]),
        (vec![Key::Header("Subject".into(), "grüße 2".into())], vec![3]),
        (
            vec![Key::Not(Box::new(Key::Header("Subject".into(), "GRÜSSE".into())))],
            vec![1, 2, 3, 4],
        ),
        (vec![Key::Larger(1_000_000)], vec![]),
        (vec![Key::With(Flag::new("$Junk"))], vec![]),
    ] {
        assert_eq!(client.search(&keys).await.unwrap(), set(found), "{keys:?}");
    }
}

#[tokio::test]
async fn what_changed_since_is_told_in_one_round_trip() {
    let dovecot = start(Settings::default());
    for number in 0..5 {
        dovecot.deliver("INBOX", &mail::ham(number), &[], DATE).unwrap();
    }
    let mut client = enter(&dovecot).await;
    let before = client.examine(&"INBOX".into(), None).await.unwrap();
    let mut other = dovecot.wire().unwrap();
    other.command("SELECT INBOX").unwrap();
    other.command("UID STORE 2 +FLAGS (\\Flagged)").unwrap();
    other.command("UID STORE 4 +FLAGS (\\Deleted)").unwrap();
    other.command("UID EXPUNGE 4").unwrap();
    let uids = set(1..=5);
    let known = Known {
        validity: before.uid_validity.unwrap(),
        modseq: before.highest_modseq.unwrap(),
        uids: &uids,
    };
    let after = client.examine(&"INBOX".into(), Some(known)).await.unwrap();
    assert_eq!(after.vanished, set([4]));
    assert_eq!(
        after.changed.iter().map(|facts| facts.uid).collect::<Vec<_>>(),
        [uid(2)]
    );
    assert!(after.changed[0].flags.has(Flag::FLAGGED));
    assert_eq!(after.exists, 4);
}

#[tokio::test]
async fn watching_wakes_on_new_mail_and_on_the_callers_signal() {
    let dovecot = start(Settings::default());
    let mut client = enter(&dovecot).await;
    client.examine(&"INBOX".into(), None).await.unwrap();
    let mut other = dovecot.wire().unwrap();
    let (never, stop) = tokio::sync::oneshot::channel::<()>();
    let append =
        tokio::task::spawn_blocking(move || other.append("INBOX", &[], DATE, &mail::ham(1)).unwrap());
    let wake = client.watch(async { drop(stop.await) }).await.unwrap();
    assert_eq!(wake, Wake::News);
    append.await.unwrap();
    drop(never);
    assert_eq!(client.mailbox().unwrap().exists, 1);
    let stop = tokio::time::sleep(Duration::from_millis(1));
    assert_eq!(client.watch(stop).await.unwrap(), Wake::Stopped);
    client.noop().await.unwrap();
}

#[tokio::test]
async fn what_others_do_meanwhile_is_observed() {
    let dovecot = start(Settings::default());
    for number in 0..3 {
        dovecot.deliver("INBOX", &mail::ham(number), &[], DATE).unwrap();
    }
    let ears = Ears::default();
    let mut client = connect(dovecot.address(), ears.settings()).await;
    client.login(&password("me", "secret")).await.unwrap();
    client.examine(&"INBOX".into(), None).await.unwrap();
    let mut other = dovecot.wire().unwrap();
    other.command("SELECT INBOX").unwrap();
    other.command("UID STORE 1 +FLAGS (\\Answered)").unwrap();
    other.command("UID STORE 2 +FLAGS (\\Deleted)").unwrap();
    other.command("UID EXPUNGE 2").unwrap();
    client.noop().await.unwrap();
    assert!(ears.heard().contains("Answered"), "{}", ears.heard());
    assert!(ears.heard().contains("Vanished"), "{}", ears.heard());
    assert_eq!(client.mailbox().unwrap().exists, 2);
    assert_eq!(fetch(&mut client, vec![uid(1), uid(2), uid(3)]).await.len(), 2);
}

#[tokio::test]
async fn a_message_larger_than_the_whole_budget_passes() {
    let dovecot = start(Settings::default());
    let large = mail::sized(5, 5 << 20);
    for bytes in [mail::ham(1), large.clone(), mail::ham(2)] {
        dovecot.deliver("INBOX", &bytes, &[], DATE).unwrap();
    }
    let mut client = enter(&dovecot).await;
    client.examine(&"INBOX".into(), None).await.unwrap();
    let fetched = fetch(&mut client, vec![uid(1), uid(2), uid(3)]).await;
    assert!(fetched[1].body.in_memory().is_none());
    assert!(fetched[1].body.same_bytes(&large.into()).unwrap());
}
