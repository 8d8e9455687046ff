//! Registered domains without a list of suffixes, and whether a label looks made up. Does not know messages.

/// Second labels below which names are registered in country domains.
const SECOND: &[&str] = &[
    "ac", "co", "com", "ed", "edu", "go", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or", "org",
    "sch",
];

/// The registered domain of a host in lower case: the last two labels, or three where the second of them is one of those
/// that countries set aside (`co.uk`). Holds whatever lists of suffixes the rule files bring; an address stays whole.
pub(super) fn organization(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    if is_ip(host) {
        return host;
    }
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (Some(top), second) = (dots.next(), dots.next()) else {
        return host;
    };
    let Some(second) = second else { return host };
    let country = host.len() - top == 3 && SECOND.contains(&&host[second + 1..top]);
    match (country, dots.next()) {
        (false, _) => &host[second + 1..],
        (true, Some(third)) => &host[third + 1..],
        (true, None) => host,
    }
}

/// The first label of the registered domain: the name somebody chose.
pub(super) fn label(host: &str) -> &str {
    organization(host).split('.').next().unwrap_or_default()
}

/// Whether a host is an IPv4 address, in any of the spellings browsers take, or an IPv6 one.
pub(super) fn is_ip(host: &str) -> bool {
    if host.starts_with('[') {
        return true;
    }
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
    };
    let labels = host.split('.').count();
    host.split('.').all(number) && (labels == 4 || (labels == 1 && host.len() >= 8))
}

/// Whether two domains look like one owner's: the same, or names of which one begins with the other.
pub(super) fn related(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (label(one), label(other));
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    short.len() >= 4 && (long.starts_with(short) || long.ends_with(short))
}

/// Whether a label was drawn rather than chosen: letters and digits mixed several times, or consonants without end.
/// `case` is the label as it stood, for letters that change their case without sense.
pub(super) fn looks_random(case: &str) -> bool {
    let lower = case.to_ascii_lowercase();
    if lower.len() < 9 || lower.starts_with("xn--") || !lower.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let bytes = lower.as_bytes();
    let kind = |b: u8| b.is_ascii_digit();
    let switches = bytes
        .windows(2)
        .filter(|pair| kind(pair[0]) != kind(pair[1]))
        .count();
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    let flips = case
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    let (mut run, mut longest) = (0, 0);
    for byte in bytes {
        run = match byte {
            // What German and Polish spell one sound with.
            b'h' | b's' => run,
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' | b'0'..=b'9' => 0,
            _ => run + 1,
        };
        longest = longest.max(run);
    }
    (switches >= 4 && !hex) || longest >= 6 || (flips >= 3 && switches >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organizations() {
        for (host, domain) in [
            ("www.example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.com.br", "example.com.br"),
            ("co.uk", "co.uk"),
            ("mail.example.de", "example.de"),
            ("a.co.example", "co.example"),
            ("localhost", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
            ("", ""),
        ] {
            assert_eq!(organization(host), domain, "{host}");
        }
        assert_eq!(label("a.b.example.co.uk"), "example");
    }

    #[test]
    fn addresses() {
        for (host, is) in [
            ("192.0.2.7", true),
            ("3221225991", true),
            ("0xc0000207", true),
            ("[2001:db8::1]", true),
            ("1.2.3", false),
            ("example.com", false),
            ("", false),
            ("360", false),
        ] {
            assert_eq!(is_ip(host), is, "{host}");
        }
    }

    #[test]
    fn owners() {
        assert!(related("acme.com", "acme-mail.com") && related("acme.com", "mailacme.net"));
        assert!(!related("acme.com", "example.com") && !related("abc.com", "abcd.com"));
    }

    #[test]
    fn drawn_labels() {
        for label in [
            "k3hd513reagvbx6gomyi",
            "n9hri5rq3r9s",
            "cgWrHCH6IGBAcDEedN1c",
            "dsrgthyjnbvdc2",
        ] {
            assert!(looks_random(label), "{label}");
        }
        for label in [
            "microsoftonline",
            "email2",
            "deutschebank",
            "sparkasse2024",
            "postnord",
            "d15f8a2b9c3e4f5a",
            "angstschweiss",
        ] {
            assert!(!looks_random(label), "{label}");
        }
    }
}
