//! Bracketed classes. Does not know what stands around them.

use super::PatternError;
use super::escape::{self, Escape};
use super::parse::Parser;
use super::set::ByteSet;

enum Item {
    Byte(u8),
    Set(ByteSet),
}

/// Reads a class; the opening bracket is behind us.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<ByteSet, PatternError> {
    let negated = parser.take(b"^");
    let mut set = ByteSet::EMPTY;
    let mut first = true;
    loop {
        skip_blanks(parser);
        match parser.peek() {
            None => return parser.fail("a class that is not closed"),
            Some(b']') if !first => {
                parser.at += 1;
                break;
            }
            Some(_) => {}
        }
        first = false;
        let item = item(parser)?;
        skip_blanks(parser);
        let is_range =
            parser.peek() == Some(b'-') && parser.text.get(parser.at + 1).is_some_and(|next| *next != b']');
        set = set.union(match (item, is_range) {
            (item, false) => single(item),
            (Item::Set(_), true) => return parser.fail("a range that begins with a class"),
            (Item::Byte(low), true) => {
                parser.at += 1;
                skip_blanks(parser);
                match self::item(parser)? {
                    Item::Byte(high) if low <= high => ByteSet::range(low, high),
                    Item::Byte(_) => return parser.fail("a range that runs backwards"),
                    Item::Set(_) => return parser.fail("a range that ends with a class"),
                }
            }
        });
    }
    if parser.flags.ignore_case {
        set = set.folded();
    }
    Ok(if negated { set.complement() } else { set })
}

fn single(item: Item) -> ByteSet {
    match item {
        Item::Byte(byte) => ByteSet::one(byte),
        Item::Set(set) => set,
    }
}

fn skip_blanks(parser: &mut Parser<'_>) {
    while parser.flags.more_extended && matches!(parser.peek(), Some(b' ' | b'\t')) {
        parser.at += 1;
    }
}

fn item(parser: &mut Parser<'_>) -> Result<Item, PatternError> {
    let Some(byte) = parser.peek() else {
        return parser.fail("a class that is not closed");
    };
    if byte == b'['
        && let Some(set) = posix(parser)?
    {
        return Ok(Item::Set(set));
    }
    parser.at += 1;
    if byte != b'\\' {
        return Ok(Item::Byte(byte));
    }
    let Some(letter) = parser.peek() else {
        return parser.fail("a class that is not closed");
    };
    match escape::shared(parser, letter)? {
        Some(Escape::Set(set)) => return Ok(Item::Set(set)),
        Some(Escape::Byte(byte)) => return Ok(Item::Byte(byte)),
        _ => {}
    }
    match letter {
        b'b' => {
            parser.at += 1;
            Ok(Item::Byte(0x08))
        }
        b'N' => Err(PatternError::Unsupported("a character by name `\\N{…}`")),
        b'0'..=b'7' => escape::octal(parser).map(Item::Byte),
        _ => parser.fail("an escaped letter without meaning in a class"),
    }
}

/// `[:name:]`, if that is what stands here.
fn posix(parser: &mut Parser<'_>) -> Result<Option<ByteSet>, PatternError> {
    let Some(inside) = parser.rest().strip_prefix(b"[:") else {
        return Ok(None);
    };
    let Some(len) = inside.windows(2).position(|pair| pair == b":]") else {
        return Ok(None);
    };
    let (negated, name) = match inside[..len].strip_prefix(b"^") {
        Some(name) => (true, name),
        None => (false, &inside[..len]),
    };
    let keep = |test: fn(&u8) -> bool| (0..=127).filter(test).collect::<ByteSet>();
    let set = match name {
        b"alpha" => keep(u8::is_ascii_alphabetic),
        b"digit" => keep(u8::is_ascii_digit),
        b"alnum" => keep(u8::is_ascii_alphanumeric),
        b"upper" if parser.flags.ignore_case => keep(u8::is_ascii_alphabetic),
        b"lower" if parser.flags.ignore_case => keep(u8::is_ascii_alphabetic),
        b"upper" => keep(u8::is_ascii_uppercase),
        b"lower" => keep(u8::is_ascii_lowercase),
        b"punct" => keep(u8::is_ascii_punctuation),
        b"graph" => keep(u8::is_ascii_graphic),
        b"print" => ByteSet::range(b' ', b'~'),
        b"cntrl" => keep(u8::is_ascii_control),
        b"xdigit" => keep(u8::is_ascii_hexdigit),
        b"ascii" => keep(u8::is_ascii),
        b"space" => escape::space(),
        b"blank" => [b' ', b'\t'].into_iter().collect(),
        b"word" => escape::word(),
        // Perl would read letters between colons as a misspelt class and refuse it; anything else is plain bytes.
        other if other.iter().all(u8::is_ascii_alphabetic) && !other.is_empty() => {
            return parser.fail("a POSIX class that does not exist");
        }
        _ => return Ok(None),
    };
    let skipped = len + 4;
    parser.at += skipped;
    Ok(Some(if negated { set.complement() } else { set }))
}
