//! A TLS server for one connection, and certificates for it. Does not know what is tested.

use std::sync::Arc;

use isbg_tls::Pin;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub const NAME: &str = "mail.example";

/// A server to be started.
pub struct Server {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: KeyPair,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    pub clients: Option<Arc<RootCertStore>>,
}

impl Server {
    pub fn new(certificate: &rcgen::Certificate, key: KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            key,
            versions: vec![&version::TLS13, &version::TLS12],
            clients: None,
        }
    }

    /// The fingerprints of its certificate and of its key.
    pub fn pins(&self) -> [Pin; 2] {
        [
            Sha256::digest(&self.chain[0]),
            Sha256::digest(self.key.subject_public_key_info()),
        ]
        .map(|digest| hex::encode(digest).parse().unwrap())
    }

    /// Starts it and returns a connection to it. It answers each byte with the same byte, and tells the exporter's
    /// view of the connection first.
    pub async fn connection(self) -> TcpStream {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = match self.clients {
            None => builder.with_no_client_auth(),
            Some(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .unwrap(),
            ),
        };
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(self.chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let seen =
                    stream
                        .get_ref()
                        .1
                        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
                stream.write_all(&seen.unwrap_or_default()).await.unwrap();
                stream.flush().await.unwrap();
                // The client closes when it has seen enough.
                let mut rest = Vec::new();
                drop(stream.read_to_end(&mut rest).await);
            }
        });
        TcpStream::connect(address).await.unwrap()
    }
}

pub fn self_signed(edit: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![NAME.into()]).unwrap();
    edit(&mut params);
    (params.self_signed(&key).unwrap(), key)
}

pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Our authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub fn issued(by: &CertifiedIssuer<'_, KeyPair>, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.into()]).unwrap();
    (params.signed_by(&key, by).unwrap(), key)
}
