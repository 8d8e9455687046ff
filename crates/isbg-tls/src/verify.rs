//! Whether a server's certificate is trusted. Does not connect.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::certificate::Fields;
use crate::error::{Problem, Rejected};
use crate::{Error, Pin};

/// Who is trusted. Signatures of the handshake are always verified, whichever it is.
#[derive(Debug)]
pub(crate) struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Trust {
    Pins(Vec<Pin>),
    Authorities {
        own: Option<Own>,
        platform: Option<Arc<dyn ServerCertVerifier>>,
    },
}

/// The certificates of the user's own file.
#[derive(Debug)]
struct Own {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl Verifier {
    pub(crate) fn pinned(pins: Vec<Pin>, provider: Arc<CryptoProvider>) -> Self {
        Self {
            trust: Trust::Pins(pins),
            provider,
        }
    }

    /// Trusts the platform's authorities and the given certificates. A platform without any is an error unless some
    /// are given. Where it has none at all, as in a bare container, Mozilla's list as of our build stands in.
    pub(crate) fn authorities(
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let own = match own {
            own if own.is_empty() => None,
            own => Some(Own::new(own, &provider)?),
        };
        let platform = match platform(&provider) {
            Ok(platform) => Some(platform),
            Err(_) if own.is_some() => None,
            Err(why) => return Err(Error::NoTrust(why)),
        };
        Ok(Self {
            trust: Trust::Authorities { own, platform },
            provider,
        })
    }
}

impl Own {
    fn new(
        certificates: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| Error::NoTrust(error.to_string()))?;
        }
        Ok(Self {
            certificates,
            authorities: by_roots(roots, provider).map_err(Error::NoTrust)?,
        })
    }

    fn verify(&self, seen: &Seen<'_>) -> Result<ServerCertVerified, rustls::Error> {
        match seen.by(&*self.authorities) {
            // A self-signed certificate that also calls itself an authority, as openssl makes them, is refused as a
            // server's certificate by path building, after its dates were checked. The user named this very one.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.certificates.contains(seen.leaf) =>
            {
                verify_server_name(&ParsedCertificate::try_from(seen.leaf)?, seen.name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }
}

/// What the server showed.
struct Seen<'a> {
    leaf: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    ocsp: &'a [u8],
    now: UnixTime,
}

impl Seen<'_> {
    fn by(&self, verifier: &dyn ServerCertVerifier) -> Result<ServerCertVerified, rustls::Error> {
        verifier.verify_server_cert(self.leaf, self.intermediates, self.name, self.ocsp, self.now)
    }

    fn reject(&self, problem: Problem) -> rustls::Error {
        let self_issued = Fields::read(self.leaf).is_some_and(|fields| fields.self_issued());
        let problem = match problem {
            Problem::UnknownIssuer | Problem::Other(_) if self_issued => Problem::SelfSigned,
            problem => problem,
        };
        let pin = Pin::of_key(self.leaf);
        Rejected { problem, pin }.into()
    }
}

impl Trust {
    fn verify(&self, seen: &Seen<'_>) -> Result<ServerCertVerified, rustls::Error> {
        let (own, platform) = match self {
            Self::Pins(pins) if pins.iter().any(|pin| pin.is_of(seen.leaf)) => {
                return Ok(ServerCertVerified::assertion());
            }
            Self::Pins(_) => return Err(seen.reject(Problem::PinMismatch)),
            Self::Authorities { own, platform } => (own, platform),
        };
        let mut problem = Problem::UnknownIssuer;
        if let Some(own) = own {
            match own.verify(seen) {
                Ok(verified) => return Ok(verified),
                Err(error) => problem = Problem::of(&error),
            }
        }
        if let Some(platform) = platform {
            match seen.by(&**platform) {
                Ok(verified) => return Ok(verified),
                // A wrong name or date found by one tells more than that the other knows no issuer.
                Err(error) if problem == Problem::UnknownIssuer => problem = Problem::of(&error),
                Err(_) => {}
            }
        }
        Err(seen.reject(problem))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.trust.verify(&Seen {
            leaf: end_entity,
            intermediates,
            name: server_name,
            ocsp: ocsp_response,
            now,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn platform(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if let Ok(verifier) = rustls_platform_verifier::Verifier::new(provider.clone()) {
        return Ok(Arc::new(verifier));
    }
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    by_roots(roots, provider).map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
}

fn by_roots(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .map_err(|error| error.to_string())
}
