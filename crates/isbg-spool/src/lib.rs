//! A message's exact bytes, in memory while small and in an unlinked temporary file when large. Does not know what
//! the bytes mean.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;

/// Up to this many bytes a message stays in memory.
pub const IN_MEMORY: usize = 1024 * 1024;

/// How much a [`Reader`] or [`Spool::chunk`] hands out at once.
pub const CHUNK: usize = 64 * 1024;

/// The bytes of one message. Cheap to clone: clones share the bytes.
#[derive(Debug, Clone)]
pub struct Spool(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Memory(Bytes),
    File { file: Arc<File>, len: u64 },
}

impl From<Bytes> for Spool {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Memory(bytes))
    }
}

impl From<Vec<u8>> for Spool {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Spool {
    /// The size in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kind::Memory(bytes) => bytes.len() as u64,
            Kind::File { len, .. } => *len,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, where they are in memory.
    pub fn in_memory(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Memory(bytes) => Some(bytes),
            Kind::File { .. } => None,
        }
    }

    /// At most [`CHUNK`] bytes from `offset` on; empty at the end. In memory this copies nothing.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn chunk(&self, offset: u64) -> io::Result<Bytes> {
        let want = self.len().saturating_sub(offset).min(CHUNK as u64) as usize;
        match &self.0 {
            Kind::Memory(bytes) => {
                let start = bytes.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
                Ok(bytes.slice(start..start + want))
            }
            Kind::File { file, .. } => {
                let mut buffer = vec![0; want];
                read_exact_at(file, &mut buffer, offset)?;
                Ok(buffer.into())
            }
        }
    }

    /// The first `limit` bytes at most, in one piece.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn prefix(&self, limit: usize) -> io::Result<Bytes> {
        if let Kind::Memory(bytes) = &self.0 {
            return Ok(bytes.slice(..bytes.len().min(limit)));
        }
        let mut bytes = Vec::new();
        self.reader().take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Reads the bytes from the start.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            spool: self,
            offset: 0,
        }
    }

    /// The bytes from `start` to `end` (not included), as a spool of their own.
    ///
    /// # Errors
    /// When a temporary file cannot be read or written.
    pub fn slice(&self, start: u64, end: u64) -> io::Result<Self> {
        let end = end.min(self.len());
        let start = start.min(end);
        if let Kind::Memory(bytes) = &self.0 {
            return Ok(bytes.slice(start as usize..end as usize).into());
        }
        let mut writer = Writer::new();
        let mut part = Reader {
            spool: self,
            offset: start,
        }
        .take(end - start);
        io::copy(&mut part, &mut writer)?;
        writer.finish()
    }

    /// Whether two messages have the same bytes.
    ///
    /// # Errors
    /// When a temporary file cannot be read.
    pub fn same_bytes(&self, other: &Self) -> io::Result<bool> {
        if self.len() != other.len() {
            return Ok(false);
        }
        let mut offset = 0;
        while offset < self.len() {
            let chunk = self.chunk(offset)?;
            if chunk != other.chunk(offset)? {
                return Ok(false);
            }
            offset += chunk.len() as u64;
        }
        Ok(true)
    }
}

/// Reads a [`Spool`] from the start.
#[derive(Debug)]
pub struct Reader<'a> {
    spool: &'a Spool,
    offset: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = self
            .spool
            .len()
            .saturating_sub(self.offset)
            .min(buffer.len() as u64) as usize;
        match &self.spool.0 {
            Kind::Memory(bytes) => {
                let start = self.offset as usize;
                buffer[..want].copy_from_slice(&bytes[start..start + want]);
            }
            Kind::File { file, .. } => read_exact_at(file, &mut buffer[..want], self.offset)?,
        }
        self.offset += want as u64;
        Ok(want)
    }
}

/// Collects a message's bytes; moves to a temporary file when they outgrow memory.
#[derive(Debug, Default)]
pub struct Writer {
    memory: Vec<u8>,
    file: Option<(File, u64)>,
}

impl Writer {
    /// Nothing collected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Like [`Writer::new`], with room for `expected` bytes. The figure is a claim from outside: no more than
    /// [`IN_MEMORY`] is reserved.
    pub fn with_expected(expected: u64) -> Self {
        let reserve = if expected > IN_MEMORY as u64 {
            0
        } else {
            expected as usize
        };
        Self {
            memory: Vec::with_capacity(reserve),
            file: None,
        }
    }

    /// How many bytes were collected.
    pub fn len(&self) -> u64 {
        self.file
            .as_ref()
            .map_or(self.memory.len() as u64, |(_, len)| *len)
    }

    /// Whether nothing was collected yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The collected message.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn finish(mut self) -> io::Result<Spool> {
        Ok(Spool(match self.file.take() {
            None => Kind::Memory(self.memory.into()),
            Some((mut file, len)) => {
                file.flush()?;
                Kind::File {
                    file: Arc::new(file),
                    len,
                }
            }
        }))
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.memory)?;
            self.file = Some((file, self.memory.len() as u64));
            self.memory = Vec::new();
        }
        match &mut self.file {
            None => self.memory.extend_from_slice(bytes),
            Some((file, len)) => {
                file.write_all(bytes)?;
                *len += bytes.len() as u64;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let got = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[got..];
        offset += got as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(len: usize) -> (Vec<u8>, Spool) {
        let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let mut writer = Writer::with_expected(len as u64);
        for piece in bytes.chunks(10_007) {
            writer.write_all(piece).unwrap();
        }
        assert_eq!(writer.len(), len as u64);
        (bytes, writer.finish().unwrap())
    }

    #[test]
    fn what_goes_in_comes_out() {
        for len in [0, 1, CHUNK, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY] {
            let (bytes, spool) = spool(len);
            let mut read = Vec::new();
            spool.reader().read_to_end(&mut read).unwrap();
            assert!(read == bytes, "{len}");
            assert_eq!(spool.in_memory().is_some(), len <= IN_MEMORY);
            assert_eq!(spool.prefix(100).unwrap(), bytes[..len.min(100)]);
            let half = len as u64 / 2;
            assert!(
                spool
                    .slice(half, u64::MAX)
                    .unwrap()
                    .same_bytes(&bytes[len / 2..].to_vec().into())
                    .unwrap()
            );
            assert!(spool.chunk(len as u64 + 5).unwrap().is_empty());
        }
    }

    #[test]
    fn a_different_byte_is_noticed() {
        let (mut bytes, large) = spool(2 * IN_MEMORY);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert!(!large.same_bytes(&bytes.into()).unwrap());
    }
}
