//! The Content-Type field: type and parameters, RFC 2231 continuations and encodings included. Does not judge whether
//! the type fits the content.

use crate::header::hex_pair;

/// A value longer than this is cut before it is parsed, so that a thousand parts stay small.
const VALUE_BYTES: usize = 4_096;

/// More parameters than this are not looked at.
const PARAMETERS: usize = 64;

/// A Content-Type: `type/subtype` in lower case, and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// `type/subtype` in lower case; `text/plain` where the field is missing or broken (RFC 2045 §5.2).
    pub essence: String,
    /// Names in lower case, values unquoted and joined. Values are bytes: their charset, if told, is not applied.
    pub parameters: Vec<(String, Vec<u8>)>,
}

impl Default for ContentType {
    fn default() -> Self {
        Self {
            essence: "text/plain".to_owned(),
            parameters: Vec::new(),
        }
    }
}

impl ContentType {
    /// Parses an unfolded value.
    pub fn parse(value: &[u8]) -> Self {
        let value = &value[..value.len().min(VALUE_BYTES)];
        let mut scanner = Scanner { rest: value };
        let essence = scanner.token(b";");
        let essence = String::from_utf8_lossy(&essence).to_ascii_lowercase();
        let valid = essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty());
        let mut pieces = Vec::new();
        while scanner.skip_past(b';') && pieces.len() < PARAMETERS {
            let name = scanner.token(b"=;");
            if scanner.rest.first() != Some(&b'=') {
                continue;
            }
            scanner.rest = &scanner.rest[1..];
            let value = scanner.value();
            if !name.is_empty() {
                pieces.push((String::from_utf8_lossy(&name).to_ascii_lowercase(), value));
            }
        }
        Self {
            essence: if valid { essence } else { Self::default().essence },
            parameters: join(pieces),
        }
    }

    /// The first parameter of that name (in lower case).
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        let found = self.parameters.iter().find(|(own, _)| own == name)?;
        Some(&found.1)
    }

    /// Whether this is `multipart/…`.
    pub fn is_multipart(&self) -> bool {
        self.essence.starts_with("multipart/")
    }

    /// Whether this is a whole message (`message/rfc822`, or RFC 6532's `message/global`).
    pub fn is_message(&self) -> bool {
        matches!(self.essence.as_str(), "message/rfc822" | "message/global")
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// Bytes up to one of `stops`, without blanks and without comments in parentheses.
    fn token(&mut self, stops: &[u8]) -> Vec<u8> {
        let mut token = Vec::new();
        let mut depth = 0usize;
        while let Some(byte) = self.rest.first() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                byte if depth > 0 || byte.is_ascii_whitespace() => {}
                byte if stops.contains(byte) => break,
                byte => token.push(*byte),
            }
            self.rest = &self.rest[1..];
        }
        token
    }

    /// A parameter's value: a quoted string, or a token.
    fn value(&mut self) -> Vec<u8> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.first() != Some(&b'"') {
            return self.bare_value();
        }
        let mut value = Vec::new();
        let mut bytes = self.rest[1..].iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => break,
                b'\\' => value.extend(bytes.next()),
                byte => value.push(*byte),
            }
        }
        self.rest = bytes.as_slice();
        value
    }

    /// Unquoted: up to a semicolon. Parentheses are kept, for they occur in unquoted boundaries.
    fn bare_value(&mut self) -> Vec<u8> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == b';')
            .unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        value.trim_ascii().to_vec()
    }

    fn skip_past(&mut self, stop: u8) -> bool {
        match self.rest.iter().position(|byte| *byte == stop) {
            Some(at) => {
                self.rest = &self.rest[at + 1..];
                true
            }
            None => false,
        }
    }
}

/// RFC 2231 §3 and §4: `name*0`, `name*1*`, … become `name`; percent-encoding is undone, charset and language dropped.
fn join(pieces: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut joined: Vec<(String, Vec<u8>)> = Vec::new();
    let mut sections: Vec<(String, u32, Vec<u8>)> = Vec::new();
    for (name, value) in pieces {
        let Some((base, section)) = name.split_once('*') else {
            joined.push((name, value));
            continue;
        };
        let number = section.strip_suffix('*').unwrap_or(section);
        let encoded = section.is_empty() || section.ends_with('*');
        let Some(number) = (if number.is_empty() {
            Some(0)
        } else {
            number.parse().ok()
        }) else {
            continue;
        };
        let value = if encoded {
            percent_decode(&value, number == 0)
        } else {
            value
        };
        sections.push((base.to_owned(), number, value));
    }
    sections.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (base, number, value) in sections {
        match joined.iter_mut().find(|(name, _)| *name == base) {
            Some((_, whole)) if number > 0 => whole.extend_from_slice(&value),
            Some((_, whole)) => *whole = value,
            None => joined.push((base, value)),
        }
    }
    joined
}

fn percent_decode(value: &[u8], first: bool) -> Vec<u8> {
    let text = match value.splitn(3, |byte| *byte == b'\'').nth(2) {
        Some(text) if first => text,
        _ => value,
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match text.get(at + 1..at + 3).and_then(hex_pair) {
            Some(decoded) if *byte == b'%' => {
                bytes.push(decoded);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        for (value, essence, name, parameter) in [
            (
                "multipart/mixed; boundary=abc",
                "multipart/mixed",
                "boundary",
                "abc",
            ),
            (
                "Multipart/Mixed ;\t BOUNDARY = \"a b\\\"c\" ; x=y",
                "multipart/mixed",
                "boundary",
                "a b\"c",
            ),
            ("text/plain (c; x=1); charset=a", "text/plain", "charset", "a"),
            (
                "message/rfc822; x-spam-type=original",
                "message/rfc822",
                "x-spam-type",
                "original",
            ),
            ("nonsense; a=b", "text/plain", "a", "b"),
            ("a/b; x*=utf-8'de'%c3%A4%", "a/b", "x", "ä%"),
            ("a/b; x*1=c; x*0*=''a%62; y", "a/b", "x", "abc"),
            ("a/b; ;;= ; =d; x=\"open", "a/b", "x", "open"),
        ] {
            let parsed = ContentType::parse(value.as_bytes());
            assert_eq!(parsed.essence, essence, "{value}");
            assert_eq!(parsed.parameter(name), Some(parameter.as_bytes()), "{value}");
        }
        assert_eq!(ContentType::parse(b""), ContentType::default());
        let eight_bit = ContentType::parse(b"multipart/mixed; boundary=\"a\xe4\xff\"");
        assert_eq!(eight_bit.parameter("boundary"), Some(&b"a\xe4\xff"[..]));
    }
}
