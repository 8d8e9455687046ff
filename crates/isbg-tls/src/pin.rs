//! SHA-256 fingerprints of keys and certificates, as people write them. Does not know who is trusted.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};

/// The SHA-256 of a server's public key (its DER `SubjectPublicKeyInfo`) or of its whole certificate.
///
/// Read as 64 hex digits, with or without colons between the bytes, or as base64; `sha256:` or `sha256//` may come
/// before either. Written as `sha256:` and base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The fingerprint of the certificate's key, which stays the same when the certificate is renewed with the same
    /// key. `None` when the certificate cannot be parsed.
    pub(crate) fn of_key(leaf: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(leaf).ok()?;
        Some(Self(Sha256::digest(parsed.subject_public_key_info()).into()))
    }

    /// Whether this is the fingerprint of the certificate or of its key.
    pub(crate) fn is_of(&self, leaf: &CertificateDer<'_>) -> bool {
        Self::of_key(leaf) == Some(*self) || self.0[..] == Sha256::digest(leaf)[..]
    }
}

/// The text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 fingerprint: 64 hex digits or 44 characters of base64 are expected")]
pub struct NotAPin;

impl FromStr for Pin {
    type Err = NotAPin;

    fn from_str(text: &str) -> Result<Self, NotAPin> {
        let text = text.trim();
        let digest = match text.get(..6) {
            Some(prefix) if prefix.eq_ignore_ascii_case("sha256") => text[6..]
                .strip_prefix("//")
                .or_else(|| text[6..].strip_prefix(':'))
                .ok_or(NotAPin)?,
            _ => text,
        };
        let bytes = hex::decode(digest.replace(':', ""))
            .ok()
            .or_else(|| STANDARD.decode(digest).ok())
            .or_else(|| STANDARD_NO_PAD.decode(digest).ok())
            .ok_or(NotAPin)?;
        bytes.try_into().map(Self).map_err(|_| NotAPin)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_spelling() {
        let bytes: [u8; 32] = std::array::from_fn(|i| (i as u8).wrapping_mul(37).wrapping_add(250));
        let plain = hex::encode(bytes);
        let colons: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        for text in [
            plain.clone(),
            colons.join(":"),
            format!("SHA256:{}", colons.join(":")),
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            format!("sha256//{}", STANDARD.encode(bytes)),
            format!(" {}\n", Pin(bytes)),
        ] {
            assert_eq!(text.parse(), Ok(Pin(bytes)), "{text}");
        }
        let slashes = Pin([0xff; 32]);
        assert_eq!(
            slashes.to_string().parse(),
            Ok(slashes),
            "base64 may begin with two slashes"
        );
        for text in [
            "",
            "sha256:",
            "sha1:00",
            &plain[2..],
            &format!("{plain}00"),
            "sha256",
            "ééééééé",
        ] {
            assert_eq!(text.parse::<Pin>(), Err(NotAPin), "{text}");
        }
    }
}
