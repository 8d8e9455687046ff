//! Reads Content-Type and the parameters of structured fields, as much as mail programs tolerate. Does not know what a
//! type means.

/// Bytes of a field that are looked at.
const VALUE_LIMIT: usize = 2048;
/// Bytes of one parameter's value; RFC 2046 allows a boundary 70.
const PARAMETER_LIMIT: usize = 200;

/// A Content-Type field (RFC 2045 section 5), read leniently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentType {
    /// `type/subtype` in lower case; `text/plain` where nothing readable is given.
    pub kind: String,
    pub charset: Option<Vec<u8>>,
    pub boundary: Option<Vec<u8>>,
    pub name: Option<Vec<u8>>,
}

impl ContentType {
    pub(crate) fn parse(value: &[u8]) -> Self {
        let value = &value[..value.len().min(VALUE_LIMIT)];
        let end = value
            .iter()
            .position(|byte| matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n' | b'('))
            .unwrap_or(value.len());
        let kind = String::from_utf8_lossy(&value[..end.min(80)]).to_ascii_lowercase();
        Self {
            kind: if kind.contains('/') {
                kind
            } else {
                "text/plain".to_owned()
            },
            charset: parameter(value, "charset"),
            boundary: parameter(value, "boundary").filter(|boundary| !boundary.is_empty()),
            name: parameter(value, "name"),
        }
    }
}

/// The value of the parameter `name` (or its RFC 2231 form `name*`), unquoted.
pub(crate) fn parameter(value: &[u8], name: &str) -> Option<Vec<u8>> {
    let value = &value[..value.len().min(VALUE_LIMIT)];
    let mut rest = after_semicolon(value)?;
    loop {
        let key_end = rest.iter().position(|byte| matches!(byte, b'=' | b';'))?;
        if rest[key_end] == b';' {
            rest = &rest[key_end + 1..];
            continue;
        }
        let key = rest[..key_end].trim_ascii();
        let key = key.strip_suffix(b"*").unwrap_or(key);
        let given = rest[key_end + 1..].trim_ascii_start();
        if key.eq_ignore_ascii_case(name.as_bytes()) {
            return Some(unquote(given));
        }
        rest = after_semicolon(given)?;
    }
}

/// What follows the next semicolon outside quotes.
fn after_semicolon(text: &[u8]) -> Option<&[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

fn unquote(given: &[u8]) -> Vec<u8> {
    let Some(quoted) = given.strip_prefix(b"\"") else {
        let end = given
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || *byte == b';')
            .unwrap_or(given.len());
        return given[..end.min(PARAMETER_LIMIT)].to_vec();
    };
    let mut plain = Vec::new();
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => plain.extend(bytes.next()),
            b'\r' | b'\n' => {}
            _ => plain.push(byte),
        }
        if plain.len() >= PARAMETER_LIMIT {
            break;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_behind_quoted_semicolons() {
        let value = b"multipart/Mixed; name=\"a;boundary=no\\\"\";\r\n\tBoundary=\"--=_x y\" ; charset=utf-8";
        let read = ContentType::parse(value);
        assert_eq!(read.kind, "multipart/mixed");
        assert_eq!(read.boundary.as_deref(), Some(&b"--=_x y"[..]));
        assert_eq!(read.charset.as_deref(), Some(&b"utf-8"[..]));
        assert_eq!(read.name.as_deref(), Some(&b"a;boundary=no\""[..]));
    }

    #[test]
    fn nonsense_is_plain_text() {
        for value in [&b""[..], b"text", b";;;==;\"", b"text;charset"] {
            assert_eq!(ContentType::parse(value).kind, "text/plain");
        }
    }
}
