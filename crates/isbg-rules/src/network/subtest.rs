//! What a list's answer is compared with, in the forms that rule files use. Does not know rules.

use std::net::Ipv4Addr;

use isbg_types::dns::{Data, Kind};

use crate::load::text::to_bytes;
use crate::pattern::{Flags, Pattern, Program};

/// Lists answer with an address of this network where they refuse to answer.
const REFUSAL: [u8; 3] = [127, 255, 255];

/// Whether a list says by this record that it does not answer whoever asks.
pub(super) fn is_refusal(record: &Data) -> bool {
    matches!(record, Data::A(address) if address.octets().starts_with(&REFUSAL))
}

/// A number, two numbers, or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Any of these bits, in an address of 127.0.0.0/8.
    Bits(u32),
    /// From one to the other.
    Range(u32, u32),
    /// The first, as far as the bits of the second go.
    Masked(u32, u32),
}

impl Numbers {
    /// `n`, `n1-n2` or `n/m`, each decimal, hexadecimal with `0x`, or an IPv4 address; an address alone is that very
    /// address.
    pub fn parse(text: &str) -> Option<Self> {
        match text.find(['-', '/']) {
            None => {
                let (number, is_address) = number(text)?;
                Some(if is_address {
                    Self::Range(number, number)
                } else {
                    Self::Bits(number)
                })
            }
            Some(at) => {
                let (first, second) = (number(&text[..at])?.0, number(&text[at + 1..])?.0);
                Some(if text[at..].starts_with('-') {
                    Self::Range(first, second)
                } else {
                    Self::Masked(first, second)
                })
            }
        }
    }

    pub fn holds(self, address: Ipv4Addr) -> bool {
        let number = address.to_bits();
        match self {
            Self::Bits(bits) => number & bits != 0 && number >> 24 == 127,
            Self::Range(first, last) => (first..=last).contains(&number),
            Self::Masked(value, mask) => number & mask == value & mask,
        }
    }
}

fn number(text: &str) -> Option<(u32, bool)> {
    if let Some(digits) = text.strip_prefix("0x") {
        return Some((u32::from_str_radix(digits, 16).ok()?, false));
    }
    match text.parse::<Ipv4Addr>() {
        Ok(address) => Some((address.to_bits(), true)),
        Err(_) => Some((text.parse().ok()?, false)),
    }
}

/// What an answer is compared with.
#[derive(Debug)]
pub(super) enum Subtest {
    /// Numbers, for addresses.
    Numbers(Numbers),
    /// The whole text.
    Text(Vec<u8>),
    /// A pattern.
    Pattern(Program),
    /// Whether the name exists: either way.
    Exists(Vec<bool>),
}

impl Subtest {
    /// As `check_rbl` and its like have it: bits, an address, or a pattern without delimiters.
    ///
    /// # Errors
    /// If the pattern is none.
    pub fn of_list(text: &str) -> Result<Self, String> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            let bits = text.parse().map_err(|_| format!("{text} is no set of bits"))?;
            return Ok(Self::Numbers(Numbers::Bits(bits)));
        }
        if is_dotted(text) {
            return Ok(Self::Text(to_bytes(text)));
        }
        let pattern = Pattern::plain(&to_bytes(text), Flags::default()).and_then(|pattern| pattern.compile());
        pattern.map(Self::Pattern).map_err(|error| error.to_string())
    }

    /// As `uridnssub` and its like have it.
    ///
    /// # Errors
    /// If it is no number.
    pub fn of_uri_list(text: &str) -> Result<Self, String> {
        let numbers = Numbers::parse(text).map(Self::Numbers);
        numbers.ok_or_else(|| format!("{text} is no number, address or range"))
    }

    /// As `askdns` has it.
    ///
    /// # Errors
    /// If it is nothing of what may stand there.
    pub fn of_question(text: &str) -> Result<Self, String> {
        let quoted = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if text.starts_with('/') || (text.starts_with('m') && !text[1..].starts_with(char::is_alphanumeric)) {
            let pattern = Pattern::delimited(&to_bytes(text)).and_then(|pattern| pattern.compile());
            return pattern.map(Self::Pattern).map_err(|error| error.to_string());
        }
        if let Some(exact) = quoted('"').or_else(|| quoted('\'')) {
            return Ok(Self::Text(to_bytes(exact)));
        }
        if let Some(codes) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let codes: Option<Vec<bool>> = codes.split(',').map(|name| existence(name.trim())).collect();
            return codes.map(Self::Exists).ok_or_else(|| {
                format!("of the response codes {text}, only NOERROR and NXDOMAIN are answers")
            });
        }
        let numbers = Numbers::parse(text).map(Self::Numbers);
        numbers.ok_or_else(|| format!("{text} is no text, pattern, number or list of response codes"))
    }

    /// Whether a record's value is what is looked for.
    pub fn holds(&self, record: &Data) -> bool {
        match (self, record) {
            (Self::Numbers(numbers), Data::A(address)) => numbers.holds(*address),
            (Self::Text(wanted), _) => value(record) == *wanted,
            (Self::Pattern(program), _) => program.is_match(&value(record)) == Ok(true),
            (Self::Numbers(_) | Self::Exists(_), _) => false,
        }
    }

    /// Whether it names what it looks for, and not only some of its bits.
    pub fn is_exact(&self) -> bool {
        !matches!(self, Self::Numbers(Numbers::Bits(_)))
    }
}

/// Four numbers with dots between them, whatever their size.
fn is_dotted(text: &str) -> bool {
    let mut numbers = text.split('.');
    numbers.clone().count() == 4
        && numbers.all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// What a response code says about the name (RFC 6895 §2.3). With other codes, nothing is known.
fn existence(code: &str) -> Option<bool> {
    match code.to_ascii_uppercase().as_str() {
        "NOERROR" | "0" => Some(true),
        "NXDOMAIN" | "3" => Some(false),
        _ => None,
    }
}

/// A record's value as text, as zone files write it.
pub(super) fn value(record: &Data) -> Vec<u8> {
    match record {
        Data::A(address) => address.to_string().into_bytes(),
        Data::Aaaa(address) => {
            let groups: Vec<String> = address
                .segments()
                .iter()
                .map(|group| format!("{group:x}"))
                .collect();
            groups.join(":").into_bytes()
        }
        Data::Mx { preference, exchange } => format!("{preference} {exchange}.").into_bytes(),
        Data::Txt(text) => text.clone(),
        Data::Name(name) => format!("{name}.").into_bytes(),
    }
}

/// A kind of record by its name; `None` for those that are not asked for here.
pub(super) fn kind(name: &str) -> Option<Kind> {
    Some(match name.to_ascii_uppercase().as_str() {
        "A" => Kind::A,
        "AAAA" => Kind::Aaaa,
        "MX" => Kind::Mx,
        "NS" => Kind::Ns,
        "TXT" => Kind::Txt,
        "PTR" => Kind::Ptr,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(subtest: &Subtest, address: &str) -> bool {
        subtest.holds(&Data::A(address.parse().unwrap()))
    }

    #[test]
    fn numbers() {
        for (text, address, wanted) in [
            ("2", "127.0.0.6", true),
            ("2", "127.0.0.4", false),
            ("2", "128.0.0.2", false),
            ("0x10", "127.0.0.16", true),
            ("127.0.1.2", "127.0.1.2", true),
            ("127.0.1.2", "127.0.1.3", false),
            ("127.0.1.20-127.0.1.39", "127.0.1.30", true),
            ("127.0.1.20-127.0.1.39", "127.0.1.40", false),
            ("0.0.0.16/0.0.0.16", "10.0.0.16", true),
            ("127.0.1.0/255.255.255.0", "127.0.1.9", true),
            ("127.0.1.0/255.255.255.0", "127.0.2.9", false),
        ] {
            assert_eq!(
                holds(&Subtest::of_uri_list(text).unwrap(), address),
                wanted,
                "{text} {address}"
            );
        }
        for bad in ["", "x", "1-", "0xzz", "1.2.3"] {
            assert!(Subtest::of_uri_list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn forms_of_list_rules() {
        for (text, address, wanted) in [
            ("8", "127.0.0.9", true),
            ("127.0.0.2", "127.0.0.2", true),
            ("127.0.0.2", "127.0.0.20", false),
            (r"^127\.0\.0\.[23]$", "127.0.0.3", true),
            (r"^127\.0\.0\.[23]$", "127.0.0.4", false),
        ] {
            assert_eq!(
                holds(&Subtest::of_list(text).unwrap(), address),
                wanted,
                "{text} {address}"
            );
        }
        assert!(Subtest::of_list("(").is_err());
    }

    #[test]
    fn forms_of_askdns() {
        assert!(holds(
            &Subtest::of_question("\"127.0.0.1\"").unwrap(),
            "127.0.0.1"
        ));
        assert!(holds(
            &Subtest::of_question("/^127\\.2\\./").unwrap(),
            "127.2.0.1"
        ));
        assert!(holds(&Subtest::of_question("m{^127}i").unwrap(), "127.2.0.1"));
        let codes = Subtest::of_question("[NXDOMAIN, noerror,3]").unwrap();
        assert!(matches!(codes, Subtest::Exists(codes) if codes == [false, true, false]));
        for bad in ["[SERVFAIL]", "/(/", "many words"] {
            assert!(Subtest::of_question(bad).is_err(), "{bad}");
        }
    }
}
