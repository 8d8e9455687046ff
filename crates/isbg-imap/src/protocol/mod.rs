//! The IMAP protocol as pure functions over bytes (RFC 9051, RFC 3501 and their extensions). Does no I/O and knows
//! neither sockets nor time.
//!
//! A server's bytes go through three stages: the [`framer`] cuts them into lines and literals, the [`tree`] reader
//! turns one response into atoms, strings and lists, and [`response`] gives the known ones a type. What is unknown or
//! odd is never an error: it stays reachable through the tree. The other way, [`command`] writes what we send.

pub mod code;
pub mod command;
pub mod data;
pub mod fetch;
pub mod framer;
pub mod mailbox;
pub mod raw;
pub mod response;
pub mod search;
pub mod set;
pub mod tree;

/// How much of a server's data is taken. Whatever exceeds a limit is read past, so that the stream stays in step,
/// and the answer it belonged to is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line, literals not counted. A plain SEARCH answer of 500,000 UIDs takes 4 MiB.
    pub line: usize,
    /// Bytes of one response: its lines and the literals that are kept in memory.
    pub response: usize,
    /// Bytes of a literal that is a name or another string.
    pub string: u64,
    /// Bytes of a literal that is a header block.
    pub header: u64,
    /// Bytes of a literal that is a message.
    pub body: u64,
    /// Literals larger than this are not even read past: the connection ends.
    pub hopeless: u64,
    /// How deep lists may nest.
    pub depth: usize,
    /// Atoms, strings and lists in one response.
    pub elements: usize,
    /// Ranges in one set of UIDs.
    pub ranges: usize,
    /// Bytes of a command that we send, literals not counted. Longer ones are split where that is possible.
    pub command: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 8 << 20,
            response: 8 << 20,
            string: 64 << 10,
            header: 256 << 10,
            body: 1 << 30,
            hopeless: 16 << 30,
            depth: 32,
            elements: 500_000,
            ranges: 500_000,
            command: 8_000,
        }
    }
}
