//! Changing mailboxes on a real Dovecot.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]
#![cfg(unix)]

mod common;

use common::dovecot::{DATE, enter, start};
use common::{done, fetch, set, uid};
use isbg_imap::transfer::{self, Change, SelectError};
use isbg_imap::{Error, InternalDate, Outcome};
use isbg_spool::Spool;
use isbg_testkit::dovecot::{Settings, Storage};
use isbg_testkit::mail;
use isbg_types::{Flag, Flags, UidValidity};

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
