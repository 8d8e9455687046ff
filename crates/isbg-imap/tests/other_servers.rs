//! The client against a real Cyrus and a real Courier, which differ from Dovecot in what they offer and how they say it.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::{done, fetch, log_in, set, uid};
use isbg_imap::transfer::{self, Change};
use isbg_imap::{Client, Error, InternalDate, Key, Outcome, SpecialUse};
use isbg_spool::Spool;
use isbg_testkit::courier::Courier;
use isbg_testkit::cyrus::Cyrus;
use isbg_testkit::mail;
use isbg_types::{Flag, Flags, FolderName, Uid};

fn deleted() -> Flags {
    [Flag::new(Flag::DELETED)].into_iter().collect()
}

/// Puts five letters into INBOX, reads them back, and moves two of them to `junk` as far as the server can.
async fn whole_round(client: &mut Client, junk: &FolderName) {
    let date = InternalDate::new(" 1-Feb-2024 03:04:05 +0000");
    let seen: Flags = [Flag::new(Flag::SEEN)].into_iter().collect();
    let letters: Vec<Spool> = (0..5).map(|seed| mail::ham(seed).into()).collect();
    for (number, letter) in (1..).zip(&letters) {
        let receipt = transfer::append(client, &"INBOX".into(), letter, &seen, Some(&date)).await;
        assert_eq!(done(receipt).map(|(_, uid)| uid), Some(uid(number)));
    }
    let inbox = client.examine(&"INBOX".into(), None).await.unwrap();
    assert_eq!(inbox.exists, 5);
    // Courier tells it by STATUS only.
    assert!(matches!(inbox.uid_next.map(Uid::get), None | Some(6)));
    assert_eq!(
        client.search(&[Key::With(Flag::new(Flag::SEEN))]).await.unwrap(),
        set(1..=5)
    );
    let fetched = fetch(client, (1..=5).map(uid).collect()).await;
    for (fetched, letter) in fetched.iter().zip(&letters) {
        assert!(fetched.body.same_bytes(letter).unwrap());
        assert!(fetched.facts.flags.has(Flag::SEEN));
        assert!(
            fetched
                .facts
                .internal_date
                .as_ref()
                .unwrap()
                .as_str()
                .contains("Feb-2024")
        );
    }
    let headers = client.look(&set([2]), true).await.unwrap();
    assert!(headers[0].header.as_ref().unwrap().ends_with(b"\r\n\r\n"));
    let mut open = transfer::select(client, &"INBOX".into(), inbox.uid_validity.unwrap())
        .await
        .unwrap();
    let both = set([2, 4]);
    let copied = match open.move_messages(&both, junk).await {
        Outcome::NotSent(Error::Unsupported("MOVE")) => {
            let copied = done(open.copy(&both, junk).await);
            done(open.store(&set([2, 4, 5]), Change::Add, &deleted(), None).await);
            done(open.expunge(&both).await);
            copied
        }
        moved => done(moved),
    };
    assert_eq!(copied.unwrap().pairs, [(uid(2), uid(1)), (uid(4), uid(2))]);
    assert_eq!(open.look(&set(1..=9), false).await.unwrap().len(), 3);
    client.unselect().await.unwrap();
    let counts = client.status(junk).await.unwrap();
    assert_eq!((counts.messages, counts.uid_next), (Some(2), Some(3)));
}

#[tokio::test]
async fn cyrus() {
    let cyrus = Cyrus::start().unwrap();
    let mut client = log_in(cyrus.address(), cyrus.credentials()).await;
    let folders = client.list(true).await.unwrap();
    let junk = folders
        .iter()
        .find(|folder| folder.special_use == Some(SpecialUse::Junk))
        .unwrap();
    assert_eq!(junk.counts.as_ref().unwrap().messages, Some(0));
    whole_round(&mut client, &junk.name).await;
    client.logout().await.unwrap();
}

#[tokio::test]
async fn courier() {
    let courier = Courier::start().unwrap();
    let mut client = log_in(courier.address(), courier.credentials()).await;
    assert_eq!(client.namespaces().await.unwrap().personal[0].prefix, "INBOX.");
    let junk = FolderName::new("INBOX.Später");
    done(transfer::create(&mut client, &junk).await);
    let folders = client.list(true).await.unwrap();
    assert!(
        folders
            .iter()
            .any(|folder| folder.name == junk && folder.counts.is_some())
    );
    whole_round(&mut client, &junk).await;
    client.logout().await.unwrap();
}
