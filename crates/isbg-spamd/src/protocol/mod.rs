//! Requests and answers as bytes. Does no input or output, and does not judge.

mod answer;
mod head;

pub use answer::{Fault, answer, pong, told};
pub use head::{Databases, Head, Verb, Version, header, request_line};

/// Bytes of a request's first line and headers together. spamc's have some hundred.
pub const MAX_HEAD: usize = 64 * 1024;

/// Headers that a request may have; spamd allows as many.
pub const MAX_HEADERS: usize = 255;
