//! TLS client connections, always verified. Knows nothing of the protocols spoken inside.
//!
//! There is no way to switch verification off. A server whose certificate no known authority has issued is trusted by
//! naming that authority (or the certificate itself) with [`Settings::ca_file`], or by its key's fingerprint with
//! [`Settings::pins`].
//!
//! Revocation is not checked on Linux: neither lists nor OCSP are asked for.

mod binding;
mod certificate;
mod connect;
mod error;
mod files;
mod pin;
mod verify;

pub use binding::ChannelBinding;
pub use connect::{Connection, Connector, HANDSHAKE_TIMEOUT, TlsStream};
pub use error::{Error, Problem};
pub use files::MAX_FILE;
pub use pin::{NotAPin, Pin};

use std::path::PathBuf;

/// What is trusted, and who we are.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// PEM file with certificates to trust besides the platform's: authorities, or a server's own certificate.
    pub ca_file: Option<PathBuf>,
    /// When there are any, the server must have one of these keys or certificates, and nothing else is asked:
    /// neither issuer nor name nor dates. The server must still prove that it has the private key.
    pub pins: Vec<Pin>,
    /// The certificate to show to a server that asks for one.
    pub client: Option<ClientIdentity>,
}

/// A client certificate.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// PEM file with the certificate, followed by intermediate ones if there are any.
    pub certificate: PathBuf,
    /// PEM file with its private key, not encrypted: PKCS#8, PKCS#1 or SEC 1.
    pub key: PathBuf,
}
