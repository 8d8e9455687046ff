//! What SpamAssassin makes of a Content-Type value: type, boundary, charset, file name. Laxer than RFC 2045 and in its own
//! ways. Does not know the part.

use super::head::is_space;

/// What stands further behind in a value is not looked at.
const VALUE_BYTES: usize = 8_192;

/// The parts of a Content-Type that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `type/subtype` in lower case. Unknown text types are text/plain.
    pub essence: String,
    pub boundary: Option<Vec<u8>>,
    pub charset: Option<Vec<u8>>,
    pub name: Option<Vec<u8>>,
    /// Whether there was no usable type at all.
    pub missing: bool,
}

impl Kind {
    pub(crate) fn parse(value: Option<&[u8]>) -> Self {
        let given = value.filter(|value| !matches!(*value, b"" | b"0"));
        let value = given.unwrap_or(b"text/plain; charset=us-ascii");
        let value = &value[..value.len().min(VALUE_BYTES)];
        let (essence, unusable) = essence(value);
        let name =
            parameter(value, &["filename", "name"]).filter(|name| !matches!(name.as_slice(), b"" | b"0"));
        Self {
            essence,
            boundary: boundary(value),
            charset: parameter(value, &["charset"]),
            name: name.or_else(|| numbered_name(value)),
            missing: given.is_none() || unusable,
        }
    }

    pub(crate) fn is_multipart(&self) -> bool {
        self.essence.starts_with("multipart/")
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The type, and whether nothing usable was left of it.
fn essence(value: &[u8]) -> (String, bool) {
    let start = value.iter().take_while(|byte| is_space(**byte)).count();
    let value = value[start..]
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    let kind = value.iter().take_while(|byte| **byte != b'/').count();
    let mut end = kind;
    if kind == 0 {
        end = value.len();
    } else if value.get(kind) == Some(&b'/') {
        let subtype = value[kind + 1..]
            .iter()
            .take_while(|byte| **byte != b'/' && !is_space(**byte))
            .count();
        end = kind + 1 + subtype;
    }
    let mut essence = value[..end].to_ascii_lowercase();
    let unusable = matches!(essence.as_slice(), b"" | b"0");
    let text = essence.starts_with(b"text") && !essence.get(4).copied().is_some_and(is_word);
    let kept = matches!(
        essence.as_slice(),
        b"text/x-vcard" | b"text/calendar" | b"text/html"
    );
    if unusable || (text && !kept) {
        essence = b"text/plain".to_vec();
    }
    essence.retain(|byte| matches!(byte, 0x21..=0x7e) && !b"\"(),:;<=>?@[\\]".contains(byte));
    (String::from_utf8_lossy(&essence).into_owned(), unusable)
}

/// Where a parameter of one of `names` (in any case, with a word boundary before it) has its value: behind `=` and blanks.
fn values<'a>(value: &'a [u8], names: &'a [&str]) -> impl Iterator<Item = &'a [u8]> {
    let equals = (0..value.len()).filter(|at| value[*at] == b'=');
    equals.filter_map(move |equal| {
        let before = &value[..equal - trailing(&value[..equal])];
        let named = names.iter().any(|name| {
            let Some(start) = before.len().checked_sub(name.len()) else {
                return false;
            };
            before[start..].eq_ignore_ascii_case(name.as_bytes())
                && (start == 0 || !is_word(before[start - 1]))
        });
        let rest = &value[equal + 1..];
        let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
        named.then(|| &rest[blanks..])
    })
}

fn trailing(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| is_space(**byte)).count()
}

fn parameter(value: &[u8], names: &[&str]) -> Option<Vec<u8>> {
    values(value, names).find_map(up_to_semicolon)
}

/// Without a quote of either kind before and after it.
fn up_to_semicolon(rest: &[u8]) -> Option<Vec<u8>> {
    let rest = rest
        .strip_prefix(b"\"")
        .or_else(|| rest.strip_prefix(b"'"))
        .unwrap_or(rest);
    let text = rest.split(|byte| *byte == b';').next().unwrap_or_default();
    let text = text
        .strip_suffix(b"\n")
        .filter(|_| text.len() == rest.len())
        .unwrap_or(text);
    if text.contains(&b'\n') {
        return None;
    }
    Some(
        text.strip_suffix(b"\"")
            .or_else(|| text.strip_suffix(b"'"))
            .unwrap_or(text)
            .to_vec(),
    )
}

fn boundary(value: &[u8]) -> Option<Vec<u8>> {
    values(value, &["boundary"]).find_map(|rest| {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let text = quoted.split(|byte| *byte == b'"').next().unwrap_or_default();
            if !text.is_empty() {
                return Some(text.to_vec());
            }
        }
        let length = rest
            .iter()
            .take_while(|byte| !is_space(**byte) && !matches!(byte, b'"' | b';'))
            .count();
        let ended = rest
            .get(length)
            .is_none_or(|byte| is_space(*byte) || *byte == b';');
        (length > 0 && ended).then(|| rest[..length].to_vec())
    })
}

/// RFC 2231 §3: `name*0=…; name*1=…`, joined. Their charsets are not looked at.
fn numbered_name(value: &[u8]) -> Option<Vec<u8>> {
    let mut pieces: Vec<(u32, Vec<u8>)> = Vec::new();
    for equal in (0..value.len()).filter(|at| value[*at] == b'=') {
        let before = &value[..equal - trailing(&value[..equal])];
        let digits = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (before, number) = before.split_at(before.len() - digits);
        let Some(before) = before.strip_suffix(b"*") else {
            continue;
        };
        let lower = before.to_ascii_lowercase();
        let base = lower
            .strip_suffix(b"filename")
            .or_else(|| lower.strip_suffix(b"name"));
        let number = std::str::from_utf8(number)
            .ok()
            .and_then(|text| text.parse().ok());
        if let (Some(base), Some(number)) = (base, number)
            && !base.last().copied().is_some_and(is_word)
        {
            let rest = &value[equal + 1..];
            let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
            pieces.extend(up_to_semicolon(&rest[blanks..]).map(|piece| (number, piece)));
        }
    }
    if !pieces.iter().any(|(number, _)| *number == 0) {
        return None;
    }
    // Of the same number the last one counts.
    pieces.reverse();
    pieces.sort_by_key(|(number, _)| *number);
    pieces.dedup_by_key(|(number, _)| *number);
    let joined: Vec<u8> = pieces.into_iter().flat_map(|(_, piece)| piece).collect();
    (!joined.is_empty()).then_some(joined)
}
