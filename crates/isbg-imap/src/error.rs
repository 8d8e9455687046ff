//! What can go wrong on a connection, and whether the server's answer is known. Does not decide what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use isbg_types::Untrusted;

use crate::protocol::code::{Code, Status};
use crate::protocol::command::CommandError;
use crate::sasl;

/// Why something was not done, or why it is not known whether it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[source] io::Error),
    /// The server was silent for too long, or took too long altogether.
    #[error("the server did not finish {doing} within {} s; try again later", after.as_secs())]
    Timeout {
        /// What was waited for.
        doing: &'static str,
        /// How long.
        after: Duration,
    },
    /// The server closed the connection without a word.
    #[error("the server closed the connection during {0}; try again later")]
    Closed(&'static str),
    /// The server said why it closes the connection.
    #[error("the server closed the connection: {}", Untrusted(.0))]
    Bye(String),
    /// The server sent what no IMAP server sends.
    #[error("the server does not speak IMAP as it should: {0}; is this the right port?")]
    Protocol(String),
    /// An answer exceeds one of [`crate::protocol::Limits`].
    #[error("the server sent {what} that exceeds the limit of {limit} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The server said NO or BAD.
    #[error("{0}")]
    Refused(Refusal),
    /// The server knows no such user with such a password or token.
    #[error("the server refused user name or password: {}", Untrusted(text))]
    AuthenticationFailed {
        /// The server's words, with the password struck out should it be among them.
        text: String,
    },
    /// The server offers no way to log in that these credentials can be used with.
    #[error(
        "the server offers no way to log in with these credentials (it offers: {})",
        Untrusted(offered)
    )]
    NoMechanism {
        /// The mechanisms it does offer.
        offered: String,
    },
    /// A login over a connection that anybody on the way can read, which was not allowed.
    #[error("the connection is not encrypted, so no password was sent; use TLS")]
    Plaintext,
    /// STARTTLS cannot be had, or somebody has tampered with it. Nothing secret was sent.
    #[error("no encryption by STARTTLS: {0}; no password was sent. Use TLS from the start (port 993)")]
    StartTls(&'static str),
    /// The login exchange itself failed.
    #[error("{0}")]
    Sasl(#[from] sasl::Error),
    /// Something that was to be sent cannot be. Nothing was sent.
    #[error("{0}")]
    Unsendable(#[from] CommandError),
    /// The server lacks an extension. Nothing was sent.
    #[error("the server does not offer {0}")]
    Unsupported(&'static str),
    /// The server takes no message as large as that. Nothing was sent.
    #[error("a message of {size} bytes is larger than the {limit} bytes that the server takes")]
    MessageTooLarge {
        /// The message's size.
        size: u64,
        /// The server's limit.
        limit: u64,
    },
    /// A message could not be written to or read from a temporary file.
    #[error("a temporary file failed: {0}; is there room on the disk?")]
    Spool(#[source] io::Error),
    /// The receiving end of a fetch has gone away.
    #[error("fetching was given up")]
    GivenUp,
    /// The connection failed before or was left in the middle of a command. Nothing was sent.
    #[error("this connection has failed before; connect anew")]
    Unusable,
}

impl Error {
    /// Whether it is known that the command was not carried out: the server refused it, or it was never sent.
    pub fn is_definite(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::AuthenticationFailed { .. }
            | Self::NoMechanism { .. }
            | Self::Plaintext
            | Self::StartTls(_)
            | Self::Sasl(_)
            | Self::Unsendable(_)
            | Self::Unsupported(_)
            | Self::MessageTooLarge { .. }
            | Self::Unusable => true,
            Self::Io(_)
            | Self::Timeout { .. }
            | Self::Closed(_)
            | Self::Bye(_)
            | Self::Protocol(_)
            | Self::TooLarge { .. }
            | Self::Spool(_)
            | Self::GivenUp => false,
        }
    }

    /// The refusal, if this is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    pub(crate) fn protocol(text: impl Into<String>) -> Self {
        Self::Protocol(text.into())
    }
}

/// NO or BAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The server would not or could not.
    No,
    /// The server did not understand: a fault of ours or of the server's.
    Bad,
}

/// A command that the server definitely did not carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// NO or BAD.
    pub kind: RefusalKind,
    /// The response code, such as OVERQUOTA or TRYCREATE (RFC 5530).
    pub code: Option<Code>,
    /// The server's words.
    pub text: String,
    /// The command.
    pub command: &'static str,
}

impl Refusal {
    /// Whether the refusal carries the code of that name (in capitals).
    pub fn has(&self, code: &str) -> bool {
        self.code.as_ref().is_some_and(|own| own.is(code))
    }

    pub(crate) fn new(kind: RefusalKind, status: Status, command: &'static str) -> Self {
        Self {
            kind,
            code: status.code,
            text: status.text,
            command,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.kind {
            RefusalKind::No => "refused",
            RefusalKind::Bad => "did not understand",
        };
        write!(f, "the server {verb} {}", self.command)?;
        if let Some(Code::Other { name, .. }) = &self.code {
            write!(f, " [{}]", Untrusted(name))?;
        }
        if self.text.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", Untrusted(&self.text))
        }
    }
}
