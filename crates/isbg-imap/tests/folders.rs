//! Folders and searches on servers that do odd things, against scripts. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::{at_home, in_inbox, plain, set, uid};
use isbg_imap::{Error, Key, Known, SpecialUse};
use isbg_types::{ModSeq, UidValidity};

#[tokio::test(start_paused = true)]
async fn searches_and_their_quirks() {
    let grüße = [Key::Header("Subject".into(), "grüße".into())];
    // Gmail wants to be told the charset.
    let script = "C: A2 UID SEARCH CHARSET UTF-8 HEADER Subject {7+}\nC: grüße\nS: * SEARCH 7\nS: A2 OK";
    let (mut client, _) = in_inbox("LITERAL+", script, plain()).await;
    assert_eq!(client.search(&grüße).await.unwrap(), set([7]));
    // Outlook refuses it.
    let script =
        "C: A2 UID SEARCH CHARSET UTF-8 HEADER Subject {7+}\nC: grüße\nS: A2 NO [BADCHARSET (US-ASCII)] no
        C: A3 UID SEARCH HEADER Subject {7+}\nC: grüße\nS: * SEARCH 7\nS: A3 OK";
    let (mut client, _) = in_inbox("LITERAL+", script, plain()).await;
    assert_eq!(client.search(&grüße).await.unwrap(), set([7]));
    // `9:*` finds the last message even if it is smaller; no answer means nothing found; unreadable is an error.
    let script = "C: A2 UID SEARCH UID 9:*\nS: * SEARCH 7\nS: A2 OK\nC: A3 UID SEARCH ALL\nS: A3 OK
        C: A4 UID SEARCH ALL\nS: * SEARCH 4294967296\nS: A4 OK";
    let (mut client, _) = in_inbox("", script, plain()).await;
    assert_eq!(client.search(&[Key::From(uid(9))]).await.unwrap(), set([]));
    assert_eq!(client.search(&[]).await.unwrap(), set([]));
    assert!(matches!(client.search(&[]).await, Err(Error::Protocol(_))));
    let script = "C: A2 UID SEARCH RETURN (ALL) ALL\nS: * ESEARCH (TAG \"A2\") UID ALL 1:3,9\nS: A2 OK";
    let (mut client, _) = in_inbox("ESEARCH", script, plain()).await;
    assert_eq!(client.search(&[]).await.unwrap(), set([1, 2, 3, 9]));
}

#[tokio::test(start_paused = true)]
async fn lists_old_and_new() {
    let script =
        "C: A1 XLIST \"\" \"*\"\nS: * XLIST (\\HasNoChildren \\Spam) \"/\" \"[Gmail]/Spam\"\nS: A1 OK";
    let (mut client, _) = at_home("XLIST", script, plain()).await;
    assert_eq!(
        client.list(false).await.unwrap()[0].special_use,
        Some(SpecialUse::Junk)
    );
    let script =
        "C: A1 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN UIDNEXT UIDVALIDITY SIZE))
        S: * LIST (\\Noselect) \"/\" a
        S: * LIST () \"/\" b
        S: * STATUS b (MESSAGES 3)
        S: * LIST () \"/\" c
        S: A1 OK
        C: A2 STATUS c (MESSAGES UNSEEN UIDNEXT UIDVALIDITY SIZE)
        S: A2 NO [NOPERM] no";
    let capabilities = "LIST-EXTENDED LIST-STATUS SPECIAL-USE STATUS=SIZE";
    let (mut client, _) = at_home(capabilities, script, plain()).await;
    let folders = client.list(true).await.unwrap();
    assert!(!folders[0].selectable && folders[2].counts.is_none());
    assert_eq!(folders[1].counts.as_ref().unwrap().messages, Some(3));
}

#[tokio::test(start_paused = true)]
async fn names_that_break_the_rules_are_sent_back_as_they_came() {
    let script = "C: A1 LIST \"\" \"*\"
        S: * LIST () \"/\" R&D
        S: * LIST () \"/\" \"Gelöscht\"
        S: A1 OK
        C: A2 EXAMINE R&D
        S: A2 OK
        C: A3 EXAMINE {9}
        S: + go
        C: Gelöscht
        S: A3 OK
        C: A4 EXAMINE Fu&AN8-
        S: A4 OK";
    let (mut client, rest) = at_home("", script, plain()).await;
    let names: Vec<_> = client
        .list(false)
        .await
        .unwrap()
        .into_iter()
        .map(|folder| folder.name)
        .collect();
    assert_eq!(
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["R&D", "Gelöscht"]
    );
    for name in &names {
        client.examine(name, None).await.unwrap();
    }
    client.examine(&"Fuß".into(), None).await.unwrap();
    drop(client);
    rest.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_two_names_that_read_alike_the_proper_one_is_meant() {
    let script = "C: A1 LIST \"\" \"*\"
        S: * LIST (\\Noinferiors) \"/\" R&D
        S: * LIST (\\Marked) \"/\" R&-D
        S: * LIST () \"/\" inbox
        S: * LIST () \"/\" INBOX
        S: A1 OK
        C: A2 EXAMINE R&-D
        S: A2 OK";
    let (mut client, _) = at_home("", script, plain()).await;
    let folders = client.list(false).await.unwrap();
    assert_eq!(
        folders
            .iter()
            .map(|folder| folder.name.as_str())
            .collect::<Vec<_>>(),
        ["R&D", "INBOX"]
    );
    assert_eq!(folders[0].attributes, ["\\Marked"]);
    client.examine(&"R&D".into(), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn folders_that_tell_little() {
    let script = "C: A1 EXAMINE a\nS: * 3 EXISTS\nS: A1 OK
        C: A2 EXAMINE b\nS: * OK [UIDVALIDITY 0] x\nS: * OK [NOMODSEQ] x\nS: A2 OK
        C: A3 EXAMINE c\nS: * 9 EXISTS\nS: * OK [UIDNEXT 9] x\nS: * OK [CLOSED] now\nS: * 1 EXISTS\nS: * OK [UIDVALIDITY 4] x\nS: A3 OK
        C: A4 STATUS d (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: * STATUS d ()\nS: A4 OK
        C: A5 STATUS e (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)\nS: A5 OK";
    let (mut client, _) = at_home("", script, plain()).await;
    let a = client.examine(&"a".into(), None).await.unwrap();
    assert_eq!(
        (a.exists, a.uid_validity, a.uid_next, a.read_only),
        (3, None, None, true)
    );
    let b = client.examine(&"b".into(), None).await.unwrap();
    assert_eq!((b.uid_validity, b.highest_modseq), (None, None));
    let c = client.examine(&"c".into(), None).await.unwrap();
    assert_eq!(
        (c.exists, c.uid_validity, c.uid_next),
        (1, Some(UidValidity(4)), None)
    );
    assert_eq!(
        client.status(&"d".into()).await.unwrap(),
        isbg_imap::Counts::default()
    );
    assert!(matches!(
        client.status(&"e".into()).await,
        Err(Error::Protocol(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn quick_resynchronisation() {
    let script = "C: A1 ENABLE CONDSTORE QRESYNC
        S: * ENABLED CONDSTORE QRESYNC
        S: A1 OK
        C: A2 EXAMINE INBOX (QRESYNC (7 50 1:9))
        S: * 8 EXISTS
        S: * OK [UIDVALIDITY 7] x
        S: * VANISHED (EARLIER) 3:4
        S: * 2 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (60))
        S: A2 OK";
    let (mut client, _) = at_home("ENABLE CONDSTORE QRESYNC", script, plain()).await;
    let uids = set(1..=9);
    let known = Known {
        validity: UidValidity(7),
        modseq: ModSeq(50),
        uids: &uids,
    };
    let inbox = client.examine(&"INBOX".into(), Some(known)).await.unwrap();
    assert_eq!((inbox.vanished, inbox.exists), (set([3, 4]), 8));
    assert_eq!(
        (inbox.changed[0].uid, inbox.changed[0].modseq),
        (uid(5), Some(ModSeq(60)))
    );
}
