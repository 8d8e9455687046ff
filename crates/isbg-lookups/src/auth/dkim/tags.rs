//! Lists of `name=value` in signatures and keys (RFC 6376 §3.2). Does not know the names.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// So many tags are read.
const MOST_TAGS: usize = 64;

/// The tags of one list.
pub(super) struct Tags(Vec<(Vec<u8>, Vec<u8>)>);

impl Tags {
    /// Reads a list. What is no tag is left out.
    pub fn read(text: &[u8]) -> Self {
        let pairs = text.split(|byte| *byte == b';').filter_map(|tag| {
            let at = memchr::memchr(b'=', tag)?;
            Some((
                tag[..at].trim_ascii().to_vec(),
                tag[at + 1..].trim_ascii().to_vec(),
            ))
        });
        Self(pairs.take(MOST_TAGS).collect())
    }

    /// A tag's value.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// A tag's value, decoded.
    pub fn base64(&self, name: &str) -> Option<Vec<u8>> {
        let text: Vec<u8> = self
            .get(name)?
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        BASE64.decode(text).ok()
    }
}
