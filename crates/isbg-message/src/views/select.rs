//! Header selectors: what stands between `header NAME` and `=~` in a rule. Does not match anything.

use std::borrow::Cow;

use super::Views;
use super::head::{Header, is_space};
use super::take::taken;

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
pub(super) struct Take {
    pub address: bool,
    pub name: bool,
    pub host: bool,
    pub domain: bool,
    pub ip: bool,
    pub reverse_ip: bool,
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

pub(super) type Value<'v> = Cow<'v, [u8]>;

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
    taken(views, chosen, selector.take, selector.raw)
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
