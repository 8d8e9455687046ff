//! What the tests stand on: real mail servers and scorers on loopback, a fault proxy, made-up mail, and the check that
//! no message was lost. Deliberately knows nothing of the crates under test, so that it can contradict them.
//!
//! Every server is a value: it is up when its constructor returns, lives on a free loopback port and in a temporary
//! folder of its own, and is gone, with all its processes, when the value is dropped or the test process dies.

mod acceptor;
pub mod channel;
pub mod conservation;
#[cfg(unix)]
pub mod courier;
#[cfg(unix)]
pub mod cyrus;
pub mod dns;
#[cfg(unix)]
pub mod dovecot;
mod identity;
pub mod mail;
pub mod mailbox;
#[cfg(unix)]
pub mod maildir;
pub mod mutf7;
pub mod openpgp;
mod port;
#[cfg(unix)]
mod process;
pub mod proxy;
#[cfg(unix)]
pub mod rspamd;
pub mod scripted;
#[cfg(unix)]
pub mod spamd;
pub mod spamd_stub;
#[cfg(unix)]
mod unpacked;
pub mod web;
pub mod wire;

pub use identity::{Authority, Identity};
pub use port::{NOBODY_LISTENS, Port};
#[cfg(unix)]
pub use process::{Home, Server, terminate};
