//! Finds URIs in running text as a mail program would make links of it: with a scheme, with `www.`, mail addresses, and
//! bare host names of a known TLD. Does not know HTML.

use super::super::domain::{Tlds, is_fqdn};
use super::canon::url_encode;

/// Longest text taken for one URI, mail address part, or host name.
const REST: usize = 2_048;
const MAIL: usize = 251;
const HOST: usize = 252;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Without punctuation at its end.
    pub text: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Scheme,
    Mail,
    /// With the host name.
    Bare(Vec<u8>),
}

const fn is_space(byte: u8) -> bool {
    super::super::head::is_space(byte)
}

/// What ends a URI. 0x1b begins a shift in ISO-2022 text; 0xa0 is a no-break space, or part of one in UTF-8.
const fn ends(byte: u8) -> bool {
    matches!(
        byte,
        b'>' | b'<' | b'"' | b'`' | b'}' | b']' | b'{' | b'[' | b'|' | 0x1b | 0xa0
    ) || is_space(byte)
}

const fn ends_mail(byte: u8) -> bool {
    ends(byte) || matches!(byte, b',' | b'(' | b'\'') || byte >= 0x80
}

/// What a URI may follow directly.
fn starts(byte: u8) -> bool {
    matches!(
        byte,
        b'>' | b'<' | b'"' | b'\'' | b'`' | b',' | b'{' | b'[' | b'(' | b'|' | 0x1b | 0xa0
    ) || is_space(byte)
}

/// What a bare host name may follow directly.
fn starts_bare(byte: u8) -> bool {
    (byte.is_ascii_punctuation() && !matches!(byte, b'%' | b'-' | b'.' | b'_'))
        || matches!(byte, 0x1b | 0xa0)
        || is_space(byte)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What bytes are to the places where URIs begin, go on and end.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let it = byte as u8;
        if ends(it) {
            classes[byte] |= ENDS;
        }
        if ends_mail(it) {
            classes[byte] |= ENDS_MAIL;
        }
        if it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-') {
            classes[byte] |= HOST_NAME;
        }
        byte += 1;
    }
    classes
};
const ENDS: u8 = 1;
const ENDS_MAIL: u8 = 2;
const HOST_NAME: u8 = 4;

/// How far bytes go that are not of the class `stop`; `None` if that is nothing or more than `most`.
fn run(text: &[u8], most: usize, stop: u8) -> Option<usize> {
    let len = text
        .iter()
        .take(most + 1)
        .take_while(|byte| CLASSES[usize::from(**byte)] & stop == 0)
        .count();
    (1..=most).contains(&len).then_some(len)
}

/// Calls `emit` for each URI of a line.
pub(super) fn each(line: &[u8], tlds: &Tlds, emit: &mut dyn FnMut(Found)) {
    // Nothing without a dot, colon or at sign is of interest.
    if memchr::memchr3(b'.', b':', b'@', line).is_none() {
        return;
    }
    let has_at = contains(line, b'@');
    let mut at = 0;
    while at < line.len() {
        let found = may_start(line, at).then(|| uri(line, at, has_at, tlds)).flatten();
        let Some((kind, len)) = found else {
            at += 1;
            continue;
        };
        emit(Found {
            text: without_punctuation(&line[at..at + len]).to_vec(),
            kind,
        });
        at += len;
    }
}

fn may_start(line: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| line[before]) else {
        return is_word(line[at]);
    };
    let shifted = at >= 3 && line[at - 3] == 0x1b && line[at - 2] == b'(' && line[at - 1] != b'\n';
    is_word(before) != is_word(line[at]) || starts(before) || shifted
}

fn uri(line: &[u8], at: usize, has_at: bool, tlds: &Tlds) -> Option<(Kind, usize)> {
    let rest = &line[at..];
    if let Some(prefix) = scheme_len(rest)
        && let Some(len) = run(&rest[prefix..], REST, ENDS)
    {
        return Some((Kind::Scheme, prefix + len));
    }
    if (has_at || starts_with(rest, b"mailto:"))
        && let Some(len) = mail_len(rest)
    {
        return Some((Kind::Mail, len));
    }
    let bare = at == 0 || starts_bare(line[at - 1]);
    bare.then(|| bare_host(rest, tlds))
        .flatten()
        .map(|(host, len)| (Kind::Bare(rest[..host].to_vec()), len))
}

fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn scheme_len(text: &[u8]) -> Option<usize> {
    if !matches!(text[0] | 0x20, b'h' | b'f' | b'w') {
        return None;
    }
    for scheme in [&b"http://"[..], b"https://", b"ftp://", b"ftp."] {
        if starts_with(text, scheme) {
            return Some(scheme.len());
        }
    }
    if starts_with(text, b"www") {
        let digits = text[3..]
            .iter()
            .take(2)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        return (text.get(3 + digits) == Some(&b'.')).then_some(3 + digits + 1);
    }
    None
}

fn mail_len(text: &[u8]) -> Option<usize> {
    if starts_with(text, b"mailto:")
        && let Some(len) = run(&text[7..], REST, ENDS_MAIL)
    {
        return Some(7 + len);
    }
    let longest = &text[..text.len().min(MAIL + 1)];
    let local = memchr::memchr(b'@', longest).filter(|at| *at > 0)?;
    if longest[..local]
        .iter()
        .any(|byte| CLASSES[usize::from(*byte)] & ENDS_MAIL != 0)
    {
        return None;
    }
    run(&text[local + 1..], MAIL, ENDS_MAIL).map(|len| local + 1 + len)
}

/// Length of the host name, and with port and path.
fn bare_host(text: &[u8], tlds: &Tlds) -> Option<(usize, usize)> {
    if !text[0].is_ascii_alphanumeric() {
        return None;
    }
    let in_host = |byte: &u8| CLASSES[usize::from(*byte)] & HOST_NAME != 0;
    let longest = text.iter().take(HOST).take_while(|byte| in_host(byte)).count();
    // The dot before the TLD may stand right behind the longest name.
    let dots = (1..=longest).rev().filter(|at| text.get(*at) == Some(&b'.'));
    for dot in dots {
        let label = text[dot + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        let host = dot + 1 + label;
        let goes_on =
            text.get(host) == Some(&b'.') && text.get(host + 1).is_some_and(u8::is_ascii_alphanumeric);
        if label == 0 || goes_on || !tlds.top.contains(&text[dot + 1..host].to_ascii_lowercase()) {
            continue;
        }
        if let Some(end) = behind_host(text, host) {
            return Some((host, end));
        }
    }
    None
}

/// A dot, a port, a path, each or none; then the URI must end.
fn behind_host(text: &[u8], host: usize) -> Option<usize> {
    let ended = |at: usize| text.get(at).is_none_or(|byte| ends(*byte));
    let mut at = host + usize::from(text.get(host) == Some(&b'.'));
    if text.get(at) == Some(&b':') {
        let digits = text[at + 1..]
            .iter()
            .take(6)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=5).contains(&digits) {
            return None;
        }
        at += 1 + digits;
    }
    if text.get(at) == Some(&b'/') {
        return run(&text[at + 1..], REST, ENDS).map(|len| at + 1 + len);
    }
    ended(at).then_some(at)
}

/// Up to a `)` that no `(` precedes, and without the punctuation that ends a sentence rather than a link.
fn without_punctuation(text: &[u8]) -> &[u8] {
    let mut text = text;
    if let Some(close) = memchr::memchr(b')', text)
        && !text[..close].contains(&b'(')
    {
        text = &text[..close];
    }
    let end = text
        .iter()
        .rposition(|byte| !b"-~!@#^&*()_+=:;'?,.".contains(byte))
        .map_or(0, |at| at + 1);
    &text[..end]
}

fn contains(text: &[u8], byte: u8) -> bool {
    memchr::memchr(byte, text).is_some()
}

/// The URI with the scheme that it lacks, and its types; `None` where it is none after all.
pub(super) fn completed(found: Found, tlds: &Tlds) -> Option<(Vec<u8>, Vec<&'static str>)> {
    let Found { text, kind } = found;
    if (kind == Kind::Mail && !contains(&text, b'@')) || matches!(&kind, Kind::Bare(host) if !is_fqdn(host)) {
        return None;
    }
    let word = text.iter().take_while(|byte| is_word(**byte)).count();
    let only_scheme = word > 0 && matches!(&text[word..], b":" | b":/" | b"://");
    if starts_with(&text, b"cid:") || starts_with(&text, b"mid:") || only_scheme {
        return None;
    }
    let mut types = vec!["parsed"];
    let mut uri = text;
    if ![&b"http:"[..], b"https:", b"ftp:", b"mailto:"]
        .iter()
        .any(|scheme| starts_with(&uri, scheme))
    {
        let (scheme, linked) = missing_scheme(&mut uri)?;
        uri = [scheme, &uri[..]].concat();
        if !linked {
            types.push("unlinked");
        }
        types.push("schemeless");
    }
    if starts_with(&uri, b"mailto:") {
        let escaped = uri
            .windows(3)
            .any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit());
        if escaped {
            uri = url_encode(&uri);
        }
        let at = memchr::memchr(b'@', &uri)?;
        let mut host = uri[at + 1..]
            .split(|byte| matches!(byte, b'?' | b'&' | b'>'))
            .next()
            .unwrap_or_default();
        while let Some(rest) = host.strip_suffix(b"%20") {
            host = rest;
        }
        if !tlds.is_valid(host) {
            return None;
        }
    }
    Some((uri, types))
}

/// The scheme to put in front, and whether a mail program would make a link of it. Misread prefixes are taken off.
fn missing_scheme(uri: &mut Vec<u8>) -> Option<(&'static [u8], bool)> {
    let numbered_www = starts_with(uri, b"www") && {
        let digits = uri[3..]
            .iter()
            .take(2)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        uri.get(3 + digits) == Some(&b'.')
    };
    let last_at = uri.iter().rposition(|byte| *byte == b'@');
    let slash = memchr::memchr(b'/', uri);
    if starts_with(uri, b"ftp.") {
        return Some((b"ftp://", true));
    }
    if numbered_www || matches!((slash, last_at), (Some(slash), Some(at)) if slash + 1 < at) {
        return Some((b"http://", true));
    }
    if last_at.is_some() {
        let first = memchr::memchr(b'@', uri)?;
        let dotted = uri.get(first + 2..).is_some_and(|rest| contains(rest, b'.'));
        if !dotted || memchr::memmem::find(uri, b"&nbsp;").is_some() {
            return None;
        }
        let misread = [&b"skype"[..], b"email", b"e-mail", b"mail", b"-mail", b""]
            .into_iter()
            .find_map(|word| {
                let rest = uri[word.len().min(uri.len())..]
                    .iter()
                    .take_while(|byte| **byte == b':')
                    .count();
                (starts_with(uri, word) && rest > 0).then_some(word.len() + rest)
            });
        uri.drain(..misread.unwrap_or(0));
        return Some((b"mailto:", true));
    }
    contains(uri, b'.').then_some((b"http://", false))
}
