//! TLS in front of a server on loopback. Does not know what is said behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use isbg_testkit::Authority;
use isbg_tls::{Connector, Settings};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A port where TLS is spoken.
pub struct Secured {
    pub address: SocketAddr,
    authority: Authority,
}

impl Secured {
    /// Passes what comes over TLS on to a server without, as long as the test's runtime lives.
    pub async fn before(server: SocketAddr) -> Result<Self> {
        let authority = Authority::new()?;
        let identity = authority.good()?;
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Clients that do not trust us go away.
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self { address, authority })
    }

    /// A client's side that trusts it.
    pub fn trusting(&self) -> Result<Connector> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, self.authority.certificate())?;
        let settings = Settings {
            ca_file: Some(file),
            ..Settings::default()
        };
        Ok(Connector::new(&settings)?)
    }
}
