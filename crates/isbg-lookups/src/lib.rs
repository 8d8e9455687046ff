//! Asking outside of this program: scorers, the DNS, updates of rules; each with deadline, caps and a limit on what runs at
//! once. Knows neither mailboxes nor what follows from an answer.

pub mod auth;
pub mod dns;
mod endpoint;
pub mod program;
pub mod rspamd;
pub mod spamd;
mod text;
mod unknown;
pub mod update;

pub use endpoint::{Address, Endpoint, NotAnAddress};
pub use unknown::{Unknown, UnknownKind};
