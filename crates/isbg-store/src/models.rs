//! A model's file: read, replaced whole under a lock between processes, and its snapshots to go back to. Does not know
//! what is in it, nor whether it is sound.
//!
//! `models/NAME.model` is the model; `NAME.lock` is locked while it changes; `NAME.SECONDS.model` are snapshots, named for
//! the time at which they were the model. `NAME.aside.model` is the model that the last rollback took away.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::{Timestamp, private};

/// So many snapshots are kept. Only the newest may be less than a day older than what it was taken for.
const SNAPSHOTS: usize = 7;
const APART: i64 = 24 * 60 * 60;

/// How often it is looked whether the lock is free.
const LOOK: Duration = Duration::from_millis(20);

/// Characters of a model's name.
const NAME: usize = 64;

/// One model's place in a state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    state: PathBuf,
    name: String,
    limit: u64,
}

/// The model, locked against other processes until this is dropped.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this value lives"]
pub struct LockedModel<'a> {
    file: &'a ModelFile,
    directory: PathBuf,
    _lock: File,
}

/// Whether a model can have this name: ASCII letters and digits, `_` and `-`, neither of these first, 64 at most.
pub fn is_model_name(name: &str) -> bool {
    (1..=NAME).contains(&name.len())
        && !name.starts_with(['-', '_'])
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

impl ModelFile {
    /// The model of this name below the state directory. A file of more than `limit` bytes is none. Touches nothing.
    /// `None` for a name that no model can have ([`is_model_name`]).
    pub fn new(state: &Path, name: &str, limit: u64) -> Option<Self> {
        is_model_name(name).then(|| Self {
            state: state.to_owned(),
            name: name.to_owned(),
            limit,
        })
    }

    /// Where the model lies.
    pub fn path(&self) -> PathBuf {
        self.within(&self.state.join("models"), "model")
    }

    /// The model's bytes, or `None` where there is none yet. Makes nothing.
    ///
    /// # Errors
    /// [`Error::Link`] for anything but a plain file, [`Error::Damaged`] for one that is too large, and those of the disk.
    pub fn read(&self) -> Result<Option<Vec<u8>>> {
        self.read_at(&self.path())
    }

    /// Locks the model. Makes the directory where it is missing.
    ///
    /// # Errors
    /// [`Error::Busy`] where another process has held the lock for as long as `patience`, and those of the disk.
    pub fn lock(&self, patience: Duration) -> Result<LockedModel<'_>> {
        private::directory(&self.state)?;
        let directory = private::directory(&self.state.join("models"))?;
        let path = self.within(&directory, "lock");
        private::plain(&path)?;
        let lock = private::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::io(&path, error))?;
        let mut waited = Duration::ZERO;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < patience => {
                    std::thread::sleep(LOOK);
                    waited += LOOK;
                }
                Err(TryLockError::WouldBlock) => return Err(Error::Busy { path }),
                Err(TryLockError::Error(error)) => return Err(Error::io(&path, error)),
            }
        }
        Ok(LockedModel {
            file: self,
            directory,
            _lock: lock,
        })
    }

    fn within(&self, directory: &Path, end: &str) -> PathBuf {
        directory.join(format!("{}.{end}", self.name))
    }

    fn read_at(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        if private::plain(path)?.is_none() {
            return Ok(None);
        }
        match private::read_capped(path, self.limit).map_err(|error| Error::io(path, error))? {
            (Some(bytes), _) => Ok(Some(bytes)),
            (None, _) => Err(Error::Damaged {
                path: path.to_owned(),
                detail: format!("a model has no more than {} bytes", self.limit),
            }),
        }
    }
}

impl LockedModel<'_> {
    /// As [`ModelFile::read`].
    ///
    /// # Errors
    /// As [`ModelFile::read`].
    pub fn read(&self) -> Result<Option<Vec<u8>>> {
        self.file.read_at(&self.path())
    }

    /// Puts these bytes in place of the model: after a cut there is the old one or the new one, whole.
    ///
    /// # Errors
    /// Those of the disk; the model is then as it was.
    pub fn replace(&self, bytes: &[u8]) -> Result<()> {
        self.write(&self.path(), bytes)
    }

    /// Keeps the model as it is now, to go back to. Where there is none yet, there is nothing to keep.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn keep_snapshot(&self, now: Timestamp) -> Result<()> {
        let Some(bytes) = self.read()? else {
            return Ok(());
        };
        let mut earlier = self.snapshots()?;
        earlier.retain(|time| *time != now.0);
        self.write(&self.snapshot(now.0), &bytes)?;
        if let [newest, next, ..] = earlier[..]
            && newest - next < APART
        {
            remove(&self.snapshot(newest))?;
            earlier.remove(0);
        }
        let surplus = earlier.iter().skip(SNAPSHOTS - 1);
        surplus.copied().try_for_each(|time| remove(&self.snapshot(time)))
    }

    /// Puts the newest snapshot in the model's place, and the model aside. Gives the time at which the snapshot was
    /// taken; `None` where there is none.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn roll_back(&self) -> Result<Option<Timestamp>> {
        let Some(&newest) = self.snapshots()?.first() else {
            return Ok(None);
        };
        let aside = self.file.within(&self.directory, "aside.model");
        let path = self.path();
        let moved = |from: &Path, to: &Path| fs::rename(from, to).map_err(|error| Error::io(from, error));
        if private::plain(&path)?.is_some() {
            moved(&path, &aside)?;
        }
        moved(&self.snapshot(newest), &path)?;
        private::sync_directory(&self.directory)?;
        Ok(Some(Timestamp(newest)))
    }

    fn path(&self) -> PathBuf {
        self.file.within(&self.directory, "model")
    }

    fn snapshot(&self, time: i64) -> PathBuf {
        self.file.within(&self.directory, &format!("{time}.model"))
    }

    /// The times of the snapshots, the newest first.
    fn snapshots(&self) -> Result<Vec<i64>> {
        let failed = |error| Error::io(&self.directory, error);
        let mut times = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let time: Option<i64> = name
                .to_str()
                .and_then(|name| {
                    name.strip_prefix(&self.file.name)?
                        .strip_prefix('.')?
                        .strip_suffix(".model")
                })
                .and_then(|time| time.parse().ok());
            times.extend(time);
        }
        times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        Ok(times)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let new = self.file.within(&self.directory, "new");
        private::plain(&new)?;
        let write = || {
            let mut file = private::options()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|error| Error::io(&new, error))?;
        private::close_to_others(&new)?;
        fs::rename(&new, path).map_err(|error| Error::io(path, error))?;
        private::sync_directory(&self.directory)
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = APART;

    fn file(state: &Path) -> ModelFile {
        ModelFile::new(state, "default", 1000).unwrap()
    }

    #[test]
    fn names() {
        for good in ["default", "a", "Work-2_b"] {
            assert!(is_model_name(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", ".", "..", "../a", "a.b", "a/b", "-a", ".a", "a b", "ä", &long] {
            assert!(ModelFile::new(Path::new("/"), bad, 1).is_none(), "{bad}");
        }
    }

    #[test]
    fn looking_makes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        assert_eq!(file(&state).read().unwrap(), None);
        assert!(!state.exists());
    }

    #[test]
    fn replaced_whole_and_only_for_this_user() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let locked = file.lock(Duration::ZERO).unwrap();
        assert!(matches!(file.lock(Duration::ZERO), Err(Error::Busy { .. })));
        locked.replace(b"one").unwrap();
        locked.replace(b"two").unwrap();
        drop(locked);
        assert_eq!(file.read().unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(
            file.lock(Duration::ZERO).unwrap().read().unwrap().as_deref(),
            Some(&b"two"[..])
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&file.path()), 0o600);
            assert_eq!(mode(file.path().parent().unwrap()), 0o700);
        }
    }

    #[test]
    fn what_is_no_model_is_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        file.lock(Duration::ZERO).unwrap().replace(&[0; 1001]).unwrap();
        assert!(matches!(file.read(), Err(Error::Damaged { .. })));
        #[cfg(unix)]
        {
            fs::remove_file(file.path()).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", file.path()).unwrap();
            assert!(matches!(file.read(), Err(Error::Link { .. })));
        }
    }

    #[test]
    fn snapshots_thin_out_and_bring_back() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let locked = file.lock(Duration::ZERO).unwrap();
        locked.keep_snapshot(Timestamp(0)).unwrap();
        assert_eq!(locked.snapshots().unwrap(), [0; 0], "there was no model");
        for hour in (0..240).step_by(6) {
            locked.replace(format!("{hour}").as_bytes()).unwrap();
            locked.keep_snapshot(Timestamp(hour * 3600)).unwrap();
        }
        let times = locked.snapshots().unwrap();
        assert_eq!(times.len(), SNAPSHOTS, "{times:?}");
        assert_eq!(times[0], 234 * 3600);
        assert!(
            times[1..].windows(2).all(|two| two[0] - two[1] >= DAY),
            "{times:?}"
        );
        locked.replace(b"spoilt").unwrap();
        for time in times {
            assert_eq!(locked.roll_back().unwrap(), Some(Timestamp(time)));
            assert_eq!(
                locked.read().unwrap(),
                Some(format!("{}", time / 3600).into_bytes())
            );
        }
        assert_eq!(locked.roll_back().unwrap(), None);
        // Another model's snapshots are its own.
        let other = ModelFile::new(home.path(), "default2", 1000).unwrap();
        assert_eq!(other.lock(Duration::ZERO).unwrap().roll_back().unwrap(), None);
    }

    #[test]
    fn the_model_taken_away_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let locked = file.lock(Duration::ZERO).unwrap();
        locked.replace(b"good").unwrap();
        locked.keep_snapshot(Timestamp(5)).unwrap();
        locked.replace(b"cut").unwrap();
        locked.roll_back().unwrap();
        let aside = home.path().join("models").join("default.aside.model");
        assert_eq!(fs::read(aside).unwrap(), b"cut");
        assert_eq!(file.read().unwrap().as_deref(), Some(&b"good"[..]));
    }
}
