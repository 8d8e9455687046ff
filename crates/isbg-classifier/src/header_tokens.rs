//! Tokens of the header fields and the MIME tree: who, by which way, with which software. Does not judge them.

use crate::decode;
use crate::mail::{Field, Mail};
use crate::tokens::Tokens;

/// Received fields that are read, from the top.
const HOP_LIMIT: usize = 10;
/// Bytes of a value that are looked at.
const VALUE_BYTES: usize = 1000;

/// Adds all tokens of the header and of the structure of `mail`.
pub(crate) fn collect(mail: &Mail<'_>, tokens: &mut Tokens) {
    relations(mail, tokens);
    structure(mail, tokens);
    let mut hop = 0;
    let mut before: Vec<u8> = Vec::new();
    for field in &mail.fields {
        let name = field.name.to_ascii_lowercase();
        let value = &field.value[..field.value.len().min(VALUE_BYTES)];
        tokens.push(&[b"field:", field.name]);
        if name == b"received" {
            if hop < HOP_LIMIT {
                received(value, hop, tokens);
            }
            hop += 1;
            continue;
        }
        tokens.push(&[b"order:", &before, b">", &name]);
        one(field, &name, value, tokens);
        before = name;
    }
    tokens.push(&[b"hops:", &[b'0' + hop.min(9) as u8]]);
}

fn one(field: &Field<'_>, name: &[u8], value: &[u8], tokens: &mut Tokens) {
    match name {
        b"from" | b"reply-to" | b"return-path" | b"sender" | b"to" | b"cc" | b"errors-to" | b"x-sender"
        | b"resent-from" | b"delivered-to" | b"x-original-to" | b"x-envelope-from" => {
            addresses(name, value, tokens);
        }
        b"subject" => subject(value, tokens),
        b"message-id" => {
            let id = value.trim_ascii();
            tokens.push(&[b"id-shape:", &shape(id)]);
            if let Some(at) = memchr::memrchr(b'@', id) {
                domain(
                    b"id-domain:",
                    id[at + 1..].strip_suffix(b">").unwrap_or(&id[at + 1..]),
                    tokens,
                );
            }
        }
        b"date" | b"resent-date" | b"x-original-date" => {
            let date = value.trim_ascii();
            let zone = date
                .rsplit(|byte| *byte == b' ')
                .find(|word| !word.starts_with(b"("));
            tokens.push(&[b"zone:", zone.unwrap_or_default()]);
            tokens.push(&[b"date-shape:", &shape(date)]);
        }
        b"dkim-signature" | b"domainkey-signature" => {
            for tag in value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
                if let [kind @ (b'd' | b's' | b'a' | b'c'), b'=', rest @ ..] = tag {
                    tokens.push(&[b"signed-", &[*kind], b":", rest]);
                }
            }
        }
        b"authentication-results" | b"received-spf" => results(name, value, tokens),
        b"arc-seal"
        | b"arc-message-signature"
        | b"arc-authentication-results"
        | b"references"
        | b"in-reply-to"
        | b"x-google-dkim-signature"
        | b"x-received"
        | b"x-gm-message-state"
        | b"thread-index" => {}
        _ => {
            let text = value.trim_ascii();
            if text.len() <= 100 {
                tokens.push(&[field.name, b"=", &shape_digits(text)]);
            }
            for word in text
                .split(|byte| !word_byte(*byte))
                .filter(|word| word.len() >= 2)
                .take(20)
            {
                if word.len() <= 30 {
                    tokens.push(&[name, b":", &shape_digits(word)]);
                }
            }
        }
    }
}

fn word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'-' | b'_' | b'/')
}

fn subject(value: &[u8], tokens: &mut Tokens) {
    let text = decode::header_text(value, VALUE_BYTES);
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let upper = text.chars().filter(|letter| letter.is_uppercase()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let mut say = |what: &str| tokens.push(&[b"subject-", what.as_bytes()]);
    if memchr::memmem::find(value, b"=?").is_some() {
        say("encoded");
    }
    if letters >= 5 && upper * 10 >= letters * 7 {
        say("shouts");
    }
    if digits * 4 > text.len() {
        say("digits");
    }
    if text.contains('!') {
        say("exclaims");
    }
    if text.contains('?') {
        say("asks");
    }
    if text.contains(['$', '€', '£', '%']) {
        say("money");
    }
    if !text.is_ascii() {
        say("not-ascii");
    }
    let trimmed = text.trim();
    if trimmed
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("re:"))
    {
        say("reply");
    }
    say(&format!("length-{}", magnitude(text.len())));
}

/// The number of binary digits of a size, so that only its magnitude counts.
fn magnitude(size: usize) -> u32 {
    size.checked_ilog2().map_or(0, |digits| digits + 1)
}

/// Everything about the addresses in `value`; names of the tokens start with the field's.
fn addresses(name: &[u8], value: &[u8], tokens: &mut Tokens) {
    let mut count = 0u8;
    for address in split_addresses(value).take(10) {
        count += 1;
        let Some(at) = memchr::memrchr(b'@', address) else {
            continue;
        };
        let (local, host) = (&address[..at], &address[at + 1..]);
        let lower = address.to_ascii_lowercase();
        tokens.push(&[name, b"-address:", &lower]);
        tokens.push(&[name, b"-local:", &local.to_ascii_lowercase()]);
        tokens.push(&[name, b"-local-shape:", &shape(local)]);
        domain(&[name, b"-domain:"].concat(), host, tokens);
    }
    tokens.push(&[name, b"-count:", &[b'0' + count.min(9)]]);
    if name == b"from" || name == b"reply-to" || name == b"sender" {
        let quoted = memchr::memchr(b'"', value).is_some();
        tokens.push(&[name, if quoted { b"-quoted" } else { b"-bare" }]);
        let text = decode::header_text(value, VALUE_BYTES);
        let shown = text.split('<').next().unwrap_or_default();
        for word in shown
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| word.len() >= 2)
            .take(10)
        {
            tokens.push(&[name, b"-name:", word.to_lowercase().as_bytes()]);
        }
    }
}

/// The bare addresses of a list, as far as they can be told.
fn split_addresses(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| {
            matches!(
                byte,
                b',' | b'<' | b'>' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'(' | b')' | b';'
            )
        })
        .filter(|word| memchr::memchr(b'@', word).is_some())
}

/// The domain and its parents.
fn domain(prefix: &[u8], host: &[u8], tokens: &mut Tokens) {
    let lower = host.trim_ascii().to_ascii_lowercase();
    let mut rest = lower.as_slice();
    for _ in 0..4 {
        tokens.push(&[prefix, rest]);
        match memchr::memchr(b'.', rest) {
            Some(dot) => rest = &rest[dot + 1..],
            None => break,
        }
    }
}

fn received(value: &[u8], hop: usize, tokens: &mut Tokens) {
    let clause = &value[..memchr::memrchr(b';', value).unwrap_or(value.len())];
    let number = [b'0' + hop.min(9) as u8];
    let mut words = clause
        .split(|byte| {
            matches!(
                byte,
                b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b'[' | b']' | b'<' | b'>'
            )
        })
        .filter(|word| !word.is_empty());
    let mut before: &[u8] = b"";
    for word in words.by_ref().take(40) {
        match before {
            b"from" | b"helo" | b"HELO" | b"EHLO" => {
                tokens.push(&[b"hop", &number, b"-", before, b"-shape:", &shape(word)]);
                domain(b"hop-from:", word, tokens);
            }
            b"by" => domain(b"hop-by:", word, tokens),
            b"with" => tokens.push(&[b"hop", &number, b"-with:", word]),
            b"for" | b"id" => {}
            _ => {
                if let Some(net) = network(word) {
                    for parts in [4, 3, 2] {
                        let end = net
                            .iter()
                            .enumerate()
                            .filter(|(_, byte)| **byte == b'.')
                            .nth(parts - 1);
                        tokens.push(&[b"net:", &net[..end.map_or(net.len(), |(at, _)| at)]]);
                    }
                } else if memchr::memchr(b'.', word).is_some() && word.len() < 80 {
                    domain(b"hop-host:", word, tokens);
                } else if word.len() > 2 && word.iter().all(u8::is_ascii_alphabetic) {
                    tokens.push(&[b"hop-word:", word]);
                }
            }
        }
        before = word;
    }
}

/// An IPv4 address.
fn network(word: &[u8]) -> Option<&[u8]> {
    let word = word.split(|byte| *byte == b':').next()?;
    let dots = word.iter().filter(|byte| **byte == b'.').count();
    let fine =
        dots == 3 && word.len() <= 15 && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    fine.then_some(word)
}

/// `method=result` of an authentication field, together with the server that claims it.
fn results(name: &[u8], value: &[u8], tokens: &mut Tokens) {
    let mut clauses = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let first = clauses.next().unwrap_or_default();
    let server = first.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    if name == b"received-spf" {
        tokens.push(&[b"received-spf:", &server.to_ascii_lowercase()]);
        return;
    }
    for clause in clauses.take(12) {
        let word = clause.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        tokens.push(&[b"auth:", server, b":", word]);
    }
}

/// Whether the fields that name a sender agree.
fn relations(mail: &Mail<'_>, tokens: &mut Tokens) {
    let host = |name: &str| {
        let value = mail.field(name)?;
        let address = split_addresses(&value[..value.len().min(VALUE_BYTES)]).last()?;
        let at = memchr::memrchr(b'@', address)?;
        Some(address[at + 1..].to_ascii_lowercase())
    };
    let from = host("from");
    for name in ["reply-to", "return-path", "sender", "message-id", "to"] {
        let relation: &[u8] = match (&from, host(name)) {
            (_, None) => b"none",
            (Some(from), Some(other)) if *from == other => b"same",
            (Some(from), Some(other)) if from.ends_with(&other) || other.ends_with(from) => b"within",
            _ => b"other",
        };
        tokens.push(&[b"from-", name.as_bytes(), b":", relation]);
    }
}

/// The MIME tree, its charsets, encodings and attachments, and the size.
fn structure(mail: &Mail<'_>, tokens: &mut Tokens) {
    let mut tree = Vec::new();
    for (depth, kind) in mail.multiparts.iter().take(6) {
        tree.extend_from_slice(&[b'0' + *depth as u8]);
        tree.extend_from_slice(kind.as_bytes());
    }
    for part in mail.parts.iter().take(6) {
        tree.extend_from_slice(&[b'0' + part.depth as u8]);
        tree.extend_from_slice(part.content_type.kind.as_bytes());
    }
    tokens.push(&[b"tree:", &tree]);
    for part in mail.parts.iter().take(20) {
        let kind = part.content_type.kind.as_bytes();
        tokens.push(&[b"part:", kind]);
        tokens.push(&[b"part:", kind, b"/", &part.encoding.to_ascii_lowercase()]);
        if let Some(charset) = &part.content_type.charset {
            tokens.push(&[b"charset:", &charset.to_ascii_lowercase()]);
        }
        if let Some(name) = part.file_name() {
            let extension = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
            tokens.push(&[b"extension:", &extension.to_ascii_lowercase()]);
        }
    }
    if let Some(value) = mail.field("Content-Type") {
        let boundary = crate::params::parameter(value, "boundary").unwrap_or_default();
        tokens.push(&[b"boundary-shape:", &shape(&boundary)]);
    }
    tokens.push(&[b"size:", magnitude(mail.size).to_string().as_bytes()]);
}

/// Runs of digits, lower-case and upper-case letters as one sign each with the run's length (up to 9).
fn shape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    let mut at = 0;
    let text = &text[..text.len().min(120)];
    while at < text.len() && out.len() < 60 {
        let kind = class(text[at]);
        let run = text[at..].iter().take_while(|byte| class(**byte) == kind).count();
        out.push(kind);
        if kind.is_ascii_alphanumeric() {
            out.push(b'0' + run.min(9) as u8);
        }
        at += run;
    }
    out
}

fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'd',
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        0x80.. => b'u',
        _ => byte,
    }
}

/// `text` with long numbers shortened to their length, so that counters do not make new tokens.
fn shape_digits(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let run = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if run >= 5 {
            out.extend_from_slice(b"0#");
        } else {
            out.extend_from_slice(&text[at..at + run.max(1)]);
        }
        at += run.max(1);
    }
    out
}
