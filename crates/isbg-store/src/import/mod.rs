//! Files that isbg 0.99 to 2.3.1 left behind: which there are, and what is in them. Changes nothing, and runs nothing
//! that it reads.

mod password;
mod track;

use std::io;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use crate::private;
use crate::{Purpose, Timestamp};

pub use password::read_password;
pub use track::{FolderNow, NotAdopted, Track, adoptable, read_track};

/// Why an old file is not taken over. Nothing of it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is larger than any such file.
    #[error("{} bytes are more than such a file can have", .0)]
    TooLarge(u64),
    /// It is not in a form that any isbg wrote.
    #[error("not a file of isbg: {0}")]
    Garbage(&'static str),
    /// The obfuscated password was stored for another host, user or port.
    #[error("the stored password belongs to another host, user or port")]
    OtherAccount,
}

/// The two names isbg may have given to an account's files. The port's digits went into the hash bare where it was the
/// default, and in quotes where it was given on the command line.
///
/// Each is the MD5, in hexadecimal, of host, user and port.
pub fn name_hashes(host: &str, user: &str, port: u16) -> [String; 2] {
    port_forms(port).map(|port| {
        let mut hash = Md5::new();
        hash.update(host);
        hash.update(user);
        hash.update(port);
        hex::encode(hash.finalize())
    })
}

fn port_forms(port: u16) -> [String; 2] {
    [port.to_string(), format!("'{port}'")]
}

/// Where old files may lie.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The user's home directory: isbg 0.99 and 1.x.
    pub home: Option<PathBuf>,
    /// `$XDG_CACHE_HOME`, or `~/.cache`: isbg 2.x.
    pub cache: Option<PathBuf>,
    /// What the user names with `--trackfile`: the whole name for 0.99, a prefix for later ones. The default places are
    /// not looked at then.
    pub trackfile: Option<PathBuf>,
}

/// A track file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTrack {
    /// The file.
    pub path: PathBuf,
    /// What its UIDs were gone through for. It does not tell in which folder.
    pub purpose: Purpose,
}

/// Old files of one account that are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Track files, the likeliest of each purpose first.
    pub tracks: Vec<FoundTrack>,
    /// Password files, the likeliest first.
    pub passwords: Vec<PathBuf>,
}

const SUFFIXES: [(&str, Purpose); 3] = [
    ("inbox", Purpose::Scan),
    ("spam", Purpose::LearnSpam),
    ("ham", Purpose::LearnHam),
];

/// Looks for the account's old files: host, user and port as they were given to isbg. Newer versions' come first.
pub fn find_files(places: &Places, host: &str, user: &str, port: u16) -> Found {
    let mut found = Found::default();
    let mut prefixes: Vec<PathBuf> = places.trackfile.iter().cloned().collect();
    for hash in name_hashes(host, user, port) {
        let cache = places.cache.as_ref().map(|cache| cache.join("isbg"));
        for (directory, prefix) in [(cache, "track"), (places.home.clone(), ".isbg-track")] {
            let Some(directory) = directory else { continue };
            if places.trackfile.is_none() {
                prefixes.push(directory.join(format!("{prefix}{hash}")));
            }
            found.passwords.push(directory.join(format!(".isbg-{hash}")));
        }
    }
    for (suffix, purpose) in SUFFIXES {
        found.tracks.extend(prefixes.iter().map(|prefix| FoundTrack {
            path: with_suffix(prefix, suffix),
            purpose,
        }));
    }
    found.tracks.extend(prefixes.into_iter().map(|path| FoundTrack {
        path,
        purpose: Purpose::Scan,
    }));
    found.tracks.retain(|track| track.path.is_file());
    found.passwords.retain(|path| path.is_file());
    found
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// An old file's bytes and when it was last written, ready for [`read_track`] or [`read_password`].
///
/// # Errors
/// [`ImportError::Io`], also for anything but a plain file, and [`ImportError::TooLarge`].
pub fn read_old_file(path: &Path) -> Result<(Vec<u8>, Timestamp), ImportError> {
    let failed = |source| ImportError::Io {
        path: path.to_owned(),
        source,
    };
    let (bytes, found) = private::read_capped(path, track::LARGEST).map_err(failed)?;
    let bytes = bytes.ok_or(ImportError::TooLarge(found.len()))?;
    Ok((bytes, found.modified().map(Timestamp::from).map_err(failed)?))
}
