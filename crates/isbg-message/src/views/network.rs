//! Sets of IP networks as `trusted_networks` and its like list them. Does not ask the system.

use std::net::{IpAddr, Ipv4Addr};

/// Networks, some of them excluded.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    list: Vec<Network>,
}

#[derive(Debug, Clone)]
struct Network {
    base: u128,
    mask: u128,
    excluded: bool,
}

/// IPv4 addresses are kept in IPv6 form.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0)
}

impl Networks {
    /// Adds one network: `10.1.2.3`, `10.1.2.0/24`, `10.1.` or `10.1/16` for short, `2001:db8::/32`, `[::1]`, each excluded
    /// with a `!` in front. Of several that contain an address the first one counts.
    ///
    /// Returns whether it could be understood.
    pub fn add(&mut self, text: &str) -> bool {
        let (text, excluded) = match text.strip_prefix('!') {
            Some(rest) => (rest.trim_start(), true),
            None => (text, false),
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => match bits.parse::<u32>() {
                Ok(bits) => (address, Some(bits)),
                Err(_) => return false,
            },
            None => (text, None),
        };
        let Some((base, most, told)) = parse(address) else {
            return false;
        };
        let bits = bits.unwrap_or(told);
        if bits > most {
            return false;
        }
        let mask = mask(128 - most + bits);
        self.list.push(Network {
            base: base & mask,
            mask,
            excluded,
        });
        true
    }

    /// Whether an address belongs to the set or to the loopback network, which everybody trusts.
    pub(crate) fn contains_or_loopback(&self, ip: &[u8]) -> bool {
        let address = std::str::from_utf8(ip)
            .ok()
            .and_then(|text| text.parse::<IpAddr>().ok());
        address.is_some_and(|address| address.to_canonical().is_loopback()) || self.contains(ip)
    }

    /// Whether an address belongs to the set. Text that is no address does not.
    pub fn contains(&self, ip: &[u8]) -> bool {
        let Some(address) = std::str::from_utf8(ip)
            .ok()
            .and_then(|text| text.parse::<IpAddr>().ok())
        else {
            return false;
        };
        let number = number(address);
        self.list
            .iter()
            .find(|network| number & network.mask == network.base)
            .is_some_and(|network| !network.excluded)
    }
}

/// Address, its number of bits, and how many of them are told.
fn parse(address: &str) -> Option<(u128, u32, u32)> {
    let bare = address
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(address);
    if bare.contains(':') {
        return Some((number(IpAddr::V6(bare.parse().ok()?)), 128, 128));
    }
    let mut octets = [0u8; 4];
    let mut count = 0;
    for piece in bare.trim_end_matches('.').split('.') {
        *octets.get_mut(count)? = piece.parse().ok()?;
        count += 1;
    }
    Some((number(IpAddr::V4(Ipv4Addr::from(octets))), 32, 8 * count as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership() {
        let mut networks = Networks::default();
        for text in ["!10.1.2.3", "10.1/16", "192.168.", "2001:db8::/32", "203.0.113.7"] {
            assert!(networks.add(text), "{text}");
        }
        for text in [
            "",
            "x",
            "1.2.3.4.5",
            "1.2.3.4/33",
            "::1/129",
            "1.2.3.256",
            "1.2.3.4/",
        ] {
            assert!(!networks.add(text), "{text}");
        }
        for ip in [
            "10.1.2.4",
            "192.168.1.1",
            "2001:db8::1",
            "203.0.113.7",
            "::ffff:10.1.0.1",
        ] {
            assert!(networks.contains(ip.as_bytes()), "{ip}");
        }
        for ip in [
            "10.1.2.3",
            "10.2.0.1",
            "2001:db9::1",
            "203.0.113.8",
            "",
            "localhost",
        ] {
            assert!(!networks.contains(ip.as_bytes()), "{ip}");
        }
        for ip in ["127.0.0.1", "::1", "::ffff:127.1.2.3"] {
            assert!(
                networks.contains_or_loopback(ip.as_bytes()) && !networks.contains(ip.as_bytes()),
                "{ip}"
            );
        }
        assert!(!Networks::default().contains_or_loopback(b"10.0.0.1"));
    }
}
