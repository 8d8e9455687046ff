//! Splits a message into header fields and body lines the way SpamAssassin does it: tolerant of a few bad lines, of mbox
//! separators, and of missing empty lines. Does not know MIME.

use std::cell::OnceCell;

use bytes::Bytes;
use memchr::{memchr, memchr_iter, memmem};

use super::ParseFlags;
use super::words::decode_field;

/// A name is cut here.
const NAME_BYTES: usize = 256;

/// A value is cut here.
const VALUE_BYTES: usize = 8_192;

/// So many lines that are no fields are skipped; one more begins the body.
const BAD_LINES: usize = 3;

/// Of a run of blank lines in the body so many stay, and one.
const BLANK_LINES: usize = 20;

/// One header field of a message or part.
#[derive(Debug, Clone)]
pub struct Header {
    /// The name as it stands.
    pub name: Bytes,
    /// The value as it stands, with its folds (line ends as LF) and its last line end.
    pub raw: Bytes,
    decoded: OnceCell<Bytes>,
}

impl Header {
    pub(crate) fn new(name: Bytes, raw: Bytes) -> Self {
        Self {
            name,
            raw,
            decoded: OnceCell::new(),
        }
    }

    /// The value unfolded, trimmed, and with encoded words decoded to UTF-8, without a line end.
    pub fn decoded(&self) -> &Bytes {
        self.decoded.get_or_init(|| decode_field(&self.raw, &self.name))
    }

    /// Whether this is a field of that name, in any case.
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The decoded value of the last field of that name.
pub(crate) fn last<'a>(headers: &'a [Header], name: &[u8]) -> Option<&'a Bytes> {
    headers
        .iter()
        .rev()
        .find(|header| header.is(name))
        .map(Header::decoded)
}

/// A message before MIME.
#[derive(Debug)]
pub(crate) struct Head {
    /// Header and body as they came, without an mbox separator.
    pub full: Bytes,
    /// How much of `full` is the header, with its empty line.
    pub header_len: usize,
    pub headers: Vec<Header>,
    /// The body with LF line ends where the message has CRLF, and with long runs of blank lines cut.
    pub body: Bytes,
    pub flags: ParseFlags,
}

/// Splits `message`. An empty one counts as one empty line.
pub(crate) fn split(message: &Bytes) -> Head {
    let mut full = if message.is_empty() {
        Bytes::from_static(b"\n")
    } else {
        message.clone()
    };
    if is_separator(first_line(&full)) {
        full = full.slice(first_line(&full).len()..);
    }
    let crlf = first_line(&full).ends_with(b"\r\n") || full.ends_with(b"\r\n");
    let mut flags = ParseFlags::default();
    let (mut header_len, headers) = read_header(&full, crlf, &mut flags);
    let body = body_lines(&full.slice(header_len..), crlf);
    if crlf {
        (full, header_len) = with_crlf_in_header(&full, header_len);
    }
    Head {
        full,
        header_len,
        headers,
        body,
        flags,
    }
}

/// Whether a field tells what a scorer found earlier: that is nothing to judge by.
pub(crate) fn is_of_a_scorer(field: &Header) -> bool {
    let start = field.name.get(..7);
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"X-Spam-"))
}

fn first_line(bytes: &[u8]) -> &[u8] {
    match memchr(b'\n', bytes) {
        Some(end) => &bytes[..=end],
        None => bytes,
    }
}

/// An mbox line `From …` (but no field `From :`), or the first line of an mbx file.
fn is_separator(line: &[u8]) -> bool {
    if let Some(rest) = line.strip_prefix(b"From") {
        let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
        return blanks > 1 || (blanks == 1 && rest.get(1) != Some(&b':'));
    }
    is_mbx_separator(line)
}

/// ` 2-Jan-2006 15:04:05 -0700,1234;000000000000-00000000`
fn is_mbx_separator(line: &[u8]) -> bool {
    let shape = b"_9-aaa-9999_99:99:99";
    let fits = |(byte, kind): (&u8, &u8)| match kind {
        b'_' => is_space(*byte) || byte.is_ascii_digit(),
        b'9' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        kind => byte == kind,
    };
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some((tail_start, _)) = line.iter().enumerate().rev().find(|(_, byte)| **byte == b',') else {
        return false;
    };
    let tail = &line[tail_start + 1..];
    let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let flags = &tail[digits..];
    line.len() > shape.len()
        && line.iter().zip(shape).all(fits)
        && digits > 0
        && flags.len() == 22
        && flags[0] == b';'
        && flags[1..13].iter().all(u8::is_ascii_hexdigit)
        && flags[13] == b'-'
}

/// Perl's `\s` on bytes.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

/// In a message with CRLF line ends bare LFs of the header count as CRLF, and that of the line behind it where no empty
/// line ends it.
fn with_crlf_in_header(full: &Bytes, header_len: usize) -> (Bytes, usize) {
    let separated = matches!(lines(&full[..header_len]).last(), Some(b"\n" | b"\r\n"));
    let behind = if separated {
        0
    } else {
        first_line(&full[header_len..]).len()
    };
    let read = &full[..header_len + behind];
    if !lines(read).any(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n")) {
        return (full.clone(), header_len);
    }
    let mut out = Vec::with_capacity(full.len() + 64);
    let mut new_len = 0;
    let mut at = 0;
    for line in lines(read) {
        if at == header_len {
            new_len = out.len();
        }
        at += line.len();
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    if behind == 0 {
        new_len = out.len();
    }
    out.extend_from_slice(&full[read.len()..]);
    (out.into(), new_len)
}

/// The lines of `bytes`, each with its LF.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr_iter(b'\n', bytes).map(|at| at + 1);
    let last = (bytes.last().is_some_and(|byte| *byte != b'\n')).then_some(bytes.len());
    ends.chain(last).map(move |end| {
        let line = &bytes[start..end];
        start = end;
        line
    })
}

/// Printable ASCII without a colon, then blanks, then a colon.
pub(crate) fn begins_field(line: &[u8], blanks_allowed: bool) -> bool {
    let name = line
        .iter()
        .take_while(|byte| matches!(byte, 0x21..=0x39 | 0x3b..=0x7e))
        .count();
    let rest = &line[name..];
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    name > 0 && (blanks == 0 || blanks_allowed) && rest.get(blanks) == Some(&b':')
}

fn read_header(full: &Bytes, crlf: bool, flags: &mut ParseFlags) -> (usize, Vec<Header>) {
    let is_empty = |line: &[u8]| line == b"\n" || (crlf && line == b"\r\n");
    let mut headers = Vec::new();
    // The field that is being collected; the first lines of a message may continue nothing.
    let mut field: Option<(usize, usize)> = None;
    let mut bad_lines = 0;
    let mut at = 0;
    for line in lines(full) {
        let end = at + line.len();
        if matches!(line.first(), Some(b' ' | b'\t')) {
            field = Some((field.map_or(at, |(start, _)| start), end));
            at = end;
            continue;
        }
        if let Some((start, stop)) = field.take() {
            push_field(&mut headers, &full.slice(start..stop), crlf, flags);
        }
        if is_empty(line) {
            return (end, headers);
        }
        if !begins_field(line, true) {
            bad_lines += 1;
        }
        if line.starts_with(b"--") || (bad_lines > BAD_LINES && !begins_field(line, true)) {
            flags.missing_head_body_separator = true;
            return (at, headers);
        }
        field = Some((at, end));
        at = end;
    }
    if let Some((start, stop)) = field {
        push_field(&mut headers, &full.slice(start..stop), crlf, flags);
    }
    flags.missing_head_body_separator = true;
    (full.len(), headers)
}

fn push_field(headers: &mut Vec<Header>, field: &Bytes, crlf: bool, flags: &mut ParseFlags) {
    let Some(colon) = memchr(b':', field) else {
        return;
    };
    let blanks = field[..colon]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let mut name = field.slice(..colon - blanks);
    let mut value = field.slice(colon + 1..);
    if crlf {
        value = without_cr(&value);
    }
    flags.truncated_header |= name.len() > NAME_BYTES || value.len() > VALUE_BYTES;
    name.truncate(NAME_BYTES);
    value.truncate(VALUE_BYTES);
    headers.push(Header::new(name, value));
}

/// CRLF to LF.
pub(crate) fn without_cr(bytes: &Bytes) -> Bytes {
    let finder = memmem::Finder::new(b"\r\n");
    if finder.find(bytes).is_none() {
        return bytes.clone();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in finder.find_iter(bytes) {
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out.into()
}

fn body_lines(body: &Bytes, crlf: bool) -> Bytes {
    let body = if crlf { without_cr(body) } else { body.clone() };
    let blank = |line: &[u8]| line.iter().all(|byte| is_space(*byte));
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    // Of a run, the first line's number (counted from the last line that is not blank) and where each starts.
    let mut run: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut close = |run: &mut Vec<usize>, end: usize, at_start: bool| {
        // At the very top the first blank line stands for the line before the run.
        let counted = if at_start {
            &run[1.min(run.len())..]
        } else {
            &run[..]
        };
        if counted.len() > BLANK_LINES {
            let excess = counted.len() - BLANK_LINES;
            let cut_end = counted.get(1 + excess).copied().unwrap_or(end);
            cuts.push((counted[1], cut_end));
        }
        run.clear();
    };
    let mut at_start = true;
    for line in lines(&body) {
        if blank(line) {
            run.push(at);
        } else {
            close(&mut run, at, at_start);
            at_start = false;
        }
        at += line.len();
    }
    close(&mut run, at, at_start);
    if cuts.is_empty() {
        return body;
    }
    let mut out = Vec::with_capacity(body.len());
    let mut from = 0;
    for (start, end) in cuts {
        out.extend_from_slice(&body[from..start]);
        from = end;
    }
    out.extend_from_slice(&body[from..]);
    out.into()
}
