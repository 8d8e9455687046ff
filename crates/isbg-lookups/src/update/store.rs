//! Where fetched rules are kept: each version in a folder of its own, and a small file that names the one in force. Does
//! not know how versions are fetched, nor what rules say.
//!
//! ```text
//! ROOT/CHANNEL/current       the version in force, the one before, and what is to be known about them (JSON)
//! ROOT/CHANNEL/VERSION/      the rule files
//! ROOT/CHANNEL/keys          keys that the user named for the channel
//! ROOT/CHANNEL/MIRRORED.BY   the list of mirrors, as it was fetched last
//! ROOT/CHANNEL/lock          held while something is changed
//! ```
//! A version is written whole and to disk before `current` is replaced, in one step. Whatever comes in between leaves
//! the old version in force; what it leaves behind is removed by the next update.

mod held;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use isbg_types::Untrusted;
use serde::{Deserialize, Serialize};

use super::Channel;

pub use held::{Held, Staged};

const CURRENT: &str = "current";

/// `current` may have so many bytes.
const MAX_CURRENT: u64 = 4_096;

/// What is in force for a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The version in force.
    pub version: u64,
    /// The version before, which is still there.
    pub previous: Option<u64>,
    /// A version that was taken back and is not to be installed again.
    pub refused: Option<u64>,
    /// When the newest version that ever was in force was signed, in seconds since 1970. Nothing older is taken.
    pub signed: u64,
    /// The fingerprint of the key it was signed with.
    pub key: String,
}

/// A channel with a version in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Which.
    pub channel: Channel,
    /// What is in force.
    pub state: State,
    /// The folder with the rule files of the version in force.
    pub folder: PathBuf,
}

/// Why the store cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, permissions are missing, or the like.
    #[error("{}: {source}; the rules that were in force stay so", Untrusted(&path.to_string_lossy()))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// `current` cannot be understood.
    #[error("{} is damaged; remove that folder and update again", Untrusted(&.0.to_string_lossy()))]
    Damaged(PathBuf),
    /// Another update is under way.
    #[error("another update of {0} is under way")]
    Busy(Channel),
    /// The version was signed before the one in force.
    #[error(
        "version {version} of {channel} was signed before the one in force: something old is passed off as new"
    )]
    Older {
        /// Of which channel.
        channel: Channel,
        /// Which version.
        version: u64,
    },
    /// There is no version before.
    #[error("there is no earlier version of {0} to go back to")]
    NothingBefore(Channel),
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |source| StoreError::Io { path, source }
}

/// All channels below `root` that have a version in force, [in order](in_order). None if there is no such folder.
///
/// # Errors
/// When the folder cannot be read or something in it is damaged.
pub fn installed(root: &Path) -> Result<Vec<Installed>, StoreError> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed(root))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed(root))?.file_name();
        let Some(channel) = name.to_str().and_then(|name| name.parse::<Channel>().ok()) else {
            continue;
        };
        let folder = root.join(channel.as_str());
        if let Some(state) = read_state(&folder)? {
            let folder = folder.join(state.version.to_string());
            all.push(Installed {
                channel,
                state,
                folder,
            });
        }
    }
    in_order(&mut all);
    Ok(all)
}

/// Puts channels in the order in which their rules are to be read: SpamAssassin's own first, then by name.
pub fn in_order(channels: &mut [Installed]) {
    let own = Channel::of_spamassassin();
    channels.sort_by_key(|one| (one.channel != own, one.channel.clone()));
}

fn read_state(folder: &Path) -> Result<Option<State>, StoreError> {
    let path = folder.join(CURRENT);
    let Some(bytes) = read(&path, MAX_CURRENT)? else {
        return Ok(None);
    };
    let state: Option<State> = serde_json::from_slice(&bytes).ok();
    let there = state.filter(|state| folder.join(state.version.to_string()).is_dir());
    there.map(Some).ok_or_else(|| StoreError::Damaged(folder.into()))
}

/// The first `most` bytes of a file; `None` if there is none.
fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        // Not a folder: then no file is in it.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        other => other.map_err(failed(path))?,
    };
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(failed(path))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
