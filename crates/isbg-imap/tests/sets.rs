//! Sets of UIDs and receipts of copies, as servers send them and as hostile ones might.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::lines::status;
use common::{set, uid};
use isbg_imap::protocol::code::Code;
use isbg_imap::protocol::set::{CopyUid, Ranges, SetError, write};
use isbg_types::{Uid, UidValidity};
use proptest::prelude::*;

fn copyuid(line: &str) -> Option<CopyUid> {
    match status(line).code {
        Some(Code::CopyUid(copied)) => Some(copied),
        _ => None,
    }
}

#[test]
fn sets_that_are_none() {
    for text in [
        "",
        ",",
        "1:5,",
        ",1",
        "1,,2",
        "*",
        "*:*",
        "1:*",
        "0",
        "0:5",
        "4294967296",
        "1:4294967296",
        "-1",
        "+1",
        "1:",
        ":1",
        "1:2:3",
        "1 2",
        "99999999999999999999",
        "x",
        "1\0",
    ] {
        assert_eq!(Ranges::read(text.as_bytes(), 10), Err(SetError::Syntax), "{text}");
    }
    assert_eq!(Ranges::read(b"1,2,3,4", 3), Err(SetError::TooMany(3)));
}

#[test]
fn sets_in_any_order() {
    let ranges = Ranges::read(b"5:3,1,4294967295", 10).unwrap();
    assert_eq!(
        ranges.iter().map(Uid::get).collect::<Vec<_>>(),
        [3, 4, 5, 1, u32::MAX]
    );
    assert_eq!(ranges.to_set(), set([1, 3, 4, 5, u32::MAX]));
    let descending = (1..=200_000)
        .rev()
        .map(|n| (n * 2).to_string())
        .collect::<Vec<_>>()
        .join(",");
    assert_eq!(
        Ranges::read(descending.as_bytes(), 500_000)
            .unwrap()
            .to_set()
            .len(),
        200_000
    );
}

#[test]
fn sets_are_sent_ascending_and_in_pieces() {
    let uids = set([9, 1, 2, 3, 7]);
    assert_eq!(write(&uids, 100), ["1:3,7,9"]);
    assert_eq!(write(&uids, 5), ["1:3,7", "9"]);
    assert_eq!(write(&uids, 0), ["1:3", "7", "9"]);
    assert_eq!(write(&set([]), 5), [""; 0]);
}

#[test]
fn receipts_of_copies() {
    let receipt = copyuid("a1 OK [COPYUID 38505 304,319:320 3956:3958] Done").unwrap();
    assert_eq!(receipt.validity, UidValidity(38505));
    let asked = set([304, 319, 320, 400]);
    let pairs = receipt.pairs(&asked).unwrap();
    assert_eq!(
        pairs,
        [
            (uid(304), uid(3956)),
            (uid(319), uid(3957)),
            (uid(320), uid(3958))
        ]
    );
}

#[test]
fn exchange_bare_copyuid_line() {
    for line in [
        "[COPYUID 52 86 1146]",
        "* [COPYUID 52 86 1146]",
        "* OK [COPYUID 52 86 1146]",
    ] {
        assert_eq!(
            copyuid(line).unwrap().pairs(&set([86])).unwrap(),
            [(uid(86), uid(1146))],
            "{line}"
        );
    }
}

#[test]
fn receipts_that_cannot_be_read_are_none() {
    for line in [
        "* OK [COPYUID 14  ]",
        "a1 OK [COPYUID 1 1:5 100:*]",
        "a1 OK [COPYUID 0 35 41]",
        "a1 OK [COPYUID]",
        "a1 OK [COPYUID 1 1:5, 1:5]",
        "a1 OK [COPYUID 4294967296 1 1]",
        "a1 OK [COPYUID 1 0 1]",
    ] {
        assert!(copyuid(line).is_none(), "{line}");
    }
}

#[test]
fn receipts_that_prove_nothing() {
    for (line, asked) in [
        ("a1 OK [COPYUID 1 1:5 1:4] other lengths", set([1, 2, 3, 4, 5])),
        ("a1 OK [COPYUID 1 6 1] not asked for", set([5])),
        (
            "a1 OK [COPYUID 1 1:4294967295 1:4294967295] never expanded",
            set([5]),
        ),
        ("a1 OK [COPYUID 1 5,5 1:2] twice", set([5, 6])),
    ] {
        assert_eq!(copyuid(line).unwrap().pairs(&asked), None, "{line}");
    }
}

proptest! {
    #[test]
    fn sets_survive(numbers in proptest::collection::btree_set(1..=u32::MAX, 1..50), limit in 0usize..200) {
        let uids = set(numbers);
        let pieces = write(&uids, limit);
        let mut back = isbg_types::UidSet::new();
        for piece in &pieces {
            Ranges::read(piece.as_bytes(), 1000).unwrap().add_to(&mut back);
        }
        prop_assert_eq!(back, uids);
    }

    #[test]
    fn any_set_text_is_read_or_refused(text in "[0-9:,*]{0,40}") {
        if let Ok(ranges) = Ranges::read(text.as_bytes(), 5) {
            prop_assert!(ranges.iter().take(10).count() > 0);
        }
        if let Some(receipt) = CopyUid::read(format!("1 {text} {text}").as_bytes(), 100) {
            let asked = set([1, 2, 3, 50]);
            if let Some(pairs) = receipt.pairs(&asked) {
                prop_assert!(pairs.len() <= 4);
            }
        }
    }
}
