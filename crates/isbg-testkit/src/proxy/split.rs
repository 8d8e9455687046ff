//! Parts a stream into IMAP lines and literals. Knows no command.

/// A piece of a stream, complete in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A line with its end; `first` when it does not follow a literal of the same command or response, `last` when no
    /// literal follows.
    Line { bytes: Vec<u8>, first: bool, last: bool },
    /// Bytes of a literal, or bytes without structure.
    Bytes(Vec<u8>),
}

/// Collects bytes and hands out pieces.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: Vec<u8>,
    literal: usize,
    within: bool,
    opaque: bool,
}

impl Splitter {
    /// Takes all further bytes for bytes without structure.
    pub(super) fn make_opaque(&mut self) {
        self.opaque = true;
    }

    /// Takes back the announcement of a literal that will not come.
    pub(super) fn forget_literal(&mut self) {
        self.literal = 0;
        self.within = false;
    }

    /// Adds what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece, if one is complete; at the end of the stream also what is not.
    pub(super) fn next(&mut self, at_end: bool) -> Option<Piece> {
        if self.opaque {
            return self.rest();
        }
        if self.literal > 0 {
            let take = self.literal.min(self.buffer.len());
            self.literal -= take;
            return (take > 0).then(|| Piece::Bytes(self.buffer.drain(..take).collect()));
        }
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            return if at_end { self.rest() } else { None };
        };
        let bytes: Vec<u8> = self.buffer.drain(..=end).collect();
        let text = String::from_utf8_lossy(&bytes);
        let announced = crate::wire::literal_size(text.trim_end_matches(['\r', '\n']));
        let first = !std::mem::replace(&mut self.within, announced.is_some());
        self.literal = announced.unwrap_or(0);
        Some(Piece::Line {
            bytes,
            first,
            last: announced.is_none(),
        })
    }

    fn rest(&mut self) -> Option<Piece> {
        (!self.buffer.is_empty()).then(|| Piece::Bytes(std::mem::take(&mut self.buffer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: &[u8], first: bool, last: bool) -> Piece {
        Piece::Line {
            bytes: bytes.to_vec(),
            first,
            last,
        }
    }

    #[test]
    fn a_literal_that_looks_like_a_command_is_none() {
        let mut splitter = Splitter::default();
        splitter.push(b"a APPEND x {7}\r\na MOVE\n (b)\r\nb NOOP\r\nhalf");
        assert_eq!(
            splitter.next(false),
            Some(line(b"a APPEND x {7}\r\n", true, false))
        );
        assert_eq!(splitter.next(false), Some(Piece::Bytes(b"a MOVE\n".to_vec())));
        assert_eq!(splitter.next(false), Some(line(b" (b)\r\n", false, true)));
        assert_eq!(splitter.next(false), Some(line(b"b NOOP\r\n", true, true)));
        assert_eq!(splitter.next(false), None);
        assert_eq!(splitter.next(true), Some(Piece::Bytes(b"half".to_vec())));
    }

    #[test]
    fn a_literal_of_nothing_and_one_that_does_not_come() {
        let mut splitter = Splitter::default();
        splitter.push(b"a X {0}\r\n y\r\nb APPEND {9}\r\n");
        assert_eq!(splitter.next(false), Some(line(b"a X {0}\r\n", true, false)));
        assert_eq!(splitter.next(false), Some(line(b" y\r\n", false, true)));
        assert_eq!(splitter.next(false), Some(line(b"b APPEND {9}\r\n", true, false)));
        splitter.forget_literal();
        splitter.push(b"c NOOP\r\n");
        assert_eq!(splitter.next(false), Some(line(b"c NOOP\r\n", true, true)));
    }
}
