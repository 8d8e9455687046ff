//! One mover per account: a lock held on an open file, which ends with its process however that ends. Does not wait, and
//! does not know what is done under the lock.
//!
//! The account's own lock lies in the state directory. A lock file the user names (`--lockfilename`), or that an isbg
//! 2.x of the same user may hold, is taken in addition:
//!
//! - held by a living process of ours: refused, however old. Its age says nothing, and it cannot be stale.
//! - not held, written by us (two lines): stale, no obstacle.
//! - not held, written by isbg 2.x (a process id and nothing else): refused if it is younger than the grace time
//!   (`--lockfilegrace`) and its process lives, else ignored.
//!
//! `--ignorelockfile` leaves the named file alone. The account's own lock is taken nevertheless: two movers on one
//! account could double a message, and there is no stale lock that one would need to get around.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::{AccountId, Store, Timestamp, private};

/// More than any lock file of ours or of isbg 2.x holds.
const LARGEST: u64 = 200;

/// A lock file beside the account's own.
#[derive(Debug, Clone, Copy)]
pub struct LockFile<'a> {
    /// Where it lies.
    pub path: &'a Path,
    /// How long a lock of isbg 2.x counts after it was written (`--lockfilegrace`; 240 minutes by default).
    pub grace: Duration,
}

/// The locks on an account. Dropping it gives them back; so does the end of the process.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this value lives"]
pub struct AccountLock {
    held: Vec<(File, PathBuf)>,
}

impl AccountLock {
    /// The lock files held.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.held.iter().map(|(_, path)| path.as_path())
    }
}

impl Drop for AccountLock {
    fn drop(&mut self) {
        for (file, _) in &self.held {
            // A file left as it is would only name a process that is gone; nothing relies on it.
            drop(file.set_len(0));
        }
    }
}

impl Store {
    /// Takes the account's lock, and `also` a lock file of the user's choosing.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process works on the account, [`Error::Link`] for anything but a plain file.
    pub fn lock(
        &self,
        account: AccountId,
        also: Option<LockFile<'_>>,
        now: Timestamp,
    ) -> Result<AccountLock> {
        let directory = private::directory(&self.directory().join("locks"))?;
        let mut lock = AccountLock { held: Vec::new() };
        let own = directory.join(format!("account-{account}.lock"));
        lock.held.push((take(&own, None, now)?, own));
        if let Some(also) = also {
            lock.held
                .push((take(also.path, Some(also.grace), now)?, also.path.to_owned()));
        }
        Ok(lock)
    }
}

fn take(path: &Path, grace: Option<Duration>, now: Timestamp) -> Result<File> {
    private::plain(path)?;
    let failed = |error| Error::io(path, error);
    let mut file = private::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(locked(path, Written::read(&mut file).ok())),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let written = Written::read(&mut file).map_err(failed)?;
    if let (Some(grace), Written::Foreign(pid)) = (grace, &written)
        && age(&found, now) < grace
        && lives(*pid)
    {
        return Err(locked(path, Some(written)));
    }
    let text = format!("{}\n{}\n", std::process::id(), now.0);
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.flush())
        .map_err(failed)?;
    Ok(file)
}

fn locked(path: &Path, written: Option<Written>) -> Error {
    let (pid, since) = match written {
        Some(Written::Ours { pid, since }) => (Some(pid), Some(since)),
        Some(Written::Foreign(pid)) => (Some(pid), None),
        Some(Written::Nothing) | None => (None, None),
    };
    Error::Locked {
        path: path.to_owned(),
        pid,
        since,
    }
}

/// What stands in a lock file.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    Ours { pid: u32, since: Timestamp },
    Foreign(u32),
    Nothing,
}

impl Written {
    fn read(file: &mut File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines().map(str::trim);
        let pid = lines.next().and_then(|line| line.parse().ok());
        let since = lines.next().map(str::parse);
        match (pid, since) {
            (Some(pid), Some(Ok(since))) => Self::Ours {
                pid,
                since: Timestamp(since),
            },
            (Some(pid), None) => Self::Foreign(pid),
            _ => Self::Nothing,
        }
    }
}

/// How long ago the file was written; nothing if the clock was set back since.
fn age(found: &Metadata, now: Timestamp) -> Duration {
    let written = found.modified().map_or(now, Timestamp::from);
    Duration::from_secs(u64::try_from(now.since(written)).unwrap_or(0))
}

#[cfg(unix)]
fn lives(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    // Another user's process may not be signalled, and lives.
    !matches!(
        rustix::process::test_kill_process(pid),
        Err(rustix::io::Errno::SRCH)
    )
}

/// Without a way to ask, a young lock counts.
#[cfg(not(unix))]
fn lives(_: u32) -> bool {
    true
}
