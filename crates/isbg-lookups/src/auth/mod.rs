//! Who sent a message: SPF and DKIM, verified. Pure: says what it wants to know and reads the answers. Does not ask
//! anybody, and does not know what follows for a score.

mod dkim;
mod spf;

pub use dkim::Signatures;
pub use spf::spf;
