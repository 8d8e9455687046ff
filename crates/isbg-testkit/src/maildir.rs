//! A Maildir++ seen and filled past the server, in Dovecot's dialect (`dovecot-uidlist`, `dovecot-keywords`). Does not
//! speak IMAP.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use crate::mailbox::{Mailbox, Message, with_crlf};
use crate::process::give;

/// The flags that a Maildir file name can carry, in the order in which it carries them.
const LETTERS: [(char, &str); 6] = [
    ('D', "\\Draft"),
    ('F', "\\Flagged"),
    ('P', "$Forwarded"),
    ('R', "\\Answered"),
    ('S', "\\Seen"),
    ('T', "\\Deleted"),
];

/// One user's mail on disk. Folder names are those that the server lists.
#[derive(Debug, Clone)]
pub struct Maildir {
    root: PathBuf,
    prefix: String,
    separator: char,
}

impl Maildir {
    pub(crate) fn new(root: PathBuf, prefix: &str, separator: char) -> Self {
        Self {
            root,
            prefix: prefix.to_owned(),
            separator,
        }
    }

    /// Where the folder's `cur` and `new` are.
    pub fn path(&self, folder: &str) -> PathBuf {
        if folder.eq_ignore_ascii_case("INBOX") {
            return self.root.clone();
        }
        let name = folder.strip_prefix(&self.prefix).unwrap_or(folder);
        self.root.join(format!(".{}", name.replace(self.separator, ".")))
    }

    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self, folder: &str) -> Result<()> {
        let path = self.path(folder);
        for path in [path.clone(), path.join("cur"), path.join("new"), path.join("tmp")] {
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
                Ok(()) => give(&path)?,
            }
        }
        Ok(())
    }

    /// Lays a message into the folder, which is made if need be. UIDs will follow the order of these calls. Only system
    /// flags; keywords take the way over [`Wire::append`](crate::wire::Wire::append). `date` is the INTERNALDATE in
    /// seconds since 1970.
    ///
    /// # Errors
    /// When the file cannot be written, or a flag has no letter.
    pub fn deliver(&self, folder: &str, bytes: &[u8], flags: &[&str], date: i64) -> Result<()> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let path = self.path(folder);
        if !path.join("cur").is_dir() {
            self.create(folder)?;
        }
        // Dovecot gives out UIDs in the order of the file names' first numbers.
        let number = 1_500_000_000 + COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{number}.M0P{}.testkit,S={}", std::process::id(), bytes.len());
        let target = if flags.is_empty() {
            path.join("new").join(name)
        } else {
            path.join("cur").join(format!("{name}:2,{}", letters(flags)?))
        };
        let draft = path.join("tmp").join(number.to_string());
        let mut file = File::create_new(&draft).with_context(|| draft.display().to_string())?;
        file.write_all(bytes)?;
        file.set_modified(UNIX_EPOCH + Duration::from_secs(date.try_into()?))?;
        give(&draft)?;
        Ok(fs::rename(draft, target)?)
    }

    /// Everything that lies in it.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub fn read(&self) -> Result<Mailbox> {
        let mut mailbox = Mailbox::new();
        mailbox.insert("INBOX".to_owned(), read_folder(&self.root)?);
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_prefix('.')
                && entry.path().join("cur").is_dir()
            {
                let name = name.replace('.', &self.separator.to_string());
                mailbox.insert(format!("{}{name}", self.prefix), read_folder(&entry.path())?);
            }
        }
        Ok(mailbox)
    }
}

fn letters(flags: &[&str]) -> Result<String> {
    for flag in flags {
        if !LETTERS.iter().any(|(_, name)| name.eq_ignore_ascii_case(flag)) {
            bail!("a Maildir file name has no letter for {flag}");
        }
    }
    let set = LETTERS
        .iter()
        .filter(|(_, name)| flags.iter().any(|flag| name.eq_ignore_ascii_case(flag)));
    Ok(set.map(|(letter, _)| letter).collect())
}

fn read_folder(folder: &Path) -> Result<Vec<Message>> {
    let uids = uids(folder);
    let keywords = keywords(folder);
    let mut messages = Vec::new();
    for part in ["cur", "new"] {
        let part = folder.join(part);
        if !part.is_dir() {
            continue;
        }
        for entry in fs::read_dir(part)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let (base, letters) = name.split_once(":2,").unwrap_or((&name, ""));
            let modified = fs::metadata(&path)?.modified()?;
            let message = Message {
                uid: uids.get(base).copied(),
                flags: letters
                    .chars()
                    .filter_map(|letter| flag(letter, &keywords))
                    .collect(),
                date: seconds(modified),
                bytes: with_crlf(&fs::read(&path)?),
            };
            messages.push((message.uid.unwrap_or(u32::MAX), base.to_owned(), message));
        }
    }
    messages.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(messages.into_iter().map(|(_, _, message)| message).collect())
}

fn flag(letter: char, keywords: &[String]) -> Option<String> {
    if letter.is_ascii_lowercase() {
        return keywords.get(letter as usize - 'a' as usize).cloned();
    }
    LETTERS
        .iter()
        .find(|(own, _)| *own == letter)
        .map(|(_, name)| (*name).to_owned())
}

/// File name (up to the flags) to UID. Lines look like `12 :1500000000.M0P1.host,S=5`.
fn uids(folder: &Path) -> BTreeMap<String, u32> {
    let text = fs::read(folder.join("dovecot-uidlist")).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .skip(1)
        .filter_map(|line| {
            let (uid, name) = line.split_once(" :")?;
            let uid = uid.split(' ').next()?.parse().ok()?;
            let name = name.split_once(":2,").map_or(name, |(base, _)| base);
            Some((name.to_owned(), uid))
        })
        .collect()
}

/// The folder's keywords by number. Lines look like `0 $Junk`.
fn keywords(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("dovecot-keywords")).unwrap_or_default();
    let mut keywords: BTreeSet<(usize, String)> = BTreeSet::new();
    for line in text.lines() {
        if let Some((number, name)) = line.split_once(' ') {
            keywords.extend(number.parse().ok().map(|number| (number, name.to_owned())));
        }
    }
    keywords.into_iter().map(|(_, name)| name).collect()
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}
