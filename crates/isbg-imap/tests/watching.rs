//! Waiting for news, against scripts. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use std::future::pending;
use std::time::Duration;

use common::{in_inbox, plain};
use isbg_imap::{Error, Wake};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn news_and_what_is_none() {
    for (said, news) in [
        ("S: * 4 EXISTS", true),
        ("S: * 1 EXPUNGE", true),
        ("S: * VANISHED 5", true),
        ("S: * 1 FETCH (FLAGS (\\Seen))", true),
        ("S: * 3 EXISTS\nS: * 0 RECENT\nS: * OK still here", false),
    ] {
        let script = format!("C: A2 IDLE\nS: * 3 EXISTS\nS: + idling\n{said}\nC: DONE\nS: A2 OK");
        let (mut client, _) = in_inbox("IDLE", &script, plain()).await;
        let wake = client.watch(sleep(Duration::from_secs(100))).await.unwrap();
        assert_eq!(wake, if news { Wake::News } else { Wake::Stopped }, "{said}");
        assert!(client.is_usable());
    }
}

#[tokio::test(start_paused = true)]
async fn idle_is_begun_anew_before_the_server_gives_up() {
    let script = "C: A2 IDLE\nS: +\nC: DONE\nS: A2 OK\nC: A3 IDLE\nS: + \nC: DONE\nS: * 5 EXISTS\nS: A3 OK";
    let (mut client, _) = in_inbox("IDLE", script, plain()).await;
    let since = Instant::now();
    assert_eq!(client.watch(pending()).await.unwrap(), Wake::News);
    assert_eq!(since.elapsed().as_secs(), 2 * 9 * 60);
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_is_noticed() {
    let (mut client, _rest) = in_inbox("IDLE", "C: A2 IDLE\nS: +", plain()).await;
    assert!(matches!(
        client.watch(pending()).await,
        Err(Error::Timeout { .. })
    ));
    let (mut client, _rest) =
        in_inbox("IDLE", "C: A2 IDLE\nS: +\nS: * BYE idle for too long\n!", plain()).await;
    assert!(matches!(client.watch(pending()).await, Err(Error::Bye(_))));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_will_not_idle() {
    let (mut client, _) = in_inbox("IDLE", "C: A2 IDLE\nS: A2 NO not now", plain()).await;
    assert!(matches!(client.watch(pending()).await, Err(Error::Refused(_))));
    for said in ["S: A2 OK already", "S: +\nS: A2 OK enough"] {
        let (mut client, _) = in_inbox("IDLE", &format!("C: A2 IDLE\n{said}"), plain()).await;
        assert!(
            matches!(client.watch(pending()).await, Err(Error::Protocol(_))),
            "{said}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn polling_where_there_is_no_idle() {
    let script = "C: A2 NOOP\nS: A2 OK\nC: A3 NOOP\nS: * 4 EXISTS\nS: A3 OK";
    let (mut client, _) = in_inbox("", script, plain()).await;
    let since = Instant::now();
    assert_eq!(client.watch(pending()).await.unwrap(), Wake::News);
    assert_eq!(since.elapsed().as_secs(), 120);
    assert_eq!(
        client.watch(sleep(Duration::from_secs(5))).await.unwrap(),
        Wake::Stopped
    );
}
