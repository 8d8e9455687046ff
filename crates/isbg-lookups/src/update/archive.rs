//! Takes the rule files out of an archive: a gzipped tar as update channels send it. Writes nothing to disk, and does not
//! read the rules.
//!
//! An archive is refused as a whole for whatever an honest one does not have: paths, links, devices, names given twice,
//! more or larger files than rule sets have, or broken structure. Plain files that are no rule files are left out.

use std::collections::BTreeSet;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use isbg_types::Untrusted;

/// An archive may be this large, in bytes. SpamAssassin's has about 400 KiB.
pub const MAX_ARCHIVE: usize = 16 << 20;

/// Unpacked it may be this large, in bytes, headers included.
pub const MAX_UNPACKED: u64 = 128 << 20;

/// One file in it may be this large, in bytes.
pub const MAX_FILE: u64 = 16 << 20;

/// So many entries of whatever kind it may have.
pub const MAX_ENTRIES: usize = 4_096;

/// The unit of a tar.
const BLOCK: usize = 512;

/// Lines that begin with one of these words are put out of force: the channel's rules are wanted, not its choice of
/// plugins and servers. sa-update does the same.
const NOT_FOR_CHANNELS: [&str; 3] = ["loadplugin", "tryplugin", "dns_server"];

/// One file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name: letters, digits and `._+,-`, ending in `.cf` or `.pre`, and neither hidden nor a path.
    pub name: String,
    /// What is in it.
    pub text: Vec<u8>,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is no gzipped tar, or cut off.
    #[error("the archive is damaged ({0})")]
    Damaged(String),
    /// It is larger than rule sets are.
    #[error("the archive has {0}")]
    TooMuch(&'static str),
    /// It holds something that would not stay in its folder, or is no plain file.
    #[error("the archive holds {what}: {}", Untrusted(name).clipped(100))]
    Forbidden {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It holds no rules.
    #[error("there is no rule file in the archive")]
    NoRules,
}

/// The rule files in the archive, in its order.
///
/// # Errors
/// When the archive is refused.
pub fn rule_files(archive: &[u8]) -> Result<Vec<RuleFile>, ArchiveError> {
    if archive.len() > MAX_ARCHIVE {
        return Err(ArchiveError::TooMuch("more than 16 MiB"));
    }
    let mut tar = Tar(MultiGzDecoder::new(archive).take(MAX_UNPACKED));
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    for entries in 0.. {
        let Some(entry) = tar.entry()? else { break };
        if entries == MAX_ENTRIES {
            return Err(ArchiveError::TooMuch("more than 4096 entries"));
        }
        match entry.kind {
            // What extended headers say about the next entry is not needed.
            b'x' | b'g' => tar.skip(entry.size)?,
            b'5' if is_here(&entry.name) && entry.size == 0 => {}
            b'5' => return Err(entry.forbidden("a folder")),
            b'0' | 0 => {
                let name = plain_name(&entry)?;
                // Two names that differ in case are the same file on some systems.
                if !names.insert(name.to_ascii_lowercase()) {
                    return Err(entry.forbidden("a file twice"));
                }
                if !name.ends_with(".cf") && !name.ends_with(".pre") {
                    tar.skip(entry.size)?;
                    continue;
                }
                let text = in_force(&tar.content(entry.size)?);
                files.push(RuleFile { name, text });
            }
            b'1' | b'2' => return Err(entry.forbidden("a link")),
            _ => return Err(entry.forbidden("what is no plain file")),
        }
    }
    if files.iter().any(|file| file.name.ends_with(".cf")) {
        Ok(files)
    } else {
        Err(ArchiveError::NoRules)
    }
}

/// What a header says.
struct Entry {
    name: String,
    kind: u8,
    size: u64,
}

impl Entry {
    fn forbidden(&self, what: &'static str) -> ArchiveError {
        ArchiveError::Forbidden {
            what,
            name: self.name.clone(),
        }
    }
}

/// The folder itself.
fn is_here(name: &str) -> bool {
    matches!(name, "." | "./")
}

/// The name of a file that lies in the archive's own folder.
fn plain_name(entry: &Entry) -> Result<String, ArchiveError> {
    let name = entry.name.strip_prefix("./").unwrap_or(&entry.name);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+,-".contains(&byte);
    if name.is_empty() || name.starts_with(['.', '-']) || !name.bytes().all(is_plain) {
        return Err(entry.forbidden("a file with a path or an odd name"));
    }
    Ok(name.to_owned())
}

/// A tar (POSIX.1-1988 ustar, and what GNU makes of it) being read.
struct Tar<R>(R);

impl<R: Read> Tar<R> {
    /// The next header; `None` at the end.
    fn entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let field = |from: usize, length: usize| block.get(from..from + length).unwrap_or_default();
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte })
            .map(u64::from)
            .sum();
        if octal(field(148, 8)) != Some(sum) {
            return Err(ArchiveError::Damaged("a header's checksum is wrong".into()));
        }
        let size =
            octal(field(124, 12)).ok_or_else(|| ArchiveError::Damaged("a size is no number".into()))?;
        if size > MAX_FILE {
            return Err(ArchiveError::TooMuch("a file of more than 16 MiB"));
        }
        // Only POSIX's own format has folders apart; GNU's has times there.
        let folder = if field(257, 6) == b"ustar\0" {
            text(field(345, 155))
        } else {
            String::new()
        };
        let name = text(field(0, 100));
        Ok(Some(Entry {
            name: if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            },
            kind: block.get(156).copied().unwrap_or_default(),
            size,
        }))
    }

    /// The content of an entry.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let read = self
            .0
            .by_ref()
            .take(size)
            .read_to_end(&mut bytes)
            .map_err(damaged)?;
        if (read as u64) < size {
            return Err(cut());
        }
        self.skip_padding(size)?;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> Result<(), ArchiveError> {
        let skipped = io::copy(&mut self.0.by_ref().take(size), &mut io::sink()).map_err(damaged)?;
        if skipped < size {
            return Err(cut());
        }
        self.skip_padding(size)
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), ArchiveError> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        match [0; BLOCK].get_mut(over..) {
            Some(padding) if over > 0 => self.fill(padding),
            _ => Ok(()),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ArchiveError> {
        self.0.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut(),
            _ => damaged(error),
        })
    }
}

fn damaged(error: io::Error) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}

fn cut() -> ArchiveError {
    ArchiveError::Damaged("it ends too early, or unpacks to more than 128 MiB".into())
}

/// A number in octal digits, between spaces or zero bytes.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field);
    let digits = digits.trim();
    if digits.is_empty() || !digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
        return None;
    }
    u64::from_str_radix(digits, 8).ok()
}

/// The bytes up to the first zero byte.
fn text(field: &[u8]) -> String {
    let bytes = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// The rules with the lines commented out that channels must not have.
fn in_force(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let word = line.trim_ascii_start();
        let end = word
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(word.len());
        let word = word.get(..end).unwrap_or_default();
        if NOT_FOR_CHANNELS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
        {
            kept.extend(b"# not for channels: ");
        }
        kept.extend(line);
    }
    kept
}

#[cfg(test)]
mod tests;
