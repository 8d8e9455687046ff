//! The lines of a spooled message, with where they stand and how they begin. Holds one chunk at a time; never a whole
//! long line.

use std::io;

use bytes::Bytes;
use isbg_spool::Spool;
use memchr::memchr;

/// One line.
pub(crate) struct Line<'a> {
    /// Where it starts in the message.
    pub start: u64,
    /// Where the next one starts.
    pub end: u64,
    /// Its first bytes, line end excluded, as many as [`Lines`] was asked to show.
    pub head: &'a [u8],
    /// Bytes of its line end: 2 for CRLF, 1 for LF, 0 for a last line without one.
    pub ending: u64,
}

/// Goes through the lines of a message.
pub(crate) struct Lines<'a> {
    spool: &'a Spool,
    head_limit: usize,
    chunk: Bytes,
    /// Where `chunk` stands in the message, and how far in it we are.
    chunk_start: u64,
    at: usize,
    /// The head of a line that began in an earlier chunk.
    carried: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(spool: &'a Spool, head_limit: usize) -> Self {
        Self {
            spool,
            head_limit,
            chunk: Bytes::new(),
            chunk_start: 0,
            at: 0,
            carried: Vec::new(),
        }
    }

    /// The next line, if there is one.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let start = self.chunk_start + self.at as u64;
        self.carried.clear();
        let mut crosses = false;
        let mut before_lf = 0;
        loop {
            let rest = &self.chunk[self.at..];
            if let Some(lf) = memchr(b'\n', rest) {
                let from = self.at;
                self.at += lf + 1;
                if lf > 0 {
                    before_lf = self.chunk[from + lf - 1];
                }
                let ending = if before_lf == b'\r' { 2 } else { 1 };
                let end = self.chunk_start + self.at as u64;
                return Ok(Some(self.line(start, end, ending, crosses, from..from + lf)));
            }
            if !rest.is_empty() {
                crosses = true;
                before_lf = rest[rest.len() - 1];
                let room = self.head_limit - self.carried.len().min(self.head_limit);
                self.carried.extend_from_slice(&rest[..rest.len().min(room)]);
            }
            self.chunk_start += self.chunk.len() as u64;
            self.at = 0;
            self.chunk = self.spool.chunk(self.chunk_start)?;
            if self.chunk.is_empty() {
                let end = self.chunk_start;
                return Ok((end > start).then(|| self.line(start, end, 0, crosses, 0..0)));
            }
        }
    }

    fn line(
        &mut self,
        start: u64,
        end: u64,
        ending: u64,
        crosses: bool,
        here: std::ops::Range<usize>,
    ) -> Line<'_> {
        let length = usize::try_from(end - start - ending).unwrap_or(usize::MAX);
        let head = if crosses {
            let room = self.head_limit - self.carried.len().min(self.head_limit);
            self.carried
                .extend_from_slice(&self.chunk[here.start..here.end.min(here.start + room)]);
            &self.carried[..]
        } else {
            &self.chunk[here]
        };
        Line {
            start,
            end,
            head: &head[..head.len().min(length).min(self.head_limit)],
            ending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn lines_across_chunks() {
        let mut text = Vec::new();
        for length in [0, 1, 65_535, 65_534, 3, 200_000, 65_536] {
            text.extend(std::iter::repeat_n(b'x', length));
            text.extend_from_slice(if length % 2 == 0 { b"\r\n" } else { b"\n" });
        }
        text.extend_from_slice(&b"y".repeat(1_200_000));
        let mut writer = isbg_spool::Writer::new();
        writer.write_all(&text).unwrap();
        for spool in [Spool::from(text.clone()), writer.finish().unwrap()] {
            let mut lines = Lines::new(&spool, 10);
            let mut offset = 0;
            for piece in text.split_inclusive(|byte| *byte == b'\n') {
                let line = lines.next().unwrap().unwrap();
                let bare = piece.strip_suffix(b"\n").unwrap_or(piece);
                let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
                assert_eq!(line.start, offset);
                offset += piece.len() as u64;
                assert_eq!(line.end, offset);
                assert_eq!(line.ending as usize, piece.len() - bare.len());
                assert_eq!(line.head, &bare[..bare.len().min(10)]);
            }
            assert!(lines.next().unwrap().is_none());
        }
    }
}
