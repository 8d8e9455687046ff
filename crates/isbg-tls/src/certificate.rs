//! The few fields of an X.509 certificate (RFC 5280 §4.1) that the verifier keeps to itself. Does not judge them.

/// Slices of a certificate's DER.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    /// The signature algorithm's object identifier, without tag and length.
    pub(crate) signature_algorithm: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
}

impl<'a> Fields<'a> {
    /// `None` when the certificate is not laid out as one.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).take(SEQUENCE)?);
        let mut signed = Der(certificate.take(SEQUENCE)?);
        let signature_algorithm = Der(certificate.take(SEQUENCE)?).take(OBJECT_IDENTIFIER)?;
        signed.skip_if(VERSION)?;
        signed.take(INTEGER)?; // serial number
        signed.take(SEQUENCE)?; // signature
        let issuer = signed.take(SEQUENCE)?;
        signed.take(SEQUENCE)?; // validity
        let subject = signed.take(SEQUENCE)?;
        Some(Self {
            signature_algorithm,
            issuer,
            subject,
        })
    }

    /// Whether the certificate names itself as its issuer.
    pub(crate) fn self_issued(&self) -> bool {
        self.issuer == self.subject
    }
}

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        if found != tag {
            return None;
        }
        let mut len = usize::from(first);
        if first >= 0x80 {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            // No certificate is longer than four digits of length can say.
            if digits.len() > 4 {
                return None;
            }
            len = digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit));
            rest = after;
        }
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(content)
    }

    fn skip_if(&mut self, tag: u8) -> Option<()> {
        if self.0.first() == Some(&tag) {
            self.take(tag)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_real_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["a.example".into()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let fields = Fields::read(certificate.der()).unwrap();
        assert!(fields.self_issued());
        // ecdsa-with-SHA256, 1.2.840.10045.4.3.2
        assert_eq!(
            fields.signature_algorithm,
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]
        );
    }

    #[test]
    fn no_piece_of_a_certificate_is_taken_for_one() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["a.example".into()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let der = certificate.der();
        for end in 0..der.len() {
            assert_eq!(Fields::read(&der[..end]), None);
        }
        assert_eq!(Fields::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(Fields::read(&[0x30, 0x88, 1, 1, 1, 1, 1, 1, 1, 1]), None);
    }
}
