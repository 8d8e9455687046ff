//! FETCH responses (RFC 9051 §7.5.2 and extensions). Does not know what was asked for.

use bytes::Bytes;
use isbg_spool::Spool;
use isbg_types::{Flag, Flags, ModSeq, Uid};

use super::mailbox::{self, Encoding};
use super::raw::Content;
use super::tree::{Node, Tree};

/// A message's INTERNALDATE in the server's own words, so that it can be handed back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InternalDate(String);

impl InternalDate {
    /// Takes a date such as ` 1-Feb-2026 03:04:05 +0100` (RFC 9051 §9, `date-time`, without its quotes). The form is
    /// not checked: what a server calls a date, it also takes as one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What one FETCH response says about one message. What it does not say is `None`.
#[derive(Debug, Clone, Default)]
pub struct FetchData {
    /// The message's sequence number.
    pub number: u32,
    /// UID.
    pub uid: Option<Uid>,
    /// FLAGS.
    pub flags: Option<Flags>,
    /// MODSEQ.
    pub modseq: Option<ModSeq>,
    /// INTERNALDATE.
    pub internal_date: Option<InternalDate>,
    /// RFC822.SIZE in bytes: the server's claim.
    pub size: Option<u64>,
    /// `BODY[HEADER]`.
    pub header: Option<Bytes>,
    /// `BODY[]`.
    pub body: Option<Body>,
    /// EMAILID (RFC 8474).
    pub email_id: Option<String>,
    /// X-GM-MSGID.
    pub gmail_msgid: Option<u64>,
    /// X-GM-LABELS, decoded.
    pub gmail_labels: Option<Vec<String>>,
}

/// What came as a message's bytes.
#[derive(Debug, Clone)]
pub enum Body {
    /// The bytes.
    Whole(Spool),
    /// `NIL`: the server has none to give.
    Nil,
    /// So many bytes, which exceeds the limit; they were read past.
    TooLarge(u64),
}

impl FetchData {
    /// Reads the items of `number FETCH (...)`. Items are looked for by name, so a broken one does not hide the
    /// others; where the list itself is broken, they are found in whatever list they ended up in.
    pub(super) fn read(number: u32, tree: &Tree, encoding: Encoding) -> Self {
        let mut data = Self {
            number,
            ..Self::default()
        };
        let list = tree.nodes().find_map(Node::list);
        let mut items = list.into_iter().flatten().peekable();
        while let Some(name) = items.next() {
            if let Some(value) = items.peek().copied()
                && data.take(name, value, encoding)
            {
                items.next();
            }
        }
        if data.uid.is_none() || tree.is_unbalanced() {
            for name in tree.leaves() {
                if let Some(value) = name.following() {
                    data.take(name, value, encoding);
                }
            }
        }
        data
    }

    /// Takes the value if the name is known, the value is of its type, and none was taken yet.
    fn take(&mut self, name: Node<'_>, value: Node<'_>, encoding: Encoding) -> bool {
        let Some(name) = name.atom() else { return false };
        let known = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if known("UID") {
            fill(&mut self.uid, value.number32().and_then(Uid::new))
        } else if known("FLAGS") {
            fill(&mut self.flags, read_flags(value))
        } else if known("RFC822.SIZE") {
            fill(&mut self.size, value.number())
        } else if known("INTERNALDATE") {
            let date = value.text().filter(|_| !value.is_nil());
            fill(&mut self.internal_date, date.map(InternalDate))
        } else if known("MODSEQ") {
            let number = value
                .list()
                .and_then(|mut list| list.next())
                .unwrap_or(value)
                .number();
            fill(&mut self.modseq, number.map(ModSeq))
        } else if known("BODY[]") || known("RFC822") {
            fill(&mut self.body, read_body(value))
        } else if known("BODY[HEADER]") || known("RFC822.HEADER") {
            let header = value.bytes().filter(|_| !value.is_nil());
            fill(&mut self.header, header.map(Bytes::copy_from_slice))
        } else if known("EMAILID") {
            let id = value.list().and_then(|mut list| list.next()).unwrap_or(value);
            fill(&mut self.email_id, id.text().filter(|_| !id.is_nil()))
        } else if known("X-GM-MSGID") {
            fill(&mut self.gmail_msgid, value.number())
        } else if known("X-GM-LABELS") {
            fill(
                &mut self.gmail_labels,
                value
                    .list()
                    .map(|labels| labels.filter_map(|node| label(node, encoding)).collect()),
            )
        } else {
            false
        }
    }
}

/// Whether there was a value. The first one counts.
fn fill<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let there = value.is_some();
    if place.is_none() {
        *place = value;
    }
    there
}

/// A list of flags. Servers put `\*` into FLAGS or a `NIL` into the list; neither is a reason to lose the others.
pub(super) fn read_flags(value: Node<'_>) -> Option<Flags> {
    let flags = value.list()?.filter(|flag| !flag.is_nil()).filter_map(Node::text);
    Some(flags.map(Flag::new).collect())
}

fn read_body(value: Node<'_>) -> Option<Body> {
    match value.literal() {
        Some(Content::Spooled(spool)) => Some(Body::Whole(spool.clone())),
        Some(Content::Omitted(size)) => Some(Body::TooLarge(*size)),
        _ if value.is_nil() => Some(Body::Nil),
        _ => value.bytes().map(|bytes| Body::Whole(bytes.to_vec().into())),
    }
}

/// A label is written as mailbox names are; system labels begin with a backslash.
fn label(node: Node<'_>, encoding: Encoding) -> Option<String> {
    Some(mailbox::decode(node.bytes()?, encoding).as_str().to_owned())
}
