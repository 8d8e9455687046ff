//! A scorer's report around a spam: taken off, and put on for scorers that rewrite nothing. Does not know whether the
//! report is genuine.

use std::io::{self, Write};
use std::ops::Range;

use isbg_spool::{Spool, Writer};
use isbg_types::{Score, Verdict};
use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::Limits;
use crate::header::{BLOCK_LIMIT, fields};
use crate::mime::{Part, split};

/// Bytes kept of each field that the report's own header repeats.
const FIELD_BYTES: usize = 4_096;

/// Bytes kept of the report's text, and of one line of it (RFC 5322 §2.1.1 allows 998).
const REPORT_BYTES: usize = 256 * 1024;
const REPORT_LINE_BYTES: usize = 900;

/// Stars in X-Spam-Level, as many as SpamAssassin gives.
const STARS: i64 = 50;

/// Rule names in X-Spam-Status.
const NAMES: usize = 500;

/// The fields by which people and mail programs recognise a message.
const REPEATED: [&str; 7] = ["From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID"];

/// The original message inside a report made by SpamAssassin or by [`wrap_report`], to the byte; `None` where the
/// message is no such report. Of several originals the first.
///
/// Anybody can send a message of this form, with a harmless "original" inside. So nothing may be judged by what comes out
/// here unless it is known from elsewhere who made the report.
///
/// # Errors
/// When a temporary file cannot be read or written.
pub fn unwrap_report(message: &Spool) -> io::Result<Option<Spool>> {
    originals(message)?.next().transpose()
}

/// Every original inside a report (see [`unwrap_report`]), one after another. They are cut out as they are asked for, so
/// that only those in use take memory.
///
/// # Errors
/// When a temporary file cannot be read or written.
pub fn originals(message: &Spool) -> io::Result<impl Iterator<Item = io::Result<Spool>> + use<'_>> {
    let structure = split(message, &Limits::default())?;
    let is_original = |part: &Part| {
        part.content_type
            .parameter("x-spam-type")
            .is_some_and(|kind| kind.eq_ignore_ascii_case(b"original"))
            && (part.content_type.is_message() || part.content_type.essence == "text/plain")
    };
    let ranges: Vec<Range<u64>> = structure
        .children(0)
        .filter(|(_, part)| structure.parts[0].content_type.is_multipart() && is_original(part))
        .map(|(_, part)| part.body.clone())
        .collect();
    Ok(ranges
        .into_iter()
        .map(|range| message.slice(range.start, range.end)))
}

/// A report around a spam, as SpamAssassin's `report_safe 1` makes one: a new header that repeats the original's best known
/// fields and states the verdict, `report` as text for people, and the original untouched as an attachment that
/// [`unwrap_report`] finds again. `scorer` names the engine in `X-Spam-Checker-Version`. Line ends are CRLF; those of
/// the original stay as they are.
///
/// # Errors
/// When a temporary file cannot be read or written.
pub fn wrap_report(original: &Spool, verdict: &Verdict, report: &str, scorer: &str) -> io::Result<Spool> {
    let mut header = Vec::new();
    repeat_fields(&mut header, &original.prefix(BLOCK_LIMIT)?)?;
    write_verdict(&mut header, verdict, scorer)?;
    wrap(original, &header, report, AttachAs::Message, "\r\n")
}

/// How [`wrap`] attaches the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachAs {
    /// As a message (`report_safe 1`).
    Message,
    /// As text, which no mail program renders (`report_safe 2`).
    Text,
}

/// A report around a message with a header of the caller's: whole lines, without those that say what the report's parts are.
/// `line_end` is written around the original, whose own stay as they are; [`unwrap_report`] finds it again.
///
/// # Errors
/// When a temporary file cannot be read or written.
pub fn wrap(
    original: &Spool,
    header: &[u8],
    report: &str,
    attach: AttachAs,
    line_end: &str,
) -> io::Result<Spool> {
    let boundary = boundary_for(original)?;
    let kind = match attach {
        AttachAs::Message => "message/rfc822",
        AttachAs::Text => "text/plain",
    };
    let before = format!(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\n\n\
         This is a multi-part message in MIME format.\n\n--{boundary}\n\
         Content-Type: text/plain; charset=UTF-8\nContent-Disposition: inline\n\
         Content-Transfer-Encoding: 8bit\n\n"
    );
    let between = format!(
        "\n--{boundary}\nContent-Type: {kind}; x-spam-type=original\n\
         Content-Description: the original message\nContent-Disposition: attachment\n\
         Content-Transfer-Encoding: 8bit\n\n"
    );
    let mut out = Writer::with_expected(original.len() + 16 * 1024);
    out.write_all(header)?;
    out.write_all(before.replace('\n', line_end).as_bytes())?;
    write_text(&mut out, report, &boundary, line_end)?;
    out.write_all(between.replace('\n', line_end).as_bytes())?;
    io::copy(&mut original.reader(), &mut out)?;
    write!(out, "{line_end}--{boundary}--{line_end}")?;
    out.finish()
}

/// A boundary that occurs nowhere in the message: its hash, checked and hashed again until it is absent.
fn boundary_for(message: &Spool) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut message.reader(), &mut hash)?;
    loop {
        let digest = hash.clone().finalize();
        let boundary: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let boundary = format!("=_isbg_{boundary}");
        if !contains(message, boundary.as_bytes())? {
            return Ok(boundary);
        }
        hash.update(digest);
    }
}

fn contains(message: &Spool, needle: &[u8]) -> io::Result<bool> {
    let finder = memmem::Finder::new(needle);
    let mut offset = 0;
    loop {
        let chunk = message.chunk(offset)?;
        if finder.find(&chunk).is_some() {
            return Ok(true);
        }
        if chunk.len() < needle.len() || offset + chunk.len() as u64 >= message.len() {
            return Ok(false);
        }
        offset += (chunk.len() - needle.len() + 1) as u64;
    }
}

fn repeat_fields(out: &mut Vec<u8>, header: &[u8]) -> io::Result<()> {
    for name in REPEATED {
        let Some(field) = fields(header).find(|field| field.is(name)) else {
            continue;
        };
        let value = &field.value[..field.value.len().min(FIELD_BYTES)];
        write!(out, "{name}:")?;
        for (index, line) in value.split(|byte| *byte == b'\n').enumerate() {
            let clean: Vec<u8> = line
                .iter()
                .copied()
                .filter(|byte| !matches!(byte, 0 | b'\r'))
                .collect();
            // A line of blanks only would be taken for the end of the header by some.
            if index > 0 && !clean.trim_ascii().is_empty() {
                out.write_all(b"\r\n")?;
            }
            out.write_all(&clean)?;
        }
        out.write_all(b"\r\n")?;
    }
    Ok(())
}

fn write_verdict(out: &mut Vec<u8>, verdict: &Verdict, scorer: &str) -> io::Result<()> {
    let printable =
        |text: &str| -> String { text.chars().filter(char::is_ascii_graphic).take(100).collect() };
    let stars = (verdict.score.0 / 1_000).clamp(0, STARS) as usize;
    write!(
        out,
        "X-Spam-Checker-Version: isbg {} ({})\r\nX-Spam-Flag: YES\r\nX-Spam-Level: {}\r\n\
         X-Spam-Status: Yes, score={} required={}",
        env!("CARGO_PKG_VERSION"),
        printable(scorer),
        "*".repeat(stars),
        one_decimal(verdict.score),
        one_decimal(verdict.required),
    )?;
    for (index, hit) in verdict.hits.iter().take(NAMES).enumerate() {
        let before = if index == 0 { "\r\n\ttests=" } else { ",\r\n\t" };
        write!(out, "{before}{}", printable(&hit.name).replace([',', '='], "_"))?;
    }
    out.write_all(b"\r\n")
}

/// As X-Spam-Status has it.
fn one_decimal(score: Score) -> String {
    format!("{:.1}", score.points())
}

/// `text` with these line ends, without NULs, and without a line that could be taken for the boundary.
fn write_text(out: &mut Writer, text: &str, boundary: &str, line_end: &str) -> io::Result<()> {
    let text = clip(text, REPORT_BYTES);
    for line in text.lines() {
        let mut rest: &str = line;
        loop {
            let piece = clip(rest, REPORT_LINE_BYTES);
            if piece.starts_with("--") && piece.contains(boundary) {
                out.write_all(b" ")?;
            }
            let clean: String = piece.chars().filter(|c| !matches!(c, '\0' | '\r')).collect();
            write!(out, "{clean}{line_end}")?;
            rest = &rest[piece.len()..];
            if rest.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

/// The first `limit` bytes of `text` at most, cut between characters.
fn clip(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
