//! Text of any declared or guessed charset turned into UTF-8, by SpamAssassin's rules. Does not know where the text
//! comes from.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::text::Text;
use super::{labels, legacy};

/// Whether the declared charset must be used even where the text does not fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Insist {
    /// As for encoded words: damage becomes replacement characters.
    Yes,
    /// As for bodies: UTF-8 is tried first, and text that does not fit is guessed.
    No,
}

/// `text` as characters, or as it is where it is 7-bit and needs no decoding. Never fails: at the worst it is read as
/// Windows-1252.
pub(crate) fn normalize(text: &[u8], declared: &[u8], insist: Insist) -> Text {
    let as_it_is = |text: &[u8]| Text {
        text: lossy(text),
        wide: false,
    };
    let decoded = |text: String| Text { text, wide: true };
    let declared = String::from_utf8_lossy(declared).to_ascii_lowercase();
    if text.is_ascii() && is_ascii_superset(&declared) {
        return as_it_is(text);
    }
    if insist == Insist::No
        && !text.is_ascii()
        && let Some(valid) = strict_utf8(text)
    {
        return decoded(valid.to_owned());
    }
    match decode_declared(text, &declared, insist) {
        Some(text) => text,
        None if text.is_ascii() => as_it_is(text),
        None => decoded(windows_1252(text)),
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// UTF-8 whose damage becomes replacement characters: one for each lead byte with the continuation bytes it may have.
fn lossy_utf8(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let valid = match std::str::from_utf8(rest) {
            Ok(valid) => {
                out.push_str(valid);
                return out;
            }
            Err(error) => error.valid_up_to(),
        };
        out.push_str(&lossy(&rest[..valid]));
        out.push(char::REPLACEMENT_CHARACTER);
        let bad = &rest[valid..];
        let announced = match bad[0] {
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf7 => 3,
            0xf8..=0xfb => 4,
            0xfc | 0xfd => 5,
            0xfe => 6,
            0xff => 12,
            _ => 0,
        };
        let following = bad[1..]
            .iter()
            .take(announced)
            .take_while(|byte| (0x80..=0xbf).contains(*byte))
            .count();
        rest = &bad[1 + following..];
    }
}

/// Charsets in which 7-bit text needs no decoding.
fn is_ascii_superset(declared: &str) -> bool {
    let digits = |text: &str, at_most: usize| {
        !text.is_empty() && text.len() <= at_most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let letters =
        |text: &str| matches!(text.len(), 1..=2) && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if matches!(
        declared,
        "ascii" | "us-ascii" | "iso646-us" | "utf-8" | "utf8" | "big5" | "gbk"
    ) {
        return true;
    }
    if let Some(rest) = declared.strip_prefix("iso") {
        let rest = rest.strip_prefix([' ', '-']).unwrap_or(rest);
        if let Some(part) = rest.strip_prefix("8859") {
            return part.is_empty() || part.strip_prefix('-').is_some_and(|part| digits(part, 2));
        }
    }
    if let Some(page) = declared.strip_prefix("windows-") {
        return page.len() == 4 && digits(page, 4);
    }
    if let Some(kind) = declared
        .strip_prefix("koi8-")
        .or_else(|| declared.strip_prefix("euc-"))
    {
        return letters(kind);
    }
    if let Some(rest) = declared.strip_prefix("gb") {
        let rest = rest.strip_prefix([' ', '-']).unwrap_or(rest);
        return rest.strip_prefix("18030").is_some_and(|year| {
            year.is_empty() || year.strip_prefix("-20").is_some_and(|year| digits(year, 2))
        });
    }
    false
}

/// Valid UTF-8 without the code points that Unicode reserves as non-characters.
fn strict_utf8(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.chars().any(is_noncharacter))
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

fn decode_declared(text: &[u8], declared: &str, insist: Insist) -> Option<Text> {
    let wide = |text: String| Text { text, wide: true };
    match declared {
        "ascii" | "us-ascii" if insist == Insist::No => return None,
        "ascii" | "us-ascii" => return Some(wide(seven_bit(text))),
        "iso-8859-1" | "iso8859-1" | "windows-1252" | "cp1252" => {
            let fits = !text.iter().any(|byte| UNASSIGNED_1252.contains(byte));
            return (fits || insist == Insist::Yes).then(|| wide(windows_1252(text)));
        }
        "utf-8" | "utf8" if insist == Insist::No && !text.is_ascii() => return None,
        "utf-8" | "utf8" => {
            let decoded = lossy_utf8(text);
            let checked = decoded
                .chars()
                .map(|c| if is_noncharacter(c) { '\u{fffd}' } else { c });
            return Some(wide(checked.collect()));
        }
        _ => {}
    }
    if is_utf16(declared) {
        let decoded = decode_strictly(guess_utf16(text)?, text, Insist::No)?;
        // In encoded words SpamAssassin checks it and then gives the bytes as they are.
        return Some(match insist {
            Insist::Yes => Text {
                text: text.iter().map(|byte| char::from(*byte)).collect(),
                wide: false,
            },
            Insist::No => wide(decoded),
        });
    }
    let label = labels::canonical(declared);
    if let Some(legacy) = legacy::decode(&label, text) {
        return (legacy.clean || insist == Insist::Yes).then_some(Text {
            wide: legacy.wide || insist == Insist::Yes,
            text: legacy.text,
        });
    }
    let encoding = known(&label)?;
    let decoded = decode_strictly(encoding, text, insist)?;
    single_bytes(&label, encoding, decoded, insist).map(wide)
}

/// Browsers read unassigned bytes of Windows' code pages as control characters, and some ISO charsets as such code pages.
fn single_bytes(label: &str, encoding: &'static Encoding, decoded: String, insist: Insist) -> Option<String> {
    let is_control = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    if !encoding.name().starts_with("windows-") || label.starts_with("iso-") || !decoded.contains(is_control)
    {
        return Some(decoded);
    }
    (insist == Insist::Yes).then(|| {
        decoded
            .chars()
            .map(|c| if is_control(c) { '\u{fffd}' } else { c })
            .collect()
    })
}

fn is_utf16(declared: &str) -> bool {
    let rest = declared.strip_prefix("utf");
    rest.is_some_and(|rest| rest.strip_prefix([' ', '-']).unwrap_or(rest).starts_with("16"))
}

/// Charset names that the Perl library knows.
fn known(label: &str) -> Option<&'static Encoding> {
    let label = match label {
        "big5-page" => "big5",
        "x-unknown" | "x-user-defined" | "iso-8859-8-i" | "ansi" | "x-gbk" => return None,
        other => other,
    };
    let encoding = Encoding::for_label(label.as_bytes())?;
    (encoding != encoding_rs::REPLACEMENT).then_some(encoding)
}

fn decode_strictly(encoding: &'static Encoding, text: &[u8], insist: Insist) -> Option<String> {
    let decoded: Option<Cow<'_, str>> = match insist {
        Insist::Yes => Some(encoding.decode_without_bom_handling(text).0),
        Insist::No => encoding.decode_without_bom_handling_and_without_replacement(text),
    };
    decoded.map(Cow::into_owned)
}

fn seven_bit(text: &[u8]) -> String {
    text.iter()
        .map(|byte| {
            if byte.is_ascii() {
                char::from(*byte)
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

const UNASSIGNED_1252: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

fn windows_1252(text: &[u8]) -> String {
    let decoded = WINDOWS_1252.decode_without_bom_handling(text).0;
    if !text.iter().any(|byte| UNASSIGNED_1252.contains(byte)) {
        return decoded.into_owned();
    }
    let unassigned = |c: char| u8::try_from(c).is_ok_and(|byte| UNASSIGNED_1252.contains(&byte));
    decoded
        .chars()
        .map(|c| if unassigned(c) { '\u{fffd}' } else { c })
        .collect()
}

/// The byte order of UTF-16 without a byte order mark, from where its blanks and its zeros are.
fn guess_utf16(text: &[u8]) -> Option<&'static Encoding> {
    // SpamAssassin leaves text with a mark to its library, and so undecoded.
    if matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return None;
    }
    let (mut little, mut big) = (0u32, 0u32);
    let (mut even, mut odd) = (0u64, 0u64);
    for pair in text.chunks(2) {
        let (first, second) = (pair[0], pair.get(1).copied().unwrap_or(0));
        let nibbles = |byte: u8| u64::from(byte >> 4) + u64::from(byte & 15);
        even += nibbles(first);
        odd += nibbles(second);
        little += u32::from(first == 0x20 && second == 0);
        big += u32::from(first == 0 && second == 0x20);
    }
    little += u32::from(even > odd * 4);
    big += u32::from(odd * 4 > even);
    match little.cmp(&big) {
        std::cmp::Ordering::Greater => Some(UTF_16LE),
        std::cmp::Ordering::Less => Some(UTF_16BE),
        std::cmp::Ordering::Equal => None,
    }
}
