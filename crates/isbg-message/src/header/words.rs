//! Encoded words (RFC 2047) and raw 8-bit header text made readable. Lenient, for display only: what a rule sees of a
//! header is decoded elsewhere.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, WINDOWS_1252};
use memchr::memmem;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// One word `=?charset?encoding?text?=`, decoded to bytes of its charset.
struct Word<'a> {
    charset: &'a [u8],
    bytes: Vec<u8>,
    len: usize,
}

/// `text` with its encoded words decoded, at most `limit` characters. Neighbours of the same charset are joined before
/// decoding, as characters are often cut in two; blanks between neighbours vanish. Outside words, and in charsets
/// that are unknown, bytes are read as UTF-8 and else as Windows-1252.
pub fn decode_words(text: &[u8], limit: usize) -> String {
    // No character takes more than a hundred bytes of any encoding in real life.
    let mut rest = &text[..text.len().min(limit.saturating_mul(100))];
    let mut out = String::new();
    let mut pending: Option<(&[u8], Vec<u8>)> = None;
    while !rest.is_empty() {
        let plain_len = memmem::find(rest, b"=?").unwrap_or(rest.len());
        let (plain, from_word) = rest.split_at(plain_len);
        let Some(word) = word(from_word) else {
            flush(&mut out, &mut pending);
            let taken = (plain_len + 2).min(rest.len());
            push_guessed(&mut out, &rest[..taken]);
            rest = &rest[taken..];
            continue;
        };
        let joined = pending.is_some() && plain.iter().all(u8::is_ascii_whitespace);
        if !joined {
            flush(&mut out, &mut pending);
            push_guessed(&mut out, plain);
        }
        match &mut pending {
            Some((charset, bytes)) if charset.eq_ignore_ascii_case(word.charset) => {
                bytes.extend_from_slice(&word.bytes);
            }
            _ => {
                flush(&mut out, &mut pending);
                pending = Some((word.charset, word.bytes));
            }
        }
        rest = &from_word[word.len..];
    }
    flush(&mut out, &mut pending);
    match out.char_indices().nth(limit) {
        Some((end, _)) => out[..end].to_owned(),
        None => out,
    }
}

/// The encoded word at the start of `text`. Nothing that claims to be longer than 1,000 bytes is one.
fn word(text: &[u8]) -> Option<Word<'_>> {
    let inner = &text.get(2..)?[..(text.len() - 2).min(1_000)];
    let mut parts = inner.splitn(3, |byte| *byte == b'?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let encoded = &rest[..memmem::find(rest, b"?=")?];
    let bytes = match encoding {
        b"q" | b"Q" => q_decode(encoded),
        b"b" | b"B" => {
            let clean: Vec<u8> = encoded.iter().copied().filter(|byte| *byte != b' ').collect();
            BASE64.decode(clean).ok()?
        }
        _ => return None,
    };
    let len = 2 + charset.len() + 1 + encoding.len() + 1 + encoded.len() + 2;
    // RFC 2231 §5: a language may follow the charset.
    let charset = charset.split(|byte| *byte == b'*').next()?;
    Some(Word { charset, bytes, len })
}

fn q_decode(encoded: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while let Some(byte) = encoded.get(at) {
        at += 1;
        match byte {
            b'_' => bytes.push(b' '),
            b'=' => match encoded.get(at..at + 2).and_then(hex_pair) {
                Some(value) => {
                    bytes.push(value);
                    at += 2;
                }
                None => bytes.push(b'='),
            },
            byte => bytes.push(*byte),
        }
    }
    bytes
}

pub(crate) fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    }
}

fn flush(out: &mut String, pending: &mut Option<(&[u8], Vec<u8>)>) {
    let Some((charset, bytes)) = pending.take() else {
        return;
    };
    match Encoding::for_label(charset) {
        Some(encoding) => out.push_str(&encoding.decode_without_bom_handling(&bytes).0),
        None => push_guessed(out, &bytes),
    }
}

fn push_guessed(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_only_looks_like_them() {
        for (text, shown) in [
            ("plain", "plain"),
            ("=?utf-8?Q?a_b=3D?= c", "a b= c"),
            ("=?utf-8?b?w6Q=?= =?UTF-8?B?w7Y?=", "äö"),
            ("=?utf-8?b?4pg=?=  =?utf-8?b?gw==?=", "☃"),
            ("=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=B6?=", "äö"),
            ("=?utf-8*de?q?x?=y=?utf-8?q?z?=", "xyz"),
            ("=?no-such?q?=E4?=", "ä"),
            ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
            ("=?utf-8?b?!?=", "=?utf-8?b?!?="),
            ("=?=?=?utf-8?q?a?=", "=?=?a"),
            ("=?", "=?"),
            ("=?a?q?", "=?a?q?"),
            ("=?utf-8?q?=4?=", "=4"),
        ] {
            assert_eq!(decode_words(text.as_bytes(), 100), shown, "{text}");
        }
        assert_eq!(decode_words(b"gr\xfc\xdfe", 100), "grüße");
        assert_eq!(decode_words("ääää".as_bytes(), 2), "ää");
    }

    #[test]
    fn a_megabyte_of_openings_is_linear_work() {
        let text = b"=?a?q?".repeat(200_000);
        assert_eq!(decode_words(&text, 1_000).chars().count(), 1_000);
    }
}
