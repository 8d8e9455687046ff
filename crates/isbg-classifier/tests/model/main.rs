//! The model as its users see it, on mail written for these tests. Does not look inside it.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod bytes;
mod lessons;
mod mails;
