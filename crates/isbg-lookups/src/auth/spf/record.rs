//! SPF records as text (RFC 7208 §4.5 to §6). Does not evaluate them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A record may have so many terms; longer ones make no sense.
const MOST_TERMS: usize = 200;

/// What a match of a mechanism means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// What is matched. Targets are templates; without one it is the domain itself. Bits are for IPv4 and for IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(String),
    A(Option<String>, (u8, u8)),
    Mx(Option<String>, (u8, u8)),
    Ptr(Option<String>),
    Ip(IpAddr, u8),
    Exists(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub qualifier: Qualifier,
    pub mechanism: Mechanism,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub terms: Vec<Term>,
    /// Where the answer is if no term matches and none is `all`.
    pub redirect: Option<String>,
}

/// What follows the version in an SPF record; `None` for other texts.
pub(super) fn text(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let version = text
        .get(..6)
        .filter(|version| version.eq_ignore_ascii_case("v=spf1"))?;
    let rest = &text[version.len()..];
    (rest.is_empty() || rest.starts_with(' ')).then_some(rest)
}

/// Reads what follows the version; `None` for syntax errors.
pub(super) fn parse(text: &str) -> Option<Record> {
    let mut record = Record {
        terms: Vec::new(),
        redirect: None,
    };
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if let Some((name, value)) = modifier(word) {
            if name.eq_ignore_ascii_case("redirect") {
                if record.redirect.is_some() || value.is_empty() {
                    return None;
                }
                record.redirect = Some(value.to_owned());
            }
            continue;
        }
        if record.terms.len() == MOST_TERMS {
            return None;
        }
        record.terms.push(term(word)?);
    }
    Some(record)
}

/// `name=value`, where no `:` or `/` comes before the `=`.
fn modifier(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    valid.then_some((name, value))
}

fn term(word: &str) -> Option<Term> {
    let qualifier = match word.as_bytes().first()? {
        b'-' => Qualifier::Fail,
        b'~' => Qualifier::SoftFail,
        b'?' => Qualifier::Neutral,
        _ => Qualifier::Pass,
    };
    let word = word.strip_prefix(['+', '-', '~', '?']).unwrap_or(word);
    let end = word.find([':', '/']).unwrap_or(word.len());
    let (name, rest) = word.split_at(end);
    let target = rest.strip_prefix(':');
    let mechanism = match (name.to_ascii_lowercase().as_str(), target) {
        ("all", None) if rest.is_empty() => Mechanism::All,
        ("include", Some(target)) if !target.is_empty() => Mechanism::Include(target.to_owned()),
        ("exists", Some(target)) if !target.is_empty() => Mechanism::Exists(target.to_owned()),
        ("ptr", Some(target)) if !target.is_empty() => Mechanism::Ptr(Some(target.to_owned())),
        ("ptr", None) if rest.is_empty() => Mechanism::Ptr(None),
        ("ip4", Some(network)) => {
            let (address, bits) = network.split_once('/').unwrap_or((network, "32"));
            Mechanism::Ip(address.parse::<Ipv4Addr>().ok()?.into(), length(bits, 32)?)
        }
        ("ip6", Some(network)) => {
            let (address, bits) = network.split_once('/').unwrap_or((network, "128"));
            Mechanism::Ip(address.parse::<Ipv6Addr>().ok()?.into(), length(bits, 128)?)
        }
        ("a", _) => {
            let (target, bits) = target_and_bits(rest)?;
            Mechanism::A(target, bits)
        }
        ("mx", _) => {
            let (target, bits) = target_and_bits(rest)?;
            Mechanism::Mx(target, bits)
        }
        _ => return None,
    };
    Some(Term { qualifier, mechanism })
}

/// `[:target][/bits][//bits]`. A `/` inside a macro belongs to the target.
fn target_and_bits(rest: &str) -> Option<(Option<String>, (u8, u8))> {
    let after_macros = rest.rfind('}').map_or(0, |at| at + 1);
    let slash = rest[after_macros..]
        .find('/')
        .map_or(rest.len(), |at| after_macros + at);
    let (target, bits) = rest.split_at(slash);
    let target = match target.strip_prefix(':') {
        Some("") => return None,
        target => target.map(str::to_owned),
    };
    let (bits4, bits6) = match bits.split_once("//") {
        Some((bits4, bits6)) => (bits4.strip_prefix('/').unwrap_or("32"), bits6),
        None if bits.is_empty() => ("32", "128"),
        None => (&bits[1..], "128"),
    };
    Some((target, (length(bits4, 32)?, length(bits6, 128)?)))
}

fn length(text: &str, most: u8) -> Option<u8> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|bits| digits && *bits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mechanism(word: &str) -> Option<Mechanism> {
        term(word).map(|term| term.mechanism)
    }

    #[test]
    fn terms() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(mechanism("-all"), Some(Mechanism::All));
        assert_eq!(mechanism("A"), Some(Mechanism::A(None, (32, 128))));
        assert_eq!(mechanism("a/24//64"), Some(Mechanism::A(None, (24, 64))));
        assert_eq!(
            mechanism("mx:m.example//64"),
            Some(Mechanism::Mx(some("m.example"), (32, 64)))
        );
        assert_eq!(
            mechanism("a:%{d/}.x/8"),
            Some(Mechanism::A(some("%{d/}.x"), (8, 128)))
        );
        assert_eq!(
            mechanism("ip4:192.0.2.0/24"),
            Some(Mechanism::Ip([192, 0, 2, 0].into(), 24))
        );
        for bad in [
            "",
            "-",
            "all:x",
            "include:",
            "include",
            "ip4:1.2.3",
            "ip4:1.2.3.4/33",
            "ip6:1.2.3.4",
            "a:",
            "a/x",
            "a/",
            "exists",
            "what",
            "all/8",
            "a/+8",
        ] {
            assert_eq!(mechanism(bad), None, "{bad}");
        }
    }

    #[test]
    fn records() {
        assert_eq!(text(b"v=spf1"), Some(""));
        assert_eq!(text(b"V=SPF1 a"), Some(" a"));
        assert_eq!(text(b"v=spf10 a"), None);
        assert_eq!(text(b"\xff"), None);
        let record = parse(" a  -all exp=x.example unknown=1 redirect=y.example").unwrap();
        assert_eq!(
            (record.terms.len(), record.redirect.as_deref()),
            (2, Some("y.example"))
        );
        assert_eq!(parse("redirect=a.example redirect=b.example"), None);
        assert_eq!(parse(&"a ".repeat(MOST_TERMS + 1)), None);
    }
}
