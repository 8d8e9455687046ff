//! Undoes transfer encodings, encoded words and charsets, leniently and up to a cap. Does not know where the bytes came
//! from.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use memchr::memmem;

/// Undoes a Content-Transfer-Encoding (RFC 2045 section 6), giving at most `cap` bytes. An unknown encoding is none.
pub(crate) fn transfer<'a>(body: &'a [u8], encoding: &[u8], cap: usize) -> Cow<'a, [u8]> {
    if encoding.eq_ignore_ascii_case(b"base64") {
        Cow::Owned(base64(body, cap))
    } else if encoding.eq_ignore_ascii_case(b"quoted-printable") {
        Cow::Owned(quoted_printable(body, cap))
    } else {
        Cow::Borrowed(&body[..body.len().min(cap)])
    }
}

/// Decodes base64, skipping whatever is not of its alphabet, as mail programs do.
pub(crate) fn base64(text: &[u8], cap: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity((text.len() / 4 * 3 + 3).min(cap));
    let (mut bits, mut held) = (0u32, 0);
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            if out.len() >= cap {
                break;
            }
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// Decodes quoted-printable; a `=` that starts nothing valid stays as it is.
pub(crate) fn quoted_printable(text: &[u8], cap: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().min(cap));
    let mut at = 0;
    while at < text.len() && out.len() < cap {
        let plain = memchr::memchr(b'=', &text[at..]).unwrap_or(text.len() - at);
        out.extend_from_slice(&text[at..at + plain.min(cap - out.len())]);
        at += plain;
        let rest = &text[at..];
        match rest {
            [b'=', b'\n', ..] => at += 2,
            [b'=', b'\r', b'\n', ..] => at += 3,
            [b'=', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                at += 3;
            }
            [byte, ..] => {
                out.push(*byte);
                at += 1;
            }
            [] => {}
        }
    }
    out
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// Text in UTF-8. An unknown charset is read as UTF-8 where it is that, and as windows-1252 otherwise.
pub(crate) fn charset<'a>(bytes: &'a [u8], label: Option<&[u8]>) -> Cow<'a, str> {
    let named = label
        .and_then(Encoding::for_label)
        .filter(|&named| named != UTF_8);
    // ISO-2022-JP and UTF-16 give ASCII bytes another meaning.
    let plain = named.is_none_or(|named| named.is_ascii_compatible());
    match std::str::from_utf8(bytes) {
        Ok(text) if plain && (named.is_none() || text.is_ascii()) => Cow::Borrowed(text),
        // A cap may have cut a character in two.
        Err(error) if named.is_none() && error.error_len().is_none() => {
            Cow::Borrowed(std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default())
        }
        _ => named.unwrap_or(WINDOWS_1252).decode_without_bom_handling(bytes).0,
    }
}

/// A header value with its encoded words (RFC 2047) decoded and its folds removed, at most `cap` bytes of it read.
pub(crate) fn header_text(value: &[u8], cap: usize) -> String {
    let value = &value[..value.len().min(cap)];
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    let mut after_word = false;
    while !rest.is_empty() {
        let start = memmem::find(rest, b"=?");
        let plain = &rest[..start.unwrap_or(rest.len())];
        // White space between two encoded words is not part of the text.
        if !(after_word && start.is_some() && plain.iter().all(u8::is_ascii_whitespace)) {
            push_unfolded(&mut out, plain);
        }
        let Some(start) = start else { break };
        rest = &rest[start..];
        match encoded_word(rest) {
            Some((text, length)) => {
                out.push_str(&text);
                rest = &rest[length..];
                after_word = true;
            }
            None => {
                out.push_str("=?");
                rest = &rest[2..];
                after_word = false;
            }
        }
    }
    out
}

fn push_unfolded(out: &mut String, bytes: &[u8]) {
    let text = charset(bytes, None);
    out.extend(text.chars().filter(|letter| !matches!(letter, '\r' | '\n')));
}

/// The text of the encoded word that `rest` starts with, and its length.
fn encoded_word(rest: &[u8]) -> Option<(String, usize)> {
    let inner = rest.strip_prefix(b"=?")?;
    let label_end = memchr::memchr(b'?', &inner[..inner.len().min(60)])?;
    let label = inner[..label_end].split(|byte| *byte == b'*').next()?;
    let [kind, b'?', text @ ..] = &inner[label_end + 1..] else {
        return None;
    };
    let end = memmem::find(text, b"?=")?;
    let bytes = match kind.to_ascii_lowercase() {
        b'b' => base64(&text[..end], end),
        b'q' => {
            let spaced: Vec<u8> = text[..end]
                .iter()
                .map(|&byte| if byte == b'_' { b' ' } else { byte })
                .collect();
            quoted_printable(&spaced, end)
        }
        _ => return None,
    };
    let length = 2 + label_end + 1 + 2 + end + 2;
    Some((charset(&bytes, Some(label)).into_owned(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_encodings() {
        assert_eq!(&*transfer(b"SGVs\r\nbG8=", b"Base64", 100), b"Hello");
        assert_eq!(&*transfer(b"SGVsbG8=", b"base64", 3), b"Hel");
        assert_eq!(
            &*transfer(b"a=3Db=\r\nc=\nd=zz=", b"quoted-printable", 100),
            b"a=bcd=zz="
        );
        assert_eq!(&*transfer(b"as it is", b"x-odd", 5), b"as it");
    }

    #[test]
    fn charsets() {
        assert_eq!(charset(b"caf\xe9", Some(b"iso-8859-1")), "café");
        assert_eq!(charset(b"caf\xe9 ", Some(b"no-such")), "café ");
        assert_eq!(charset("café".as_bytes(), None), "café");
        assert_eq!(charset(&"café".as_bytes()[..4], None), "caf");
        assert_eq!(charset(b"\x1b$B$\"\x1b(B", Some(b"iso-2022-jp")), "あ");
    }

    #[test]
    fn encoded_words() {
        let value = b"=?utf-8?Q?Re:_caf=C3=A9?=\r\n =?UTF-8*en?B?ISE=?= end =?x?";
        assert_eq!(header_text(value, 1000), "Re: café!! end =?x?");
    }
}
