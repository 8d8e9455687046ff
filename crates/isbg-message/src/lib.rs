//! A message's bytes taken apart: header fields, MIME structure, scorers' reports, fingerprints, and the views that
//! SpamAssassin's rules read. Total: whatever the
//! bytes are, there is an answer, in linear time and bounded memory. Does not know any network, folder or rule.

mod authentication;
mod content;
mod correspondents;
mod fingerprint;
mod forwarded;
mod lines;
mod report;
mod strip;

pub mod header;
pub mod mime;
pub mod views;

pub use authentication::{Authentication, authentication};
pub use correspondents::{recipients, senders};
pub use fingerprint::{fingerprint, fingerprint_of};
pub use forwarded::forwarded;
pub use header::{Summary, summary};
pub use report::{AttachAs, originals, unwrap_report, wrap, wrap_report};
pub use strip::strip_markup;

/// How much structure is looked at in one message. Beyond a limit the rest is left as it is, unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one header block. Default 256 KiB.
    pub header_bytes: usize,
    /// Levels of multiparts and messages inside one another. Default 50.
    pub depth: usize,
    /// MIME parts in all, containers included. Default 1,000.
    pub parts: usize,
    /// Bytes of a boundary; RFC 2046 allows 70. Default 512.
    pub boundary_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 256 * 1024,
            depth: 50,
            parts: 1_000,
            boundary_bytes: 512,
        }
    }
}
