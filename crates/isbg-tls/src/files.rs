//! Reading PEM files. Does not know who is trusted.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};

use crate::Error;

/// No certificate or key file is read beyond this many bytes. A platform's whole collection has a quarter of a mebibyte.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;

/// All certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failure = |why| Error::File {
        path: path.to_owned(),
        what,
        why,
    };
    let bytes = read(path).map_err(|error| failure(error.to_string()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| failure(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failure(
            "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".into(),
        ));
    }
    Ok(certificates)
}

/// The first private key of a PEM file.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let failure = |why| Error::File {
        path: path.to_owned(),
        what: "the client certificate's key",
        why,
    };
    let bytes = zeroize::Zeroizing::new(read(path).map_err(|error| failure(error.to_string()))?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        let encrypted = bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED);
        failure(match error {
            pem::Error::NoItemsFound if encrypted => {
                "the key is encrypted; decrypt it with `openssl pkey -in FILE -out NEWFILE` and protect that file".into()
            }
            pem::Error::NoItemsFound => "it holds no private key in PEM form".into(),
            other => other.to_string(),
        })
    })
}

const ENCRYPTED: &[u8] = b"ENCRYPTED";

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it is too large to be one"));
    }
    Ok(bytes)
}
