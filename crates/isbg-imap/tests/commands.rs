//! The command builder: what it writes is one command, whatever goes into it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod common;

use common::set;
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use isbg_imap::protocol::command::{Command, CommandError, Literals, Piece, Style, is_flag};
use isbg_imap::protocol::mailbox::Encoding;
use isbg_imap::protocol::search::Key;
use isbg_types::{Flag, FolderName, ModSeq};
use proptest::prelude::*;

const SYNC: Style = Style {
    literals: Literals::Synchronising,
    encoding: Encoding::Utf7,
    utf8_quoted: false,
};
const PLUS: Style = Style {
    literals: Literals::Plus,
    ..SYNC
};
const MINUS: Style = Style {
    literals: Literals::Minus,
    ..SYNC
};
const UTF8: Style = Style {
    literals: Literals::Plus,
    encoding: Encoding::Utf8,
    utf8_quoted: true,
};

/// The bytes, with `|` where the server is waited for.
fn written(command: Command) -> String {
    let mut bytes = Vec::new();
    for piece in command.pieces("a1") {
        match piece {
            Piece::Bytes(piece) => bytes.extend_from_slice(&piece),
            Piece::Await => bytes.push(b'|'),
            Piece::Message(spool) => bytes.extend_from_slice(spool.in_memory().unwrap()),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn string(style: Style, text: &str) -> String {
    written(
        Command::new("X", style)
            .string("a string", text.as_bytes())
            .unwrap(),
    )
}

#[test]
fn atoms_quotes_and_literals() {
    assert_eq!(string(SYNC, "abc"), "a1 X abc\r\n");
    assert_eq!(string(SYNC, ""), "a1 X \"\"\r\n");
    assert_eq!(string(SYNC, "nil"), "a1 X \"nil\"\r\n");
    assert_eq!(string(SYNC, "a b"), "a1 X \"a b\"\r\n");
    assert_eq!(string(SYNC, "a\"b\\c"), "a1 X \"a\\\"b\\\\c\"\r\n");
    assert_eq!(string(SYNC, "{5}"), "a1 X \"{5}\"\r\n");
    assert_eq!(string(SYNC, "é"), "a1 X {2}\r\n|é\r\n");
    assert_eq!(string(PLUS, "é"), "a1 X {2+}\r\né\r\n");
    assert_eq!(string(MINUS, "é"), "a1 X {2+}\r\né\r\n");
    assert_eq!(string(UTF8, "é"), "a1 X \"é\"\r\n");
    let long = "é".repeat(2049);
    assert_eq!(string(MINUS, &long), format!("a1 X {{4098}}\r\n|{long}\r\n"));
    assert_eq!(string(PLUS, &long), format!("a1 X {{4098+}}\r\n{long}\r\n"));
}

#[test]
fn line_ends_and_zero_bytes_are_refused() {
    for text in ["a\r\nb", "a\nb", "a\rb", "a\0b", "\r\na2 DELETE INBOX\r\n", "é\n"] {
        for style in [SYNC, PLUS, UTF8] {
            let refused = Command::new("X", style).string("a string", text.as_bytes());
            assert_eq!(refused.unwrap_err(), CommandError::Control("a string"));
            let refused = Command::new("X", style).quoted("a string", text.as_bytes());
            assert!(refused.is_err());
        }
        // Modified UTF-7 hides them; UTF-8 does not.
        let hidden = Command::new("SELECT", SYNC)
            .mailbox(&FolderName::new(text))
            .unwrap();
        assert_eq!(written(hidden).lines().count(), 1);
        assert!(
            Command::new("SELECT", UTF8)
                .mailbox(&FolderName::new(text))
                .is_err()
        );
    }
}

#[test]
fn mailbox_names() {
    let select = |style, name: &str| {
        written(
            Command::new("SELECT", style)
                .mailbox(&FolderName::new(name))
                .unwrap(),
        )
    };
    assert_eq!(select(SYNC, "inbox"), "a1 SELECT INBOX\r\n");
    assert_eq!(
        select(SYNC, "Entwürfe & Co"),
        "a1 SELECT \"Entw&APw-rfe &- Co\"\r\n"
    );
    assert_eq!(select(UTF8, "Entwürfe"), "a1 SELECT \"Entwürfe\"\r\n");
    assert_eq!(select(SYNC, "a%*"), "a1 SELECT \"a%*\"\r\n");
    assert_eq!(select(SYNC, "[Gmail]/Spam"), "a1 SELECT \"[Gmail]/Spam\"\r\n");
}

#[test]
fn flags() {
    for good in ["\\Seen", "$Junk", "odd]one", "naïve", "a-b", "NIL"] {
        assert!(is_flag(good), "{good}");
    }
    for bad in [
        "", "\\", "\\*", "a b", "a)", "(a", "a\r\nb", "a\"b", "a\\b", "\\\\a", "a{5}", "a\0", "a%", "a\u{85}",
    ] {
        assert!(!is_flag(bad), "{bad}");
        assert!(Command::new("X", SYNC).flag(bad).is_err());
    }
}

#[test]
fn an_empty_set_has_no_form() {
    assert!(Command::new("UID FETCH", SYNC).set(&set([])).is_err());
}

#[test]
fn messages() {
    let message = isbg_spool::Spool::from(b"a\r\n\r\nb".to_vec());
    let append = |style| Command::new("APPEND", style).mailbox(&"Junk".into()).unwrap();
    assert_eq!(
        written(append(SYNC).message(&message, false)),
        "a1 APPEND Junk {6}\r\n|a\r\n\r\nb\r\n"
    );
    assert_eq!(
        written(append(PLUS).message(&message, true)),
        "a1 APPEND Junk ~{6+}\r\na\r\n\r\nb\r\n"
    );
}

#[test]
fn debug_shows_no_arguments() {
    let command = Command::new("LOGIN", SYNC)
        .string("a password", common::CANARY.as_bytes())
        .unwrap();
    assert_eq!(format!("{command:?}"), "Command(LOGIN)");
}

#[test]
fn search_keys() {
    let search = |key: Key| written(key.write(Command::new("UID SEARCH", SYNC)).unwrap());
    for (key, text) in [
        (Key::All, "ALL"),
        (Key::With(Flag::new("\\SEEN")), "SEEN"),
        (Key::Without(Flag::new("\\Deleted")), "UNDELETED"),
        (Key::With(Flag::new("$Junk")), "KEYWORD $Junk"),
        (Key::Without(Flag::new("$Junk")), "UNKEYWORD $Junk"),
        (Key::Uids(set([1, 2, 5])), "UID 1:2,5"),
        (Key::From(common::uid(7)), "UID 7:*"),
        (
            Key::Header("Message-ID".into(), "<a@b>".into()),
            "HEADER Message-ID \"<a@b>\"",
        ),
        (Key::Not(Box::new(Key::Larger(5))), "NOT LARGER 5"),
        (Key::Changed(ModSeq(7)), "MODSEQ 7"),
        (Key::EmailId("M1".into()), "EMAILID M1"),
        (Key::GmailMsgId(9), "X-GM-MSGID 9"),
    ] {
        assert_eq!(search(key), format!("a1 UID SEARCH {text}\r\n"));
    }
    assert!(
        Key::With(Flag::new("a b"))
            .write(Command::new("UID SEARCH", SYNC))
            .is_err()
    );
}

/// Splits bytes into commands as a server does: lines, with literals jumped over.
fn commands(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    let mut count = 0;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let line = std::str::from_utf8(&rest[..end]).unwrap_or_default();
        rest = &rest[end + 2..];
        let size = line.strip_suffix('}').and_then(|line| line.rsplit_once('{'));
        match size.and_then(|(_, size)| size.trim_end_matches('+').parse::<usize>().ok()) {
            Some(size) => rest = &rest[size..],
            None => count += 1,
        }
    }
    count
}

fn all_bytes(command: Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in command.pieces("a1") {
        if let Piece::Bytes(piece) = piece {
            bytes.extend_from_slice(&piece);
        }
    }
    bytes
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,20}",
        "[a-z{}0-9+\"\\\\\r\n\0é]{0,20}",
        "é{500,2100}"
    ]
}

proptest! {
    #[test]
    fn no_input_yields_a_second_command(
        one in text(), other in text(), style in proptest::sample::select(&[SYNC, PLUS, MINUS, UTF8][..]),
    ) {
        let command = Command::new("LOGIN", style)
            .string("a user", one.as_bytes())
            .and_then(|command| command.string("a password", other.as_bytes()));
        if let Ok(command) = command {
            let bytes = all_bytes(command);
            prop_assert_eq!(commands(&bytes), 1);
            let folded = !one.is_ascii() || !other.is_ascii();
            if style != UTF8 || !folded {
                // An independent parser reads one LOGIN with exactly these two strings.
                let parsed = CommandCodec::default().decode(&bytes);
                let (rest, parsed) = parsed.map_err(|error| TestCaseError::fail(format!("{error:?} {bytes:?}")))?;
                prop_assert!(rest.is_empty());
                let imap_codec::imap_types::command::CommandBody::Login { username, password } = parsed.body else {
                    return Err(TestCaseError::fail("no LOGIN"));
                };
                prop_assert_eq!(username.as_ref(), one.as_bytes());
                prop_assert_eq!(password.declassify().as_ref(), other.as_bytes());
            }
        }
        for command in [
            Command::new("SELECT", style).mailbox(&FolderName::new(one.clone())),
            Command::new("X", style).quoted("a string", other.as_bytes()),
            Command::new("X", style).word("(").flag(&one),
            Command::new("ID", style).strings("a string", [one.as_str(), &other]),
            Key::Header(one.clone(), other.clone()).write(Command::new("UID SEARCH", style)),
            Key::With(Flag::new(one.clone())).write(Command::new("UID SEARCH", style)),
            Key::EmailId(other.clone()).write(Command::new("UID SEARCH", style)),
        ].into_iter().flatten() {
            prop_assert_eq!(commands(&all_bytes(command)), 1);
        }
    }

    #[test]
    fn an_independent_parser_reads_our_mailbox_names(name in any::<String>()) {
        let command = Command::new("SELECT", PLUS).mailbox(&FolderName::new(name.clone())).unwrap();
        let bytes = all_bytes(command);
        let (rest, _) = CommandCodec::default().decode(&bytes)
            .map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert!(rest.is_empty());
        prop_assert_eq!(commands(&bytes), 1);
    }
}
