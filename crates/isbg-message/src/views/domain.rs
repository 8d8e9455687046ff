//! Host names and their registered domains, by the TLD lists of the rule files. Does not ask any name server.

use std::collections::HashSet;

use super::ip::is_ip;

/// The TLD lists of the rule files (`util_rb_tld`, `util_rb_2tld`, `util_rb_3tld`), in lower case.
#[derive(Debug, Clone, Default)]
pub struct Tlds {
    /// Top-level domains.
    pub top: HashSet<Vec<u8>>,
    /// Domains of two labels below which names are registered.
    pub two: HashSet<Vec<u8>>,
    /// The same of three labels.
    pub three: HashSet<Vec<u8>>,
}

/// States and territories as they stand in `….xx.us`.
const US_STATES: &[u8] =
    b"ak al ar az ca co ct dc de fl ga gu hi ia id il in ks ky la ma md me mi mn mo ms mt nc nd ne nh \
    nj nm nv ny oh ok or pa pr ri sc sd tn tx ut va vi vt wa wi wv wy";

fn is_state(label: &[u8]) -> bool {
    US_STATES.split(|byte| *byte == b' ').any(|state| state == label)
}

/// Whether `host` has the form of a full host name: two labels or more, no odd characters.
pub fn is_fqdn(host: &[u8]) -> bool {
    let end = host.iter().rposition(|byte| *byte != b'.').map_or(0, |at| at + 1);
    let host = &host[..end];
    let count = host.split(|byte| *byte == b'.').count();
    host.len() <= 253
        && count > 1
        && host
            .split(|byte| *byte == b'.')
            .enumerate()
            .all(|(index, label)| {
                let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                (1..=63).contains(&label.len())
                    && label.iter().all(inner)
                    && label.first() != Some(&b'-')
                    && label.last() != Some(&b'-')
                    && (index + 2 < count || !label.contains(&b'_'))
            })
}

impl Tlds {
    /// Whether `host` ends in a known top-level domain. Nothing else is checked.
    pub fn is_valid(&self, host: &[u8]) -> bool {
        let host = host.to_ascii_lowercase();
        let top = host
            .iter()
            .rposition(|byte| *byte == b'.')
            .map(|dot| &host[dot + 1..]);
        !host.iter().any(|byte| super::head::is_space(*byte)) && top.is_some_and(|top| self.top.contains(top))
    }

    /// The part of `host` that was registered. `host` is in lower case.
    pub fn registered(&self, host: &[u8]) -> Vec<u8> {
        let labels: Vec<&[u8]> = host
            .split(|byte| *byte == b'.')
            .filter(|label| !label.is_empty())
            .collect();
        let mut start = 0;
        while labels.len() - start.min(labels.len()) > 1 && !self.is_boundary(&labels[start..]) {
            start += 1;
        }
        labels[start.saturating_sub(1).min(labels.len())..].join(&b'.')
    }

    /// Whether names are registered directly below these labels.
    fn is_boundary(&self, labels: &[&[u8]]) -> bool {
        match labels {
            [_, _] => self.two.contains(&labels.join(&b'.')),
            [_, state, b"us"] => is_state(state),
            [_, _, _] => self.three.contains(&labels.join(&b'.')),
            [b"pvt", b"k12", state, b"us"] | [b"ci" | b"co", _, state, b"us"] => is_state(state),
            _ => false,
        }
    }

    /// Registered domain and host of a URI, in lower case. An IP address is both.
    pub fn of_uri(&self, uri: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let uri = uri.to_ascii_lowercase();
        if [&b"javascript:"[..], b"cid:", b"file:"]
            .iter()
            .any(|scheme| uri.starts_with(scheme))
        {
            return None;
        }
        let host = match uri.strip_prefix(b"mailto:") {
            Some(address) => {
                let address = address.split(|byte| *byte == b'?').next().unwrap_or_default();
                let mut pieces = address.split(|byte| *byte == b'@');
                match (pieces.next(), pieces.next(), pieces.next()) {
                    (Some(_), Some(host), None) => host,
                    _ => return None,
                }
            }
            None => authority_host(&uri),
        };
        if has_escaped_letter(host) {
            return None;
        }
        if is_ip(host) {
            return Some((host.to_vec(), host.to_vec()));
        }
        (is_fqdn(host) && self.is_valid(host)).then(|| (self.registered(host), host.to_vec()))
    }
}

fn authority_host(uri: &[u8]) -> &[u8] {
    let scheme = uri.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let mut rest = uri;
    if scheme > 0 && uri.get(scheme) == Some(&b':') {
        let slashes = uri[scheme + 1..]
            .iter()
            .take(2)
            .take_while(|byte| **byte == b'/')
            .count();
        rest = &uri[scheme + 1 + slashes..];
    }
    rest = rest
        .split(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .next()
        .unwrap_or_default();
    if let Some(at) = rest.iter().rposition(|byte| *byte == b'@') {
        rest = &rest[at + 1..];
    }
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    rest[..rest.len() - digits].strip_suffix(b":").unwrap_or(rest)
}

/// Percent escapes of printable characters have no business in a host.
fn has_escaped_letter(host: &[u8]) -> bool {
    host.windows(3).any(|window| match window {
        [b'%', b'2', low] => matches!(low, b'1'..=b'9' | b'a'..=b'f'),
        [b'%', b'3'..=b'6', low] => low.is_ascii_hexdigit(),
        [b'%', b'7', low] => matches!(low, b'0'..=b'9' | b'a'..=b'e'),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlds() -> Tlds {
        let set = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        Tlds {
            top: set(&["com", "uk", "us", "org"]),
            two: set(&["co.uk"]),
            three: set(&["a.co.uk"]),
        }
    }

    #[test]
    fn registered_domains() {
        for (host, domain) in [
            ("www.example.com", "example.com"),
            ("example.com", "example.com"),
            ("com", "com"),
            ("a.b.co.uk", "b.co.uk"),
            ("x.y.a.co.uk", "y.a.co.uk"),
            ("co.uk", "co.uk"),
            ("www.school.pvt.k12.ca.us", "school.pvt.k12.ca.us"),
            ("..example..com.", "example.com"),
            ("", ""),
        ] {
            assert_eq!(tlds().registered(host.as_bytes()), domain.as_bytes(), "{host}");
        }
    }

    #[test]
    fn hosts_of_uris() {
        for (uri, host) in [
            ("http://User@WWW.Example.com:80/x?y", Some("www.example.com")),
            ("mailto:a@example.org?subject=x", Some("example.org")),
            ("mailto:a@b@example.org", None),
            ("http://1.2.3.4/", Some("1.2.3.4")),
            ("http://ex%61mple.com/", None),
            ("javascript:alert(example.com)", None),
            ("http://example.test/", None),
            ("http://-a.com/", None),
        ] {
            let found = tlds()
                .of_uri(uri.as_bytes())
                .map(|(_, host)| String::from_utf8(host).unwrap());
            assert_eq!(found.as_deref(), host, "{uri}");
        }
    }
}
