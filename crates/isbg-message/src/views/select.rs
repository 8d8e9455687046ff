//! Header selectors: what stands between `header NAME` and `=~` in a rule. Does not match anything.

use std::borrow::Cow;

use super::head::{Header, is_space};
use super::{Views, address, domain, ip};

/// A parsed selector: a field or pseudo-field, and what is taken of its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    source: Source,
    take: Take,
    raw: bool,
    only: Only,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    All,
    Trusted,
    Untrusted,
    Internal,
    External,
    EnvelopeFrom,
    RelaysTrusted,
    RelaysUntrusted,
    RelaysInternal,
    RelaysExternal,
    ToCc,
    MessageId,
    Field(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Take {
    address: bool,
    name: bool,
    host: bool,
    domain: bool,
    ip: bool,
    reverse_ip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Only {
    Every,
    First,
    Last,
}

impl Selector {
    /// Parses `Name:modifier:modifier`. Unknown modifiers mean nothing.
    pub fn parse(text: &str) -> Self {
        let mut pieces = text.split(':');
        let name = pieces.next().unwrap_or_default();
        let mut selector = Self {
            source: Source::parse(name),
            take: Take::default(),
            raw: false,
            only: Only::Every,
        };
        for modifier in pieces {
            match modifier {
                "raw" => selector.raw = true,
                "addr" => selector.take.address = true,
                "name" => selector.take.name = true,
                "host" => selector.take.host = true,
                "domain" => (selector.take.host, selector.take.domain) = (true, true),
                "ip" => selector.take.ip = true,
                "revip" => (selector.take.ip, selector.take.reverse_ip) = (true, true),
                "first" => selector.only = Only::First,
                "last" if selector.only != Only::First => selector.only = Only::Last,
                _ => {}
            }
        }
        selector
    }
}

impl Source {
    fn parse(name: &str) -> Self {
        match name {
            "ALL" => return Self::All,
            "ALL-TRUSTED" => return Self::Trusted,
            "ALL-UNTRUSTED" => return Self::Untrusted,
            "ALL-INTERNAL" => return Self::Internal,
            "ALL-EXTERNAL" => return Self::External,
            "MESSAGEID" => return Self::MessageId,
            _ => {}
        }
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "envelopefrom" => Self::EnvelopeFrom,
            "x-spam-relays-trusted" => Self::RelaysTrusted,
            "x-spam-relays-untrusted" => Self::RelaysUntrusted,
            "x-spam-relays-internal" => Self::RelaysInternal,
            "x-spam-relays-external" => Self::RelaysExternal,
            "tocc" => Self::ToCc,
            _ => Self::Field(lower),
        }
    }
}

/// The Message-IDs that `MESSAGEID` stands for, in its order.
const MESSAGE_IDS: [&str; 4] = [
    "x-message-id",
    "resent-message-id",
    "x-original-message-id",
    "message-id",
];

type Value<'v> = Cow<'v, [u8]>;

/// All values that `selector` takes of a message.
pub(super) fn values<'v>(views: &'v Views<'_>, selector: &Selector) -> Vec<Value<'v>> {
    let lines = match &selector.source {
        Source::All => return all(views, selector.raw),
        Source::Trusted => return received_until(views, views.relays().last_trusted_field, selector.raw),
        Source::Internal => return received_until(views, views.relays().last_internal_field, selector.raw),
        Source::Untrusted => return received_from(views, views.relays().last_trusted_field, selector.raw),
        Source::External => return received_from(views, views.relays().last_internal_field, selector.raw),
        Source::EnvelopeFrom => views.envelope_from().map(Cow::Borrowed).into_iter().collect(),
        Source::RelaysTrusted => vec![views.relay_text(0, views.relays().trusted)],
        Source::RelaysUntrusted => vec![views.relay_text(views.relays().trusted, views.relays().all.len())],
        Source::RelaysInternal => vec![views.relay_text(0, views.relays().internal)],
        Source::RelaysExternal => vec![views.relay_text(views.relays().internal, views.relays().all.len())],
        Source::ToCc => lines(views, &["to", "cc"], selector.raw),
        Source::MessageId => {
            let mut found = lines(views, &MESSAGE_IDS, selector.raw);
            found.retain(|value| !value.is_empty());
            found
        }
        Source::Field(name) => field(views, name, selector),
    };
    let chosen = match selector.only {
        Only::Every => lines,
        Only::First => lines.into_iter().take(1).collect(),
        Only::Last => lines.into_iter().next_back().into_iter().collect(),
    };
    taken(views, chosen, selector)
}

/// Decoded values with a line end; raw ones unfolded.
fn lines<'v>(views: &'v Views<'_>, names: &[&str], raw: bool) -> Vec<Value<'v>> {
    let mut values = Vec::new();
    for name in names {
        for header in views.headers().iter().filter(|header| header.is(name.as_bytes())) {
            values.push(Cow::Owned(if raw {
                unfolded(&header.raw)
            } else {
                with_line_end(header.decoded())
            }));
        }
    }
    values
}

fn field<'v>(views: &'v Views<'_>, name: &str, selector: &Selector) -> Vec<Value<'v>> {
    let raw = selector.raw || selector.take.address || selector.take.name;
    let fields = views.headers().iter().filter(|header| header.is(name.as_bytes()));
    let values: Vec<Value<'v>> = fields
        .map(|header| {
            if raw {
                Cow::Borrowed(&header.raw[..])
            } else {
                Cow::Owned(with_line_end(header.decoded()))
            }
        })
        .collect();
    if values.is_empty()
        && let Some(domains) = views.derived_field(name)
    {
        return vec![Cow::Owned(domains)];
    }
    values
}

fn with_line_end(value: &[u8]) -> Vec<u8> {
    [value, b"\n"].concat()
}

/// A line end and the blanks after it become one blank.
fn unfolded(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\n', rest) {
        let blanks = rest[at + 1..].iter().take_while(|byte| is_space(**byte)).count();
        if blanks == 0 {
            out.extend_from_slice(&rest[..=at]);
        } else {
            out.extend_from_slice(rest[..at].strip_suffix(b"\r").unwrap_or(&rest[..at]));
            out.push(b' ');
        }
        rest = &rest[at + 1 + blanks..];
    }
    out.extend_from_slice(rest);
    out
}

/// `Name: value` of every field, decoded or as it stands.
fn all<'v>(views: &'v Views<'_>, raw: bool) -> Vec<Value<'v>> {
    if raw {
        return raw_fields(views.header_block())
            .into_iter()
            .map(Cow::Borrowed)
            .collect();
    }
    views
        .all_headers()
        .iter()
        .map(|line| Cow::Borrowed(&line[..]))
        .collect()
}

/// Header lines with their continuations, as they stand. Lines that continue nothing are left out.
fn raw_fields(block: &[u8]) -> Vec<&[u8]> {
    let mut fields: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for line in super::head::lines(block) {
        let end = at + line.len();
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some((_, stop))) if *stop == at => *stop = end,
            (Some(b' ' | b'\t'), _) => {}
            _ => fields.push((at, end)),
        }
        at = end;
    }
    // An empty line is no field, and the last line needs its end.
    fields
        .into_iter()
        .map(|(start, end)| &block[start..end])
        .filter(|field| field.len() > 1 && field.ends_with(b"\n"))
        .collect()
}

fn is_received(field: &[u8]) -> bool {
    field
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"received:"))
}

/// The fields down to the Received field behind number `last`, that one included.
fn received_until<'v>(views: &'v Views<'_>, last: Option<usize>, raw: bool) -> Vec<Value<'v>> {
    let stop = last.map_or(0, |last| last + 1);
    let mut number = None;
    let mut out = Vec::new();
    for field in all(views, raw) {
        if is_received(&field) {
            number = Some(number.map_or(0, |number| number + 1));
        }
        out.push(field);
        if number == Some(stop) {
            break;
        }
    }
    out
}

/// The fields from the Received field behind number `last` on.
fn received_from<'v>(views: &'v Views<'_>, last: Option<usize>, raw: bool) -> Vec<Value<'v>> {
    let start = last.map_or(0, |last| last + 1);
    let mut number: Option<usize> = None;
    let mut fields = all(views, raw);
    fields.retain(|field| {
        if is_received(field) {
            number = Some(number.map_or(0, |number| number + 1));
        }
        number.is_some_and(|number| number >= start)
    });
    fields
}

fn taken<'v>(views: &'v Views<'_>, mut values: Vec<Value<'v>>, selector: &Selector) -> Vec<Value<'v>> {
    let take = selector.take;
    if take.address || take.name {
        let addresses = values.iter().flat_map(|value| address::parse(value));
        values = if take.address {
            addresses
                .filter_map(|found| found.address)
                .map(Cow::Owned)
                .collect()
        } else {
            let name = |phrase: Vec<u8>| {
                if selector.raw {
                    phrase
                } else {
                    display_name(&phrase)
                }
            };
            addresses
                .filter_map(|found| found.phrase)
                .map(|phrase| Cow::Owned(name(phrase)))
                .collect()
        };
    }
    if take.host {
        let hosts = values.iter().filter_map(|value| host(views, value, take.address));
        return hosts
            .map(|host| {
                Cow::Owned(if take.domain {
                    views.tlds().registered(&host.to_ascii_lowercase())
                } else {
                    host
                })
            })
            .collect();
    }
    if take.ip {
        let ips = values.iter().filter_map(|value| find_ip(value));
        return ips
            .filter_map(|ip| if take.reverse_ip { reversed(&ip) } else { Some(ip) })
            .map(Cow::Owned)
            .collect();
    }
    values
}

fn display_name(phrase: &[u8]) -> Vec<u8> {
    let decoded = super::words::decode_text(phrase, b"");
    if decoded.iter().all(|byte| is_space(*byte)) {
        return decoded;
    }
    let words: Vec<&[u8]> = decoded
        .split(|byte| is_space(*byte))
        .filter(|word| !word.is_empty())
        .collect();
    let joined = words.join(&b' ');
    match joined
        .strip_prefix(b"'")
        .and_then(|inner| inner.strip_suffix(b"'"))
    {
        Some(inner) => inner.to_vec(),
        None => joined,
    }
}

/// The host in an address or in other text.
fn host(views: &Views<'_>, value: &[u8], is_address: bool) -> Option<Vec<u8>> {
    if is_address {
        let at = value.iter().rposition(|byte| *byte == b'@')?;
        let host: Vec<u8> = value[at + 1..]
            .iter()
            .copied()
            .take_while(|byte| !is_space(*byte))
            .collect();
        return (!matches!(host.as_slice(), b"" | b"0")).then_some(host);
    }
    let valid =
        |range: std::ops::Range<usize>| domain::is_fqdn(&value[range.clone()]).then(|| value[range].to_vec());
    // Of the first line that has one, the last.
    let mut line_start = 0;
    let behind_at = super::head::lines(value).find_map(|line| {
        let ats = (line_start..line_start + line.len())
            .rev()
            .filter(|at| value[*at] == b'@');
        let found = ats.filter_map(|at| host_at(views, value, at + 1)).next();
        line_start += line.len();
        found
    });
    behind_at.and_then(valid).or_else(|| {
        let mut from = 0;
        while from < value.len() {
            match (from..value.len()).find_map(|start| host_at(views, value, start)) {
                Some(range) => {
                    from = range.end;
                    if let Some(host) = valid(range) {
                        return Some(host);
                    }
                }
                None => return None,
            }
        }
        None
    })
}

/// The longest text from `start` on that ends in a known TLD and does not go on as a name.
fn host_at(views: &Views<'_>, value: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    let joins = |byte: Option<&u8>| matches!(byte, Some(b'.' | b'_' | b'-'));
    if start > 0 && joins(value.get(start - 1)) {
        return None;
    }
    let run = value[start..]
        .iter()
        .take(252)
        .take_while(|byte| !is_space(**byte))
        .count();
    (start + 1..start + run)
        .rev()
        .filter(|dot| value[*dot] == b'.')
        .find_map(|dot| {
            let label = value[dot + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
                .count();
            let end = dot + 1 + label;
            let goes_on =
                value.get(end) == Some(&b'.') && value.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
            let known = views
                .tlds()
                .top
                .contains(&value[dot + 1..end].to_ascii_lowercase());
            (known && !goes_on && !joins(value.get(end))).then_some(start..end)
        })
}

fn find_ip(value: &[u8]) -> Option<Vec<u8>> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (0..value.len()).find_map(|start| {
        let before = start.checked_sub(1).and_then(|before| value.get(before));
        let end = start + ip::at(value, start)?;
        let bounded = is_word(before) != is_word(value.get(start))
            && is_word(value.get(end - 1)) != is_word(value.get(end));
        (bounded && before != Some(&b'.') && value.get(end) != Some(&b'.'))
            .then(|| value[start..end].to_vec())
    })
}

/// The octets, or the nibbles of an IPv6 address, in reverse order.
fn reversed(ip: &[u8]) -> Option<Vec<u8>> {
    let parts: Vec<String> = match std::str::from_utf8(ip).ok()?.parse().ok()? {
        std::net::IpAddr::V4(v4) => v4.octets().iter().map(u8::to_string).collect(),
        std::net::IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect()
        }
    };
    Some(parts.into_iter().rev().collect::<Vec<_>>().join(".").into_bytes())
}

/// `Name: value` of every field, and whether some were left out: SpamAssassin cuts them all together at 64 KiB.
pub(super) fn all_headers(headers: &[Header]) -> (Vec<Vec<u8>>, bool) {
    const ALL_BYTES: usize = 65_536;
    let mut lines: Vec<Option<Vec<u8>>> = vec![None; headers.len()];
    let mut order: Vec<usize> = Vec::new();
    let mut by_name: std::collections::HashMap<Vec<u8>, Vec<usize>> = std::collections::HashMap::new();
    for (index, header) in headers.iter().enumerate() {
        let same = by_name.entry(header.name.to_ascii_lowercase()).or_default();
        if same.is_empty() {
            order.push(index);
        }
        same.push(index);
    }
    let mut size = 0;
    let mut truncated = false;
    'fields: for first in order {
        for index in by_name
            .remove(&headers[first].name.to_ascii_lowercase())
            .unwrap_or_default()
        {
            let header = &headers[index];
            let value = header.decoded();
            size += header.name.len() + value.len() + 1 + 2;
            if size > ALL_BYTES {
                truncated = true;
                break 'fields;
            }
            lines[index] = Some([&header.name[..], b": ", value, b"\n"].concat());
        }
    }
    (lines.into_iter().flatten().collect(), truncated)
}
