//! Files and directories that belong to this user alone: no links followed, no access for others. Does not know what
//! is in them.

use std::fs::{self, File, OpenOptions};
use std::io;
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
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}

/// Takes others' access away from a file that exists.
#[cfg(unix)]
pub(crate) fn close_to_others(path: &Path, found: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| Error::io(path, error))
}

/// Takes others' access away from a file that exists.
#[cfg(not(unix))]
pub(crate) fn close_to_others(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

/// Makes the names in a directory durable.
#[cfg(unix)]
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Error::io(path, error))
}

/// Makes the names in a directory durable. Windows has no such call.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> Result<()> {
    Ok(())
}
