//! Where a scorer listens, and a connection to it. Does not know what is spoken there.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use isbg_tls::Connector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::text::foreign;
use crate::{Unknown, UnknownKind};

/// A connection that is not made by then never will be.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A TCP port or a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A host name or IP address (without brackets), and a port.
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Reads `HOST`, `HOST:PORT`, `[IPv6]:PORT` or a path, which is what has a `/` in it.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, NotAnAddress> {
        if text.contains('/') {
            return Ok(Self::Unix(PathBuf::from(text)));
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or(NotAnAddress)?)),
            // More than one colon: an IPv6 address without a port.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map_or(Ok(default_port), |port| {
            u16::from_str(port).map_err(|_| NotAnAddress)
        })?;
        if host.is_empty()
            || port == 0
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '[' | ']'))
        {
            return Err(NotAnAddress);
        }
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address: HOST, HOST:PORT, [IPV6]:PORT or the path of a socket is expected")]
pub struct NotAnAddress;

/// An [`Address`], and whether TLS is spoken there. Whole mails go over it: without TLS it belongs on this machine or
/// a network that is trusted with them.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where.
    pub address: Address,
    /// Speak TLS, with these settings. Not for Unix sockets.
    pub tls: Option<Connector>,
}

impl Endpoint {
    /// The address without TLS.
    pub fn plain(address: Address) -> Self {
        Self { address, tls: None }
    }
}

/// Any connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects within [`CONNECT_TIMEOUT`].
pub(crate) async fn connect(endpoint: &Endpoint, what: &str) -> Result<Box<dyn Stream>, Unknown> {
    let address = &endpoint.address;
    let unreachable = |why: String| {
        Unknown::new(
            UnknownKind::Outage,
            format!("{what} cannot be reached at {address} ({why}); see whether it runs and listens there"),
        )
    };
    let (host, stream) = match address {
        Address::Unix(path) => return unix(path).await.map_err(|error| unreachable(error.to_string())),
        Address::Tcp { host, port } => {
            let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect((host.as_str(), *port)));
            let stream = connecting
                .await
                .map_err(|_| unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())))?
                .map_err(|error| unreachable(error.to_string()))?;
            stream
                .set_nodelay(true)
                .map_err(|error| unreachable(error.to_string()))?;
            (host, stream)
        }
    };
    match &endpoint.tls {
        None => Ok(Box::new(stream)),
        Some(connector) => match connector.connect(stream, host).await {
            Ok(connection) => Ok(Box::new(connection.stream)),
            Err(error) => Err(Unknown::new(UnknownKind::Outage, format!("{what}: {error}"))),
        },
    }
}

#[cfg(unix)]
async fn unix(path: &std::path::Path) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn unix(_path: &std::path::Path) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no Unix sockets",
    ))
}

/// A connection that broke in the middle.
pub(crate) fn broken(what: &str, error: &io::Error) -> Unknown {
    let why = foreign(&error.to_string());
    Unknown::new(
        UnknownKind::BadAnswer,
        format!("the connection to {what} broke before its answer was complete ({why})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, want) in [
            ("localhost", "localhost:783"),
            ("127.0.0.1:9", "127.0.0.1:9"),
            ("[::1]:9", "[::1]:9"),
            ("[::1]", "[::1]:783"),
            ("::1", "[::1]:783"),
            ("/run/spamd.sock", "/run/spamd.sock"),
            ("./s", "./s"),
        ] {
            assert_eq!(Address::parse(text, 783).unwrap().to_string(), want);
        }
        for text in [
            "",
            ":783",
            "host:",
            "host:0",
            "host:65536",
            "host:x",
            "[::1",
            "[::1]9",
            "two words",
        ] {
            assert_eq!(Address::parse(text, 783), Err(NotAnAddress), "{text}");
        }
    }
}
