//! Key records (RFC 6376 §3.6.1). Does not fetch them.

use super::Algorithm;
use super::tags::Tags;

/// A public key and what it may be used for.
pub(super) struct Key {
    /// The key itself; empty: revoked.
    pub bytes: Vec<u8>,
    is_ed25519: bool,
    hashes: Option<String>,
    for_mail: bool,
    /// Whether it signs for the very domain only, and not for those below.
    exact: bool,
}

impl Key {
    /// Reads a record; `None` for what is none.
    pub fn read(text: &[u8]) -> Option<Self> {
        let tags = Tags::read(text);
        let lower = |name: &str| {
            tags.get(name)
                .map(|value| String::from_utf8_lossy(value).to_ascii_lowercase())
        };
        if lower("v").is_some_and(|version| version != "dkim1") {
            return None;
        }
        let is_ed25519 = match lower("k").as_deref() {
            None | Some("rsa") => false,
            Some("ed25519") => true,
            Some(_) => return None,
        };
        let has = |list: Option<String>, wanted: &str| {
            list.is_some_and(|list| list.split(':').any(|word| word.trim() == wanted))
        };
        Some(Self {
            bytes: tags.base64("p")?,
            is_ed25519,
            hashes: lower("h"),
            for_mail: lower("s").is_none() || has(lower("s"), "*") || has(lower("s"), "email"),
            exact: has(lower("t"), "s"),
        })
    }

    /// Whether it may be used for such a signature.
    pub fn may_sign(&self, identity: &str, domain: &str, algorithm: Algorithm) -> bool {
        let hash = if algorithm == Algorithm::RsaSha1 {
            "sha1"
        } else {
            "sha256"
        };
        let own = || {
            identity
                .rsplit_once('@')
                .is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
        };
        let takes_hash = |list: &String| list.split(':').any(|word| word.trim() == hash);
        !self.bytes.is_empty()
            && self.for_mail
            && self.is_ed25519 == (algorithm == Algorithm::Ed25519)
            && self.hashes.as_ref().is_none_or(takes_hash)
            && (!self.exact || own())
    }
}
