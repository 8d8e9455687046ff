//! Real mail from a folder of collections, the same choice every time. Does not know what it is used for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;

/// One message.
pub struct Message {
    pub path: PathBuf,
    pub bytes: Bytes,
}

/// The collection that is there to break programs, and no mail that people get.
const HOSTILE: &str = "torture";

/// `most` messages, as many from each collection (a folder in `corpus`) as from each other, evenly spaced in name order.
/// A corpus without folders is one collection.
///
/// # Errors
/// When there are no messages, or one cannot be read.
pub fn real(corpus: &Path, most: usize) -> Result<Vec<Message>> {
    let mut collections: Vec<Vec<PathBuf>> = folders(corpus)?
        .iter()
        .filter(|folder| !folder.ends_with(HOSTILE))
        .map(|folder| files(folder))
        .collect::<Result<_>>()?;
    if collections.is_empty() {
        collections.push(files(corpus)?);
    }
    collections.sort_by_key(Vec::len);
    let mut chosen = Vec::new();
    let mut left = collections.len();
    for files in &collections {
        let share = (most - chosen.len()).div_ceil(left).min(files.len());
        chosen.extend((0..share).map(|n| files[n * files.len() / share].clone()));
        left -= 1;
    }
    ensure!(!chosen.is_empty(), "no messages in {}", corpus.display());
    read(chosen)
}

/// All hostile messages.
///
/// # Errors
/// When one cannot be read.
pub fn hostile(corpus: &Path) -> Result<Vec<Message>> {
    let folder = corpus.join(HOSTILE);
    read(if folder.is_dir() {
        files(&folder)?
    } else {
        Vec::new()
    })
}

fn read(paths: Vec<PathBuf>) -> Result<Vec<Message>> {
    let message = |path: PathBuf| {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Message {
            path,
            bytes: bytes.into(),
        })
    };
    paths.into_iter().map(message).collect()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = listed
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = entries(folder)?;
    paths.retain(|path| path.is_dir());
    Ok(paths)
}

/// All files below, but for the collections' own tables of contents.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name != "index") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
