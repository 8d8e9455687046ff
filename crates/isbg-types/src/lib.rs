//! The plain words all crates share: places, fingerprints, flags, scores, verdicts. No effects, no I/O, and no
//! knowledge of any protocol or file format.

pub mod auth;
pub mod dns;
mod fingerprint;
mod flags;
mod place;
mod score;
mod uidset;
mod untrusted;
mod verdict;

pub use fingerprint::Fingerprint;
pub use flags::{Flag, Flags};
pub use place::{FolderName, ModSeq, Place, Uid, UidValidity};
pub use score::Score;
pub use uidset::UidSet;
pub use untrusted::Untrusted;
pub use verdict::{Class, RuleHit, Thresholds, Tier, Verdict};
