//! Splits raw bytes into header fields and leaf parts, within fixed limits. Does not decode anything and never fails:
//! whatever it cannot read as a header is text.

use memchr::{memchr, memmem};

use crate::params::{self, ContentType};

/// Bytes of one header block that are read; the rest of a longer one is skipped.
const HEADER_LIMIT: usize = 64 * 1024;
/// Fields of one header block that are kept.
const FIELD_LIMIT: usize = 400;
/// Bytes of the message that are looked at. What lies behind never reaches a feature.
const SCAN_LIMIT: usize = 1024 * 1024;
/// Leaf parts that are kept.
const PART_LIMIT: usize = 64;
/// Multiparts within multiparts that are entered.
const DEPTH_LIMIT: usize = 12;

/// One header field, its value as it stands, folds included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
}

impl Field<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// One leaf of the MIME tree.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// How many multiparts it lies in.
    pub depth: usize,
    /// Whether it stands for the same as its neighbours (multipart/alternative).
    pub alternative: bool,
    pub content_type: ContentType,
    /// Content-Transfer-Encoding, empty if there is none.
    pub encoding: &'a [u8],
    /// Content-Disposition, empty if there is none.
    pub disposition: &'a [u8],
    /// The part still in its transfer encoding.
    pub body: &'a [u8],
}

impl Part<'_> {
    /// The file name the sender gave the part, from either field.
    pub(crate) fn file_name(&self) -> Option<Vec<u8>> {
        params::parameter(self.disposition, "filename").or_else(|| self.content_type.name.clone())
    }

    /// Whether a mail program would show the part as text.
    pub(crate) fn is_text(&self) -> bool {
        let attached =
            self.disposition.len() >= 10 && self.disposition[..10].eq_ignore_ascii_case(b"attachment");
        self.content_type.kind.starts_with("text/") && !attached
    }
}

/// A message, split.
#[derive(Debug)]
pub(crate) struct Mail<'a> {
    /// Without those that a filter or a mailbox added.
    pub fields: Vec<Field<'a>>,
    /// Everything behind the header, as far as it is looked at.
    pub body: &'a [u8],
    pub parts: Vec<Part<'a>>,
    /// Types of the multiparts entered, in order, with their depth.
    pub multiparts: Vec<(usize, String)>,
    /// Bytes of the whole message.
    pub size: usize,
}

impl<'a> Mail<'a> {
    /// Splits `raw`. Work is bounded by `SCAN_LIMIT`, whatever the size.
    pub(crate) fn split(raw: &'a [u8]) -> Self {
        let seen = &raw[..raw.len().min(SCAN_LIMIT)];
        let (mut fields, body) = header(seen);
        let mut walk = Walk {
            parts: Vec::new(),
            multiparts: Vec::new(),
            open: Vec::new(),
        };
        walk.run(&fields, body);
        fields.retain(|field| !is_foreign(field.name));
        Self {
            fields,
            body,
            parts: walk.parts,
            multiparts: walk.multiparts,
            size: raw.len(),
        }
    }

    /// The first field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields
            .iter()
            .find(|field| field.is(name))
            .map(|field| field.value)
    }
}

/// Fields that tell what a filter thought of the message or where a mailbox kept it: features made of them would teach
/// the learner to repeat others, or its own mover.
fn is_foreign(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let has = |part: &[u8]| memmem::find(&lower, part).is_some();
    has(b"spam")
        || has(b"bogosity")
        || has(b"virus")
        || has(b"-scl")
        || lower.starts_with(b"x-isbg")
        || lower.starts_with(b"x-mozilla-")
        || lower.starts_with(b"x-gmail-labels")
        || matches!(
            lower.as_slice(),
            b"status"
                | b"x-status"
                | b"x-uid"
                | b"x-uidl"
                | b"x-keywords"
                | b"x-imap"
                | b"x-imapbase"
                | b"x-folder"
                | b"x-evolution"
                | b"content-length"
                | b"lines"
        )
}

/// The header block of `text` and what follows it.
fn header(text: &[u8]) -> (Vec<Field<'_>>, &[u8]) {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found + 1);
        let line = &text[at..end];
        if line == b"\n" || line == b"\r\n" {
            return (fields, &text[end..]);
        }
        let folded = matches!(line[0], b' ' | b'\t');
        if !folded && end <= HEADER_LIMIT {
            match split_field(line) {
                Some(_) if fields.len() >= FIELD_LIMIT => {}
                Some((name, offset)) => fields.push(Field {
                    name,
                    value: &text[at + offset..with_folds(text, end)],
                }),
                None if fields.is_empty() && !line.starts_with(b"From ") => return (fields, text),
                None => {}
            }
        }
        at = end;
    }
    (fields, &[])
}

/// The end of the field whose first line ends at `end`, its continuation lines included.
fn with_folds(text: &[u8], mut end: usize) -> usize {
    let limit = text.len().min(HEADER_LIMIT);
    while end < limit && matches!(text[end], b' ' | b'\t') {
        end = memchr(b'\n', &text[end..]).map_or(text.len(), |found| end + found + 1);
    }
    end
}

/// The name on a field's first line, and where its value starts.
fn split_field(line: &[u8]) -> Option<(&[u8], usize)> {
    let colon = memchr(b':', &line[..line.len().min(256)])?;
    let name = line[..colon].trim_ascii_end();
    let fine = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    fine.then_some((name, colon + 1))
}

struct Open {
    delimiter: Vec<u8>,
    alternative: bool,
}

struct Walk<'a> {
    parts: Vec<Part<'a>>,
    multiparts: Vec<(usize, String)>,
    /// The multiparts that are open, the outermost first.
    open: Vec<Open>,
}

impl<'a> Walk<'a> {
    fn run(&mut self, fields: &[Field<'a>], body: &'a [u8]) {
        let finder = memmem::Finder::new(b"--");
        let (mut leaf, mut start) = self.descend(fields, body, 0);
        let mut at = start;
        while !self.open.is_empty() && self.parts.len() < PART_LIMIT {
            let Some(found) = finder.find(&body[at..]).map(|found| at + found) else {
                break;
            };
            at = found + 2;
            if found > 0 && body[found - 1] != b'\n' {
                continue;
            }
            let end = memchr(b'\n', &body[at..]).map_or(body.len(), |next| at + next + 1);
            let line = &body[found..end];
            at = end;
            let Some(level) = self
                .open
                .iter()
                .rposition(|open| line.starts_with(&open.delimiter))
            else {
                continue;
            };
            self.finish(leaf.take(), &body[start..found.max(start)]);
            let closing = line[self.open[level].delimiter.len()..].starts_with(b"--");
            self.open.truncate(if closing { level } else { level + 1 });
            start = at;
            if !closing {
                let (inner, rest) = header(&body[at..]);
                (leaf, start) = self.descend(&inner, body, body.len() - rest.len());
                at = start;
            }
        }
        self.finish(leaf, &body[start..]);
    }

    /// Opens the multipart or describes the leaf whose content starts at `at`, entering enclosed messages. Returns
    /// where the content starts then.
    fn descend(&mut self, fields: &[Field<'a>], body: &'a [u8], mut at: usize) -> (Option<Part<'a>>, usize) {
        let mut leaf = self.enter(fields);
        for _ in 0..DEPTH_LIMIT {
            if leaf
                .as_ref()
                .is_none_or(|part| part.content_type.kind != "message/rfc822")
            {
                break;
            }
            let (inner, rest) = header(&body[at..]);
            if inner.is_empty() {
                break;
            }
            at = body.len() - rest.len();
            leaf = self.enter(&inner);
        }
        (leaf, at)
    }

    /// Opens a multipart, or describes a leaf.
    fn enter(&mut self, fields: &[Field<'a>]) -> Option<Part<'a>> {
        let value = |name: &str| {
            let found = fields.iter().find(|field| field.is(name));
            found.map_or(&b""[..], |field| field.value.trim_ascii())
        };
        let content_type = ContentType::parse(value("Content-Type"));
        if let Some(boundary) = &content_type.boundary
            && content_type.kind.starts_with("multipart/")
            && self.open.len() < DEPTH_LIMIT
            && self.multiparts.len() < PART_LIMIT
        {
            self.multiparts.push((self.open.len(), content_type.kind.clone()));
            self.open.push(Open {
                delimiter: [b"--", boundary.as_slice()].concat(),
                alternative: content_type.kind == "multipart/alternative",
            });
            return None;
        }
        Some(Part {
            depth: self.open.len(),
            alternative: self.open.last().is_some_and(|open| open.alternative),
            content_type,
            encoding: value("Content-Transfer-Encoding"),
            disposition: value("Content-Disposition"),
            body: &[],
        })
    }

    fn finish(&mut self, leaf: Option<Part<'a>>, body: &'a [u8]) {
        if let Some(part) = leaf {
            self.parts.push(Part { body, ..part });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(raw: &[u8]) -> Vec<(usize, String, String)> {
        let mail = Mail::split(raw);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        mail.parts
            .iter()
            .map(|part| (part.depth, part.content_type.kind.clone(), text(part.body)))
            .collect()
    }

    fn leaf(depth: usize, kind: &str, text: &str) -> (usize, String, String) {
        (depth, kind.to_owned(), text.to_owned())
    }

    #[test]
    fn a_tree_with_an_enclosed_message() {
        let raw = b"From x\nSubject: a\n folded\nContent-Type: multipart/mixed; boundary=A\n\npreamble\n--A\n\nplain\n\
            --A\nContent-Type: message/rfc822\n\nSubject: b\nContent-Type: multipart/alternative; boundary=B\n\n\
            --B\nContent-Type: text/html\n\n<p>x\n--B--\n--A\nContent-Type: image/png\n\nxyz\n--A--\nepilogue";
        assert_eq!(
            kinds(raw),
            [
                leaf(1, "text/plain", "plain"),
                leaf(2, "text/html", "<p>x"),
                leaf(1, "image/png", "xyz")
            ]
        );
        assert_eq!(Mail::split(raw).field("subject"), Some(&b" a\n folded\n"[..]));
    }

    #[test]
    fn what_is_no_header_is_text() {
        assert_eq!(
            kinds(b"hello world\nno: header\n"),
            [leaf(0, "text/plain", "hello world\nno: header")]
        );
        assert_eq!(kinds(b""), [leaf(0, "text/plain", "")]);
        assert_eq!(kinds(b"A: b"), [leaf(0, "text/plain", "")]);
    }

    #[test]
    fn missing_end_and_stray_delimiters() {
        let raw = b"Content-Type: multipart/mixed; boundary=\"A\"\r\n\r\n--A\r\n\r\none\r\n-- \r\n--\r\n--A\r\n\r\ntwo";
        assert_eq!(
            kinds(raw),
            [
                leaf(1, "text/plain", "one\r\n-- \r\n--"),
                leaf(1, "text/plain", "two")
            ]
        );
    }

    #[test]
    fn limits_hold() {
        let mut deep = Vec::new();
        for level in 0..1000 {
            deep.extend_from_slice(
                format!("Content-Type: multipart/mixed; boundary=b{level}x\n\n--b{level}x\n").as_bytes(),
            );
        }
        assert!(Mail::split(&deep).multiparts.len() <= DEPTH_LIMIT);
        let mut wide = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
        wide.extend(b"--b\n\n".repeat(10_000));
        assert!(Mail::split(&wide).parts.len() <= PART_LIMIT + 1);
        assert!(Mail::split(&b"A: b\n".repeat(10_000)).fields.len() <= FIELD_LIMIT);
        let turn = b"--a\nContent-Type: multipart/mixed; boundary=c\n\n--c\n";
        let mut turns = b"Content-Type: multipart/mixed; boundary=a\n\n".to_vec();
        turns.extend(turn.repeat(10_000));
        assert!(Mail::split(&turns).multiparts.len() <= PART_LIMIT);
        let mut nested = Vec::new();
        nested.extend(b"Content-Type: message/rfc822\n\n".repeat(10_000));
        assert_eq!(Mail::split(&nested).parts.len(), 1);
    }
}
