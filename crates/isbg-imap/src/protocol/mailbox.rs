//! Mailbox names between the wire and people (RFC 3501 §5.1.3, modified UTF-7; RFC 6855, UTF-8). Does not know which
//! folders exist.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use isbg_types::FolderName;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// How names are written on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Modified UTF-7.
    #[default]
    Utf7,
    /// UTF-8: after `ENABLE UTF8=ACCEPT`, or where only IMAP4rev2 is spoken.
    Utf8,
}

/// The name as it goes over the wire.
pub fn encode(name: &FolderName, encoding: Encoding) -> String {
    let text = name.as_str();
    match encoding {
        Encoding::Utf8 => text.to_owned(),
        Encoding::Utf7 => encode_utf7(text),
    }
}

/// The name as people read it. Bytes that do not follow the encoding stay as they are, and what is not even UTF-8
/// is read as Latin-1; compare [`encode`]'s result to know whether the name can be sent back.
pub fn decode(wire: &[u8], encoding: Encoding) -> FolderName {
    let decoded = match encoding {
        Encoding::Utf7 => decode_utf7(wire),
        Encoding::Utf8 => None,
    };
    let text = decoded.or_else(|| std::str::from_utf8(wire).ok().map(str::to_owned));
    FolderName::new(text.unwrap_or_else(|| wire.iter().map(|&byte| char::from(byte)).collect()))
}

fn encode_utf7(text: &str) -> String {
    let mut wire = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let direct = |c: char| (' '..='~').contains(&c);
        if direct(first) {
            wire.push(first);
            if first == '&' {
                wire.push('-');
            }
            rest = &rest[1..];
            continue;
        }
        let end = rest.find(direct).unwrap_or(rest.len());
        let units: Vec<u8> = rest[..end].encode_utf16().flat_map(u16::to_be_bytes).collect();
        wire.push('&');
        BASE64.encode_string(units, &mut wire);
        wire.push('-');
        rest = &rest[end..];
    }
    wire
}

/// `None` if the bytes are no modified UTF-7.
fn decode_utf7(wire: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(wire.len());
    let mut rest = std::str::from_utf8(wire).ok().filter(|wire| wire.is_ascii())?;
    while let Some(shift) = rest.find('&') {
        text.push_str(&rest[..shift]);
        let (run, after) = rest[shift + 1..].split_once('-')?;
        if run.is_empty() {
            text.push('&');
        } else {
            let bytes = BASE64.decode(run).ok()?;
            let (pairs, odd) = bytes.as_chunks::<2>();
            if !odd.is_empty() || pairs.is_empty() {
                return None;
            }
            text.extend(
                char::decode_utf16(pairs.iter().copied().map(u16::from_be_bytes))
                    .collect::<Result<Vec<_>, _>>()
                    .ok()?,
            );
        }
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf7(name: &str) -> String {
        encode(&FolderName::new(name), Encoding::Utf7)
    }

    #[test]
    fn known_names() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("R&D", "R&-D"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("📬", "&2D3c7A-"),
            ("a\tb", "a&AAk-b"),
        ] {
            assert_eq!(utf7(name), wire);
            assert_eq!(decode(wire.as_bytes(), Encoding::Utf7), FolderName::new(name));
        }
        assert_eq!(decode("Entwürfe".as_bytes(), Encoding::Utf8).as_str(), "Entwürfe");
    }

    #[test]
    fn what_is_no_modified_utf7_stays_readable() {
        for (wire, name) in [
            (&b"R&D"[..], "R&D"),
            (b"a&", "a&"),
            (b"&A-", "&A-"),
            (b"&2D0-", "&2D0-"),
            ("Gelöscht".as_bytes(), "Gelöscht"),
            (b"Gel\xf6scht", "Gelöscht"),
            (b"../../etc/passwd", "../../etc/passwd"),
            (b"`id`", "`id`"),
        ] {
            assert_eq!(decode(wire, Encoding::Utf7).as_str(), name);
        }
    }

    #[test]
    fn a_hidden_line_end_is_decoded_as_data() {
        assert_eq!(decode(b"a&AA0ACg-b", Encoding::Utf7).as_str(), "a\r\nb");
    }

    proptest! {
        #[test]
        fn every_name_survives(name in any::<String>()) {
            let wire = utf7(&name);
            prop_assert!(wire.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(decode(wire.as_bytes(), Encoding::Utf7), FolderName::new(name));
        }

        #[test]
        fn any_bytes_decode(wire in any::<Vec<u8>>()) {
            decode(&wire, Encoding::Utf7);
            decode(&wire, Encoding::Utf8);
        }
    }
}
