//! Reading messages from servers that do odd things, against scripts. Time is paused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::{Ears, in_inbox, plain, set, uid};
use isbg_imap::{ByteBudget, Client, Error, FetchReport, Fetched, Limits, Settings};
use isbg_types::{Flag, Uid};
use tokio::sync::mpsc;

const ITEMS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";

fn small() -> Settings {
    Settings {
        batch: 2,
        in_flight: 2,
        ..plain()
    }
}

/// Fetches these messages with room for all of them.
async fn fetch(client: &mut Client, uids: &[u32]) -> (Result<FetchReport, Error>, Vec<(u32, String)>) {
    let (to, mut from) = mpsc::channel::<Fetched>(100);
    let uids: Vec<Uid> = uids.iter().copied().map(uid).collect();
    let report = client.fetch(&uids, &to, &ByteBudget::new(1 << 20)).await;
    drop(to);
    let mut messages = Vec::new();
    while let Some(fetched) = from.recv().await {
        let body = fetched.body.prefix(1000).unwrap();
        messages.push((
            fetched.facts.uid.get(),
            String::from_utf8_lossy(&body).into_owned(),
        ));
    }
    (report, messages)
}

/// Fetches message 5 from a server that answers so.
async fn fetch_five(said: &str) -> (Result<FetchReport, Error>, Vec<(u32, String)>, Ears) {
    let ears = Ears::default();
    let script = format!("C: A2 UID FETCH 5 {ITEMS}\n{said}");
    let (mut client, _rest) = in_inbox("", &script, ears.settings()).await;
    let (report, messages) = fetch(&mut client, &[5]).await;
    (report, messages, ears)
}

fn message(number: u32, body: &str) -> Vec<(u32, String)> {
    vec![(number, body.to_owned())]
}

#[tokio::test(start_paused = true)]
async fn several_commands_are_under_way() {
    let script = format!(
        "C: A2 UID FETCH 1:2 {ITEMS}
        C: A3 UID FETCH 4,6 {ITEMS}
        s: * 1 FETCH (UID 1 FLAGS () BODY[] {{3}}\\r\\none)\\r\\n
        S: A2 OK
        C: A4 UID FETCH 8 {ITEMS}
        s: * 4 FETCH (BODY[] {{3}}\\r\\nsix UID 6 FLAGS (\\Seen))\\r\\n
        S: A3 OK
        s: * 5 FETCH (UID 8 FLAGS () BODY[] \"\")\\r\\n
        S: A4 OK"
    );
    let (mut client, _) = in_inbox("", &script, small()).await;
    let (report, messages) = fetch(&mut client, &[8, 1, 2, 6, 4, 1]).await;
    assert_eq!(
        report.unwrap(),
        FetchReport {
            delivered: 3,
            ..FetchReport::default()
        }
    );
    assert_eq!(
        messages,
        [(1, "one".into()), (6, "six".into()), (8, String::new())]
    );
    assert!(client.is_usable());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_observed() {
    let (report, messages, ears) = fetch_five(
        "S: * 9 EXISTS
        S: * 1 FETCH (UID 5 FLAGS (\\Answered))
        s: * 2 FETCH (UID 6 FLAGS () BODY[] {3}\\r\\nsix)\\r\\n
        s: * 2 FETCH (FLAGS () BODY[] {3}\\r\\nwho)\\r\\n
        s: * 1 FETCH (UID 5 FLAGS () BODY[] {4}\\r\\nfive)\\r\\n
        s: * 1 FETCH (UID 5 FLAGS () BODY[] {5}\\r\\nagain)\\r\\n
        S: * 1 EXPUNGE
        S: A2 OK",
    )
    .await;
    assert_eq!(report.unwrap().delivered, 1);
    assert_eq!(messages, message(5, "five"));
    for word in ["Exists(9)", "Answered", "Uid(6)", "Expunge(1)"] {
        assert!(ears.heard().contains(word), "{word}");
    }
    assert!(!ears.transcript().contains("five"), "{}", ears.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_looks_like_answers() {
    let (report, messages, _) = fetch_five(
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {40}\\r\\n)\\r\\nA2 OK\\r\\n* 1 FETCH (UID 5 FLAGS () x)\\r\\n)\\r\\n
        S: A2 OK",
    )
    .await;
    assert_eq!(report.unwrap().delivered, 1);
    assert_eq!(messages[0].1.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_not_whole_are_named_and_not_handed_over() {
    for said in [
        "* 1 FETCH (UID 5 FLAGS () BODY[] NIL)",
        "* 1 FETCH (UID 5 BODY[] {4}\\r\\nfive)",
        "* 1 FETCH (UID 5 FLAGS NIL BODY[] {4}\\r\\nfive)",
    ] {
        let (report, messages, _) = fetch_five(&format!("s: {said}\\r\\n\nS: A2 OK")).await;
        assert_eq!(report.unwrap().incomplete, [uid(5)], "{said}");
        assert!(messages.is_empty());
    }
    let (report, messages, _) = fetch_five("S: A2 OK nothing there").await;
    assert_eq!(report.unwrap(), FetchReport::default());
    assert!(messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_in_the_middle_of_a_message() {
    for said in [
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {4}\\r\\nfi\n!",
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {4}\\r\\nfive\n!",
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {4}\\r\\nfive)\n!",
    ] {
        let (report, messages, _) = fetch_five(said).await;
        assert!(matches!(report, Err(Error::Closed(_))), "{report:?}");
        assert!(messages.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn more_bytes_promised_than_sent() {
    let (report, messages, _) =
        fetch_five("s: * 1 FETCH (UID 5 FLAGS () BODY[] {50}\\r\\nfive)\\r\\nA2 OK done\\r\\n").await;
    assert!(matches!(report, Err(Error::Timeout { .. })), "{report:?}");
    assert!(messages.is_empty());
    // Where the literal swallows the end of its own answer and more.
    let (report, messages, _) = fetch_five(
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {12}\\r\\nfive)\\r\\nA2 OK done\\r\\n\nS: * 3 EXISTS",
    )
    .await;
    assert!(report.is_err());
    assert!(messages.is_empty());
    // Where it swallows the end of its own answer and part of the next, and the command ends all the same.
    let (report, messages, _) =
        fetch_five("s: * 1 FETCH (UID 5 FLAGS () BODY[] {12}\\r\\nfive)\\r\\n* OK hello\\r\\n\nS: A2 OK")
            .await;
    assert_eq!(report.unwrap().incomplete, [uid(5)]);
    assert!(messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn fewer_bytes_promised_than_sent() {
    let (report, messages, _) = fetch_five(
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {4}\\r\\nfive and\\r\\nA2 OK forged\\r\\n)\\r\\n
        S: A2 OK",
    )
    .await;
    assert_eq!(report.unwrap().incomplete, [uid(5)]);
    assert!(messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_is_read_past() {
    let limits = Limits {
        body: 4,
        ..Limits::default()
    };
    let script = format!(
        "C: A2 UID FETCH 5:6 {ITEMS}
        s: * 1 FETCH (UID 5 FLAGS () BODY[] {{5}}\\r\\nfive!)\\r\\n
        s: * 2 FETCH (UID 6 FLAGS () BODY[] {{4}}\\r\\nsix!)\\r\\n
        S: A2 OK"
    );
    let (mut client, _) = in_inbox("", &script, Settings { limits, ..plain() }).await;
    let (report, messages) = fetch(&mut client, &[5, 6]).await;
    assert_eq!(report.unwrap().too_large, [(uid(5), 5)]);
    assert_eq!(messages, message(6, "six!"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_command_does_not_hide_the_others_messages() {
    let commands = format!(
        "C: A2 UID FETCH 1:2 {ITEMS}
        C: A3 UID FETCH 3:4 {ITEMS}\n"
    );
    let three = "s: * 3 FETCH (UID 3 FLAGS () BODY[] {5}\\r\\nthree)\\r\\n\nS: A3 OK";
    let script = format!(
        "{commands}S: A2 NO [SERVERBUG] cannot read message 2\nC: A4 UID FETCH 5 {ITEMS}\n{three}\nS: A4 OK"
    );
    let (mut client, _) = in_inbox("", &script, small()).await;
    let (report, messages) = fetch(&mut client, &[1, 2, 3, 4, 5]).await;
    assert!(
        matches!(&report, Err(Error::Refused(refusal)) if refusal.has("SERVERBUG")),
        "{report:?}"
    );
    assert_eq!(messages, message(3, "three"));
    let script = format!("{commands}S: A2 BAD what\n{three}");
    let (mut client, rest) = in_inbox("", &script, small()).await;
    let (report, messages) = fetch(&mut client, &[1, 2, 3, 4, 5]).await;
    assert!(matches!(report, Err(Error::Refused(_))));
    assert_eq!(messages, message(3, "three"));
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn two_bodies_in_one_answer_cannot_wait_for_each_other() {
    let said =
        "s: * 1 FETCH (UID 5 FLAGS () BODY[] {9}\\r\\n555555555 RFC822 {9}\\r\\n666666666)\\r\\n\nS: A2 OK";
    let script = format!("C: A2 UID FETCH 5 {ITEMS}\n{said}");
    let (mut client, _) = in_inbox("", &script, plain()).await;
    let (to, mut from) = mpsc::channel::<Fetched>(10);
    let report = client.fetch(&[uid(5)], &to, &ByteBudget::new(10)).await;
    assert_eq!(report.unwrap().delivered, 1);
    assert_eq!(
        &from.recv().await.unwrap().body.in_memory().unwrap()[..],
        b"555555555"
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone() {
    let script =
        format!("C: A2 UID FETCH 5 {ITEMS}\ns: * 1 FETCH (UID 5 FLAGS () BODY[] {{4}}\\r\\nfive)\\r\\n");
    let (mut client, _) = in_inbox("", &script, plain()).await;
    let (to, from) = mpsc::channel(1);
    drop(from);
    let report = client.fetch(&[uid(5)], &to, &ByteBudget::new(10)).await;
    assert!(matches!(report, Err(Error::GivenUp)));
    assert!(!client.is_usable());
}

#[tokio::test(start_paused = true)]
async fn looking_puts_pieces_together() {
    let script = "C: A2 UID FETCH 5:7 (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ X-GM-MSGID X-GM-LABELS BODY.PEEK[HEADER])
        s: * 1 FETCH (UID 5 FLAGS (\\Seen) BODY[HEADER] {8}\\r\\nA: b\\r\\n\\r\\n)\\r\\n
        S: * 1 FETCH (UID 5 RFC822.SIZE 99 MODSEQ (60) X-GM-MSGID 1 X-GM-LABELS (\\Inbox))
        S: * 1 FETCH (UID 5 FLAGS (\\Seen \\Flagged))
        S: * 2 FETCH (UID 6 RFC822.SIZE 99)
        S: * 9 FETCH (UID 99 FLAGS ())
        S: A2 OK";
    let (mut client, _) = in_inbox("CONDSTORE X-GM-EXT-1", script, plain()).await;
    let found = client.look(&set([5, 6, 7]), true).await.unwrap();
    // Message 6 came without flags, 7 did not come, 99 was not asked for.
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].uid, found[0].size, found[0].gmail_msgid),
        (uid(5), Some(99), Some(1))
    );
    assert!(found[0].flags.has(Flag::FLAGGED));
    assert_eq!(found[0].header.as_deref(), Some(&b"A: b\r\n\r\n"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_header_over_the_limit_is_none_and_long_sets_are_split() {
    let limits = Limits {
        header: 4,
        command: 3,
        ..Limits::default()
    };
    let script = "C: A2 UID FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])
        s: * 1 FETCH (UID 1 FLAGS () BODY[HEADER] {5}\\r\\nA: b\\n)\\r\\n
        s: * 2 FETCH (UID 2 FLAGS () BODY[HEADER] {4}\\r\\nA: b)\\r\\n
        S: A2 OK
        C: A3 UID FETCH 9 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])
        S: A3 OK";
    let (mut client, _) = in_inbox("", script, Settings { limits, ..plain() }).await;
    let found = client.look(&set([1, 2, 9]), true).await.unwrap();
    assert_eq!(
        found
            .iter()
            .map(|facts| facts.header.is_some())
            .collect::<Vec<_>>(),
        [false, true]
    );
}

#[tokio::test(start_paused = true)]
async fn fetching_nothing_sends_nothing() {
    let (mut client, rest) = in_inbox("", "", plain()).await;
    assert_eq!(fetch(&mut client, &[]).await.0.unwrap(), FetchReport::default());
    assert!(client.look(&set([]), true).await.unwrap().is_empty());
    drop(client);
    assert_eq!(rest.await.unwrap(), b"");
}
