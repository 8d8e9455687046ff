//! One response and what it is (RFC 9051 §7). Does not know which command it belongs to.

use isbg_types::{Flags, Uid, UidSet};

use super::Limits;
use super::code::{Status, StatusKind, read_status};
use super::data::{Capabilities, Counts, ESearch, Listed, Namespaces, read_id};
use super::fetch::{FetchData, read_flags};
use super::mailbox::Encoding;
use super::raw::Raw;
use super::set::Ranges;
use super::tree::{Node, Tree};

/// A response: what it is, and the tree it was read from, where whatever has no type can be found.
#[derive(Debug, Clone)]
pub struct Response {
    /// What it is.
    pub kind: Kind,
    /// Its elements. Empty for status lines, continuations and the plain SEARCH answer, which are read directly.
    pub tree: Tree,
}

/// The kinds of responses.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `+`: the server waits for more of a command. With its text.
    Continue(Vec<u8>),
    /// The end of a command.
    Tagged(String, Status),
    /// An untagged status line.
    Status(Status),
    /// CAPABILITY.
    Capability(Capabilities),
    /// ENABLED: names in capitals.
    Enabled(Vec<String>),
    /// FLAGS: the folder's flags.
    Flags(Flags),
    /// LIST, XLIST, LSUB.
    List(Listed),
    /// STATUS, with the name as the server wrote it.
    Counts(Vec<u8>, Counts),
    /// SEARCH.
    Search(UidSet),
    /// ESEARCH.
    ESearch(ESearch),
    /// NAMESPACE.
    Namespace(Namespaces),
    /// ID.
    Id(Vec<(String, String)>),
    /// EXISTS: how many messages the folder has.
    Exists(u32),
    /// RECENT.
    Recent(u32),
    /// EXPUNGE: the sequence number of a message that is gone.
    Expunge(u32),
    /// VANISHED (RFC 7162): UIDs that are gone, and whether `EARLIER`.
    Vanished(Ranges, bool),
    /// FETCH.
    Fetch(Box<FetchData>),
    /// Untagged data of an unknown kind, or of a known one with unreadable content. With its first word in capitals.
    Other(String),
    /// A line that is no response at all.
    Garbage,
}

impl Response {
    /// Reads a response. Never fails.
    pub fn read(raw: Raw, encoding: Encoding, limits: &Limits) -> Self {
        let (first, start) = word(&raw.text, 0);
        let first = first.to_vec();
        match first.as_slice() {
            b"*" => untagged(raw, start, encoding, limits),
            b"+" => {
                let text = raw.text.get(start..).unwrap_or_default().trim_ascii().to_vec();
                bare(Kind::Continue(text))
            }
            // Exchange 2013 answers MOVE with a line that is nothing but the code.
            _ if first.starts_with(b"[COPYUID") => {
                bare(Kind::Status(read_status(StatusKind::Ok, &raw, 0, limits)))
            }
            tag => match (
                std::str::from_utf8(tag),
                StatusKind::read(word(&raw.text, start).0),
            ) {
                (Ok(tag), Some(kind @ (StatusKind::Ok | StatusKind::No | StatusKind::Bad))) => {
                    let rest = word(&raw.text, start).1;
                    bare(Kind::Tagged(
                        tag.to_owned(),
                        read_status(kind, &raw, rest, limits),
                    ))
                }
                _ => Self {
                    kind: Kind::Garbage,
                    tree: Tree::read(raw, 0, limits),
                },
            },
        }
    }
}

fn bare(kind: Kind) -> Response {
    Response {
        kind,
        tree: Tree::default(),
    }
}

fn untagged(raw: Raw, start: usize, encoding: Encoding, limits: &Limits) -> Response {
    let (first, after) = word(&raw.text, start);
    if let Some(kind) = StatusKind::read(first) {
        return bare(Kind::Status(read_status(kind, &raw, after, limits)));
    }
    if first.starts_with(b"[") {
        return bare(Kind::Status(read_status(StatusKind::Ok, &raw, start, limits)));
    }
    if first.eq_ignore_ascii_case(b"CAPABILITY") {
        return bare(Kind::Capability(Capabilities::read(&raw.text[after..])));
    }
    if first.eq_ignore_ascii_case(b"SEARCH") && !raw.cut {
        let found = read_search(&raw.text[after..]);
        return bare(found.map_or_else(|| Kind::Other("SEARCH".to_owned()), Kind::Search));
    }
    let name = String::from_utf8_lossy(first).to_ascii_uppercase();
    if let Ok(number) = name.parse::<u32>() {
        let (second, after) = word(&raw.text, after);
        let name = String::from_utf8_lossy(second).to_ascii_uppercase();
        let tree = Tree::read(raw, after, limits);
        let kind = match name.as_str() {
            "EXISTS" => Kind::Exists(number),
            "RECENT" => Kind::Recent(number),
            "EXPUNGE" => Kind::Expunge(number),
            "FETCH" => Kind::Fetch(Box::new(FetchData::read(number, &tree, encoding))),
            _ => Kind::Other(name),
        };
        return Response { kind, tree };
    }
    let tree = Tree::read(raw, after, limits);
    let kind = named(&name, &tree, encoding, limits).unwrap_or(Kind::Other(name));
    Response { kind, tree }
}

fn named(name: &str, tree: &Tree, encoding: Encoding, limits: &Limits) -> Option<Kind> {
    Some(match name {
        "LIST" | "XLIST" | "LSUB" => Kind::List(Listed::read(tree, encoding)?),
        "STATUS" => Counts::read(tree).map(|(wire, counts)| Kind::Counts(wire, counts))?,
        "FLAGS" => Kind::Flags(read_flags(tree.nodes().next()?)?),
        "ENABLED" => {
            let names = tree.nodes().filter_map(Node::text);
            Kind::Enabled(names.map(|name| name.to_ascii_uppercase()).collect())
        }
        "ESEARCH" if !tree.raw().cut => Kind::ESearch(ESearch::read(tree, limits.ranges)?),
        "NAMESPACE" => Kind::Namespace(Namespaces::read(tree, encoding)),
        "ID" => Kind::Id(read_id(tree)),
        "VANISHED" => {
            let earlier = tree.nodes().any(|node| node.list().is_some());
            let uids = tree.nodes().find_map(Node::atom)?;
            Kind::Vanished(Ranges::read(uids, limits.ranges).ok()?, earlier)
        }
        _ => return None,
    })
}

/// The numbers of a SEARCH answer, up to the `(MODSEQ n)` that may end it. `None` if anything else is in it.
fn read_search(text: &[u8]) -> Option<UidSet> {
    let mut found = Vec::new();
    for word in text.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
        if word.starts_with(b"(") {
            break;
        }
        found.push(std::str::from_utf8(word).ok()?.parse().ok().and_then(Uid::new)?);
    }
    Some(found.into_iter().collect())
}

/// The word at `start` or after spaces there, and the offset behind it.
fn word(text: &[u8], start: usize) -> (&[u8], usize) {
    let rest = text.get(start..).unwrap_or_default();
    let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
    let rest = &rest[spaces..];
    let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    (&rest[..end], start + spaces + end)
}
