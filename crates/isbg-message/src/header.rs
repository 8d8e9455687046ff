//! A header block: where it ends, its fields as they stand, and their text for people. Does not know what a field means
//! to a rule.

mod words;

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

pub use words::decode_words;
pub(crate) use words::hex_pair;

/// A longer header block is looked at up to here.
pub(crate) const BLOCK_LIMIT: usize = 256 * 1024;

/// Characters kept of each text in a [`Summary`].
const SUMMARY_CHARS: usize = 1_000;

/// The length of the header block at the start of `bytes`: up to and including the first empty line (RFC 5322 §2.1),
/// or everything where there is none. Lines end with LF, with or without a CR before it.
pub fn block_len(bytes: &[u8]) -> usize {
    let mut start = 0;
    for end in memchr_iter(b'\n', bytes) {
        if matches!(&bytes[start..end], b"" | b"\r") {
            return end + 1;
        }
        start = end + 1;
    }
    bytes.len()
}

/// The header block (with its empty line) and the body.
pub fn split(message: &[u8]) -> (&[u8], &[u8]) {
    message.split_at(block_len(message))
}

/// One field, or one line that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name without the colon. Empty for a line that is no field (no colon, or a name with blanks inside it).
    pub name: &'a [u8],
    /// What follows the colon, folds included, without the last line end.
    pub value: &'a [u8],
    /// All of it as it stands, line ends included.
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// Whether this is a field of that name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value on one line: the line ends of folds removed (RFC 5322 §2.2.3), blanks around it dropped.
    pub fn unfolded(&self) -> Cow<'_, [u8]> {
        let value = self.value.trim_ascii();
        if memchr(b'\n', value).is_none() {
            return Cow::Borrowed(value);
        }
        let mut line = Vec::with_capacity(value.len());
        for piece in value.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(without_line_end(piece));
        }
        Cow::Owned(line)
    }

    /// The value for people: unfolded, encoded words decoded (RFC 2047), at most `limit` characters.
    pub fn text(&self, limit: usize) -> String {
        decode_words(&self.unfolded(), limit)
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Goes through a header block, field by field, up to its empty line. No byte before that is left out: what is not a
/// field comes with an empty name.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of a header block.
pub fn fields(block: &[u8]) -> Fields<'_> {
    Fields { rest: block }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if matches!(self.rest, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
            return None;
        }
        let folded = |next: &u8| matches!(next, b' ' | b'\t');
        let end = memchr_iter(b'\n', self.rest)
            .map(|at| at + 1)
            .find(|at| !self.rest.get(*at).is_some_and(folded))
            .unwrap_or(self.rest.len());
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest;
        let (name, value) = match memchr(b':', raw) {
            Some(colon) if is_name(raw[..colon].trim_ascii_end()) => {
                (raw[..colon].trim_ascii_end(), without_line_end(&raw[colon + 1..]))
            }
            _ => (&raw[..0], without_line_end(raw)),
        };
        Some(Field { name, value, raw })
    }
}

/// RFC 5322 §3.6.8, and 8-bit bytes, which occur.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
}

/// The first field of that name.
pub fn first<'a>(block: &'a [u8], name: &str) -> Option<Field<'a>> {
    fields(block).find(|field| field.is(name))
}

/// What people recognise a message by, decoded; empty where the field is missing. Text from outside: print it through
/// `isbg_types::Untrusted`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// `From`: address and name as they stand.
    pub from: String,
    /// `Subject`.
    pub subject: String,
    /// `Date` as written by the sender.
    pub date: String,
    /// `Message-ID`, angle brackets included.
    pub message_id: String,
}

/// The summary of a header block (a whole message will do). Of several fields with the same name the first counts.
pub fn summary(block: &[u8]) -> Summary {
    let mut summary = Summary::default();
    let block = &block[..block.len().min(BLOCK_LIMIT)];
    for field in fields(block) {
        let text = match () {
            () if field.is("from") => &mut summary.from,
            () if field.is("subject") => &mut summary.subject,
            () if field.is("date") => &mut summary.date,
            () if field.is("message-id") => &mut summary.message_id,
            () => continue,
        };
        if text.is_empty() {
            *text = field.text(SUMMARY_CHARS);
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_header_ends() {
        for (message, header) in [
            ("A: b\r\n\r\nbody", "A: b\r\n\r\n"),
            ("A: b\n\nbody\n\n", "A: b\n\n"),
            ("A: b\n\r\nbody", "A: b\n\r\n"),
            ("A: b\r\n", "A: b\r\n"),
            ("A: b", "A: b"),
            ("\r\nbody", "\r\n"),
            ("", ""),
            ("A: b\r\n \r\nC: d\r\n\r\nx", "A: b\r\n \r\nC: d\r\n\r\n"),
            ("A: b\r\r\n\r\nx", "A: b\r\r\n\r\n"),
            ("\0\n\nx", "\0\n\n"),
        ] {
            assert_eq!(split(message.as_bytes()).0, header.as_bytes(), "{message:?}");
        }
    }

    #[test]
    fn every_byte_is_in_a_field() {
        let block =
            b"From x Mon Jan 1 00:00:00\nA: b\r\n  c\r\n\td\nno colon\n folded\nB:\nC : e\n\nbody: x\n";
        let found: Vec<_> = fields(block).collect();
        let names: Vec<_> = found.iter().map(|field| field.name).collect();
        assert_eq!(names, [&b""[..], b"A", b"", b"B", b"C"]);
        assert_eq!(&*found[1].unfolded(), b"b  c\td");
        assert_eq!(found[1].value, b" b\r\n  c\r\n\td");
        let raw: Vec<u8> = found.iter().flat_map(|field| field.raw).copied().collect();
        assert_eq!(&raw[..], &block[..raw.len()]);
        assert_eq!(&block[raw.len()..], b"\nbody: x\n");
    }

    #[test]
    fn summaries() {
        let found = summary(
            b"subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?b?IQ==?=\r\nFROM: \"A\" <a@example.org>\r\n\
              Message-Id: <1@example.org>\r\nSubject: second\r\nDate:\r\n\r\nDate: in the body",
        );
        assert_eq!(found.subject, "Grüße!");
        assert_eq!(found.from, "\"A\" <a@example.org>");
        assert_eq!(found.message_id, "<1@example.org>");
        assert_eq!(found.date, "");
    }
}
