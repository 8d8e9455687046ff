//! A multipart split at its boundaries, in SpamAssassin's way. Does not know what the parts are.

use std::collections::VecDeque;

use bytes::Bytes;

use super::ParseFlags;
use super::head::{Header, begins_field, is_space, last, lines};
use super::kind::Kind;
use super::parts::{ALL_PARTS, LINE_BYTES, PARTS, Part, Pending, add_part};

/// `--boundary` and blanks: `Some(false)`; `--boundary--`: `Some(true)`.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let blank = |rest: &[u8]| rest.iter().all(|byte| is_space(*byte));
    match rest.strip_prefix(b"--") {
        Some(rest) if blank(rest) => Some(true),
        _ => blank(rest).then_some(false),
    }
}

/// A part of a multipart while its lines are read.
#[derive(Default)]
struct Open {
    headers: Vec<Header>,
    /// The field that is being read.
    field: Option<(usize, usize)>,
    in_body: bool,
    /// Where its body is, if there are lines of it.
    body: Option<(usize, usize)>,
    long_lines: bool,
}

/// Splits a multipart: its parts are added to the tree and wait in the queue for being split in turn.
pub(super) fn multipart(
    pending: Pending,
    parts: &mut Vec<Part>,
    queue: &mut VecDeque<Pending>,
    flags: &mut ParseFlags,
) {
    let body = &pending.body;
    let boundary = pending.boundary.as_deref().unwrap_or_default();
    let container = pending.part;
    parts[container].is_leaf = false;
    let start = after_preamble(body, boundary);
    let follows_header = |at: usize| at >= body.len() || begins_field(&body[at..], false);
    flags.missing_mime_headers |= start > 0 && !follows_header(start);
    let mut open = Open::default();
    // One level of a boundary that is used again inside.
    let mut nested = false;
    let mut count = 0;
    let mut at = start;
    for line in lines(&body[start..]) {
        let here = at;
        at += line.len();
        let mut found = delimiter(line, boundary);
        let last = found == Some(true);
        if found.is_some() && nested {
            found = None;
            nested = !last;
        }
        if at < body.len() && found.is_none() {
            nested |= open.line(body, here, at, boundary, flags);
            continue;
        }
        if found.is_none() {
            open.body_line(here, at);
        }
        let part = open.finish(body, found.is_some());
        add_part(part, &pending, parts, queue);
        open = Open::default();
        if last && found.is_some() {
            break;
        }
        flags.missing_mime_headers |= found.is_some() && !follows_header(at);
        count += 1;
        if count == PARTS || parts.len() >= ALL_PARTS {
            flags.mimepart_limit_exceeded = true;
            return;
        }
    }
    let rest = &body[at..];
    flags.mime_epilogue_exists |= rest.iter().any(|byte| !is_space(*byte) && *byte != b'.');
}

/// Where the first part starts: behind the first boundary, or at the top where there is none.
fn after_preamble(body: &[u8], boundary: &[u8]) -> usize {
    let mut at = 0;
    for line in lines(body) {
        at += line.len();
        if delimiter(line, boundary) == Some(false) {
            return at;
        }
    }
    0
}

impl Open {
    /// Takes one line; whether it showed that the boundary is used again inside.
    fn line(
        &mut self,
        body: &Bytes,
        start: usize,
        end: usize,
        boundary: &[u8],
        flags: &mut ParseFlags,
    ) -> bool {
        let line = &body[start..end];
        let mut nested = false;
        if !self.in_body {
            if begins_field(line, true) {
                self.flush(body);
                self.field = Some((start, end));
                return false;
            }
            if let (b' ' | b'\t', Some((_, stop))) = (line[0], &mut self.field) {
                *stop = end;
                return false;
            }
            if let Some(header) = self.flush(body)
                && header.is(b"content-type")
            {
                let kind = Kind::parse(last(&self.headers, b"content-type").map(|value| &value[..]));
                nested = kind.boundary.as_deref() == Some(boundary);
            }
            self.in_body = true;
            if matches!(line, b"\n" | b"\r\n") {
                return nested;
            }
            flags.missing_mime_head_body_separator = true;
        }
        self.body_line(start, end);
        nested
    }

    fn body_line(&mut self, start: usize, end: usize) {
        self.long_lines |= end - start > LINE_BYTES;
        self.body = Some((self.body.map_or(start, |(first, _)| first), end));
    }

    /// Keeps the field that was being read.
    fn flush(&mut self, body: &Bytes) -> Option<&Header> {
        let (start, end) = self.field.take()?;
        let field = body.slice(start..end);
        let colon = field.iter().position(|byte| *byte == b':')?;
        let blanks = field[colon + 1..]
            .iter()
            .take_while(|byte| is_space(**byte))
            .count();
        self.headers.push(Header::new(
            field.slice(..colon),
            field.slice(colon + 1 + blanks..),
        ));
        self.headers.last()
    }

    /// Headers and body. The line end before a boundary belongs to the boundary.
    fn finish(self, body: &Bytes, at_boundary: bool) -> (Vec<Header>, Bytes) {
        let Some((start, mut end)) = self.body else {
            return (self.headers, Bytes::new());
        };
        if at_boundary && body[..end].ends_with(b"\n") {
            end -= 1;
        }
        let content = body.slice(start..end.max(start));
        if !self.long_lines {
            return (self.headers, content);
        }
        let mut broken = Vec::with_capacity(content.len() + content.len() / 1_000);
        for mut line in lines(&content) {
            while line.len() > LINE_BYTES {
                let (piece, rest) = line.split_at(LINE_BYTES);
                broken.extend_from_slice(piece);
                broken.push(b'\n');
                line = rest;
            }
            broken.extend_from_slice(line);
        }
        (self.headers, broken.into())
    }
}
