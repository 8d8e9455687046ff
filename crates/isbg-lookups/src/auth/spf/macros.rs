//! Macros in SPF targets (RFC 7208 §7). Does not know mechanisms.

use std::fmt::Write as _;
use std::net::IpAddr;

/// The longest name there is.
const MOST_CHARACTERS: usize = 253;

/// What the letters stand for.
pub(super) struct Values<'a> {
    pub ip: IpAddr,
    pub helo: &'a str,
    pub local: &'a str,
    pub sender_domain: &'a str,
    pub domain: &'a str,
}

/// The target with its macros replaced, cut from the left if it is too long; `None` for syntax errors.
pub(super) fn expand(target: &str, values: &Values<'_>) -> Option<String> {
    let mut out = String::new();
    let mut rest = target;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (with, len) = match rest.as_bytes().first()? {
            b'%' => ("%".to_owned(), 1),
            b'_' => (" ".to_owned(), 1),
            b'-' => ("%20".to_owned(), 1),
            b'{' => {
                let end = rest.find('}')?;
                (one(&rest[1..end], values)?, end + 1)
            }
            _ => return None,
        };
        out.push_str(&with);
        rest = &rest[len..];
    }
    out.push_str(rest);
    while out.len() > MOST_CHARACTERS {
        let (_, shorter) = out.split_once('.')?;
        out = shorter.to_owned();
    }
    Some(out)
}

/// A letter, then how many labels from the right, `r` for reversed, and delimiters.
fn one(text: &str, values: &Values<'_>) -> Option<String> {
    let letter = text.chars().next().filter(char::is_ascii_alphabetic)?;
    let value = match letter.to_ascii_lowercase() {
        's' => format!("{}@{}", values.local, values.sender_domain),
        'l' => values.local.to_owned(),
        'o' => values.sender_domain.to_owned(),
        'd' => values.domain.to_owned(),
        'i' => dotted(values.ip),
        // Looking the name up is advised against (RFC 7208 §7.3), and this value allowed.
        'p' => "unknown".to_owned(),
        'v' => if values.ip.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
        'h' => values.helo.to_owned(),
        _ => return None,
    };
    let rest = &text[1..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at(digits);
    let reverse = rest.strip_prefix(['r', 'R']);
    let delimiters = reverse.unwrap_or(rest);
    if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        return None;
    }
    let delimiters = if delimiters.is_empty() { "." } else { delimiters };
    let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
    if reverse.is_some() {
        parts.reverse();
    }
    if !digits.is_empty() {
        let wanted = digits.parse::<usize>().ok().filter(|wanted| *wanted > 0)?;
        parts.drain(..parts.len().saturating_sub(wanted));
    }
    let value = parts.join(".");
    Some(if letter.is_ascii_uppercase() {
        escaped(&value)
    } else {
        value
    })
}

/// An address as its labels: octets, or for IPv6 nibbles.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let nibbles: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            nibbles.join(".")
        }
    }
}

/// The same, from right to left.
pub(super) fn reversed(ip: IpAddr) -> String {
    let dotted = dotted(ip);
    dotted.rsplit('.').collect::<Vec<_>>().join(".")
}

/// As in URIs: all but unreserved characters escaped (RFC 3986 §2.3).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7208 §7.4.
    #[test]
    fn examples_of_the_rfc() {
        let values = |ip: &str| Values {
            ip: ip.parse().unwrap(),
            helo: "mx.example.org",
            local: "strong-bad",
            sender_domain: "email.example.com",
            domain: "email.example.com",
        };
        for (target, wanted) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l-}", "strong.bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            (
                "%{d2}.trusted-domains.example.net",
                "example.com.trusted-domains.example.net",
            ),
            ("%%%_%-%{H}", "% %20mx.example.org"),
        ] {
            assert_eq!(
                expand(target, &values("192.0.2.3")).as_deref(),
                Some(wanted),
                "{target}"
            );
        }
        assert_eq!(
            expand("%{ir}.%{v}", &values("2001:db8::cb01")).as_deref(),
            Some("1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6")
        );
        for bad in ["%", "%x", "%{", "%{}", "%{q}", "%{d0}", "%{d!}"] {
            assert_eq!(expand(bad, &values("192.0.2.3")), None, "{bad}");
        }
    }

    #[test]
    fn long_names_lose_their_start() {
        let values = Values {
            ip: [192, 0, 2, 3].into(),
            helo: "",
            local: &"x.".repeat(200),
            sender_domain: "a.example",
            domain: "a.example",
        };
        let name = expand("%{l}.a.example", &values).unwrap();
        assert!(
            name.len() <= MOST_CHARACTERS && name.ends_with("x..a.example"),
            "{name}"
        );
    }
}
