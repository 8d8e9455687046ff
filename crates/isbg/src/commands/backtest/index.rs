//! The index of a backtest: which messages there are, in which order, of which class. Does not know what is done with
//! them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use isbg_engine::MOST_BYTES;
use isbg_types::{Class, Untrusted};
use tempfile::TempDir;

use crate::exit::{Failure, Status};
use crate::secrets::shown;

/// Bytes of an index that are read, and of one line.
const MOST_INDEX: usize = 256 << 20;
const MOST_LINE: usize = 8 << 10;

/// Columns of a wrong line that are shown.
const LINE_SHOWN: usize = 60;

/// Sorted mail, read one message at a time.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    entries: Vec<Entry>,
    /// Keeps the folder while the mail is needed, where it was made for it.
    _copies: Option<TempDir>,
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it really is.
    pub class: Class,
    /// What it is called in the output: its file, as the index has it, or its folder and UID.
    pub path: String,
    /// Its file, relative to the index.
    pub file: PathBuf,
}

impl Index {
    /// Reads an index and looks whether all its messages are there.
    ///
    /// # Errors
    /// With status 10 and the number of the line when the index or a message in it cannot be used.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let name = shown(file);
        let wrong = |what: String| Failure::new(Status::BadArguments, what);
        let unreadable = |error: std::io::Error| wrong(format!("cannot read the index {name}: {error}"));
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let mut reader = BufReader::new(File::open(file).map_err(unreadable)?);
        let (mut entries, mut line, mut left) = (Vec::new(), Vec::new(), MOST_INDEX);
        for number in 1_u64.. {
            line.clear();
            let read = (&mut reader)
                .take(MOST_LINE as u64 + 1)
                .read_until(b'\n', &mut line)
                .map_err(unreadable)?;
            if read == 0 {
                break;
            }
            let here = |what: String| wrong(format!("{name}, line {number}: {what}"));
            left = left
                .checked_sub(read)
                .ok_or_else(|| here(format!("the index is longer than {} MiB", MOST_INDEX >> 20)))?;
            if let Some(entry) = entry(&line).map_err(here)? {
                there(&folder.join(&entry.file)).map_err(here)?;
                entries.push(entry);
            }
        }
        if entries.is_empty() {
            return Err(wrong(format!("the index {name} names no message")));
        }
        Ok(Self {
            folder,
            entries,
            _copies: None,
        })
    }

    /// Messages that were copied into a temporary folder.
    pub fn of_copies(copies: TempDir, entries: Vec<Entry>) -> Self {
        Self {
            folder: copies.path().to_path_buf(),
            entries,
            _copies: Some(copies),
        }
    }

    /// The messages, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads message `number`, as much of it as a judge looks at.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn mail(&self, number: usize) -> Result<Vec<u8>> {
        let path = self.folder.join(&self.entries[number].file);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MOST_BYTES as u64).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read {}", shown(&path)))?;
        Ok(bytes)
    }
}

/// The message that a line names; none in an empty line.
fn entry(line: &[u8]) -> Result<Option<Entry>, String> {
    if line.len() > MOST_LINE {
        return Err(format!("longer than {MOST_LINE} bytes"));
    }
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = || {
        format!(
            "neither `spam PATH` nor `ham PATH`: {}",
            Untrusted(text).clipped(LINE_SHOWN)
        )
    };
    let (label, path) = text.split_once([' ', '\t']).ok_or_else(wrong)?;
    let class = match label {
        "spam" => Class::Spam,
        "ham" => Class::Ham,
        _ => return Err(wrong()),
    };
    match path.trim_start() {
        "" => Err(wrong()),
        path => Ok(Some(Entry {
            class,
            path: path.to_owned(),
            file: PathBuf::from(path),
        })),
    }
}

fn there(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(format!("{} is no file with a message", shown(path))),
        Err(error) => Err(format!("{}: {error}", shown(path))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let read = |text: &str| entry(text.as_bytes());
        let of = |class, path: &str| {
            Ok(Some(Entry {
                class,
                path: path.to_owned(),
                file: PathBuf::from(path),
            }))
        };
        assert_eq!(
            read("spam ../data/inmail.1\n"),
            of(Class::Spam, "../data/inmail.1")
        );
        assert_eq!(
            read("ham\ta file with blanks \r\n"),
            of(Class::Ham, "a file with blanks ")
        );
        assert_eq!(read("\u{feff}ham a"), of(Class::Ham, "a"));
        assert_eq!(read(" \r\n"), Ok(None));
        for wrong in ["spam", "spam \n", "Spam a", "junk a", "a spam", "\x1b[2J a"] {
            let why = read(wrong).unwrap_err();
            assert!(why.starts_with("neither") && !why.contains('\x1b'), "{why}");
        }
        assert_eq!(entry(b"ham \xff").unwrap_err(), "not UTF-8");
        assert!(entry(&[b'a'; MOST_LINE + 1]).unwrap_err().starts_with("longer"));
    }

    #[test]
    fn messages_are_looked_for_before_anything_is_judged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index");
        fs::write(folder.path().join("a"), "Subject: a\n\n").unwrap();
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            Index::read(&file)
        };
        let index = read("ham a\n\nspam a\n").unwrap();
        assert_eq!(index.entries().len(), 2);
        assert_eq!(index.mail(1).unwrap(), b"Subject: a\n\n");
        for (text, what) in [
            ("ham a\nspam missing\n", "line 2: "),
            ("ham .\n", "is no file with a message"),
            ("ham a\0b\n", "line 1: "),
            ("", "names no message"),
        ] {
            let why = read(text).unwrap_err();
            assert_eq!(why.status, Status::BadArguments);
            assert!(why.what.contains(what), "{why}");
        }
        #[cfg(unix)]
        assert!(
            Index::read(Path::new("/dev/zero"))
                .unwrap_err()
                .what
                .contains("line 1: longer")
        );
    }
}
