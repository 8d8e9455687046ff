//! Making the connection. Does not know what is said over it.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::verify::Verifier;
use crate::{ChannelBinding, Error, Settings, error, files};

pub use tokio_rustls::client::TlsStream;

/// A handshake that takes longer fails.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes connections with one set of [`Settings`]. Cheap to clone; clones share sessions for resumption.
#[derive(Clone)]
pub struct Connector(TlsConnector);

/// A secured connection.
#[derive(Debug)]
pub struct Connection<S> {
    /// The stream.
    pub stream: TlsStream<S>,
    /// What ties a login to this connection, where TLS and the certificate allow it.
    pub binding: Option<ChannelBinding>,
}

impl Connector {
    /// Reads the files and the platform's trusted certificates.
    ///
    /// # Errors
    /// When a file is of no use or nobody at all would be trusted.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = if settings.pins.is_empty() {
            let own = match &settings.ca_file {
                Some(path) => files::certificates(path, "a file of trusted certificates")?,
                None => Vec::new(),
            };
            Verifier::authorities(own, provider.clone())?
        } else {
            Verifier::pinned(settings.pins.clone(), provider.clone())
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::NoTrust(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match &settings.client {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(
                    files::certificates(&identity.certificate, "a client certificate")?,
                    files::key(&identity.key)?,
                )
                .map_err(|error| Error::ClientIdentity(error.to_string()))?,
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Secures a fresh connection to `server`, a DNS name or an IP address that the certificate must be for.
    ///
    /// With TLS 1.3 a server may refuse our client certificate only after the handshake: the first read fails then.
    ///
    /// # Errors
    /// When the server is not trusted, speaks no TLS that we speak, or takes too long.
    pub async fn connect<S>(&self, stream: S, server: &str) -> Result<Connection<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name =
            ServerName::try_from(server.to_owned()).map_err(|_| Error::ServerName(server.to_owned()))?;
        let server = server.to_owned();
        match timeout(HANDSHAKE_TIMEOUT, self.0.connect(name, stream)).await {
            Ok(Ok(stream)) => {
                let binding = ChannelBinding::of(stream.get_ref().1);
                Ok(Connection { stream, binding })
            }
            Ok(Err(error)) => Err(error::explain(server, &error)),
            Err(_) => Err(Error::Timeout { server }),
        }
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}
