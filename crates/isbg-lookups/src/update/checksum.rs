//! Checksums of archives, as sha256sum and sha512sum write them. Proves that an archive arrived whole; not whose it is.

use sha2::{Digest, Sha256, Sha512};

/// A file with a checksum may have so many bytes.
pub(super) const MAX_FILE: usize = 4_096;

/// A way of computing checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    Sha512,
    Sha256,
}

impl Sum {
    /// What is appended to an archive's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Sha512 => ".sha512",
            Self::Sha256 => ".sha256",
        }
    }

    /// Whether a file with a checksum, which it begins with, is about these bytes.
    pub fn fits(self, file: &[u8], bytes: &[u8]) -> bool {
        let sum = match self {
            Self::Sha512 => hex(&Sha512::digest(bytes)),
            Self::Sha256 => hex(&Sha256::digest(bytes)),
        };
        let end = file
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(file.len());
        let named = file.get(..end).unwrap_or_default();
        named.eq_ignore_ascii_case(sum.as_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_sums() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for file in [sum.to_owned(), format!("{sum}  1.tar.gz\n"), sum.to_uppercase()] {
            assert!(Sum::Sha256.fits(file.as_bytes(), b"abc"), "{file}");
        }
        for file in [
            "",
            "  ",
            &sum[1..],
            &format!(" {sum}"),
            &format!("{sum}0"),
            &sum.replace('b', "c"),
        ] {
            assert!(!Sum::Sha256.fits(file.as_bytes(), b"abc"), "{file}");
        }
        assert!(!Sum::Sha512.fits(sum.as_bytes(), b"abc"));
        let long = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        assert!(Sum::Sha512.fits(long.as_bytes(), b"abc"));
    }
}
