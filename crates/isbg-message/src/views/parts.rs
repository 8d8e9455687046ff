//! The MIME tree as SpamAssassin builds it, whatever the message's damage. Level by level with a queue, never by
//! recursion. Does not render.

use std::cell::OnceCell;
use std::collections::VecDeque;

use bytes::Bytes;

use super::decode;
use super::head::{self, Header, is_space, last, lines, without_cr};
use super::html;
use super::kind::Kind;
use super::multipart::multipart;
use super::render::{self, Rendered};

/// Multiparts and messages inside one another are opened so deep.
const DEPTH: u32 = 20;

/// Parts of one multipart.
pub(super) const PARTS: usize = 1_000;

/// Parts of a whole message. SpamAssassin has no such limit; without it nesting multiplies the one above.
pub(super) const ALL_PARTS: usize = 10_000;

/// Longer lines inside a multipart are broken.
pub(crate) const LINE_BYTES: usize = 2_048;

/// A node of the MIME tree: the message itself, a multipart, a message inside, or a leaf.
#[derive(Debug)]
pub struct Part {
    /// `type/subtype` in lower case, as far as it is believed.
    pub kind: String,
    /// The charset parameter.
    pub charset: Option<Vec<u8>>,
    /// The file name, from Content-Disposition or Content-Type.
    pub name: Option<Vec<u8>>,
    /// Its header fields. For the message itself: the message's.
    pub headers: Vec<Header>,
    /// Its parts; indices into the message's list of parts.
    pub children: Vec<usize>,
    /// Whether it has content rather than parts.
    pub is_leaf: bool,
    /// The body as it stands (of a leaf).
    pub raw: Bytes,
    decoded: OnceCell<Bytes>,
    rendered: OnceCell<Option<Rendered>>,
}

impl Part {
    fn new(headers: Vec<Header>, kind: String) -> Self {
        Self {
            kind,
            charset: None,
            name: None,
            headers,
            children: Vec::new(),
            is_leaf: true,
            raw: Bytes::new(),
            decoded: OnceCell::new(),
            rendered: OnceCell::new(),
        }
    }

    /// text/html where the file name says so, else [`Part::kind`].
    pub fn effective_type(&self) -> &str {
        let name = self.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        let name = name.strip_suffix(b"\n").unwrap_or(&name);
        if [&b".htm"[..], b".html", b".shtm", b".shtml"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            return "text/html";
        }
        &self.kind
    }

    /// The decoded value of its last field of that name.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        last(&self.headers, name.as_bytes())
    }

    /// The content with its transfer encoding undone (of a leaf).
    pub fn decoded(&self) -> &Bytes {
        self.decoded.get_or_init(|| {
            let encoding = self
                .header("content-transfer-encoding")
                .map(|value| value.to_ascii_lowercase());
            match encoding.as_deref() {
                Some(b"quoted-printable") => without_cr(&decode::quoted_printable(&self.raw).into()),
                Some(b"base64") => {
                    let decoded = decode::base64(&self.raw).into();
                    let textual = self.kind.starts_with("text/") || self.kind.starts_with("message/");
                    if textual { without_cr(&decoded) } else { decoded }
                }
                _ => self.raw.clone(),
            }
        })
    }

    /// The text for people, and what is known of the HTML; `None` for what is neither text/plain nor text/html.
    pub fn rendered(&self) -> Option<&Rendered> {
        self.rendered.get_or_init(|| render::render(self)).as_ref()
    }

    /// Facts about the HTML of this part, if it is HTML.
    pub fn html(&self) -> Option<&html::Html> {
        self.rendered()?.html.as_ref()
    }
}

pub(super) struct Pending {
    pub part: usize,
    pub boundary: Option<Vec<u8>>,
    pub body: Bytes,
    pub depth: u32,
}

/// The tree; the message itself is first. `head`'s flags are added to.
pub(crate) fn tree(head: &mut head::Head) -> Vec<Part> {
    let mut flags = head.flags;
    let mut parts = Vec::new();
    let mut queue = VecDeque::new();
    let headers = head.headers.clone();
    enqueue_message(headers, head.body.clone(), DEPTH, &mut parts, &mut queue);
    while let Some(pending) = queue.pop_front() {
        if parts[pending.part].kind.starts_with("multipart/")
            && pending.boundary.is_some()
            && pending.depth > 0
        {
            multipart(pending, &mut parts, &mut queue, &mut flags);
        } else {
            leaf(pending, &mut parts, &mut queue);
        }
    }
    head.flags = flags;
    parts
}

/// The leaves in the order in which they stand in the message.
pub(crate) fn leaves(parts: &[Part]) -> impl Iterator<Item = &Part> {
    in_order(parts)
        .into_iter()
        .map(|index| &parts[index])
        .filter(|part| part.is_leaf)
}

/// All parts, containers before their content.
pub(crate) fn in_order(parts: &[Part]) -> Vec<usize> {
    let mut order = Vec::with_capacity(parts.len());
    let mut stack = vec![0];
    while let Some(index) = stack.pop() {
        order.push(index);
        stack.extend(parts[index].children.iter().rev());
    }
    order
}

fn enqueue_message(
    headers: Vec<Header>,
    mut body: Bytes,
    depth: u32,
    parts: &mut Vec<Part>,
    queue: &mut VecDeque<Pending>,
) -> usize {
    let kind = Kind::parse(last(&headers, b"content-type").map(|value| &value[..]));
    if kind.is_multipart() {
        let mut body_lines = lines(&body);
        let first = body_lines.next().unwrap_or_default();
        let starts = kind.boundary.as_ref().is_some_and(|boundary| {
            first
                .strip_prefix(b"--")
                .is_some_and(|rest| rest.starts_with(boundary))
        });
        // Otherwise its first lines would be taken for a header.
        let needs_line = body_lines.next().is_some() && !first.iter().all(|byte| is_space(*byte)) && !starts;
        drop(body_lines);
        if needs_line {
            body = [b"\n", &body[..]].concat().into();
        }
    }
    let part = parts.len();
    parts.push(Part::new(headers, kind.essence));
    queue.push_back(Pending {
        part,
        boundary: kind.boundary,
        body,
        depth,
    });
    part
}

pub(super) fn add_part(
    (headers, body): (Vec<Header>, Bytes),
    pending: &Pending,
    parts: &mut Vec<Part>,
    queue: &mut VecDeque<Pending>,
) {
    let kind = Kind::parse(last(&headers, b"content-type").map(|value| &value[..]));
    let essence = if kind.missing && parts[pending.part].kind == "multipart/digest" {
        "message/rfc822".to_owned()
    } else {
        kind.essence
    };
    let index = parts.len();
    parts.push(Part::new(headers, essence));
    parts[pending.part].children.push(index);
    let boundary = kind
        .boundary
        .filter(|boundary| boundary != b"0")
        .or_else(|| pending.boundary.clone());
    queue.push_back(Pending {
        part: index,
        boundary,
        body,
        depth: pending.depth - 1,
    });
}

fn leaf(pending: Pending, parts: &mut Vec<Part>, queue: &mut VecDeque<Pending>) {
    let part = &mut parts[pending.part];
    let kind = Kind::parse(part.header("content-type").map(|value| &value[..]));
    part.charset = kind.charset.clone();
    let disposition = part
        .header("content-disposition")
        .and_then(|value| disposition_name(value));
    part.name = disposition.or(kind.name.clone());
    part.raw = pending.body;
    if !kind.missing {
        let no_parts = kind.is_multipart() && pending.boundary.is_none();
        part.kind = if no_parts {
            "text/plain".to_owned()
        } else {
            kind.essence
        };
    }
    let is_message = matches!(part.kind.as_str(), "message/rfc822" | "message/global");
    if is_message && pending.depth > 0 && !part.decoded().is_empty() && parts.len() < ALL_PARTS {
        let inner = head::split(parts[pending.part].decoded());
        let index = enqueue_message(inner.headers, inner.body, pending.depth - 1, parts, queue);
        let part = &mut parts[pending.part];
        part.children.push(index);
        part.is_leaf = false;
        part.raw = Bytes::new();
        part.decoded = OnceCell::new();
    }
}

/// What follows `name=` in a Content-Disposition, up to a quote or semicolon.
fn disposition_name(value: &[u8]) -> Option<Vec<u8>> {
    let lower = value.to_ascii_lowercase();
    memchr::memmem::find_iter(&lower, b"name=").find_map(|at| {
        let rest = &value[at + 5..];
        let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
        let text = |rest: &[u8]| -> Vec<u8> {
            rest.iter()
                .copied()
                .take_while(|byte| !matches!(byte, b'"' | b';'))
                .collect()
        };
        let unquoted = rest[blanks..].strip_prefix(b"\"").unwrap_or(&rest[blanks..]);
        let name = text(unquoted);
        // Blanks alone are a name too.
        let name = if name.is_empty() && blanks > 0 {
            text(&rest[blanks - 1..])
        } else {
            name
        };
        (!name.is_empty()).then_some(name)
    })
}
