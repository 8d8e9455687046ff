//! The client against a real Dovecot.

#![cfg(unix)]

mod common;

use std::time::Duration;

use common::{CANARY, Ears, connect, log_in, password, set, uid};
use isbg_imap::transfer::{self, Change, Outcome, SelectError};
use isbg_imap::{ByteBudget, Client, Error, Fetched, InternalDate, Key, Known, SpecialUse, Wake};
use isbg_spool::Spool;
use isbg_testkit::dovecot::{Dovecot, Settings, Storage};
use isbg_testkit::mail;
use isbg_types::{Flag, Flags, Uid, UidValidity};
use tokio::sync::mpsc;

const DATE: i64 = 1_780_000_000;

fn start(settings: Settings) -> Dovecot {
    Dovecot::start(settings).unwrap()
}

async fn enter(dovecot: &Dovecot) -> Client {
    log_in(dovecot.address(), dovecot.credentials()).await
}

fn done<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(value) => value,
        other => panic!("{other:?}"),
    }
}

async fn fetch(client: &mut Client, uids: Vec<Uid>) -> Vec<Fetched> {
    let (to, mut from) = mpsc::channel::<Fetched>(4);
    let budget = ByteBudget::new(1 << 20);
    let collect = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(mut fetched) = from.recv().await {
            fetched.permit = None;
            all.push(fetched);
        }
        all
    });
    let report = client.fetch(&uids, &to, &budget).await.unwrap();
    drop(to);
    let all = collect.await.unwrap();
    assert_eq!(report.delivered, all.len());
    assert_eq!(budget.free(), 1 << 20);
    all
}

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
async fn move_copy_flag_expunge() {
    let dovecot = start(Settings::default());
    for number in 0..6 {
        dovecot.deliver("INBOX", &mail::spam(number), &[], DATE).unwrap();
    }
    let mut client = enter(&dovecot).await;
    let mailbox = client.examine(&"INBOX".into(), None).await.unwrap();
    let validity = mailbox.uid_validity.unwrap();
    let mut inbox = transfer::select(&mut client, &"INBOX".into(), validity)
        .await
        .unwrap();
    let moved = done(inbox.move_messages(&set([1, 3]), &"Junk".into()).await).unwrap();
    assert_eq!(moved.pairs, [(uid(1), uid(1)), (uid(3), uid(2))]);
    let copied = done(inbox.copy(&set([2, 99]), &"Junk".into()).await).unwrap();
    assert_eq!(copied.pairs, [(uid(2), uid(3))]);
    let marks: Flags = [
        Flag::new(Flag::DELETED),
        Flag::new("$Junk"),
        Flag::new(Flag::RECENT),
    ]
    .into_iter()
    .collect();
    let modseq = inbox.look(&set([2]), false).await.unwrap()[0].modseq;
    done(inbox.store(&set([4]), Change::Add, &marks, None).await);
    let stored = done(inbox.store(&set([2, 4]), Change::Add, &marks, modseq).await);
    assert_eq!(stored.modified, set([4]));
    done(inbox.store(&set([5]), Change::Add, &marks, None).await);
    done(inbox.expunge(&set([2])).await);
    client.unselect().await.unwrap();
    let mailbox = dovecot.mailbox().unwrap();
    let left: Vec<_> = mailbox["INBOX"]
        .iter()
        .map(|message| (message.uid.unwrap(), message.flags.len()))
        .collect();
    assert_eq!(left, [(4, 2), (5, 2), (6, 0)]);
    assert_eq!(mailbox["Junk"].len(), 3);
}

#[tokio::test]
async fn an_old_uidvalidity_and_a_missing_folder_change_nothing() {
    let dovecot = start(Settings::default());
    dovecot.deliver("INBOX", &mail::spam(1), &[], DATE).unwrap();
    let mut client = enter(&dovecot).await;
    let error = transfer::select(&mut client, &"INBOX".into(), UidValidity(1))
        .await
        .unwrap_err();
    assert!(matches!(error, SelectError::ValidityChanged { .. }), "{error}");
    let error = transfer::select(&mut client, &"Nowhere".into(), UidValidity(1))
        .await
        .unwrap_err();
    assert!(matches!(error, SelectError::Failed(Error::Refused(_))), "{error}");
    let validity = client
        .examine(&"INBOX".into(), None)
        .await
        .unwrap()
        .uid_validity
        .unwrap();
    let mut inbox = transfer::select(&mut client, &"INBOX".into(), validity)
        .await
        .unwrap();
    let outcome = inbox.move_messages(&set([1]), &"Nowhere".into()).await;
    assert!(
        matches!(&outcome, Outcome::Refused(refusal) if refusal.has("TRYCREATE")),
        "{outcome:?}"
    );
    assert_eq!(inbox.look(&set([1]), false).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_read_only_folder_is_not_opened_for_changes() {
    let dovecot = start(Settings {
        read_only: vec!["Archive"],
        ..Settings::default()
    });
    let mut client = enter(&dovecot).await;
    let validity = client
        .examine(&"Archive".into(), None)
        .await
        .unwrap()
        .uid_validity
        .unwrap();
    let error = transfer::select(&mut client, &"Archive".into(), validity)
        .await
        .unwrap_err();
    assert!(matches!(error, SelectError::ReadOnly), "{error}");
}

#[tokio::test]
async fn append_keeps_flags_date_and_bytes() {
    for storage in [Storage::Maildir, Storage::Mdbox] {
        let dovecot = start(Settings {
            storage,
            ..Settings::default()
        });
        let mut client = enter(&dovecot).await;
        done(transfer::create(&mut client, &"Größe".into()).await);
        done(transfer::create(&mut client, &"Größe".into()).await);
        let large = Spool::from(mail::sized(3, 2 << 20));
        let small = Spool::from(mail::ham(3));
        let flags: Flags = [Flag::new(Flag::SEEN), Flag::new("$NotJunk")]
            .into_iter()
            .collect();
        let date = InternalDate::new(" 1-Feb-2024 03:04:05 +0100");
        for (message, number) in [(&large, 1), (&small, 2)] {
            let receipt = transfer::append(&mut client, &"Größe".into(), message, &flags, Some(&date)).await;
            assert_eq!(done(receipt).unwrap().1, uid(number));
        }
        client.examine(&"Größe".into(), None).await.unwrap();
        let fetched = fetch(&mut client, vec![uid(1), uid(2)]).await;
        assert!(fetched[0].body.same_bytes(&large).unwrap());
        assert!(fetched[1].body.same_bytes(&small).unwrap());
        assert_eq!(fetched[0].facts.flags.without_recent(), flags);
        // The same moment, in the server's own zone.
        assert!(
            fetched[0]
                .facts
                .internal_date
                .as_ref()
                .unwrap()
                .as_str()
                .contains("Feb-2024")
        );
    }
}

#[tokio::test]
async fn over_quota_is_a_definite_no() {
    let dovecot = start(Settings {
        quota: Some(100_000),
        ..Settings::default()
    });
    let mut client = enter(&dovecot).await;
    let message = Spool::from(mail::sized(1, 200_000));
    let outcome = transfer::append(&mut client, &"INBOX".into(), &message, &Flags::default(), None).await;
    assert!(
        matches!(&outcome, Outcome::Refused(refusal) if refusal.has("OVERQUOTA")),
        "{outcome:?}"
    );
    client.noop().await.unwrap();
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
