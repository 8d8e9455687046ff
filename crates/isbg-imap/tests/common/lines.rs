//! Turns bytes into responses without any I/O. Checks nothing itself.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, of which each uses some"
)]

use isbg_imap::protocol::Limits;
use isbg_imap::protocol::code::Status;
use isbg_imap::protocol::framer::{Event, Framer, Then};
use isbg_imap::protocol::mailbox::Encoding;
use isbg_imap::protocol::raw::{Content, Literal, Raw};
use isbg_imap::protocol::response::{Kind, Response};

/// The responses in the bytes, which arrive in pieces of that size.
pub fn read_in_pieces(bytes: &[u8], size: usize, limits: &Limits) -> Vec<Response> {
    let mut framer = Framer::new(limits.line);
    let mut raw = Raw::default();
    let mut start = 0;
    let mut responses = Vec::new();
    for mut piece in bytes.chunks(size.max(1)) {
        loop {
            let (used, event) = framer.next(piece).unwrap();
            piece = &piece[used..];
            match event {
                None => break,
                Some(Event::Text { text, then, cut }) => {
                    raw.text.extend_from_slice(text);
                    raw.cut |= cut;
                    start = raw.store.len();
                    if then == Then::End {
                        let raw = std::mem::take(&mut raw);
                        responses.push(Response::read(raw, Encoding::Utf7, limits));
                    }
                }
                Some(Event::Literal { bytes, last }) => {
                    raw.store.extend_from_slice(bytes);
                    if last {
                        let content = Content::Stored(start..raw.store.len());
                        raw.literals.push(Literal {
                            at: raw.text.len(),
                            content,
                        });
                    }
                }
            }
        }
        assert!(piece.is_empty());
    }
    responses
}

pub fn read_all(bytes: &[u8]) -> Vec<Response> {
    read_in_pieces(bytes, usize::MAX, &Limits::default())
}

/// The one response that the line (without its end) is.
pub fn read(line: impl AsRef<[u8]>) -> Response {
    let mut all = read_all(&[line.as_ref(), b"\r\n"].concat());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub fn kind(line: impl AsRef<[u8]>) -> Kind {
    read(line).kind
}

pub fn status(line: impl AsRef<[u8]>) -> Status {
    match kind(line) {
        Kind::Status(status) | Kind::Tagged(_, status) => status,
        other => panic!("{other:?}"),
    }
}
