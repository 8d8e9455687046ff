//! Names as network rules put them together. Does not ask about any.

use std::net::IpAddr;

use isbg_types::dns::{Kind, Question};

/// An address with its pieces in reverse order, as lists want it: octets, or for IPv6 nibbles (RFC 5782 §2.1, §2.4).
pub(super) fn reversed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(v6) => {
            let digits: Vec<String> = v6
                .octets()
                .iter()
                .rev()
                .flat_map(|octet| [octet & 15, octet >> 4])
                .map(|nibble| format!("{nibble:x}"))
                .collect();
            digits.join(".")
        }
    }
}

/// The question about something below a zone.
pub(super) fn below(what: &str, zone: &str, kind: Kind) -> Option<Question> {
    Question::new(&format!("{what}.{zone}"), kind)
}

/// Text of a message as a part of a name; `None` where it has anything but ASCII.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty() && text.is_ascii()).then(|| text.to_ascii_lowercase())
}

/// The host of an address: what follows its `@`, without dots around it and with single dots inside. `None` if it has no
/// dot.
pub(super) fn host_of(address: &str) -> Option<String> {
    let host = address.split('@').nth(1)?;
    let host = host.split_ascii_whitespace().next()?;
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    (labels.len() > 1).then(|| labels.join("."))
}

/// Removes what was there before.
pub(super) fn unique<T: PartialEq>(list: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in list {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_backwards() {
        assert_eq!(reversed("192.0.2.7".parse().unwrap()), "7.2.0.192");
        assert_eq!(
            reversed("2001:db8::1:f".parse().unwrap()),
            "f.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
        );
    }

    #[test]
    fn hosts() {
        assert_eq!(host_of("a@.b..example.").as_deref(), Some("b.example"));
        for none in ["a", "a@", "a@localhost", "a@ b"] {
            assert_eq!(host_of(none), None, "{none}");
        }
    }
}
