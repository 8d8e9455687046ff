//! Why there is no answer. Does not decide what follows from that.

use std::fmt;

/// There is no answer about a message: it is neither ham nor spam, not moved and not counted as seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What sort of failure.
    pub kind: UnknownKind,
    /// What happened, and what to do where we know. One line, safe to print.
    pub detail: String,
}

/// The sorts of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKind {
    /// The scorer cannot be reached, cannot be started, or refuses to work at all.
    Outage,
    /// No complete answer before the deadline.
    Timeout,
    /// An answer that makes no sense, or none: also what a crash looks like.
    BadAnswer,
    /// The scorer takes no message of this size.
    TooLarge,
    /// The scorer works but will not do this, such as learning where it is switched off.
    Refused,
}

impl Unknown {
    /// A failure told in our own words.
    pub fn new(kind: UnknownKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Unknown {}
