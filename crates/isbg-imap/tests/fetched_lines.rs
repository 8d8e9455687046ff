//! FETCH responses as servers send them, the odd ones too, each with what must come out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::lines::{kind, read_all};
use isbg_imap::protocol::fetch::{Body, FetchData};
use isbg_imap::protocol::response::Kind;
use isbg_types::{ModSeq, Uid};

fn fetch(line: impl AsRef<[u8]>) -> FetchData {
    match kind(line) {
        Kind::Fetch(data) => *data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_fetch() {
    let data = fetch(
        "* 12 FETCH (UID 4827313 FLAGS (\\Seen $Junk) MODSEQ (12121231000) RFC822.SIZE 44827 \
         INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\" EMAILID (M6d99ac3275bb4e) BODY[HEADER] {7}\r\nA: b\r\n\n BODY[] {3}\r\nabc)",
    );
    assert_eq!((data.number, data.uid), (12, Uid::new(4_827_313)));
    assert_eq!(
        (data.modseq, data.size),
        (Some(ModSeq(12_121_231_000)), Some(44827))
    );
    assert_eq!(data.internal_date.unwrap().as_str(), " 7-Jul-1996 02:44:25 -0700");
    assert_eq!(data.email_id.as_deref(), Some("M6d99ac3275bb4e"));
    assert_eq!(data.header.as_deref(), Some(&b"A: b\r\n\n"[..]));
    assert!(matches!(data.body, Some(Body::Whole(body)) if body.in_memory().unwrap() == &b"abc"[..]));
}

#[test]
fn gmail_attributes_unescaped() {
    let data = fetch(
        "* 1 FETCH (X-GM-THRID 1278455344230334865 X-GM-MSGID 1278455344230334866 \
         X-GM-LABELS (\"\\\\Inbox\" \\Sent Important \"Mus&AOk-e\" {3}\r\na\"b) UID 2)",
    );
    assert_eq!(data.gmail_msgid, Some(1_278_455_344_230_334_866));
    assert_eq!(
        data.gmail_labels.unwrap(),
        ["\\Inbox", "\\Sent", "Important", "Musée", "a\"b"]
    );
    assert_eq!(data.uid, Uid::new(2));
}

#[test]
fn zoho_star_in_flags_and_qq_space_before_a_parenthesis() {
    let data = fetch("* 1 FETCH (FLAGS (\\Seen \\* ) UID 5 )");
    assert!(data.flags.unwrap().has("\\Seen"));
    assert_eq!(data.uid, Uid::new(5));
}

#[test]
fn odd_values_do_not_hide_the_others() {
    for odd in [
        "INTERNALDATE NIL",
        "INTERNALDATE \"yesterday\"",
        "RFC822.SIZE -1",
        "RFC822.SIZE 99999999999999999999",
        "RFC822.SIZE NIL",
        "ENVELOPE NIL",
        "ENVELOPE (\"x\" (((\"a\" NIL \"b",
        "BODYSTRUCTURE ((((((((\"TEXT\" \"PLAIN\" NIL)))))))) MIXED",
        "SAVEDATE NIL",
        "PREVIEW \"a ) b\"",
        "X-UNKNOWN",
        "MODSEQ ()",
        "EMAILID NIL",
    ] {
        let mut line = format!("* 1 FETCH ({odd} UID 5 FLAGS (\\Seen) BODY[] {{2}}\r\nhi)");
        if odd.contains("b") && odd.starts_with("ENVELOPE (") {
            // The open string swallows what follows, so the rest comes first.
            line = format!("* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[] {{2}}\r\nhi {odd})");
        }
        let data = fetch(&line);
        assert_eq!(data.uid, Uid::new(5), "{odd}");
        assert!(data.flags.is_some_and(|flags| flags.has("\\Seen")), "{odd}");
        assert!(matches!(data.body, Some(Body::Whole(_))), "{odd}");
    }
}

#[test]
fn a_broken_envelope_still_yields_uid_flags_and_body() {
    let data =
        fetch("* 1 FETCH (ENVELOPE (\"x\" ((NIL NIL \"a\" \"b\") UID 5 FLAGS (\\Seen) BODY[] {2}\r\nhi)");
    assert_eq!(data.uid, Uid::new(5));
    assert!(data.flags.unwrap().has("\\Seen"));
    assert!(matches!(data.body, Some(Body::Whole(_))));
}

#[test]
fn words_inside_a_body_or_a_string_are_no_items() {
    let data = fetch("* 1 FETCH (BODY[] {21}\r\nUID 7 FLAGS (\\Deleted) X \"UID 8\")");
    assert_eq!((data.uid, data.flags.is_some()), (None, false));
    let data = fetch("* 1 FETCH (BODY[HEADER] \"UID\" UID 5)");
    assert_eq!(data.uid, Uid::new(5));
}

#[test]
fn a_message_without_bytes_and_one_in_quotes() {
    assert!(matches!(
        fetch("* 1 FETCH (BODY[] NIL UID 5)").body,
        Some(Body::Nil)
    ));
    assert!(
        matches!(fetch("* 1 FETCH (BODY[] \"\" UID 5)").body, Some(Body::Whole(body)) if body.is_empty())
    );
    assert!(
        matches!(fetch("* 1 FETCH (BODY[] {0}\r\n UID 5)").body, Some(Body::Whole(body)) if body.is_empty())
    );
}

#[test]
fn zero_bytes_in_a_literal() {
    let data = fetch("* 1 FETCH (UID 5 BODY[] {3}\r\na\0b)");
    assert!(matches!(data.body, Some(Body::Whole(body)) if body.in_memory().unwrap() == &b"a\0b"[..]));
}

#[test]
fn a_promise_of_more_bytes_than_come_never_yields_a_whole_message() {
    // The literal swallows the end of its own response; what is left over is no FETCH with a UID.
    let all = read_all(b"* 1 FETCH (BODY[] {20}\r\nhello)\r\na1 OK done\r\n* 2 EXISTS\r\n");
    assert!(
        all.iter()
            .all(|response| !matches!(&response.kind, Kind::Fetch(data) if data.uid.is_some()))
    );
}
