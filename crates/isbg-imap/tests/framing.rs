//! The framer and the tree reader: where responses end, whatever the server sends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::lines::{kind, read, read_all, read_in_pieces};
use isbg_imap::protocol::Limits;
use isbg_imap::protocol::framer::{Event, Framer, Hopeless, Then};
use isbg_imap::protocol::mailbox::Encoding;
use isbg_imap::protocol::raw::Raw;
use isbg_imap::protocol::response::{Kind, Response};
use isbg_imap::protocol::tree::{Oddity, Tree};
use proptest::prelude::*;

/// The first event of the bytes.
fn first(bytes: &[u8]) -> (Vec<u8>, Then, bool) {
    match Framer::new(1000).next(bytes).unwrap() {
        (_, Some(Event::Text { text, then, cut })) => (text.to_vec(), then, cut),
        other => panic!("{other:?}"),
    }
}

#[test]
fn line_ends() {
    assert_eq!(first(b"* OK hi\r\n"), (b"* OK hi".to_vec(), Then::End, false));
    assert_eq!(first(b"* OK hi\n"), (b"* OK hi".to_vec(), Then::End, false));
    assert_eq!(
        first(b"* OK h\ri\r\r\n"),
        (b"* OK h\ri\r".to_vec(), Then::End, false)
    );
    assert_eq!(first(b"\r\n"), (b"".to_vec(), Then::End, false));
}

#[test]
fn literals_where_the_grammar_has_them() {
    for (line, text, size) in [
        ("* 1 FETCH (BODY[] {12}", "* 1 FETCH (BODY[] ", 12),
        ("* 1 FETCH (BINARY[1] ~{12}", "* 1 FETCH (BINARY[1] ", 12),
        ("* LIST () \"/\" {3+}", "* LIST () \"/\" ", 3),
        ("* LIST () \"/\" {0}", "* LIST () \"/\" ", 0),
        ("* X {18446744073709551615}", "* X ", u64::MAX),
        ("* X {4294967296}", "* X ", 1 << 32),
        ("* NO [BADCHARSET ({5}", "* NO [BADCHARSET (", 5),
        ("a1 NO [REFERRAL {5}", "a1 NO [REFERRAL ", 5),
    ] {
        let wanted = (text.as_bytes().to_vec(), Then::Literal(size), false);
        assert_eq!(first(format!("{line}\r\n").as_bytes()), wanted, "{line}");
    }
}

#[test]
fn no_literals_in_free_text_nor_of_impossible_sizes() {
    for line in [
        "* OK see {5}",
        "a1 NO [ALERT] see {5}",
        "a1 BAD {5}",
        "* BYE {5}",
        "* PREAUTH {5}",
        "+ {5}",
        "garbage {5}",
        "* X {-1}",
        "* X {}",
        "* X {5",
        "* X 5}",
        "* X {5 }",
        "* X {0x5}",
        "* X {++}",
    ] {
        assert_eq!(first(format!("{line}\r\n").as_bytes()).1, Then::End, "{line}");
    }
}

#[test]
fn a_literal_in_a_code_and_then_free_text() {
    let all = read_all(b"a1 NO [REFERRAL {7}\r\nimap://] see {5}\r\n* 1 EXISTS\r\n");
    assert!(matches!(&all[0].kind, Kind::Tagged(tag, status) if tag == "a1" && status.text == "see {5}"));
    assert!(matches!(all[1].kind, Kind::Exists(1)));
}

#[test]
fn a_size_beyond_64_bits_is_hopeless() {
    for size in ["99999999999999999999", "18446744073709551616", &"9".repeat(40)] {
        let line = format!("* X {{{size}}}\r\n");
        assert_eq!(Framer::new(1000).next(line.as_bytes()), Err(Hopeless), "{size}");
    }
}

#[test]
fn an_overlong_line_is_cut_and_the_next_one_is_whole() {
    for pieces in [1, 7, 100, 5000, usize::MAX] {
        let limits = Limits {
            line: 1000,
            ..Limits::default()
        };
        let bytes = format!(
            "* SEARCH{}\r\n* LIST () \"/\" a{}{{3}}\r\nabc\r\n* 4 EXISTS\r\n",
            " 12".repeat(2000),
            " ".repeat(2000)
        );
        let all = read_in_pieces(bytes.as_bytes(), pieces, &limits);
        assert_eq!(all.len(), 3, "{pieces}");
        assert!(
            matches!(&all[0].kind, Kind::Other(name) if name == "SEARCH"),
            "{:?}",
            all[0].kind
        );
        assert!(matches!(all[2].kind, Kind::Exists(4)));
    }
}

#[test]
fn pieces_of_any_size_give_the_same() {
    let bytes =
        b"* OK [ALERT] caf\xe9 {3}\r\n* 2 FETCH (UID 7 BODY[] {10}\r\n{5}\r\na1 OKx FLAGS (\\Seen))\r\n\
        * LIST () \"/\" {0}\r\n\r\n* BYE\na1 OK done\r\n";
    let whole: Vec<String> = read_all(bytes)
        .iter()
        .map(|response| format!("{:?}", response.kind))
        .collect();
    assert_eq!(whole.len(), 5);
    for size in 1..bytes.len() {
        let pieces = read_in_pieces(bytes, size, &Limits::default());
        let pieces: Vec<String> = pieces
            .iter()
            .map(|response| format!("{:?}", response.kind))
            .collect();
        assert_eq!(pieces, whole, "{size}");
    }
}

#[test]
fn a_million_tiny_literals() {
    let mut bytes = b"* LIST () \"/\" a (".to_vec();
    for _ in 0..1_000_000 {
        bytes.extend_from_slice(b"{1}\r\nx ");
    }
    bytes.extend_from_slice(b")\r\n* 1 EXISTS\r\n");
    let all = read_in_pieces(&bytes, 4096, &Limits::default());
    assert!(all[0].tree.oddities().contains(&Oddity::TooMany));
    assert!(matches!(all[1].kind, Kind::Exists(1)));
}

#[test]
fn a_million_nested_lists() {
    for text in [
        "(".repeat(1_000_000),
        "(".repeat(1_000_000) + &")".repeat(1_000_000),
        "()".repeat(1_000_000),
    ] {
        let raw = Raw {
            text: format!("* 1 FETCH (UID 5 X {text} FLAGS (a)").into_bytes(),
            ..Raw::default()
        };
        let response = Response::read(raw, Encoding::Utf7, &Limits::default());
        assert!(!response.tree.oddities().is_empty());
        let Kind::Fetch(data) = response.kind else {
            panic!()
        };
        assert_eq!(data.uid.map(|uid| uid.get()), Some(5));
    }
}

#[test]
fn deep_lists_hide_nothing_that_follows() {
    let deep = "(".repeat(100) + &")".repeat(100);
    let response = read(format!("* 1 FETCH (BODYSTRUCTURE {deep} UID 5 FLAGS (\\Seen))"));
    assert_eq!(response.tree.oddities(), [Oddity::TooDeep]);
    let Kind::Fetch(data) = response.kind else {
        panic!()
    };
    assert!(data.uid.is_some() && data.flags.unwrap().has("\\Seen"));
}

#[test]
fn many_unclosed_sections_take_linear_time() {
    let raw = Raw {
        text: "BODY[ ".repeat(1_000_000).into_bytes(),
        ..Raw::default()
    };
    assert!(Tree::read(raw, 0, &Limits::default()).nodes().count() > 1000);
}

#[test]
fn strings_and_their_escapes() {
    let raw = Raw {
        text: br#""a\"b\\c" "" "\\" "open \" "#.to_vec(),
        ..Raw::default()
    };
    let tree = Tree::read(raw, 0, &Limits::default());
    let strings: Vec<_> = tree.nodes().filter_map(|node| node.text()).collect();
    assert_eq!(strings, ["a\"b\\c", "", "\\", "open \" "]);
    assert_eq!(tree.oddities(), [Oddity::OpenString]);
}

#[test]
fn sections_are_part_of_the_name() {
    let Kind::Fetch(data) =
        kind("* 1 FETCH (BODY[HEADER.FIELDS (A \"b c\")]<0> \"x\" UID 9 FLAGS (BODY[ a))")
    else {
        panic!()
    };
    assert_eq!(data.uid.map(|uid| uid.get()), Some(9));
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(
        prop_oneof![any::<u8>(), proptest::sample::select(&b"*()\"\\{}[] \r\n0159+~"[..])], 0..300,
    ), size in 1usize..50) {
        let limits = Limits { depth: 3, elements: 40, line: 100, ..Limits::default() };
        let mut framer = Framer::new(limits.line);
        for mut piece in bytes.chunks(size) {
            while let Ok((used, Some(_))) = framer.next(piece) {
                piece = &piece[used..];
            }
        }
        for start in 0..=3 {
            let raw = Raw { text: bytes.clone(), ..Raw::default() };
            let tree = Tree::read(raw, start, &limits);
            for node in tree.nodes() {
                node.bytes();
                node.list().map(Iterator::count);
            }
            prop_assert!(tree.leaves().count() <= 40);
        }
        let raw = Raw { text: [b"* 5 FETCH ", &bytes[..]].concat(), ..Raw::default() };
        Response::read(raw, Encoding::Utf7, &limits);
        let raw = Raw { text: [b"* OK [", &bytes[..]].concat(), ..Raw::default() };
        Response::read(raw, Encoding::Utf7, &limits);
        Response::read(Raw { text: bytes, ..Raw::default() }, Encoding::Utf8, &limits);
    }
}
