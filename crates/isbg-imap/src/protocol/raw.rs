//! One response as it came off the wire, before anything is read from it. Does not know what it means.

use std::ops::Range;

use isbg_spool::Spool;

/// One response as it came: its text, and the literals between.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    /// The text, line ends and announcements of literals left out.
    pub text: Vec<u8>,
    /// The bytes of the literals kept in memory, one after the other.
    pub store: Vec<u8>,
    /// The literals in order.
    pub literals: Vec<Literal>,
    /// Whether something was left out because it exceeded a limit.
    pub cut: bool,
}

/// A literal and where in the text it stands.
#[derive(Debug, Clone)]
pub struct Literal {
    /// The offset in [`Raw::text`] before which it stands.
    pub at: usize,
    /// Its bytes.
    pub content: Content,
}

/// A literal's bytes.
#[derive(Debug, Clone)]
pub enum Content {
    /// In [`Raw::store`].
    Stored(Range<usize>),
    /// A message.
    Spooled(Spool),
    /// Read past, because so many bytes exceed the limit.
    Omitted(u64),
}
