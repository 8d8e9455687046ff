//! Which messages are the same message: the digest under which a lesson is remembered. Knows nothing of learning.

use sha2::{Digest, Sha256};

use crate::mail::Mail;

/// Bytes of the body that enter the digest.
const BODY_BYTES: usize = 16 * 1024;

/// Bits of a digest: with a hundred thousand messages known, a new one is mistaken for one of them once in three
/// thousand million.
pub(crate) const DIGEST_BITS: u32 = 48;

/// The message's digest. Line ends, marks of the mailbox and verdicts of filters make no difference.
pub(crate) fn digest(seed: &[u8; 16], mail: &Mail<'_>) -> u64 {
    let mut hash = Sha256::new_with_prefix(seed);
    let mut buffer = Vec::with_capacity(8192);
    for field in &mail.fields {
        buffer.extend_from_slice(field.name);
        buffer.push(b':');
        buffer.extend(field.value.iter().filter(|byte| **byte != b'\r'));
    }
    buffer.push(b'\n');
    let text = mail.body.trim_ascii_end().iter().filter(|byte| **byte != b'\r');
    buffer.extend(text.take(BODY_BYTES));
    hash.update(&buffer);
    hash.finalize()
        .iter()
        .take(DIGEST_BITS as usize / 8)
        .fold(0, |digest, &byte| digest << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_by_other_ways() {
        let digest = |seed: u8, raw: &[u8]| digest(&[seed; 16], &Mail::split(raw));
        let one = digest(1, b"Subject: a\r\nX-Spam-Status: No\r\n\r\ntext\r\n");
        let two = digest(1, b"Status: RO\nSubject: a\n\ntext\n\n");
        assert_eq!(one, two);
        assert_ne!(one, digest(1, b"Subject: a\n\ntext 2\n"));
        assert_ne!(one, digest(2, b"Subject: a\n\ntext\n"));
        assert!(one < 1 << DIGEST_BITS);
    }
}
