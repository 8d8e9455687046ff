//! Addresses, names, hosts and IP addresses in header values. Does not know which header it is.

use std::borrow::Cow;

use super::head::is_space;
use super::select::{Take, Value};
use super::{Views, address, domain, ip};

/// Takes addresses, names, hosts or IP addresses out of values, as the selector says.
pub(super) fn taken<'v>(
    views: &'v Views<'_>,
    mut values: Vec<Value<'v>>,
    take: Take,
    raw: bool,
) -> Vec<Value<'v>> {
    if take.address || take.name {
        let addresses = values.iter().flat_map(|value| address::parse(value));
        values = if take.address {
            addresses
                .filter_map(|found| found.address)
                .map(Cow::Owned)
                .collect()
        } else {
            let name = |phrase: Vec<u8>| {
                if raw { phrase } else { display_name(&phrase) }
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
