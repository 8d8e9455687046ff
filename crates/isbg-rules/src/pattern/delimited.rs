//! The outer shell of a pattern in a rule file: `/…/flags`, `m{…}flags`, `qr!…!flags`. Does not look inside.

use super::PatternError;

/// A pattern without its delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimited<'a> {
    /// What stood between the delimiters.
    pub body: &'a [u8],
    /// The modifier letters after the closing one.
    pub flags: &'a [u8],
}

/// Takes the delimiters off.
///
/// # Errors
/// Where there are none, the closing one is missing, a modifier is no lower-case letter, or the delimiter stands
/// unescaped inside (SpamAssassin refuses such a rule, so we do).
pub fn split(text: &[u8]) -> Result<Delimited<'_>, PatternError> {
    let (close, rest) = opening(text)?;
    let flags_len = rest
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_lowercase() && **b != b'e')
        .count();
    let (inside, flags) = rest.split_at(rest.len() - flags_len);
    let Some((&last, body)) = inside.split_last() else {
        return Err(PatternError::NoEnd);
    };
    if last != close {
        return Err(PatternError::NoEnd);
    }
    if !matches!(close, b'}' | b')' | b']') && has_unescaped(body, close) {
        return Err(PatternError::DelimiterInside(char::from(close)));
    }
    Ok(Delimited { body, flags })
}

fn opening(text: &[u8]) -> Result<(u8, &[u8]), PatternError> {
    if let Some(rest) = text.strip_prefix(b"/") {
        return Ok((b'/', rest));
    }
    let rest = text
        .strip_prefix(b"m")
        .or_else(|| text.strip_prefix(b"qr"))
        .ok_or(PatternError::NoDelimiter)?;
    match rest.split_first() {
        Some((b'{', rest)) => Ok((b'}', rest)),
        Some((b'(', rest)) => Ok((b')', rest)),
        Some((b'<', rest)) => Ok((b'>', rest)),
        Some((b'[', rest)) => Ok((b']', rest)),
        Some((b'\\', _)) | None => Err(PatternError::NoDelimiter),
        Some((c, _)) if c.is_ascii_alphanumeric() || *c == b'_' => Err(PatternError::NoDelimiter),
        Some((c, rest)) => Ok((*c, rest)),
    }
}

fn has_unescaped(body: &[u8], delimiter: u8) -> bool {
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' {
            bytes.next();
        } else if *byte == delimiter {
            return true;
        }
    }
    false
}

/// Why the pattern would match everything, as SpamAssassin's lint sees it: it is empty, has an empty branch in the
/// middle (`||`), or begins or ends with `|`.
pub fn always_matches(body: &[u8]) -> Option<&'static str> {
    let escaped = |at: usize| at > 0 && body[at - 1] == b'\\';
    if body.is_empty() {
        return Some("it is empty");
    }
    if body
        .windows(2)
        .enumerate()
        .any(|(at, pair)| pair == b"||" && !escaped(at))
    {
        return Some("it contains `||`");
    }
    let ends = body.ends_with(b"|") && !body.ends_with(b"\\|");
    (body.starts_with(b"|") || ends).then_some("it begins or ends with `|`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells() {
        for (text, body, flags) in [
            ("/a b/", "a b", ""),
            ("/a\\/b/i", "a\\/b", "i"),
            ("m{a{2}}ms", "a{2}", "ms"),
            ("m!^https?://!i", "^https?://", "i"),
            ("qr(x(y))", "x(y)", ""),
            ("m<a>", "a", ""),
            ("m'a'x", "a", "x"),
            ("/see/", "see", ""),
            ("//", "", ""),
        ] {
            let got = split(text.as_bytes()).unwrap();
            assert_eq!(
                (got.body, got.flags),
                (body.as_bytes(), flags.as_bytes()),
                "{text}"
            );
        }
    }

    #[test]
    fn refused_shells() {
        for text in [
            "abc", "/a/b/", "/a", "/", "", "m", "m\\a\\", "/a/e", "/a/I", "m<a>b>", "maba",
        ] {
            assert!(split(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_that_always_match() {
        for text in ["", "a||b", "|a", "a|"] {
            assert!(always_matches(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["a", "a\\||b", "a|b", "a\\|"] {
            assert!(always_matches(text.as_bytes()).is_none(), "{text}");
        }
    }
}
