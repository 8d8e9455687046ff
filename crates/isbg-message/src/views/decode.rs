//! Transfer encodings undone as SpamAssassin does it, damage included. Does not know charsets.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memchr;

use crate::header::hex_pair;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[derive(Clone, Copy)]
enum Class {
    Alphabet,
    Blank,
    Other,
}

/// What each byte is in base64.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => Class::Alphabet,
            b' ' | b'\t'..=b'\r' => Class::Blank,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// Blanks at line ends and soft line breaks vanish; `=XX` becomes its byte; other `=` stay.
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    for line in super::head::lines(text) {
        let Some(body) = line.strip_suffix(b"\n") else {
            joined.extend_from_slice(line);
            break;
        };
        let (body, end): (&[u8], &[u8]) = match body.strip_suffix(b"\r") {
            Some(body) => (body, b"\r\n"),
            None => (body, b"\n"),
        };
        let blanks = body
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let body = &body[..body.len() - blanks];
        match body.strip_suffix(b"=") {
            Some(body) => joined.extend_from_slice(body),
            None => {
                joined.extend_from_slice(body);
                joined.extend_from_slice(end);
            }
        }
    }
    quoted_printable_word(&joined)
}

/// Only the `=XX`.
pub(crate) fn quoted_printable_word(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'=', rest) {
        out.extend_from_slice(&rest[..at]);
        match rest.get(at + 1..at + 3).and_then(hex_pair) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[at + 3..];
            }
            None => {
                out.push(b'=');
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Clean base64 is decoded as it is; padding in its middle counts as zero bits. Otherwise bytes outside the alphabet are
/// dropped, padding in the middle counts as one bits, and what remains is decoded as far as it goes.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut damaged = false;
    for byte in text {
        match CLASSES[usize::from(*byte)] {
            Class::Alphabet => clean.push(*byte),
            Class::Blank => {}
            Class::Other => damaged = true,
        }
    }
    damaged |= !clean.len().is_multiple_of(4);
    let data = clean
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    clean.truncate(data);
    for byte in &mut clean {
        if *byte == b'=' {
            *byte = if damaged { b'/' } else { b'A' };
        }
    }
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    BASE64.decode(clean).unwrap_or_default()
}
