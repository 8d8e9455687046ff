//! A Dovecot with one user, and the way in. Checks nothing itself.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of tests, of which each uses some"
)]

use isbg_imap::Client;
use isbg_testkit::dovecot::{Dovecot, Settings};

use super::log_in;

/// When delivered messages came, unless a test says otherwise.
pub const DATE: i64 = 1_780_000_000;

pub fn start(settings: Settings) -> Dovecot {
    Dovecot::start(settings).unwrap()
}

pub async fn enter(dovecot: &Dovecot) -> Client {
    log_in(dovecot.address(), dovecot.credentials()).await
}
