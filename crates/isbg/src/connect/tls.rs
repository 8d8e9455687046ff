//! Puts TLS under the IMAP client. Does not know what is said over it.

use std::io;

use futures_util::future::BoxFuture;
use isbg_imap::{BoxedStream, ChannelBinding, ChannelBindingKind, Secured, Stream, Upgrade};
use isbg_tls::Connector;

/// Secures a fresh connection.
///
/// # Errors
/// When the server is not trusted or the handshake fails.
pub async fn secure(
    connector: &Connector,
    plain: impl Stream + 'static,
    host: &str,
) -> Result<Secured, isbg_tls::Error> {
    let connection = connector.connect(plain, host).await?;
    let binding = connection.binding.map(|binding| match binding {
        isbg_tls::ChannelBinding::Exporter(data) => ChannelBinding {
            kind: ChannelBindingKind::TlsExporter,
            data: data.to_vec(),
        },
        isbg_tls::ChannelBinding::ServerEndPoint(data) => ChannelBinding {
            kind: ChannelBindingKind::TlsServerEndPoint,
            data,
        },
    });
    Ok(Secured {
        stream: Box::new(connection.stream),
        binding,
    })
}

/// Secures a connection after STARTTLS.
#[derive(Debug)]
pub struct Starttls<'a> {
    /// How.
    pub connector: &'a Connector,
    /// The server's name.
    pub host: &'a str,
}

impl Upgrade for Starttls<'_> {
    fn upgrade(&self, plain: BoxedStream) -> BoxFuture<'_, io::Result<Secured>> {
        Box::pin(async move {
            secure(self.connector, plain, self.host)
                .await
                .map_err(io::Error::other)
        })
    }
}
