//! IP addresses inside other text, in the forms that mail programs write. Does not know which of them are trusted.

/// The IPv4 octet at the start: no leading zeros, at most 255.
fn octet(text: &[u8]) -> Option<(u8, usize)> {
    let digits = text
        .iter()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    (1..=digits).rev().find_map(|len| {
        let number = text[..len]
            .iter()
            .fold(0u32, |number, byte| number * 10 + u32::from(byte - b'0'));
        (len == 1 || text[0] != b'0').then_some(())?;
        Some((u8::try_from(number).ok()?, len))
    })
}

/// The length of the dotted address at the start.
fn dotted(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for index in 0..4 {
        if index > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        at += octet(&text[at..])?.1;
    }
    Some(at)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn is_hex_or_colon(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':')
}

/// The length of the address that starts at `at`; what stands around it may not look like more of it.
pub(crate) fn at(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if rest.first()?.is_ascii_digit()
        && !is_word(before)
        && before != Some(&b':')
        && let Some(len) = dotted(rest)
        && !is_word(rest.get(len))
    {
        return Some(len);
    }
    let prefixed = rest
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"ipv6:"));
    let prefix = if prefixed { 5 } else { 0 };
    if prefix == 0 && is_hex_or_colon(before) {
        return None;
    }
    version_6(&rest[prefix..]).map(|len| prefix + len)
}

fn version_6(text: &[u8]) -> Option<usize> {
    let run = text.iter().take_while(|byte| is_hex_or_colon(Some(byte))).count();
    if run < 2 || !text[..run].contains(&b':') {
        return None;
    }
    if text.get(run) == Some(&b'.')
        && let Some(colon) = text[..run].iter().rposition(|byte| *byte == b':')
        && let Some(len) = dotted(&text[colon + 1..])
        && !is_hex_or_colon(text.get(colon + 1 + len))
        && groups(&text[..=colon], true)
    {
        return Some(colon + 1 + len);
    }
    groups(&text[..run], false).then_some(run)
}

/// Whether these are the groups of an IPv6 address: of the whole, or of what is before a dotted end.
fn groups(text: &[u8], before_dotted: bool) -> bool {
    let double = memchr::memmem::find(text, b"::");
    let text = if before_dotted && !text.ends_with(b"::") {
        &text[..text.len() - 1]
    } else {
        text
    };
    let (all, most) = if before_dotted { (6, 5) } else { (8, 7) };
    let count = |text: &[u8]| -> Option<usize> {
        if text.is_empty() {
            return Some(0);
        }
        let mut groups = text.split(|byte| *byte == b':');
        groups
            .clone()
            .all(|group| (1..=4).contains(&group.len()))
            .then(|| groups.by_ref().count())
    };
    match double {
        Some(at) if at + 2 <= text.len() => match (count(&text[..at]), count(&text[at + 2..])) {
            (Some(left), Some(right)) => left + right <= most,
            _ => false,
        },
        Some(_) => false,
        None => count(text) == Some(all),
    }
}

/// Whether all of `text` is an address.
pub(crate) fn is_ip(text: &[u8]) -> bool {
    at(text, 0).is_some_and(|len| len == text.len() || (len + 1 == text.len() && text.ends_with(b"\n")))
}

/// Where the first address in `text` is.
pub(crate) fn find(text: &[u8]) -> Option<std::ops::Range<usize>> {
    (0..text.len()).find_map(|start| at(text, start).map(|len| start..start + len))
}

/// Whether an address is private, local or otherwise not of the public internet.
pub fn is_private(ip: &[u8]) -> bool {
    let text = ip.to_ascii_lowercase();
    if private_v4(&text) {
        return true;
    }
    let text = text.strip_prefix(b"ipv6:").unwrap_or(&text);
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    match text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => {
            address.is_loopback()
                || (address.segments()[0] & 0xffc0) == 0xfe80
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|v4| private_v4(v4.to_string().as_bytes()))
        }
        Err(_) => false,
    }
}

fn private_v4(text: &[u8]) -> bool {
    let mut numbers = text.split(|byte| *byte == b'.');
    let mut next = || {
        numbers
            .next()
            .and_then(|text| std::str::from_utf8(text).ok()?.parse::<u8>().ok())
    };
    let (first, second) = (next(), next());
    if memchr::memchr(b'.', text).is_none() {
        return false;
    }
    match (first, second) {
        (Some(10 | 127), _) => true,
        (Some(169), Some(254)) | (Some(192), Some(168)) => true,
        (Some(172), Some(second)) => (16..32).contains(&second),
        (Some(100), Some(second)) => (64..128).contains(&second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for ip in [
            "1.2.3.4",
            "255.255.255.255",
            "::1",
            "::",
            "1::",
            "1:2:3:4:5:6:7:8",
            "fe80::1",
            "IPv6:::1",
            "::ffff:1.2.3.4",
            "1:2:3:4:5:6:1.2.3.4",
            "2001:db8::1",
            "1:2:3:4:5:6:7::",
        ] {
            assert!(is_ip(ip.as_bytes()), "{ip}");
        }
        for no in [
            "1.2.3",
            "256.1.1.1",
            "01.2.3.4",
            "1.2.3.4a",
            ":1",
            "1:2",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            "g::1",
            "",
        ] {
            assert!(!is_ip(no.as_bytes()), "{no}");
        }
        assert_eq!(find(b"from [10.0.0.1]:25"), Some(6..14));
        assert_eq!(find(b"x1.2.3.4 11.2.3.4"), Some(9..17));
    }

    #[test]
    fn private_ranges() {
        for ip in [
            "10.1.2.3",
            "127.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(ip.as_bytes()), "{ip}");
        }
        for ip in ["11.1.2.3", "172.32.0.1", "100.128.0.1", "2001:db8::1", "", "x"] {
            assert!(!is_private(ip.as_bytes()), "{ip}");
        }
    }
}
