//! The MIME structure of a spooled message: which part stands where, as byte ranges. One pass over the lines with a
//! stack of open boundaries, no recursion. Does not decode any content.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use isbg_spool::Spool;

use crate::Limits;
pub use crate::content::ContentType;
use crate::header::fields;
use crate::lines::{Line, Lines};

/// How a part's body is encoded (RFC 2045 §6), as far as it can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransferEncoding {
    /// 7bit, 8bit, binary, and everything unknown: the bytes as they are.
    #[default]
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
}

/// One part, as it stands in the message. The whole message is part 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The containing part's index; it is always lower than this part's own.
    pub parent: Option<usize>,
    /// How many parts contain this one.
    pub depth: usize,
    /// The header block, with its empty line.
    pub header: Range<u64>,
    /// The body, without the line end that belongs to the boundary after it (RFC 2046 §5.1.1).
    pub body: Range<u64>,
    /// The type; of several Content-Type fields the last counts, as it does for SpamAssassin.
    pub content_type: ContentType,
    /// The encoding of the body.
    pub encoding: TransferEncoding,
}

/// A message's parts in the order in which they stand, containers before their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// The parts; never empty.
    pub parts: Vec<Part>,
    /// Whether a limit was met, so that some structure was left unread.
    pub limited: bool,
}

impl Structure {
    /// The parts directly inside part `index`, with their own indices.
    pub fn children(&self, index: usize) -> impl Iterator<Item = (usize, &Part)> {
        self.parts
            .iter()
            .enumerate()
            .filter(move |(_, part)| part.parent == Some(index))
    }
}

/// Splits a message. A multipart without any of its boundaries has no parts; one without its last boundary ends with
/// what contains it; a boundary inside a header ends that header; a part that is a message is split on if it is not
/// transfer-encoded.
///
/// # Errors
/// When the temporary file cannot be read.
pub fn split(spool: &Spool, limits: &Limits) -> io::Result<Structure> {
    let mut splitter = Splitter {
        spool,
        limits,
        parts: Vec::new(),
        open: Vec::new(),
        state: State::Skip,
        ending: 0,
        limited: false,
    };
    splitter.begin(0);
    // "--", the boundary, "--", and enough to see that more follows.
    let mut lines = Lines::new(spool, limits.boundary_bytes.saturating_add(16));
    while let Some(line) = lines.next()? {
        if splitter.line(&line)?.is_break() || splitter.nothing_left() {
            break;
        }
    }
    splitter.finish()
}

/// The bytes of `range`, which the caller knows to be short.
pub(crate) fn read_range(spool: &Spool, range: Range<u64>) -> io::Result<Bytes> {
    let length = range.end.min(spool.len()).saturating_sub(range.start) as usize;
    let first = spool.chunk(range.start)?;
    if first.len() >= length {
        return Ok(first.slice(..length));
    }
    let mut bytes = first.to_vec();
    while bytes.len() < length {
        let chunk = spool.chunk(range.start + bytes.len() as u64)?;
        if chunk.is_empty() {
            break;
        }
        bytes.extend_from_slice(&chunk[..chunk.len().min(length - bytes.len())]);
    }
    Ok(bytes.into())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the header of the innermost open part.
    Header,
    /// In its body, or before its first or after its last boundary.
    Skip,
}

/// A part whose end is not seen yet.
struct Open {
    part: usize,
    /// The boundary of its children, while more of them may come.
    boundary: Option<Vec<u8>>,
}

struct Splitter<'a> {
    spool: &'a Spool,
    limits: &'a Limits,
    parts: Vec<Part>,
    /// From the message itself to the innermost open part.
    open: Vec<Open>,
    state: State,
    /// Bytes of the previous line's end.
    ending: u64,
    limited: bool,
}

type Flow = std::ops::ControlFlow<()>;

impl Splitter<'_> {
    /// Opens a part at `start`, inside the innermost open one.
    fn begin(&mut self, start: u64) {
        self.parts.push(Part {
            parent: self.open.last().map(|open| open.part),
            depth: self.open.len(),
            header: start..start,
            body: start..start,
            content_type: ContentType::default(),
            encoding: TransferEncoding::default(),
        });
        self.open.push(Open {
            part: self.parts.len() - 1,
            boundary: None,
        });
        self.state = State::Header;
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<Flow> {
        if let Some((level, last)) = self.boundary(line.head) {
            let content_end = line.start - self.ending.min(line.start);
            self.close_down_to(level + 1, content_end)?;
            self.ending = line.ending;
            if last {
                self.open[level].boundary = None;
                self.state = State::Skip;
            } else if self.parts.len() < self.limits.parts {
                self.begin(line.end);
            } else {
                self.limited = true;
                return Ok(Flow::Break(()));
            }
            return Ok(Flow::Continue(()));
        }
        self.ending = line.ending;
        if self.state == State::Header {
            let start = self.parts[self.innermost()].header.start;
            let too_long = line.end - start > self.limits.header_bytes as u64;
            self.limited |= too_long;
            if line.end - line.start == line.ending {
                self.header_ends(line.end)?;
            } else if too_long {
                self.header_ends(line.start)?;
            }
        }
        Ok(Flow::Continue(()))
    }

    fn innermost(&self) -> usize {
        self.open.last().map_or(0, |open| open.part)
    }

    /// Whether the rest of the message can contain no further part.
    fn nothing_left(&self) -> bool {
        self.state == State::Skip && self.open.iter().all(|open| open.boundary.is_none())
    }

    /// The innermost open part whose boundary `head` is, and whether it is the closing one.
    fn boundary(&self, head: &[u8]) -> Option<(usize, bool)> {
        let text = head.strip_prefix(b"--")?.trim_ascii_end();
        let named = |open: &Open| {
            let after = text.strip_prefix(open.boundary.as_deref()?)?;
            match after {
                b"" => Some(false),
                b"--" => Some(true),
                _ => None,
            }
        };
        let mut levels = self.open.iter().enumerate().rev();
        levels.find_map(|(level, open)| named(open).map(|last| (level, last)))
    }

    /// The innermost part's header is `..end`: learns what it is, and opens what it contains.
    fn header_ends(&mut self, end: u64) -> io::Result<()> {
        let index = self.innermost();
        self.state = State::Skip;
        let room = self.open.len() <= self.limits.depth && self.parts.len() < self.limits.parts;
        let part = &mut self.parts[index];
        part.header.end = end;
        part.body = end..end;
        describe(part, self.spool, self.limits)?;
        let is_message = part.content_type.is_message() && part.encoding == TransferEncoding::Identity;
        let is_multipart = part.content_type.is_multipart();
        if !is_message && !is_multipart {
            return Ok(());
        }
        if !room {
            self.limited = true;
        } else if is_message {
            self.begin(end);
        } else if let (Some(boundary), Some(open)) =
            (part.content_type.parameter("boundary"), self.open.last_mut())
        {
            // Transport adds blanks at line ends, so they cannot tell boundaries apart.
            let boundary = boundary.trim_ascii_end();
            self.limited |= boundary.len() > self.limits.boundary_bytes;
            if !boundary.is_empty() && boundary.len() <= self.limits.boundary_bytes {
                open.boundary = Some(boundary.to_vec());
            }
        }
        Ok(())
    }

    /// Closes the parts at `level` and further in; their content ends at `end`.
    fn close_down_to(&mut self, level: usize, end: u64) -> io::Result<()> {
        // Right after a boundary its line end is already taken, so the part starts behind `end`.
        let outermost = self
            .open
            .get(level)
            .map_or(0, |open| self.parts[open.part].header.start);
        let end = end.max(outermost);
        while self.open.len() > level {
            let index = self.innermost();
            self.open.pop();
            let part = &mut self.parts[index];
            // So does a message within, where that line end is also the empty line after the outer header.
            part.header.start = part.header.start.min(end);
            if self.state == State::Header {
                part.header.end = end;
                describe(part, self.spool, self.limits)?;
                self.state = State::Skip;
            }
            // The empty line after a header may itself be the line end that belongs to the boundary.
            part.header.end = part.header.end.min(end);
            part.body = part.body.start.clamp(part.header.end, end)..end;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<Structure> {
        self.close_down_to(0, self.spool.len())?;
        Ok(Structure {
            parts: self.parts,
            limited: self.limited,
        })
    }
}

/// Fills in type and encoding from the part's header.
fn describe(part: &mut Part, spool: &Spool, limits: &Limits) -> io::Result<()> {
    let limit = part.header.start.saturating_add(limits.header_bytes as u64);
    let block = read_range(spool, part.header.start..part.header.end.min(limit))?;
    for field in fields(&block) {
        if field.is("content-type") {
            part.content_type = ContentType::parse(&field.unfolded());
        } else if field.is("content-transfer-encoding") {
            part.encoding = match field.unfolded().to_ascii_lowercase().as_slice() {
                b"base64" => TransferEncoding::Base64,
                b"quoted-printable" => TransferEncoding::QuotedPrintable,
                _ => TransferEncoding::Identity,
            };
        }
    }
    Ok(())
}
