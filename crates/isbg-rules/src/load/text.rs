//! Small text helpers for rule files. These are bytes in no declared encoding, so each byte is carried as the character
//! of the same number; nothing here knows what a line means.

/// Bytes as text, one character a byte.
pub fn from_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// The bytes such a text came from.
pub fn to_bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

/// The text as it was meant, if its bytes were UTF-8.
pub fn to_utf8(text: &str) -> String {
    String::from_utf8_lossy(&to_bytes(text)).into_owned()
}

/// White space in rule files: ASCII only.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Without white space at both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The words of a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// The first word and what follows it.
pub fn first_word(text: &str) -> (&str, &str) {
    match text.split_once(is_space) {
        Some((word, rest)) => (word, rest.trim_start_matches(is_space)),
        None => (text, ""),
    }
}

/// Whether the text may name a rule: an ASCII letter or underscore, then also digits, at most 128 characters.
pub fn is_rule_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 128
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether `text` matches a glob, in which `*` stands for any text and `?` for one character.
pub fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g + 1, t));
                g += 1;
            }
            Some(b'?') => {
                g += 1;
                t += 1;
            }
            Some(byte) if *byte == text[t] => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    g = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(to_bytes(&from_bytes(&all)), all);
        assert_eq!(to_utf8(&from_bytes("Grüße".as_bytes())), "Grüße");
        assert_eq!(words("a\u{a0}b c").count(), 2);
    }

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("*@example.com", "me@example.com", true),
            ("*@example.com", "me@example.com.evil", false),
            ("a?c*", "abcd", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(
                glob_matches(glob.as_bytes(), text.as_bytes()),
                expected,
                "{glob} {text}"
            );
        }
        let stars = "*a".repeat(500);
        assert!(!glob_matches(stars.as_bytes(), "a".repeat(499).as_bytes()));
    }
}
