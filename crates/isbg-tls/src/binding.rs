//! Channel binding data: what both ends know about one TLS connection and nobody in between can imitate. Does not
//! know the login that uses it.

use rustls::ProtocolVersion;
use rustls::client::ClientConnection;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::certificate::Fields;

/// Channel binding data for SASL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelBinding {
    /// `tls-exporter` (RFC 9266): TLS 1.3.
    Exporter([u8; 32]),
    /// `tls-server-end-point` (RFC 5929 §4): TLS 1.2.
    ServerEndPoint(Vec<u8>),
}

impl ChannelBinding {
    /// `None` before the handshake is through, and where the certificate's signature algorithm has no defined hash
    /// (RFC 5929 §4.1), such as Ed25519.
    pub(crate) fn of(connection: &ClientConnection) -> Option<Self> {
        if connection.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            let material = connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
            return material.ok().map(Self::Exporter);
        }
        connection
            .peer_certificates()
            .and_then(<[_]>::first)
            .and_then(end_point)
            .map(Self::ServerEndPoint)
    }
}

/// The certificate hashed with the hash of its own signature, or SHA-256 in place of MD5 and SHA-1.
fn end_point(leaf: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let algorithm = Fields::read(leaf)?.signature_algorithm;
    Some(match algorithm {
        // 1.2.840.113549.1.1: md5, sha1, sha256 with RSA; 1.2.840.10045.4: ecdsa with sha1, sha256
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => Sha256::digest(leaf).to_vec(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => {
            Sha384::digest(leaf).to_vec()
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => {
            Sha512::digest(leaf).to_vec()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_the_signature() {
        for (algorithm, len) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(32)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(48)),
            (&rcgen::PKCS_ED25519, None),
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let certificate = rcgen::CertificateParams::new(vec!["a.example".into()])
                .unwrap()
                .self_signed(&key)
                .unwrap();
            assert_eq!(end_point(certificate.der()).map(|hash| hash.len()), len);
        }
    }
}
