//! How long a fetch waits, for what, and when it does not read. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{in_inbox, plain, uid};
use isbg_imap::{ByteBudget, Client, Error, FetchReport, Fetched, Settings};
use isbg_types::Uid;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

const ITEMS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";

/// Fetches these messages with room for all of them.
async fn fetch(client: &mut Client, uids: &[u32]) -> Result<FetchReport, Error> {
    let (to, _from) = mpsc::channel::<Fetched>(100);
    let uids: Vec<Uid> = uids.iter().copied().map(uid).collect();
    client.fetch(&uids, &to, &ByteBudget::new(1 << 20)).await
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_while_the_budget_is_used_up() {
    let script = format!(
        "C: A2 UID FETCH 1:2 {ITEMS}
        s: * 1 FETCH (UID 1 FLAGS () BODY[] {{8}}\\r\\n11111111)\\r\\n
        s: * 2 FETCH (UID 2 FLAGS () BODY[] {{9}}\\r\\n222222222)\\r\\n
        S: A2 OK"
    );
    let (mut client, _) = in_inbox("", &script, plain()).await;
    let (to, mut from) = mpsc::channel(10);
    let budget = ByteBudget::new(10);
    let task = tokio::spawn({
        let budget = budget.clone();
        async move { client.fetch(&[uid(1), uid(2)], &to, &budget).await }
    });
    let first: Fetched = from.recv().await.unwrap();
    // Far longer than the server would be waited for.
    assert!(timeout(Duration::from_secs(86_400), from.recv()).await.is_err());
    drop(first);
    let second = from.recv().await.unwrap();
    assert_eq!((second.facts.uid, budget.free()), (uid(2), 1));
    drop(second);
    assert_eq!(task.await.unwrap().unwrap().delivered, 2);
    assert_eq!(budget.free(), 10);
}

/// A client with INBOX open, of a server that says these pieces, each so many seconds after the one before. Its answers
/// come whether the commands have come or not, which no real server could do; the tags are foreseeable.
async fn timed(pieces: Vec<(u64, String)>, settings: Settings) -> Client {
    let (stream, mut peer) = tokio::io::duplex(1000);
    tokio::spawn(async move {
        let greeting = "* PREAUTH [CAPABILITY IMAP4rev1] x\r\n* OK [UIDVALIDITY 7] x\r\nA1 OK\r\n";
        peer.write_all(greeting.as_bytes()).await.unwrap();
        for (seconds, piece) in pieces {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if peer.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_secs(1_000_000)).await;
    });
    let mut client = Client::greet(isbg_imap::Transport::Plain(Box::new(stream)), settings)
        .await
        .unwrap();
    client.login(&common::password("me", "x")).await.unwrap();
    client.examine(&"INBOX".into(), None).await.unwrap();
    client
}

/// Fetches a message of which one byte comes every `seconds`.
async fn drip(seconds: u64, size: usize) -> Result<FetchReport, Error> {
    let mut pieces = vec![(0, format!("* 1 FETCH (UID 5 FLAGS () BODY[] {{{size}}}\r\n"))];
    pieces.extend(std::iter::repeat_n((seconds, "x".to_owned()), size));
    pieces.push((0, ")\r\nA2 OK\r\n".to_owned()));
    fetch(&mut timed(pieces, plain()).await, &[5]).await
}

fn patient() -> Settings {
    let timeouts = isbg_imap::Timeouts {
        silence: Duration::from_secs(2000),
        ..Default::default()
    };
    Settings {
        timeouts,
        batch: 1,
        in_flight: 1,
        ..plain()
    }
}

#[tokio::test(start_paused = true)]
async fn each_command_has_its_own_deadline() {
    let answer = |tag: u32| {
        (
            1900,
            format!("* 1 FETCH (UID {tag} FLAGS () BODY[] \"\")\r\nA{tag} OK\r\n"),
        )
    };
    let mut client = timed((2..=9).map(answer).collect(), patient()).await;
    assert_eq!(
        fetch(&mut client, &[2, 3, 4, 5, 6, 7, 8, 9])
            .await
            .unwrap()
            .delivered,
        8
    );
}

#[tokio::test(start_paused = true)]
async fn time_in_which_we_do_not_read_is_not_the_servers() {
    let start = "* 1 FETCH (UID 5 FLAGS () BODY[] {1}\r\n5)\r\n* 2 FETCH (UID 6 FLAGS () BODY[] {1}\r\n";
    let pieces = vec![(0, start.to_owned()), (90_000, "6)\r\nA2 OK\r\n".to_owned())];
    let mut client = timed(
        pieces,
        Settings {
            batch: 2,
            ..patient()
        },
    )
    .await;
    let (to, mut from) = mpsc::channel::<Fetched>(1);
    let budget = ByteBudget::new(1);
    let slow = tokio::spawn(async move {
        let first = from.recv().await.unwrap();
        tokio::time::sleep(Duration::from_secs(89_000)).await;
        drop(first);
        from.recv().await.unwrap().facts.uid
    });
    assert_eq!(
        client
            .fetch(&[uid(5), uid(6)], &to, &budget)
            .await
            .unwrap()
            .delivered,
        2
    );
    assert_eq!(slow.await.unwrap(), uid(6));
}

#[tokio::test(start_paused = true)]
async fn slow_is_fine_silent_or_endless_is_not() {
    assert_eq!(drip(50, 40).await.unwrap().delivered, 1);
    assert!(matches!(drip(70, 40).await, Err(Error::Timeout { after, .. }) if after.as_secs() == 60));
    assert!(matches!(drip(50, 4000).await, Err(Error::Timeout { after, .. }) if after.as_secs() == 3600));
}
