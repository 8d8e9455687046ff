//! Changing what is kept of one channel, step by step. Does not know how versions are fetched, nor what rules say.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CURRENT, State, StoreError, failed, read, read_state};
use crate::update::signature::{Keys, MAX_FILE, Signed};
use crate::update::{Channel, Package, fetch};

const KEYS: &str = "keys";
const MIRRORS: &str = "MIRRORED.BY";
const LOCK: &str = "lock";

/// What the names of unfinished files and folders begin with.
const UNFINISHED: &str = ".new-";

/// A list of mirrors is fetched again after a week.
const LIST_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A channel's folder, which nobody else changes meanwhile.
#[derive(Debug)]
pub struct Held {
    channel: Channel,
    folder: PathBuf,
    state: Option<State>,
    lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing alone would not do while a process that is just being started still has the file.
        drop(self.lock.unlock());
    }
}

/// A version that is written, and not in force. It is removed when dropped.
#[derive(Debug)]
pub struct Staged {
    version: u64,
    signed: Signed,
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
            lock,
        };
        held.sweep()?;
        Ok(held)
    }

    /// Which channel it is.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// What is in force.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Writes a version's files to disk. They are not in force yet.
    ///
    /// # Errors
    /// When they cannot be written, or were signed before those in force; nothing is left of them then.
    pub fn stage(&self, version: u64, package: &Package) -> Result<Staged, StoreError> {
        let signed = package.signed.clone();
        if self.state.as_ref().is_some_and(|state| signed.at < state.signed) {
            let channel = self.channel.clone();
            return Err(StoreError::Older { channel, version });
        }
        let folder = self.folder.join(format!("{UNFINISHED}{version}"));
        fs::create_dir(&folder).map_err(failed(&folder))?;
        let staged = Staged {
            version,
            signed,
            folder,
        };
        for file in &package.files {
            write(&staged.folder.join(&file.name), &file.text)?;
        }
        sync_folder(&staged.folder)?;
        Ok(staged)
    }

    /// Puts a version in force. The one that was stays at hand for [`Self::roll_back`].
    ///
    /// # Errors
    /// When it cannot; the old one is in force then.
    pub fn install(&mut self, staged: Staged) -> Result<(), StoreError> {
        let target = self.folder.join(staged.version.to_string());
        fs::rename(&staged.folder, &target).map_err(failed(&target))?;
        sync_folder(&self.folder)?;
        let old = self.state.as_ref();
        self.put_in_force(State {
            version: staged.version,
            previous: old.map(|old| old.version),
            refused: None,
            signed: staged.signed.at,
            key: staged.signed.by.to_string(),
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
