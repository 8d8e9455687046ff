//! The connection that the caller hands over, with or without TLS. Does not know who made it.

use std::fmt;
use std::io;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::sasl::ChannelBinding;

/// A connection's two directions.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Any stream.
pub type BoxedStream = Box<dyn Stream>;

/// A stream that TLS protects.
pub struct Secured {
    /// The protected stream.
    pub stream: BoxedStream,
    /// What ties a login to this very connection, where TLS tells (for SCRAM-SHA-256-PLUS).
    pub binding: Option<ChannelBinding>,
}

/// A fresh connection.
pub enum Transport {
    /// Without TLS.
    Plain(BoxedStream),
    /// With TLS from the start.
    Secured(Secured),
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured")
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain"),
            Self::Secured(secured) => secured.fmt(f),
        }
    }
}

/// Puts TLS onto a plain stream, for STARTTLS. Implemented by whoever has TLS.
pub trait Upgrade: Sync {
    /// Runs the handshake and verifies the server.
    fn upgrade(&self, plain: BoxedStream) -> BoxFuture<'_, io::Result<Secured>>;
}
