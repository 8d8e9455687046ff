//! What can go wrong with a TLS connection, told in one line with what to do. Does not try anything again.

use std::io;
use std::path::PathBuf;

use isbg_types::Untrusted;
use rustls::{AlertDescription, CertificateError, OtherError, PeerIncompatible};

use crate::{HANDSHAKE_TIMEOUT, Pin};

/// Why there is no TLS connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A file named in the settings is of no use.
    #[error("{} cannot be used as {what}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it was named as.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The client certificate and its key do not work together.
    #[error("the client certificate cannot be used: {0}; see that the key belongs to the certificate")]
    ClientIdentity(String),
    /// The platform's trusted authorities cannot be loaded.
    #[error(
        "the system's trusted certificates cannot be loaded: {0}; give the server's authority with --cafile"
    )]
    NoTrust(String),
    /// The server's name is no DNS name and no address.
    #[error("\"{}\" is not a server name; write a name with letters beyond ASCII in its xn-- form", Untrusted(.0))]
    ServerName(String),
    /// The server's certificate is not trusted.
    #[error("{server}: {}", .problem.tell(.pin.as_ref()))]
    Certificate {
        /// The server's name as asked for.
        server: String,
        /// What is wrong with the certificate.
        problem: Problem,
        /// The fingerprint of the key that the server showed.
        pin: Option<Pin>,
    },
    /// The server speaks no TLS version or cipher that is still safe.
    #[error(
        "{server} offers only TLS versions or ciphers that are no longer safe; put stunnel between, or have the \
         server renewed to TLS 1.2 or later"
    )]
    TooOld {
        /// The server's name.
        server: String,
    },
    /// What the server sent is not TLS.
    #[error("{server} does not speak TLS on this port; see whether it wants STARTTLS, or another port")]
    NotTls {
        /// The server's name.
        server: String,
    },
    /// The server wants another client certificate than it got, or any at all.
    #[error(
        "{server} did not accept our client certificate ({alert:?}); see which certificate and key it expects"
    )]
    ClientRefused {
        /// The server's name.
        server: String,
        /// Its alert.
        alert: AlertDescription,
    },
    /// The handshake took longer than [`HANDSHAKE_TIMEOUT`].
    #[error("{server} did not finish the TLS handshake within {} s", HANDSHAKE_TIMEOUT.as_secs())]
    Timeout {
        /// The server's name.
        server: String,
    },
    /// The connection broke.
    #[error("the connection to {server} broke during the TLS handshake: {why}")]
    Broken {
        /// The server's name.
        server: String,
        /// How.
        why: String,
    },
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is for other names, which are listed as far as known.
    WrongName(Vec<String>),
    /// It ran out, this many days ago where known.
    Expired(Option<u64>),
    /// It is not valid yet.
    NotYetValid,
    /// It was issued by itself.
    SelfSigned,
    /// It was issued by nobody that we know.
    UnknownIssuer,
    /// It has none of the pinned keys.
    PinMismatch,
    /// Something rarer, in the verifier's words.
    Other(String),
}

/// At most so many of a certificate's names are told.
const MAX_NAMES: usize = 5;

impl Problem {
    fn tell(&self, pin: Option<&Pin>) -> String {
        let pin = pin.map_or_else(|| "FINGERPRINT".to_owned(), Pin::to_string);
        let pinning = format!("--pin {pin} (first compare that with what the server's owner says)");
        match self {
            Self::WrongName(names) if names.is_empty() => {
                format!("the certificate is for another name; use the server's proper name, or {pinning}")
            }
            Self::WrongName(names) => {
                let mut list: Vec<String> = names.iter().take(MAX_NAMES).map(|name| plain(name)).collect();
                if names.len() > MAX_NAMES {
                    list.push("…".into());
                }
                let list = list.join(", ");
                format!("the certificate is for {list}; use that name, or {pinning}")
            }
            Self::Expired(days) => {
                let when = match days {
                    None => String::new(),
                    Some(0) => " today".into(),
                    Some(1) => " yesterday".into(),
                    Some(days) => format!(" {days} days ago"),
                };
                format!(
                    "the certificate expired{when}; the server's owner must renew it (or this computer's clock is \
                     wrong); until then {pinning}"
                )
            }
            Self::NotYetValid => {
                "the certificate is not valid yet; see whether this computer's clock is right".into()
            }
            Self::SelfSigned => format!(
                "the certificate is self-signed; to trust it, give it as a PEM file with --cafile, or {pinning}"
            ),
            Self::UnknownIssuer => format!(
                "the certificate was issued by an authority unknown here; give that authority's certificate with \
                 --cafile, or {pinning}"
            ),
            Self::PinMismatch => format!(
                "the server has another key than the pinned one: {pin}; if its owner confirms the new key, pin that \
                 one, otherwise somebody is in between"
            ),
            Self::Other(why) => format!("the certificate is not acceptable ({}); {pinning}", plain(why)),
        }
    }

    /// What the platform's or our own verifier complained about.
    pub(crate) fn of(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else {
            return Self::Other(error.to_string());
        };
        match error {
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired(Some(time.as_secs().saturating_sub(not_after.as_secs()) / 86_400))
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName => Self::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::WrongName(presented.iter().map(|name| bare(name)).collect())
            }
            // A bad signature: an authority of a name that we know, but with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            other => Self::Other(other.to_string()),
        }
    }
}

/// The name in `DnsName("mail.example")` or `IpAddress(127.0.0.1)`, as rustls lists them.
fn bare(presented: &str) -> String {
    let inner = presented.split_once('(').map_or(presented, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"').to_owned()
}

/// Text from a certificate, safe to print.
fn plain(text: &str) -> String {
    Untrusted(text).clipped(100)
}

/// Our verifier's complaint, on its way through rustls.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the server's certificate is not trusted")]
pub(crate) struct Rejected {
    pub(crate) problem: Problem,
    pub(crate) pin: Option<Pin>,
}

impl From<Rejected> for rustls::Error {
    fn from(rejected: Rejected) -> Self {
        CertificateError::Other(OtherError(std::sync::Arc::new(rejected))).into()
    }
}

/// Makes sense of a failed handshake.
pub(crate) fn explain(server: String, error: &io::Error) -> Error {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))) => {
            match inner.downcast_ref::<Rejected>() {
                Some(Rejected { problem, pin }) => Error::Certificate {
                    server,
                    problem: problem.clone(),
                    pin: *pin,
                },
                None => Error::Broken {
                    server,
                    why: plain(&inner.to_string()),
                },
            }
        }
        Some(
            rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity,
            )
            | rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ),
        ) => Error::TooOld { server },
        Some(rustls::Error::InvalidMessage(_)) => Error::NotTls { server },
        Some(rustls::Error::AlertReceived(
            alert @ (AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied),
        )) => Error::ClientRefused {
            server,
            alert: *alert,
        },
        _ if error.kind() == io::ErrorKind::UnexpectedEof => Error::Broken {
            server,
            why: "the server closed it".into(),
        },
        _ => Error::Broken {
            server,
            why: plain(&error.to_string()),
        },
    }
}
