//! Untagged data other than FETCH: capabilities, folders, counts, sets (RFC 9051 §7.3, §7.4). Does not know what was
//! asked for.

use std::collections::BTreeSet;

use isbg_types::{FolderName, ModSeq, UidValidity};

use super::mailbox::{self, Encoding};
use super::set::Ranges;
use super::tree::{Node, Nodes, Tree};

/// What the server says it can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Reads names separated by spaces.
    pub fn read(text: &[u8]) -> Self {
        let words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        Self(
            words
                .map(|word| String::from_utf8_lossy(word).to_ascii_uppercase())
                .collect(),
        )
    }

    /// Whether the server offers this (in capitals, such as `MOVE` or `AUTH=PLAIN`).
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// What follows `name=`, for each capability of that form.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter_map(move |word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The largest message that APPEND takes, where the server tells one limit for all folders (RFC 7889).
    pub fn append_limit(&self) -> Option<u64> {
        self.values("APPENDLIMIT").find_map(|limit| limit.parse().ok())
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One line of LIST (or XLIST, LSUB).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name as people read it.
    pub name: FolderName,
    /// The name as the server wrote it.
    pub wire: Vec<u8>,
    /// The hierarchy separator, where the folder has a hierarchy.
    pub separator: Option<char>,
    /// The attributes, such as `\Noselect` or `\Junk`.
    pub attributes: Vec<String>,
}

impl Listed {
    pub(super) fn read(tree: &Tree, encoding: Encoding) -> Option<Self> {
        let mut nodes = tree.nodes();
        let attributes = nodes.next()?.list()?.filter_map(Node::text).collect();
        let separator = nodes.next()?;
        let separator = separator.text().filter(|_| !separator.is_nil());
        let wire = nodes.next()?.bytes()?.to_vec();
        Some(Self {
            name: mailbox::decode(&wire, encoding),
            separator: separator.and_then(|text| text.chars().next()),
            attributes,
            wire,
        })
    }
}

/// A folder's counts as STATUS gives them. What it does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Messages in the folder.
    pub messages: Option<u32>,
    /// Messages without `\Seen`.
    pub unseen: Option<u32>,
    /// The UID that the next new message will get at least.
    pub uid_next: Option<u32>,
    /// UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// The highest modification sequence; zero where the folder keeps none.
    pub highest_modseq: Option<ModSeq>,
    /// All messages' bytes (RFC 8438).
    pub size: Option<u64>,
    /// The largest message that APPEND takes (RFC 7889).
    pub append_limit: Option<u64>,
    /// The folder's lasting identifier (RFC 8474).
    pub mailbox_id: Option<String>,
}

impl Counts {
    /// Reads `name (ITEM value ...)`. 163.com sends the list empty, which is an answer too.
    pub(super) fn read(tree: &Tree) -> Option<(Vec<u8>, Self)> {
        let mut nodes = tree.nodes();
        let wire = nodes.next()?.bytes()?.to_vec();
        let mut counts = Self::default();
        let mut items = nodes.next()?.list()?;
        while let (Some(name), Some(value)) = (items.next(), items.next()) {
            let Some(name) = name.text() else { continue };
            match name.to_ascii_uppercase().as_str() {
                "MESSAGES" => counts.messages = value.number32(),
                "UNSEEN" => counts.unseen = value.number32(),
                "UIDNEXT" => counts.uid_next = value.number32(),
                "UIDVALIDITY" => counts.uid_validity = value.number32().map(UidValidity),
                "HIGHESTMODSEQ" => counts.highest_modseq = value.number().map(ModSeq),
                "SIZE" => counts.size = value.number(),
                "APPENDLIMIT" => counts.append_limit = value.number(),
                "MAILBOXID" => {
                    counts.mailbox_id = value.list().and_then(|mut list| list.next()).and_then(Node::text);
                }
                _ => {}
            }
        }
        Some((wire, counts))
    }
}

/// One namespace (RFC 2342).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// What its folders' names begin with; often empty, or such as `INBOX.`.
    pub prefix: String,
    /// Its hierarchy separator.
    pub separator: Option<char>,
}

/// The namespaces on offer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespaces {
    /// The user's own.
    pub personal: Vec<Namespace>,
    /// Other users'.
    pub others: Vec<Namespace>,
    /// Shared ones.
    pub shared: Vec<Namespace>,
}

impl Namespaces {
    pub(super) fn read(tree: &Tree, encoding: Encoding) -> Self {
        let mut classes = tree.nodes().map(|class| {
            let list = class.list().into_iter().flatten();
            list.filter_map(|entry| read_namespace(entry.list()?, encoding))
                .collect()
        });
        let mut next = || classes.next().unwrap_or_default();
        Self {
            personal: next(),
            others: next(),
            shared: next(),
        }
    }
}

fn read_namespace(mut entry: Nodes<'_>, encoding: Encoding) -> Option<Namespace> {
    let prefix = mailbox::decode(entry.next()?.bytes()?, encoding)
        .as_str()
        .to_owned();
    let separator = entry.next().filter(|separator| !separator.is_nil());
    let separator = separator
        .and_then(Node::text)
        .and_then(|text| text.chars().next());
    Some(Namespace { prefix, separator })
}

/// An ESEARCH answer (RFC 9051 §7.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ESearch {
    /// The tag of the command that it answers, where it says so.
    pub tag: Option<String>,
    /// The UIDs that were found. `None` where the answer has no ALL, which means none were.
    pub all: Option<Ranges>,
}

impl ESearch {
    /// `None` if ALL is there and unreadable, for that must not look like "nothing found".
    pub(super) fn read(tree: &Tree, limit: usize) -> Option<Self> {
        let mut answer = Self::default();
        let mut nodes = tree.nodes();
        while let Some(node) = nodes.next() {
            if let Some(correlator) = node.list() {
                answer.tag = correlator.last().and_then(Node::text);
            } else if node.is("ALL") {
                answer.all = Some(Ranges::read(nodes.next()?.atom()?, limit).ok()?);
            }
        }
        Some(answer)
    }
}

/// What ID tells: names and values, with absent values left out (RFC 2971).
pub(super) fn read_id(tree: &Tree) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut nodes = tree.nodes().find_map(Node::list).into_iter().flatten();
    while let (Some(name), Some(value)) = (nodes.next(), nodes.next()) {
        if let (Some(name), Some(text), false) = (name.text(), value.text(), value.is_nil()) {
            fields.push((name, text));
        }
    }
    fields
}
