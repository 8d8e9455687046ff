//! The header block with what changes from message to message taken out, as text for 4-grams. Does not know the
//! learner.

use crate::mail::{Field, Mail};

/// Bytes of cleaned header that are used.
const HEADER_BYTES: usize = 3000;

/// A run of letters and digits this long is an identifier if a fifth of it is digits, one of `LONG` in any case.
const SUSPECT: usize = 8;
const LONG: usize = 40;

/// How a field enters the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cleaning {
    /// Nothing but a signature.
    Leave,
    /// A DKIM or DomainKeys signature: who signed, not what.
    Signature,
    Trace,
    Whole,
}

/// The cleaned header block.
pub(crate) fn text(mail: &Mail<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + 256);
    for field in &mail.fields {
        if out.len() >= HEADER_BYTES {
            break;
        }
        let cleaning = cleaning(field);
        if cleaning == Cleaning::Leave {
            continue;
        }
        out.extend_from_slice(field.name);
        out.push(b':');
        match cleaning {
            Cleaning::Signature => signature(&mut out, field.value),
            Cleaning::Trace => mask(&mut out, trace(field.value)),
            _ => mask(&mut out, field.value),
        }
        out.push(b'\n');
    }
    out.truncate(HEADER_BYTES);
    out
}

fn cleaning(field: &Field<'_>) -> Cleaning {
    let lower = field.name.to_ascii_lowercase();
    match lower.as_slice() {
        b"arc-seal" | b"arc-message-signature" | b"arc-authentication-results" => Cleaning::Leave,
        b"received" | b"x-received" => Cleaning::Trace,
        _ if lower.ends_with(b"dkim-signature") || lower == b"domainkey-signature" => Cleaning::Signature,
        _ => Cleaning::Whole,
    }
}

/// The tags of a signature that say who signed and with what software, without the signature itself.
fn signature(out: &mut Vec<u8>, value: &[u8]) {
    for tag in value.split(|byte| *byte == b';').take(20) {
        let tag = tag.trim_ascii();
        if matches!(tag, [b'd' | b's' | b'a' | b'c' | b'i' | b'q', b'=', ..]) {
            out.push(b' ');
            out.extend_from_slice(&tag[..tag.len().min(80)]);
        }
    }
}

/// A Received field without its date.
fn trace(value: &[u8]) -> &[u8] {
    &value[..memchr::memrchr(b';', value).unwrap_or(value.len())]
}

/// Copies `value` with its folds as one space each and opaque identifiers as their shape.
fn mask(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii_end();
    let mut at = 0;
    while at < value.len() && out.len() < HEADER_BYTES {
        let run = value[at..].iter().take_while(|byte| opaque(**byte)).count();
        if run == 0 {
            match value[at] {
                b'\r' | b'\n' => {}
                byte => out.push(byte),
            }
            at += 1;
            continue;
        }
        let word = &value[at..at + run];
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        if run >= LONG || run >= SUSPECT && digits * 5 >= run {
            out.extend(word.iter().take(LONG).map(|&byte| shape(byte)));
        } else {
            out.extend_from_slice(word);
        }
        at += run;
    }
}

fn opaque(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_')
}

fn shape(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        _ => byte,
    }
}
