//! Header text decoded as SpamAssassin does it: folds, raw 8-bit, encoded words. Does not know addresses.

use bytes::Bytes;
use memchr::{memchr, memmem};

use super::charset::{self, Insist};
use super::decode;
use super::head::{is_space, trim};

/// Fields whose encoded words are left alone.
const VERBATIM: [&[u8]; 8] = [
    b"received",
    b"message-id",
    b"date",
    b"resent-message-id",
    b"resent-date",
    b"mime-version",
    b"references",
    b"in-reply-to",
];

/// A raw value unfolded, trimmed and decoded to UTF-8.
pub(crate) fn decode_field(raw: &Bytes, name: &[u8]) -> Bytes {
    let trimmed = trim(raw);
    if memchr(b'\n', trimmed).is_none() && !needs_decoding(trimmed) {
        return raw.slice_ref(trimmed);
    }
    let mut unfolded = Vec::with_capacity(trimmed.len());
    let mut rest = trimmed;
    while let Some(at) = memchr(b'\n', rest) {
        unfolded.extend_from_slice(&rest[..at]);
        let blanks = rest[at + 1..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        unfolded.push(if blanks > 0 { b' ' } else { b'\n' });
        rest = &rest[at + 1 + blanks..];
    }
    unfolded.extend_from_slice(rest);
    decode_text(trim(&unfolded), name).into()
}

fn needs_decoding(text: &[u8]) -> bool {
    !text.is_ascii() || memmem::find(text, b"=?").is_some()
}

/// Decodes text that is unfolded already. `name` is the field's.
pub(crate) fn decode_text(text: &[u8], name: &[u8]) -> Vec<u8> {
    let mut text = without_line_ends(text);
    if !text.is_ascii() {
        text = charset::normalize(&text, b"UTF-8", Insist::No).text.into_bytes();
    }
    let lower = name.to_ascii_lowercase();
    let verbatim = VERBATIM.contains(&lower.as_slice()) || lower.starts_with(b"list-");
    if verbatim || memmem::find(&text, b"=?").is_none() {
        return text;
    }
    decode_words(&text)
}

/// A line end and a blank become a blank; other line ends vanish.
fn without_line_ends(text: &[u8]) -> Vec<u8> {
    if memchr(b'\n', text).is_none() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\n' {
            out.push(byte);
            continue;
        }
        if out.last() == Some(&b'\r') {
            out.pop();
        }
        if bytes.next_if(|next| matches!(next, b' ' | b'\t')).is_some() {
            out.push(b' ');
        }
    }
    out
}

struct Word<'a> {
    charset: &'a [u8],
    base64: bool,
    text: &'a [u8],
    len: usize,
}

/// `=?charset?q?text?=` at the start of `text`.
fn word(text: &[u8]) -> Option<Word<'_>> {
    let rest = text.strip_prefix(b"=?")?;
    let name = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'_' | b'-'))
        .count();
    let (charset, rest) = rest.split_at(name);
    let (encoding, rest) = match rest {
        [b'?', encoding @ (b'b' | b'B' | b'q' | b'Q'), b'?', rest @ ..] => (encoding, rest),
        _ => return None,
    };
    let length = memchr(b'?', rest)?;
    if charset.is_empty() || rest.get(length + 1) != Some(&b'=') {
        return None;
    }
    Some(Word {
        charset,
        base64: encoding.eq_ignore_ascii_case(&b'b'),
        text: &rest[..length],
        len: 2 + name + 3 + length + 2,
    })
}

fn decode_words(text: &[u8]) -> Vec<u8> {
    // Neighbours of one charset are joined before they are decoded: characters may be cut in two between words.
    let mut sections: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut push = |charset: Vec<u8>, bytes: &[u8]| match sections.last_mut() {
        Some((last, joined)) if *last == charset => joined.extend_from_slice(bytes),
        _ => sections.push((charset, bytes.to_vec())),
    };
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(word) = word(rest) {
            let bytes = if word.base64 {
                decode::base64(word.text)
            } else {
                let text: Vec<u8> = word
                    .text
                    .iter()
                    .map(|byte| if *byte == b'_' { b' ' } else { *byte })
                    .collect();
                decode::quoted_printable_word(&text)
            };
            push(word.charset.to_ascii_lowercase(), &bytes);
            rest = &rest[word.len..];
            let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
            if blanks > 0 && self::word(&rest[blanks..]).is_some() {
                rest = &rest[blanks..];
            }
        } else {
            let plain = 1 + memchr(b'=', &rest[1..]).unwrap_or(rest.len() - 1);
            push(Vec::new(), &rest[..plain]);
            rest = &rest[plain..];
        }
    }
    let mut out = Vec::with_capacity(text.len());
    for (charset, bytes) in sections {
        // RFC 2231 section 5: a language may follow the charset.
        let charset = charset.split(|byte| *byte == b'*').next().unwrap_or_default();
        if charset.is_empty() {
            out.extend_from_slice(&bytes);
        } else {
            out.extend(charset::normalize(&bytes, charset, Insist::Yes).bytes());
        }
    }
    out
}
