//! What follows a backslash outside a class, and the parts of it that classes share. Does not know groups.

use super::PatternError;
use super::ast::Assert;
use super::parse::Parser;
use super::set::ByteSet;

/// The meaning of a backslash sequence.
pub(super) enum Escape {
    Byte(u8),
    Set(ByteSet),
    Assert(Assert),
    Keep,
    LineBreak,
    Group(u32),
    NamedGroup(String),
}

/// Reads a sequence; the backslash is behind us.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Escape, PatternError> {
    let Some(letter) = parser.peek() else {
        return parser.fail("a backslash at the end");
    };
    if let Some(common) = shared(parser, letter)? {
        return Ok(common);
    }
    if letter.is_ascii_digit() {
        return digits(parser);
    }
    parser.at += 1;
    Ok(match letter {
        b'b' | b'B' if parser.peek() == Some(b'{') => {
            return Err(PatternError::Unsupported("a Unicode boundary `\\b{…}`"));
        }
        b'b' => Escape::Assert(Assert::WordBoundary),
        b'B' => Escape::Assert(Assert::NotWordBoundary),
        b'A' => Escape::Assert(Assert::Start),
        b'z' => Escape::Assert(Assert::End),
        b'Z' => Escape::Assert(Assert::EndOrFinalNewline),
        b'R' => Escape::LineBreak,
        b'K' => Escape::Keep,
        b'N' if parser.peek() == Some(b'{') => {
            return Err(PatternError::Unsupported("a character by name `\\N{…}`"));
        }
        b'N' => Escape::Set(ByteSet::one(b'\n').complement()),
        b'g' => return numbered(parser),
        b'k' => return named(parser),
        b'G' | b'X' | b'C' => return Err(PatternError::Unsupported("`\\G`, `\\X` or `\\C`")),
        _ => {
            return Err(PatternError::Syntax(
                "an escaped letter without meaning",
                parser.at,
            ));
        }
    })
}

/// The sequences that mean the same inside and outside a class; `None` for all others, nothing consumed then.
pub(super) fn shared(parser: &mut Parser<'_>, letter: u8) -> Result<Option<Escape>, PatternError> {
    let set = |set| Ok(Escape::Set(set));
    let byte = |byte| Ok(Escape::Byte(byte));
    let start = parser.at;
    parser.at += 1;
    let escape: Result<Escape, PatternError> = match letter {
        b'd' => set(digit()),
        b'D' => set(digit().complement()),
        b'w' => set(word()),
        b'W' => set(word().complement()),
        b's' => set(space()),
        b'S' => set(space().complement()),
        b'h' => set(horizontal()),
        b'H' => set(horizontal().complement()),
        b'v' => set(vertical()),
        b'V' => set(vertical().complement()),
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        b'f' => byte(0x0c),
        b'e' => byte(0x1b),
        b'a' => byte(0x07),
        b'x' => hexadecimal(parser),
        b'o' => braced_octal(parser),
        b'c' => match parser.peek() {
            Some(c) if c.is_ascii_graphic() => {
                parser.at += 1;
                byte(c.to_ascii_uppercase() ^ 0x40)
            }
            _ => parser.fail("a control escape without its letter"),
        },
        b'p' | b'P' => Err(PatternError::Unsupported("a Unicode property `\\p`")),
        other if !other.is_ascii_alphanumeric() => byte(other),
        _ => {
            parser.at = start;
            return Ok(None);
        }
    };
    escape.map(Some)
}

fn digit() -> ByteSet {
    ByteSet::range(b'0', b'9')
}

/// `\w` under `/a`: ASCII letters, digits, underscore.
pub(super) fn word() -> ByteSet {
    digit()
        .union(ByteSet::range(b'a', b'z'))
        .union(ByteSet::range(b'A', b'Z'))
        .union(ByteSet::one(b'_'))
}

/// `\s` under `/a`, vertical tab included.
pub(super) fn space() -> ByteSet {
    ByteSet::range(b'\t', b'\r').union(ByteSet::one(b' '))
}

fn horizontal() -> ByteSet {
    [b'\t', b' ', 0xa0].into_iter().collect()
}

fn vertical() -> ByteSet {
    ByteSet::range(b'\n', b'\r').union(ByteSet::one(0x85))
}

/// A code point as a byte, or as a set that never matches: text of bytes has none above 255.
fn code_point(value: u32) -> Escape {
    u8::try_from(value).map_or(Escape::Set(ByteSet::EMPTY), Escape::Byte)
}

fn hexadecimal(parser: &mut Parser<'_>) -> Result<Escape, PatternError> {
    if parser.peek() == Some(b'{') {
        let inside = braced(parser)?;
        return match u32::from_str_radix(inside.trim(), 16) {
            Ok(value) => Ok(code_point(value)),
            Err(_) => parser.fail("a hexadecimal escape that is no number"),
        };
    }
    let digits: Vec<u8> = parser
        .rest()
        .iter()
        .copied()
        .take(2)
        .take_while(u8::is_ascii_hexdigit)
        .collect();
    parser.at += digits.len();
    // Without digits Perl reads a NUL.
    let text = String::from_utf8_lossy(&digits);
    Ok(Escape::Byte(u8::from_str_radix(&text, 16).unwrap_or(0)))
}

fn braced_octal(parser: &mut Parser<'_>) -> Result<Escape, PatternError> {
    let inside = braced(parser)?;
    match u32::from_str_radix(inside.trim(), 8) {
        Ok(value) => Ok(code_point(value)),
        Err(_) => parser.fail("an octal escape that is no number"),
    }
}

fn braced(parser: &mut Parser<'_>) -> Result<String, PatternError> {
    let inside = parser.rest().strip_prefix(b"{").unwrap_or_default();
    let Some(len) = inside.iter().position(|b| *b == b'}') else {
        return parser.fail("an escape whose braces are missing or not closed");
    };
    let text = String::from_utf8_lossy(&inside[..len]).into_owned();
    parser.at += len + 2;
    Ok(text)
}

/// `\1`: a group if there are that many or it has one digit, else an octal number of up to three digits.
fn digits(parser: &mut Parser<'_>) -> Result<Escape, PatternError> {
    let digits: Vec<u8> = parser
        .rest()
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .collect();
    let text = String::from_utf8_lossy(&digits).into_owned();
    let number: u32 = text.parse().unwrap_or(u32::MAX);
    if digits[0] != b'0' && (number < 10 || number as usize <= parser.total_groups()) {
        parser.at += digits.len();
        return Ok(Escape::Group(number));
    }
    octal(parser).map(Escape::Byte)
}

/// Up to three octal digits.
pub(super) fn octal(parser: &mut Parser<'_>) -> Result<u8, PatternError> {
    let mut value = 0u32;
    let mut count = 0;
    while let Some(digit @ b'0'..=b'7') = parser.peek() {
        value = value * 8 + u32::from(digit - b'0');
        parser.at += 1;
        count += 1;
        if count == 3 {
            break;
        }
    }
    match u8::try_from(value) {
        Ok(byte) if count > 0 => Ok(byte),
        _ => parser.fail("an octal escape that is no byte"),
    }
}

/// `\g1`, `\g{1}`, `\g{-1}`, `\g{name}`.
fn numbered(parser: &mut Parser<'_>) -> Result<Escape, PatternError> {
    let inside = if parser.peek() == Some(b'{') {
        braced(parser)?
    } else {
        let text: Vec<u8> = parser
            .rest()
            .iter()
            .copied()
            .take_while(|b| b.is_ascii_digit() || *b == b'-')
            .collect();
        parser.at += text.len();
        String::from_utf8_lossy(&text).into_owned()
    };
    match inside.trim().parse::<i64>() {
        Ok(0) => parser.fail("a reference to group 0"),
        Ok(number) => {
            let index = if number > 0 {
                number
            } else {
                parser.groups.len() as i64 + 1 + number
            };
            match u32::try_from(index) {
                Ok(index) if index > 0 => Ok(Escape::Group(index)),
                _ => parser.fail("a reference to a group that does not exist"),
            }
        }
        Err(_) if inside.is_empty() => parser.fail("a reference without its group"),
        Err(_) => Ok(Escape::NamedGroup(inside)),
    }
}

/// `\k<name>`, `\k'name'`, `\k{name}`.
fn named(parser: &mut Parser<'_>) -> Result<Escape, PatternError> {
    let close = match parser.peek() {
        Some(b'<') => b'>',
        Some(b'\'') => b'\'',
        Some(b'{') => b'}',
        _ => return parser.fail("a reference without its group"),
    };
    parser.at += 1;
    let Some(len) = parser.rest().iter().position(|b| *b == close) else {
        return parser.fail("a reference that is not closed");
    };
    let name = String::from_utf8_lossy(&parser.rest()[..len]).into_owned();
    parser.at += len + 1;
    Ok(Escape::NamedGroup(name))
}
