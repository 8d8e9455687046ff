//! Addresses and names in header values, as SpamAssassin's own parser finds them. Does not validate domains against any
//! list.

use super::domain::is_fqdn;
use super::head::is_space;

/// More addresses than this in one field are not looked at.
const ADDRESSES: usize = 1_000;

/// One address of a field; either may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub phrase: Option<Vec<u8>>,
    pub address: Option<Vec<u8>>,
}

/// A quoted string at the start, with its quotes; a backslash quotes any byte but a line end.
fn quoted(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return None;
    }
    delimited(text, b'"', b'"')
}

/// `(…)` at the start, not nested.
fn comment(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'(') {
        return None;
    }
    delimited(text, b'(', b')')
}

fn delimited(text: &[u8], open: u8, close: u8) -> Option<usize> {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if text.get(at + 1).is_some_and(|next| *next != b'\n') => at += 2,
            b'\\' => return None,
            byte if *byte == close => return Some(at + 1),
            byte if *byte == open => return None,
            _ => at += 1,
        }
    }
    None
}

fn skip_blanks(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| is_space(**byte)).count()
}

/// How far words and quoted strings go: up to a comma, semicolon, `<`, or an open quote.
fn phrase(text: &[u8]) -> usize {
    phrase_ends(text).last().copied().unwrap_or(0)
}

/// Where each quoted string, and each run of text outside of them, ends.
fn phrase_ends(text: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < text.len() && ends.len() < ADDRESSES {
        let run = text[at..]
            .iter()
            .take_while(|byte| !matches!(byte, b'"' | b',' | b';' | b'<'))
            .count();
        match run.max(quoted(&text[at..]).unwrap_or(0)) {
            0 => break,
            len => at += len,
        }
        ends.push(at);
    }
    ends
}

fn is_atom(byte: u8) -> bool {
    !is_space(byte) && !b"@<>()[],:;".contains(&byte)
}

/// The longest address at the start of `text`: local part, `@`, domain or `[address]`.
pub(crate) fn mail(text: &[u8]) -> Option<usize> {
    let atom = text.iter().take_while(|byte| is_atom(**byte)).count();
    let locals = [quoted(text), Some(atom).filter(|len| *len > 0)];
    locals.into_iter().flatten().find_map(|local| {
        let domain = text[local..].strip_prefix(b"@")?;
        let name = domain
            .iter()
            .take_while(|byte| !is_space(**byte) && !b"\"<>()[],:;".contains(byte))
            .count();
        if name > 0 {
            return Some(local + 1 + name);
        }
        let inner = domain.strip_prefix(b"[")?;
        let inner = &inner[inner.iter().take_while(|byte| **byte == b' ').count()..];
        let digits = inner
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
            .count();
        let rest = &inner[digits..];
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        (digits > 0 && rest.get(blanks) == Some(&b']')).then(|| text.len() - rest.len() + blanks + 1)
    })
}

fn is_mail(text: &[u8]) -> bool {
    mail(text) == Some(text.len())
}

fn is_plausible(address: &[u8]) -> bool {
    !address.starts_with(b"\"\"@") && address.iter().filter(|byte| **byte == b'"').count() != 1
}

/// One address at the start of `text`, and how long it is with the comma or semicolon after it.
struct Found {
    phrase: Option<Vec<u8>>,
    angle: Option<Vec<u8>>,
    bare: Option<Vec<u8>>,
    comment: Option<Vec<u8>>,
    len: usize,
}

/// Behind an address: a comment, and the separator or the end.
fn ending(text: &[u8], at: usize) -> Option<(Option<Vec<u8>>, usize)> {
    let separator = |at: usize| match text.get(skip_blanks(text, at)) {
        None => Some(text.len()),
        Some(b',' | b';') => Some(skip_blanks(text, at) + 1),
        Some(_) => None,
    };
    let start = skip_blanks(text, at);
    if let Some(len) = comment(&text[start..])
        && let Some(end) = separator(start + len)
    {
        return Some((Some(text[start + 1..start + len - 1].to_vec()), end));
    }
    separator(at).map(|end| (None, end))
}

fn angle_form(text: &[u8], start: usize) -> Option<Found> {
    let mut phrase_len = phrase(&text[start..]);
    let open = start + phrase_len;
    if text.get(open) != Some(&b'<') {
        return None;
    }
    // Blanks before the bracket belong to the phrase, as it takes all it can.
    if phrase_len > 0 && text[start..open].iter().all(|byte| is_space(*byte)) {
        phrase_len = 0;
    }
    let inner = skip_blanks(text, open + 1);
    let (address, close) = angle_address(text, inner)?;
    let mut at = close + 1;
    let mut ends = ending(text, at);
    // More brackets behind the first are skipped.
    while ends.is_none() {
        let next = skip_blanks(text, at);
        if text.get(next) != Some(&b'<') {
            return None;
        }
        let (_, close) = angle_address(text, skip_blanks(text, next + 1))?;
        at = close + 1;
        ends = ending(text, at);
    }
    let (comment, len) = ends?;
    Some(Found {
        phrase: (phrase_len > 0).then(|| text[start..open].to_vec()),
        angle: Some(address),
        bare: None,
        comment,
        len,
    })
}

/// What is inside brackets, and where the closing one is.
fn angle_address(text: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let lazy = text[start..]
        .iter()
        .take_while(|byte| !matches!(byte, b'>' | b'@'))
        .count();
    let word = text[start + lazy..]
        .iter()
        .take_while(|byte| !is_space(**byte))
        .count();
    // The longest run without blanks that leaves a bracket to close.
    for end in (start + lazy..=start + lazy + word).rev() {
        let close = skip_blanks(text, end);
        let ends = text.get(close) == Some(&b'>');
        if ends && end > start && !is_space(text[end - 1]) {
            return Some((text[start..end].to_vec(), close));
        }
    }
    let close = skip_blanks(text, start);
    (text.get(close) == Some(&b'>')).then(|| (Vec::new(), close))
}

fn bare_form(text: &[u8], start: usize) -> Option<Found> {
    let rest = &text[start..];
    let found = |phrase: Option<&[u8]>, bare: Option<&[u8]>, end: usize| {
        let (comment, len) = ending(text, start + end)?;
        Some(Found {
            phrase: phrase.map(<[u8]>::to_vec),
            angle: None,
            bare: bare.map(<[u8]>::to_vec),
            comment,
            len,
        })
    };
    if let Some(len) = mail(rest)
        && let Some(found) = found(None, Some(&rest[..len]), len)
    {
        return Some(found);
    }
    let longest = phrase(rest);
    if longest == 0 && start > 0 {
        // Only blanks before the separator: the last one is the name.
        let (comment, len) = ending(text, start)?;
        return Some(Found {
            phrase: Some(text[start - 1..start].to_vec()),
            angle: None,
            bare: None,
            comment,
            len,
        });
    }
    // A name may end where one of its words or quoted strings does, if a comment follows.
    let mut ends = phrase_ends(rest);
    ends.reverse();
    ends.into_iter()
        .find_map(|end| found(Some(&rest[..end]), None, end))
}

/// The addresses of a raw header value.
pub(crate) fn parse(value: &[u8]) -> Vec<Address> {
    let end = value
        .iter()
        .rposition(|byte| !is_space(*byte))
        .map_or(0, |at| at + 1);
    let text = without_group(&without_double_backslashes(&value[..end]));
    let mut results = Vec::new();
    let mut at = 0;
    while results.len() < ADDRESSES && text[at..].iter().any(|byte| !is_space(*byte)) {
        let rest = &text[at..];
        let start = skip_blanks(rest, 0);
        let Some(found) = angle_form(rest, start).or_else(|| bare_form(rest, start)) else {
            break;
        };
        at += found.len;
        results.push(finish(found));
    }
    results.extend(leftovers(&text[at..]));
    results
}

/// Addresses in brackets in what could not be parsed.
fn leftovers(text: &[u8]) -> Vec<Address> {
    let mut results = Vec::new();
    let mut at = 0;
    while let Some(open) = memchr::memchr(b'<', &text[at..]).map(|found| at + found) {
        at = open + 1;
        if let Some(len) = mail(&text[at..])
            && text.get(at + len) == Some(&b'>')
        {
            let address = &text[at..at + len];
            if is_plausible(address) {
                results.push(Address {
                    phrase: None,
                    address: Some(up_to_second_at(address)),
                });
            }
            at += len + 1;
        }
        if results.len() >= ADDRESSES {
            break;
        }
    }
    results
}

fn without_double_backslashes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(b"\\\\") {
            at += 2;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// RFC 5322 §3.4: `name: addresses;`
fn without_group(text: &[u8]) -> Vec<u8> {
    let name = text.iter().take_while(|byte| !b"\"()<>".contains(byte)).count();
    match text[..name].iter().rposition(|byte| *byte == b':') {
        Some(colon) if colon > 0 => {
            let rest = &text[skip_blanks(text, colon + 1)..];
            if rest.first() == Some(&b';') {
                Vec::new()
            } else {
                rest.to_vec()
            }
        }
        _ => text.to_vec(),
    }
}

fn up_to_second_at(address: &[u8]) -> Vec<u8> {
    let mut pieces = address.splitn(3, |byte| *byte == b'@');
    match (pieces.next(), pieces.next()) {
        (Some(user), Some(host)) => [user, b"@", host].concat(),
        _ => address.to_vec(),
    }
}

fn finish(found: Found) -> Address {
    let mut address = match (&found.angle, found.bare) {
        (Some(angle), _) => Some(without_comments(angle)).filter(|address| is_mail(address)),
        (None, bare) => bare,
    };
    address = address.filter(|address| is_plausible(address));
    let mut phrase = found.phrase.map(|phrase| plain_phrase(&phrase));
    if let Some(text) = &phrase {
        let host = text.splitn(3, |byte| *byte == b'@').nth(1);
        if address.is_none() && is_mail(text) && is_plausible(text) && host.is_some_and(is_fqdn) {
            address = phrase.take();
        } else if text.is_empty() || address.as_ref() == Some(text) {
            phrase = None;
        }
    }
    Address {
        phrase: phrase.or(found.comment),
        address: address.map(|address| up_to_second_at(&address)),
    }
}

/// Quotes and comments taken out.
fn plain_phrase(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if let Some(len) = quoted(&text[at..]) {
            let mut inner = text[at + 1..at + len - 1].iter().peekable();
            while let Some(byte) = inner.next() {
                if *byte != b'\\' || inner.peek() == Some(&&b'\\') {
                    out.push(*byte);
                }
            }
            at += len;
        } else {
            let end = memchr::memchr(b'"', &text[at + 1..]).map_or(text.len(), |found| at + 1 + found);
            let start = at + usize::from(text[at] == b'"');
            out.extend_from_slice(&without_comments(&text[start..end]));
            at = end;
        }
    }
    out
}

fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match comment(&text[at..]) {
            Some(len) => at += len,
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}
