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

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use isbg_types::Untrusted;
use serde::{Deserialize, Serialize};

use super::archive::RuleFile;
use super::signature::{Keys, MAX_FILE, Signed};
use super::{Channel, fetch};

const CURRENT: &str = "current";
const KEYS: &str = "keys";
const MIRRORS: &str = "MIRRORED.BY";
const LOCK: &str = "lock";

/// What the names of unfinished files and folders begin with.
const UNFINISHED: &str = ".new-";

/// `current` may have so many bytes.
const MAX_CURRENT: u64 = 4_096;

/// A list of mirrors is fetched again after a week.
const LIST_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

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
    /// There is no version before.
    #[error("there is no earlier version of {0} to go back to")]
    NothingBefore(Channel),
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |source| StoreError::Io { path, source }
}

/// All channels below `root` that have a version in force: SpamAssassin's own first, then by name. None if there is no
/// such folder.
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
    let own = Channel::of_spamassassin();
    all.sort_by_key(|one| (one.channel != own, one.channel.clone()));
    Ok(all)
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

/// A channel's folder, which nobody else changes meanwhile.
#[derive(Debug)]
pub struct Held {
    channel: Channel,
    folder: PathBuf,
    state: Option<State>,
    /// Let go when closed.
    _lock: File,
}

/// A version that is written, and not in force. It is removed when dropped.
#[derive(Debug)]
pub struct Staged {
    version: u64,
    folder: PathBuf,
}

impl Staged {
    /// The folder with the rule files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already, or it is removed by the next update.
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Held {
    /// Takes hold of a channel's folder, making it if there is none, and removes what an interrupted update left there.
    ///
    /// # Errors
    /// When another update holds it, or the folder cannot be made or read.
    pub fn open(root: &Path, channel: &Channel) -> Result<Self, StoreError> {
        let folder = root.join(channel.as_str());
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let path = folder.join(LOCK);
        let lock = File::create(&path).map_err(failed(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(channel.clone())),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { path, source }),
        }
        let state = read_state(&folder)?;
        let held = Self {
            channel: channel.clone(),
            folder,
            state,
            _lock: lock,
        };
        held.sweep()?;
        Ok(held)
    }

    /// What is in force.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Writes a version's files to disk. They are not in force yet.
    ///
    /// # Errors
    /// When they cannot be written; nothing is left of them then.
    pub fn stage(&self, version: u64, files: &[RuleFile]) -> Result<Staged, StoreError> {
        let folder = self.folder.join(format!("{UNFINISHED}{version}"));
        fs::create_dir(&folder).map_err(failed(&folder))?;
        let staged = Staged { version, folder };
        for file in files {
            write(&staged.folder.join(&file.name), &file.text)?;
        }
        sync_folder(&staged.folder)?;
        Ok(staged)
    }

    /// Puts a version in force. The one that was stays at hand for [`Self::roll_back`].
    ///
    /// # Errors
    /// When it cannot; the old one is in force then.
    pub fn install(&mut self, staged: Staged, signed: &Signed) -> Result<(), StoreError> {
        let target = self.folder.join(staged.version.to_string());
        fs::rename(&staged.folder, &target).map_err(failed(&target))?;
        sync_folder(&self.folder)?;
        let old = self.state.as_ref();
        self.put_in_force(State {
            version: staged.version,
            previous: old.map(|old| old.version),
            refused: None,
            signed: signed.at.max(old.map_or(0, |old| old.signed)),
            key: signed.by.to_string(),
        })
    }

    /// Puts the version before in force again. A later version that is left thereby is refused from then on; to go
    /// back a second time returns to it.
    ///
    /// # Errors
    /// When there is none, or it cannot be done; nothing has changed then.
    pub fn roll_back(&mut self) -> Result<(), StoreError> {
        let before = self
            .state
            .clone()
            .and_then(|state| Some((state.previous?, state)));
        let Some((version, state)) = before else {
            return Err(StoreError::NothingBefore(self.channel.clone()));
        };
        if !self.folder.join(version.to_string()).is_dir() {
            return Err(StoreError::NothingBefore(self.channel.clone()));
        }
        self.put_in_force(State {
            version,
            previous: Some(state.version),
            refused: Some(state.version).filter(|left| *left > version),
            ..state
        })
    }

    fn put_in_force(&mut self, state: State) -> Result<(), StoreError> {
        let text = serde_json::to_vec(&state).map_err(|error| failed(&self.folder)(error.into()))?;
        self.replace(CURRENT, &text)?;
        self.state = Some(state);
        self.sweep()
    }

    /// The keys that the user named for this channel once.
    ///
    /// # Errors
    /// When there are some, and they cannot be read.
    pub fn keys(&self) -> Result<Option<Keys>, StoreError> {
        let most = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
        match read(&self.folder.join(KEYS), most)? {
            None => Ok(None),
            Some(bytes) => Keys::read(&bytes)
                .map(Some)
                .map_err(|_| StoreError::Damaged(self.folder.clone())),
        }
    }

    /// Remembers keys for this channel instead of those that it had.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn remember_keys(&self, keys: &Keys) -> Result<(), StoreError> {
        self.replace(KEYS, &keys.to_bytes())
    }

    /// The list of mirrors that was fetched last, and whether it is fresh enough.
    ///
    /// # Errors
    /// When there is one, and it cannot be read.
    pub fn mirror_list(&self) -> Result<Option<(Vec<u8>, bool)>, StoreError> {
        let path = self.folder.join(MIRRORS);
        let most = u64::try_from(fetch::MAX_LIST).unwrap_or(u64::MAX);
        let Some(bytes) = read(&path, most)? else {
            return Ok(None);
        };
        let written = path.metadata().and_then(|metadata| metadata.modified());
        // A file from the future is as good as an old one.
        let age = written.map_err(failed(&path))?.elapsed().ok();
        Ok(Some((bytes, age.is_some_and(|age| age < LIST_AGE))))
    }

    /// Keeps a list of mirrors.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_mirror_list(&self, list: &[u8]) -> Result<(), StoreError> {
        self.replace(MIRRORS, list)
    }

    /// Writes a file beside, and puts it in its place in one step.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let new = self.folder.join(format!("{UNFINISHED}{name}"));
        let path = self.folder.join(name);
        write(&new, bytes)?;
        fs::rename(&new, &path).map_err(failed(&path))?;
        sync_folder(&self.folder)
    }

    /// Removes what is unfinished, and versions that are neither in force nor the one before.
    fn sweep(&self) -> Result<(), StoreError> {
        let kept = |version: u64| {
            let state = self.state.as_ref();
            state.is_some_and(|state| state.version == version || state.previous == Some(version))
        };
        for entry in fs::read_dir(&self.folder).map_err(failed(&self.folder))? {
            let path = entry.map_err(failed(&self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stale = name.parse::<u64>().is_ok_and(|version| !kept(version));
            if !stale && !name.starts_with(UNFINISHED) {
                continue;
            }
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.map_err(failed(&path))?;
        }
        Ok(())
    }
}

/// Writes a file through to disk.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let written = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(failed(path))
}

/// Makes the names in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed(folder))
}

/// Folders cannot be opened for that here; the file system keeps the order by itself.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests;
