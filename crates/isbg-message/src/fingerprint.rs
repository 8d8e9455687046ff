//! The fingerprint of a message, from its header block and size. Does not compare or keep any.

use std::io;

use isbg_spool::Spool;
use isbg_types::Fingerprint;
use sha2::{Digest, Sha256};

use crate::header::{BLOCK_LIMIT, block_len};

/// The fingerprint of the message with that header block (as IMAP's `BODY[HEADER]` gives it; the whole message will
/// do as well) and that size in bytes.
///
/// What counts of the header block is at most `size` bytes, because servers exist that add an empty line where the
/// message has none; at most the first 256 KiB; and of these what stands up to and including the first empty line. So
/// the header alone and the whole message give the same fingerprint, however long the header is.
pub fn fingerprint(header_block: &[u8], size: u64) -> Fingerprint {
    let limit = usize::try_from(size).unwrap_or(usize::MAX).min(BLOCK_LIMIT);
    let block = &header_block[..header_block.len().min(limit)];
    let mut hash = Sha256::new();
    hash.update(&block[..block_len(block)]);
    hash.update(size.to_le_bytes());
    Fingerprint(hash.finalize().into())
}

/// The fingerprint of a whole message.
///
/// # Errors
/// When the temporary file cannot be read.
pub fn fingerprint_of(message: &Spool) -> io::Result<Fingerprint> {
    Ok(fingerprint(&message.prefix(BLOCK_LIMIT)?, message.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_alone_and_whole_message_agree() {
        let long = format!("A: {}\r\nB: c\r\n\r\nbody", "x".repeat(BLOCK_LIMIT));
        for message in [
            "A: b\r\n\r\nbody",
            "A: b\n\nbody",
            "\r\nbody",
            "A: b\r\n",
            "",
            &long,
        ] {
            let header = &message.as_bytes()[..block_len(message.as_bytes())];
            let size = message.len() as u64;
            let whole = fingerprint_of(&message.as_bytes().to_vec().into()).unwrap();
            assert_eq!(fingerprint(header, size), whole);
            if header.len() == message.len() {
                assert_eq!(fingerprint(format!("{message}\r\n").as_bytes(), size), whole);
            }
        }
    }

    #[test]
    fn as_documented() {
        let mut hash = Sha256::new();
        hash.update(b"A: b\r\n\r\n");
        hash.update(12u64.to_le_bytes());
        let expected: [u8; 32] = hash.finalize().into();
        assert_eq!(fingerprint(b"A: b\r\n\r\nbody", 12).0, expected);
        assert_ne!(fingerprint(b"A: b\r\n\r\nbody", 13).0, expected);
        assert_ne!(fingerprint(b"A: c\r\n\r\nbody", 12).0, expected);
    }
}
