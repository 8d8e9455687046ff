//! What SpamAssassin or isbg wrote into a message's header taken out again, for ham that comes back. Leaves everything
//! else as it is, to the byte.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};

use isbg_spool::{Spool, Writer};

use crate::header::{BLOCK_LIMIT, Field, fields};

/// The fields that SpamAssassin rewrites, after keeping the former value in `X-Spam-Prev-…`.
const REWRITTEN: [&str; 5] = [
    "subject",
    "from",
    "to",
    "content-type",
    "content-transfer-encoding",
];

/// What SpamAssassin notes where there was no such field before.
const NONEXISTENT: &[u8] = b"(nonexistent)";

/// The message without the `X-Spam-…` fields of its header, and with the field values back that they say were rewritten.
/// A marked subject whose former value is not noted stays as it is: its sender may have written it so. Only the first 256
/// KiB of the header are looked at.
///
/// # Errors
/// When a temporary file cannot be read or written.
pub fn strip_markup(message: &Spool) -> io::Result<Spool> {
    let prefix = message.prefix(BLOCK_LIMIT)?;
    let cut_short = (prefix.len() as u64) < message.len();
    let all: Vec<Field<'_>> = fields(&prefix).collect();
    let header_len: usize = all.iter().map(|field| field.raw.len()).sum();
    // A field that reaches the limit may go on beyond it.
    let whole = if cut_short && header_len == prefix.len() {
        all.len().saturating_sub(1)
    } else {
        all.len()
    };
    let all = &all[..whole];
    if !all.iter().any(is_markup) {
        return Ok(message.clone());
    }
    let mut former = former(all);
    let mut out = Writer::with_expected(message.len());
    for field in all.iter().filter(|field| !is_markup(field)) {
        match former
            .get_mut(&field.name.to_ascii_lowercase())
            .and_then(VecDeque::pop_front)
        {
            None => out.write_all(field.raw)?,
            Some(value) if value.trim_ascii() == NONEXISTENT => {}
            Some(value) => {
                let line_end = if field.raw.ends_with(b"\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                out.write_all(field.name)?;
                out.write_all(b":")?;
                out.write_all(value)?;
                out.write_all(line_end.as_bytes())?;
            }
        }
    }
    let kept_from: usize = all.iter().map(|field| field.raw.len()).sum();
    let mut offset = kept_from as u64;
    while offset < message.len() {
        let chunk = message.chunk(offset)?;
        out.write_all(&chunk)?;
        offset += chunk.len() as u64;
    }
    out.finish()
}

/// The former values by field name, one for each field at most, in order. A message may have come with older ones on top.
fn former<'a>(all: &[Field<'a>]) -> HashMap<Vec<u8>, VecDeque<&'a [u8]>> {
    let mut former: HashMap<Vec<u8>, VecDeque<&[u8]>> = HashMap::new();
    for field in all {
        if let Some(name) = former_name(field) {
            former.entry(name).or_default().push_back(field.value);
        }
    }
    for (name, values) in &mut former {
        let fields = all
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name))
            .count();
        values.drain(..values.len().saturating_sub(fields));
    }
    former
}

fn is_markup(field: &Field<'_>) -> bool {
    strip_prefix_ignoring_case(field.name, b"x-spam-").is_some()
}

/// The lower-case name of the field whose former value this one keeps.
fn former_name(field: &Field<'_>) -> Option<Vec<u8>> {
    let name = strip_prefix_ignoring_case(field.name, b"x-spam-prev-")?.to_ascii_lowercase();
    REWRITTEN.iter().any(|own| own.as_bytes() == name).then_some(name)
}

fn strip_prefix_ignoring_case<'a>(name: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(message: &str) -> String {
        let spool = strip_markup(&Spool::from(message.as_bytes().to_vec())).unwrap();
        String::from_utf8(spool.in_memory().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn markup_goes_everything_else_stays() {
        for (marked, clean) in [
            (
                "A: b\r\n\r\nX-Spam-Flag: YES\r\n",
                "A: b\r\n\r\nX-Spam-Flag: YES\r\n",
            ),
            (
                "X-Spam-Status: Yes,\r\n\ttests=A\r\nSubject:  *****SPAM***** x\r\nx-spam-flag: YES\r\n\
                 X-Spam-Prev-Subject:  x\r\n y\r\nA:b\r\n\r\nbody",
                "Subject:  x\r\n y\r\nA:b\r\n\r\nbody",
            ),
            (
                "X-Spam-Flag: YES\nSubject: *****SPAM***** x\n\n",
                "Subject: *****SPAM***** x\n\n",
            ),
            (
                "Subject: *SPAM*\nX-Spam-Prev-Subject: (nonexistent)\nA: b\n\n",
                "A: b\n\n",
            ),
            (
                "Subject: *SPAM* a\nX-Spam-Prev-Subject: old\nX-Spam-Prev-Subject: a\n\n",
                "Subject: a\n\n",
            ),
            (
                "Subject: *SPAM* a\nSubject: *SPAM* b\nSubject: c\nX-Spam-Prev-Subject: a\nX-Spam-Prev-Subject: b\n\n",
                "Subject: a\nSubject: b\nSubject: c\n\n",
            ),
            ("X-Spam-Prev-Received: x\nReceived: y\n\n", "Received: y\n\n"),
            ("X-Spam: yes\nX-SpamX: 1\n\n", "X-Spam: yes\nX-SpamX: 1\n\n"),
            ("X-Spam-Level: *\n", ""),
            ("junk line\nX-Spam-Level: *\n\nbody", "junk line\n\nbody"),
        ] {
            assert_eq!(stripped(marked), clean, "{marked:?}");
        }
    }

    #[test]
    fn a_field_across_the_limit_stays() {
        let message = format!(
            "X-Spam-Level: *\nX-Spam-Report: {}\nA: b\n\nbody",
            "x".repeat(BLOCK_LIMIT)
        );
        assert_eq!(stripped(&message), message["X-Spam-Level: *\n".len()..]);
    }
}
