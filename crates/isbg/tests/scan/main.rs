//! Whole runs against a real Dovecot, with a spamd that judges by a word: what happens to the mailbox, what is said, and
//! which status is returned. Every test ends with the conservation check.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod accounts;
#[path = "../common/mod.rs"]
mod common;
mod lab;
mod runs;
