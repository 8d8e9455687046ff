//! The messages that paths stand for: files, mboxes, folders, Maildirs, standard input. Does not judge them.

mod mbox;

use std::fs::{self, File};
use std::io::{self, Read, stdin};
use std::path::{Path, PathBuf};
use std::vec;

use isbg_spool::Spool;

use mbox::Messages;

/// The path that stands for standard input.
const STDIN: &str = "-";

/// One file to read.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    /// The path as it was given.
    given: PathBuf,
    /// The file, where the path is a folder.
    inside: Option<PathBuf>,
    /// Whether this is the first file of the path.
    first: bool,
}

/// A message, or why there is none.
#[derive(Debug)]
pub struct Message {
    /// The path as it was given, with `#N` for the Nth message of several.
    pub path: String,
    /// The file itself, where the path is a folder.
    pub file: Option<PathBuf>,
    /// Its bytes.
    pub mail: io::Result<Spool>,
}

/// All messages, in the order of the paths, within a folder by the names of its files.
pub struct Sources {
    waiting: vec::IntoIter<Source>,
    open: Option<(Source, Messages<Box<dyn Read>>)>,
    /// Messages of the current path so far.
    count: u64,
    /// Bytes in all files, as far as that can be told.
    pub bytes: u64,
}

impl Sources {
    /// Looks which files there are, and reads none. No path at all means standard input.
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut sources = Vec::new();
        let stdin = [PathBuf::from(STDIN)];
        for path in if paths.is_empty() { &stdin[..] } else { paths } {
            let source = |inside, first| Source {
                given: path.clone(),
                inside,
                first,
            };
            if path.is_dir() {
                let files = files(path);
                sources.extend(
                    files
                        .into_iter()
                        .enumerate()
                        .map(|(at, file)| source(Some(file), at == 0)),
                );
            } else {
                sources.push(source(None, true));
            }
        }
        let size = |source: &Source| fs::metadata(source.file()).map_or(0, |facts| facts.len());
        Self {
            bytes: sources.iter().map(size).sum(),
            waiting: sources.into_iter(),
            open: None,
            count: 0,
        }
    }

    /// How many messages there are, as far as that can be told beforehand. A file in a folder counts as one message.
    pub fn count(&self) -> u64 {
        let one = |source: &Source| match &source.inside {
            Some(_) => 1,
            None if source.is_stdin() => 1,
            None => source.open().map_or(1, |messages| messages.count() as u64),
        };
        self.waiting.as_slice().iter().map(one).sum()
    }
}

impl Source {
    fn is_stdin(&self) -> bool {
        self.inside.is_none() && self.given.as_os_str() == STDIN
    }

    fn file(&self) -> &Path {
        self.inside.as_deref().unwrap_or(&self.given)
    }

    fn open(&self) -> io::Result<Messages<Box<dyn Read>>> {
        let from: Box<dyn Read> = if self.is_stdin() {
            Box::new(stdin())
        } else {
            Box::new(File::open(self.file())?)
        };
        Ok(Messages::new(from))
    }

    fn message(&self, number: Option<u64>, mail: io::Result<Spool>) -> Message {
        let given = self.given.to_string_lossy();
        Message {
            path: match number {
                Some(number) => format!("{given}#{number}"),
                None => given.into_owned(),
            },
            file: self.inside.clone(),
            mail,
        }
    }
}

impl Iterator for Sources {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((source, messages)) = &mut self.open
                && let Some(mail) = messages.next()
            {
                self.count += 1;
                let alone = source.inside.is_none() && self.count == 1 && !messages.more();
                return Some(source.message((!alone).then_some(self.count), mail));
            }
            let source = self.waiting.next()?;
            if source.first {
                self.count = 0;
            }
            match source.open() {
                Ok(messages) => self.open = Some((source, messages)),
                Err(error) => {
                    self.count += 1;
                    let number = source.inside.is_some().then_some(self.count);
                    return Some(source.message(number, Err(error)));
                }
            }
        }
    }
}

/// The files in a folder by their names, then those of the folders in it; of a Maildir, its messages. Hidden files are none, and
/// links to folders are not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let (new, cur) = (folder.join("new"), folder.join("cur"));
        if new.is_dir() && cur.is_dir() {
            let mut mail: Vec<PathBuf> = [new, cur].iter().flat_map(|part| entries(part)).collect();
            mail.retain(|path| path.is_file());
            // A name begins with the time of delivery, whichever of the two it is in.
            mail.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
            found.extend(mail);
            continue;
        }
        let mut inner = Vec::new();
        for path in entries(&folder) {
            let link = fs::symlink_metadata(&path).is_ok_and(|facts| facts.is_symlink());
            match path.is_dir() {
                true if !link => inner.push(path),
                true => {}
                false if path.is_file() => found.push(path),
                false => {}
            }
        }
        folders.extend(inner.into_iter().rev());
    }
    found
}

/// What is in a folder and not hidden, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !hidden(path))
        .collect();
    paths.sort_unstable();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(paths: &[PathBuf], root: &Path) -> Vec<(String, Option<String>)> {
        let short = |path: &str| path.replace(root.to_str().unwrap(), "");
        Sources::of(paths)
            .map(|message| {
                let file = message.file.map(|file| short(file.to_str().unwrap()));
                (short(&message.path), file)
            })
            .collect()
    }

    #[test]
    fn names_and_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (name, text) in [
            ("mail/b", "Subject: b\n\n"),
            ("mail/a", "Subject: a\n\n"),
            ("mail/d/e", ""),
            ("mail/.hidden", ""),
            ("mail/c/new/2.x", ""),
            ("mail/c/cur/1.x:2,S", ""),
            ("mail/c/tmp/3.x", ""),
            ("mail/c/uidlist", ""),
            ("mbox", "From a 10:00 2001\n1\n\nFrom b 10:00 2001\n2\n"),
            ("one", "From a 10:00 2001\n1\n"),
        ] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        }
        let paths = ["one", "mail", "mbox", "gone"].map(|name| root.join(name));
        let expected = [
            ("/one", None),
            ("/mail#1", Some("/mail/a")),
            ("/mail#2", Some("/mail/b")),
            ("/mail#3", Some("/mail/c/cur/1.x:2,S")),
            ("/mail#4", Some("/mail/c/new/2.x")),
            ("/mail#5", Some("/mail/d/e")),
            ("/mbox#1", None),
            ("/mbox#2", None),
            ("/gone", None),
        ];
        let expected = expected.map(|(path, file)| (path.to_owned(), file.map(str::to_owned)));
        assert_eq!(listed(&paths, root), expected);
        assert!(Sources::of(&paths).last().unwrap().mail.is_err());
        assert_eq!(Sources::of(&paths).count(), 9);
    }
}
