//! The patterns of rules on their way from the line to the engines: taken out of their delimiters, captured names found,
//! checked. Does not know what a rule does with them.

use crate::pattern::{self, Flags, Pattern, PatternError, Program};
use crate::ruleset::Source;

use super::text;

/// A pattern as it stands in a line, without delimiters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPattern {
    /// The text, one character a byte.
    pub body: String,
    /// The modifiers.
    pub flags: Flags,
}

/// What can be wrong with a rule's pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// Perl and SpamAssassin refuse it: the rule does not exist.
    #[error("invalid pattern: {0}")]
    Invalid(PatternError),
    /// It is valid and cannot be run here.
    #[error("the pattern cannot be run here: {0}")]
    Unrunnable(PatternError),
}

impl From<PatternError> for PatternFault {
    fn from(error: PatternError) -> Self {
        match error {
            PatternError::Unsupported(_)
            | PatternError::TooDeep
            | PatternError::TooLarge
            | PatternError::Engine(_) => Self::Unrunnable(error),
            _ => Self::Invalid(error),
        }
    }
}

/// Takes a pattern out of its delimiters and checks it.
///
/// # Errors
/// See [`PatternFault`].
pub fn read(delimited: &str) -> Result<RawPattern, PatternFault> {
    let bytes = text::to_bytes(delimited);
    let (body, flags) = pattern::undelimited(&bytes)?;
    let raw = RawPattern {
        body: text::from_bytes(body),
        flags,
    };
    finished(&raw, &raw.body)?;
    Ok(raw)
}

/// A pattern ready for the rule set, with `body` (the tags of which are replaced) in place of its own.
///
/// # Errors
/// See [`PatternFault`].
pub fn finished(raw: &RawPattern, body: &str) -> Result<Source, PatternFault> {
    let text = text::to_bytes(body);
    let templates = templates(&text);
    let pattern = Pattern::plain(&filled(&text, quoted), raw.flags)?;
    let captures = pattern
        .names()
        .filter(|name| starts_upper(name))
        .map(str::to_owned)
        .collect();
    let requirement = if templates.is_empty() {
        pattern.requirement()
    } else {
        // What a template will stand for is not known yet.
        Pattern::plain(&filled(&text, |_| b"(?s:.*)".to_vec()), raw.flags)?.requirement()
    };
    Ok(Source {
        text,
        flags: raw.flags,
        requirement,
        captures,
        templates,
    })
}

fn starts_upper(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
}

/// A pattern, each template replaced by any of the values it has; `None` if one has no value: such a rule does not run.
///
/// # Errors
/// See [`PatternError`].
pub fn pattern_with(
    source: &Source,
    values: impl Fn(&str) -> Vec<Vec<u8>>,
) -> Result<Option<Pattern>, PatternError> {
    if source.templates.iter().any(|name| values(name).is_empty()) {
        return Ok(None);
    }
    let text = filled(&source.text, |template| {
        let name = String::from_utf8_lossy(&template[2..template.len() - 1]);
        let values: Vec<Vec<u8>> = values(&name).iter().map(|value| quoted(value)).collect();
        [b"(?:", &values.join(&b"|"[..])[..], b")"].concat()
    });
    Pattern::plain(&text, source.flags).map(Some)
}

/// The same, compiled.
///
/// # Errors
/// See [`PatternError`].
pub fn compile_with(
    source: &Source,
    values: impl Fn(&str) -> Vec<Vec<u8>>,
) -> Result<Option<Program>, PatternError> {
    pattern_with(source, values)?
        .map(|pattern| pattern.compile())
        .transpose()
}

/// A `%{NAME}` or `%{NAME(…)}`: where it begins, how long it is, and the name.
fn next_template(text: &[u8], from: usize) -> Option<(usize, usize, &[u8])> {
    let mut at = from;
    while let Some(found) = memchr::memmem::find(text.get(at..)?, b"%{") {
        let start = at + found;
        at = start + 2;
        let escaped = start > 0 && text[start - 1] == b'\\';
        let inside = &text[start + 2..];
        let Some(len) = memchr::memchr(b'}', inside) else {
            continue;
        };
        if !escaped && is_template_name(&inside[..len]) {
            return Some((start, len + 3, &inside[..len]));
        }
    }
    None
}

fn is_template_name(name: &[u8]) -> bool {
    let (word, arguments) = match memchr::memchr(b'(', name) {
        Some(at) => name.split_at(at),
        None => (name, &b"()"[..]),
    };
    let part =
        |part: &[u8]| !part.is_empty() && part.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    word.first().is_some_and(u8::is_ascii_uppercase)
        && word.split(|b| *b == b'_').all(part)
        && arguments.ends_with(b")")
        && !arguments[1..arguments.len() - 1].contains(&b')')
}

fn templates(text: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some((start, len, name)) = next_template(text, at) {
        let name = String::from_utf8_lossy(name).into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
        at = start + len;
    }
    names
}

/// The text with something else for each of its templates, which `fill` is given as they stand.
fn filled(text: &[u8], fill: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, len, _)) = next_template(text, at) {
        out.extend_from_slice(&text[at..start]);
        out.extend_from_slice(&fill(&text[start..start + len]));
        at = start + len;
    }
    out.extend_from_slice(&text[at..]);
    out
}

fn quoted(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() * 2);
    for byte in value {
        if !byte.is_ascii_alphanumeric() && *byte != b'_' && byte.is_ascii() {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_stand_for_values() {
        let raw = read("/^%{USER}@(?<HOST>\\w+)$/i").unwrap();
        let source = finished(&raw, &raw.body).unwrap();
        assert_eq!(
            (source.templates.clone(), source.captures.clone()),
            (vec!["USER".to_owned()], vec!["HOST".to_owned()])
        );
        let values = |_: &str| vec![b"a.b".to_vec(), b"c|d".to_vec()];
        let program = pattern_with(&source, values).unwrap().unwrap();
        let program = program.compile().unwrap();
        assert_eq!(program.is_match(b"A.B@example"), Ok(true));
        assert_eq!(program.is_match(b"c|d@example"), Ok(true));
        assert_eq!(program.is_match(b"axb@example"), Ok(false));
        assert!(pattern_with(&source, |_| Vec::new()).unwrap().is_none());
    }

    #[test]
    fn not_every_brace_is_a_template() {
        for text in ["\\%{USER}", "%{user}", "%{A__B}", "%{}", "%{A"] {
            assert!(templates(text.as_bytes()).is_empty(), "{text}");
        }
        assert_eq!(templates(b"%{A_1}%{HDR(X-Y)}%{A_1}"), ["A_1", "HDR(X-Y)"]);
    }

    #[test]
    fn faults_are_told_apart() {
        assert!(matches!(read("/a(/"), Err(PatternFault::Invalid(_))));
        assert!(matches!(read("abc"), Err(PatternFault::Invalid(_))));
        assert!(matches!(read("/\\p{L}/"), Err(PatternFault::Unrunnable(_))));
    }
}
