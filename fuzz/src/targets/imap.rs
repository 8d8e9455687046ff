//! What an IMAP server says, and the words that go both ways. Does not know any session.

use isbg_imap::Limits;
use isbg_imap::Response;
use isbg_imap::protocol::framer::{Event, Framer, Then};
use isbg_imap::protocol::mailbox::{Encoding, decode, encode};
use isbg_imap::protocol::raw::{Content, Literal, Raw};
use isbg_imap::protocol::set::{CopyUid, Ranges, write};
use isbg_types::{Uid, UidSet};

/// Literals up to this size are kept.
const KEPT: u64 = 4_096;

fn limits() -> Limits {
    Limits {
        line: 8_192,
        response: 32_768,
        elements: 2_000,
        ranges: 500,
        ..Limits::default()
    }
}

/// A server's bytes: they are cut alike however they arrive, and each response can be read within the limits.
pub fn server(bytes: &[u8]) {
    let whole = responses(bytes, bytes.len().max(1));
    let trickled = responses(bytes, 1);
    assert_eq!(whole, trickled);
}

/// The responses in `bytes`, of which so many arrive at a time, as text for comparison.
fn responses(bytes: &[u8], at_a_time: usize) -> Vec<String> {
    let limits = limits();
    let mut framer = Framer::new(limits.line);
    let mut raw = Raw::default();
    let mut seen = Vec::new();
    for piece in bytes.chunks(at_a_time) {
        let mut rest = piece;
        while !rest.is_empty() {
            let Ok((taken, event)) = framer.next(rest) else {
                return seen;
            };
            assert!(
                taken <= rest.len() && (taken > 0 || event.is_some()),
                "no progress"
            );
            rest = &rest[taken..];
            match event {
                None => assert!(rest.is_empty()),
                Some(Event::Literal { bytes, .. }) => literal(&mut raw, bytes),
                Some(Event::Text { text, then, cut }) => {
                    assert!(text.len() <= limits.line);
                    raw.cut |= cut;
                    raw.text.extend_from_slice(text);
                    match then {
                        Then::Literal(size) => {
                            let content = if size > KEPT {
                                Content::Omitted(size)
                            } else {
                                Content::Stored(raw.store.len()..raw.store.len())
                            };
                            raw.literals.push(Literal {
                                at: raw.text.len(),
                                content,
                            });
                        }
                        Then::End => seen.push(read(std::mem::take(&mut raw), &limits)),
                    }
                }
            }
        }
    }
    seen
}

fn literal(raw: &mut Raw, bytes: &[u8]) {
    if let Some(Literal {
        content: Content::Stored(range),
        ..
    }) = raw.literals.last_mut()
    {
        raw.store.extend_from_slice(bytes);
        range.end = raw.store.len();
    }
}

fn read(raw: Raw, limits: &Limits) -> String {
    let response = Response::read(raw, Encoding::Utf7, limits);
    for node in response.tree.leaves() {
        (
            node.bytes(),
            node.text(),
            node.number(),
            node.is_nil(),
            node.literal().is_some(),
        );
    }
    format!("{:?}", response.kind)
}

/// Sets, receipts and mailbox names: what is written is read again.
pub fn words(bytes: &[u8]) {
    if let Ok(ranges) = Ranges::read(bytes, 500) {
        let set = ranges.to_set();
        assert!(set.len() <= ranges.len());
        for piece in write(&set, 50) {
            let again = Ranges::read(piece.as_bytes(), 500)
                .expect("what we write can be read")
                .to_set();
            assert!(again.ranges().iter().all(|range| set.ranges().contains(range)));
        }
    }
    if let Some(receipt) = CopyUid::read(bytes, 500) {
        let mut asked = UidSet::new();
        (1..=20).filter_map(Uid::new).for_each(|uid| asked.insert(uid));
        if let Some(pairs) = receipt.pairs(&asked) {
            assert!(pairs.len() <= 20 && pairs.iter().all(|(source, _)| asked.contains(*source)));
        }
    }
    for encoding in [Encoding::Utf7, Encoding::Utf8] {
        let name = decode(bytes, encoding);
        assert_eq!(decode(encode(&name, encoding).as_bytes(), encoding), name);
    }
}
