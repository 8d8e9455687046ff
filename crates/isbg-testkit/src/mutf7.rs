//! Folder names in modified UTF-7 (RFC 3501 §5.1.3), written apart from the client under test so that the two can
//! disagree. Does not check that a name came in its one canonical spelling.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// The name as it goes over the wire.
pub fn encode(name: &str) -> String {
    let mut wire = String::new();
    let mut shifted = String::new();
    for letter in name.chars() {
        if !(' '..='~').contains(&letter) {
            shifted.push(letter);
            continue;
        }
        flush(&mut shifted, &mut wire);
        wire.push(letter);
        if letter == '&' {
            wire.push('-');
        }
    }
    flush(&mut shifted, &mut wire);
    wire
}

fn flush(shifted: &mut String, wire: &mut String) {
    if !shifted.is_empty() {
        let bytes: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
        wire.push('&');
        wire.push_str(&BASE64.encode(bytes));
        wire.push('-');
        shifted.clear();
    }
}

/// The name as people read it.
///
/// # Errors
/// When `wire` is not modified UTF-7.
pub fn decode(wire: &str) -> Result<String> {
    let mut name = String::new();
    let mut rest = wire;
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let (code, after) = shifted.split_once('-').context("a shift without an end")?;
        if code.is_empty() {
            name.push('&');
        } else {
            let bytes = BASE64.decode(code)?;
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            name.push_str(&String::from_utf16(&units)?);
        }
        rest = after;
    }
    name.push_str(rest);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("Müll & Co", "M&APw-ll &- Co"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire).unwrap(), name);
        }
    }

    #[test]
    fn what_is_not_modified_utf7_is_refused() {
        for wire in ["a&b", "&####-", "&2D0-"] {
            assert!(decode(wire).is_err(), "{wire}");
        }
    }
}
