//! Rule updates as sa-update does them: which version a channel has (DNS), its archive from a mirror (HTTP), proved by
//! checksum and OpenPGP signature, unpacked with caps, put in force in one step. Does not know what rules say: whoever
//! uses it looks at a [`Staged`] version before it is installed.

mod archive;
mod channel;
mod checksum;
mod fetch;
mod http;
mod mirrors;
mod signature;
mod store;
mod url;

use isbg_types::Untrusted;

use crate::dns::DnsError;

pub use archive::{ArchiveError, RuleFile, rule_files};
pub use channel::{Channel, NotAChannel, SPAMASSASSIN};
pub use fetch::{Package, fetch, mirror_list, package};
pub use http::{Http, HttpError};
pub use signature::{Fingerprint, Keys, NotAFingerprint, NotAKey, SignatureError, Signed};
pub use store::{Held, Installed, Staged, State, StoreError, in_order, installed};
pub use url::Proxies;

/// So many mirrors are named in one error.
const MOST_NAMED: usize = 4;

/// Why there is no update.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The domain name system does not answer.
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such channel.
    #[error("there is no update channel {0}: it has neither a version nor mirrors in the DNS")]
    NoChannel(Channel),
    /// The list of mirrors cannot be had.
    #[error("the list of mirrors of {channel} cannot be had: {}", listed(tried))]
    NoList {
        /// Of which channel.
        channel: Channel,
        /// What was tried, in this order.
        tried: Vec<MirrorError>,
    },
    /// No mirror has a good archive.
    #[error("no mirror of {channel} has a good version {version}: {}", listed(tried))]
    NoGoodMirror {
        /// Of which channel.
        channel: Channel,
        /// Which version.
        version: u64,
        /// What was tried, in this order; none: the list names no mirrors.
        tried: Vec<MirrorError>,
    },
}

/// What is wrong with a file of a mirror.
#[derive(Debug)]
pub struct MirrorError {
    /// Its address.
    pub url: String,
    /// What is wrong.
    pub error: FileError,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be fetched.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It names no mirrors.
    #[error("no mirrors are in it")]
    Empty,
    /// It is not what the mirror says it is.
    #[error("its checksum is wrong: it was damaged on the way")]
    Checksum,
    /// It is not from the channel's owner.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is no harmless archive of rules.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

fn listed(tried: &[MirrorError]) -> String {
    let one = |failed: &MirrorError| format!("{}: {}", Untrusted(&failed.url).clipped(100), failed.error);
    let mut texts: Vec<String> = tried.iter().take(MOST_NAMED).map(one).collect();
    match tried.len() - texts.len() {
        0 if texts.is_empty() => texts.push("none are known".into()),
        0 => {}
        more => texts.push(format!("and {more} more")),
    }
    texts.join("; ")
}
