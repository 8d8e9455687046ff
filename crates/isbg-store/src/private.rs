//! Files and directories that belong to this user alone: no links followed, no access for others. Does not know what
//! is in them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Makes the directory (mode 0700, with its parents) if it is missing, and gives its path with the links above it
/// resolved.
///
/// # Errors
/// [`Error::Link`] if it is a link or no directory, [`Error::Exposed`] if others may write to it or own it.
pub(crate) fn directory(path: &Path) -> Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => owned(path, &found)?,
        Ok(_) => {
            return Err(Error::Link {
                path: path.to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(Error::io(path, error)),
    }
    path.canonicalize().map_err(|error| Error::io(path, error))
}

#[cfg(unix)]
fn make(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::io(path, error))
}

#[cfg(not(unix))]
fn make(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| Error::io(path, error))
}

#[cfg(unix)]
fn owned(path: &Path, found: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    let why = if found.uid() != me && me != 0 {
        "belongs to another user"
    } else if found.mode() & 0o002 != 0 {
        "can be written by everybody"
    } else {
        return Ok(());
    };
    Err(Error::Exposed {
        path: path.to_owned(),
        why,
    })
}

#[cfg(not(unix))]
fn owned(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

/// Refuses anything but a plain file or nothing at this path. `Ok(None)` if there is nothing.
pub(crate) fn plain(path: &Path) -> Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(Error::Link {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Options for a file that only this user may read, and that is not opened through a link.
#[cfg(unix)]
pub(crate) fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

/// Options for a file of this user's.
#[cfg(not(unix))]
pub(crate) fn options() -> OpenOptions {
    OpenOptions::new()
}

/// Takes others' access away from a file that exists.
#[cfg(unix)]
pub(crate) fn close_to_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let close = || {
        if fs::symlink_metadata(path)?.mode() & 0o077 == 0 {
            return Ok(());
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
    };
    close().map_err(|error| Error::io(path, error))
}

/// Takes others' access away from a file that exists.
#[cfg(not(unix))]
pub(crate) fn close_to_others(_: &Path) -> Result<()> {
    Ok(())
}

/// Makes the names in a directory durable.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    fs::File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Error::io(path, error))
}

/// Makes the names in a directory durable. Windows has no such call.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> Result<()> {
    Ok(())
}

/// Whether somebody else may read the file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.mode() & 0o077 != 0
}

/// Whether somebody else may read the file.
#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// A plain file's bytes and its metadata; `None` in place of the bytes if there are more than `cap`. Waits for nothing: a
/// pipe or a device is refused.
///
/// # Errors
/// Those of the operating system; `InvalidInput` for anything but a plain file.
pub(crate) fn read_capped(path: &Path, cap: u64) -> io::Result<(Option<Vec<u8>>, fs::Metadata)> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.read(true).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    let mut bytes = Vec::new();
    file.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(((bytes.len() as u64 <= cap).then_some(bytes), found))
}
