//! Which files are read, in which order, and how much of each. Does not look into them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// One rule file may be this large, in bytes.
pub const MAX_FILE: u64 = 32 << 20;
/// A directory may hold this many rule files.
const MAX_FILES: usize = 4_096;

/// Rules that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A path that was named.
    #[error("cannot read {}: {source}; name a directory with rule files, or a rule file", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The files to read.
///
/// # Errors
/// If one of the paths cannot be read.
pub fn in_order(paths: &[PathBuf]) -> Result<Vec<PathBuf>, LoadError> {
    let mut first = Vec::new();
    let mut second = Vec::new();
    for path in paths {
        let failed = |source| LoadError::Read {
            path: path.clone(),
            source,
        };
        if !path.metadata().map_err(failed)?.is_dir() {
            second.push(path.clone());
            continue;
        }
        let mut names = Vec::new();
        for entry in path.read_dir().map_err(failed)?.take(MAX_FILES) {
            let file = entry.map_err(failed)?.path();
            if file.is_file() && !is_hidden(&file) {
                names.push(file);
            }
        }
        names.sort_unstable();
        let with = |extension: &'static str| {
            move |file: &&PathBuf| file.extension().is_some_and(|known| known == extension)
        };
        first.extend(names.iter().filter(with("pre")).cloned());
        second.extend(names.iter().filter(with("cf")).cloned());
    }
    first.extend(second);
    Ok(first)
}

fn is_hidden(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// The bytes of a rule file.
///
/// # Errors
/// If it cannot be read or is larger than [`MAX_FILE`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 32 MiB"));
    }
    Ok(bytes)
}
