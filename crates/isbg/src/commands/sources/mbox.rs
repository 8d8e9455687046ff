//! Files taken apart into messages: an mbox at its `From ` lines, anything else as one message. Does not know what a
//! message is made of.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;

use isbg_spool::{Spool, Writer};

/// Lines are read in pieces of at most this many bytes.
const PIECE: u64 = 64 * 1024;

/// The messages of one file, in order. Bytes are as in the file: an mbox's `From ` line stays with its message, and only
/// the empty line before the next one is left out. Every file has at least one message, an empty file an empty one.
pub struct Messages<R> {
    from: BufReader<R>,
    started: bool,
    is_mbox: bool,
    /// The `From ` line of the message that comes next.
    next: Option<Vec<u8>>,
}

impl<R: Read> Messages<R> {
    /// Reads nothing yet.
    pub fn new(from: R) -> Self {
        Self {
            from: BufReader::new(from),
            started: false,
            is_mbox: false,
            next: None,
        }
    }

    /// Whether another message follows those that were handed out.
    pub fn more(&self) -> bool {
        self.next.is_some()
    }

    fn message(&mut self, first: &[u8]) -> io::Result<Spool> {
        let mut message = Writer::new();
        message.write_all(first)?;
        let mut held = Vec::new();
        let mut piece = Vec::new();
        let mut at_start = first.last() == Some(&b'\n') || first.is_empty();
        loop {
            piece.clear();
            if self.from.by_ref().take(PIECE).read_until(b'\n', &mut piece)? == 0 {
                message.write_all(&held)?;
                return message.finish();
            }
            if self.is_mbox && at_start && !held.is_empty() && is_from_line(&piece) {
                self.next = Some(piece);
                return message.finish();
            }
            message.write_all(&mem::take(&mut held))?;
            let whole = at_start;
            at_start = piece.last() == Some(&b'\n');
            if self.is_mbox && whole && matches!(&piece[..], b"\n" | b"\r\n") {
                held.clone_from(&piece);
            } else {
                message.write_all(&piece)?;
            }
        }
    }
}

impl<R: Read> Iterator for Messages<R> {
    type Item = io::Result<Spool>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.started {
            let first = self.next.take()?;
            return Some(self.message(&first));
        }
        self.started = true;
        let mut first = Vec::new();
        if let Err(error) = self.from.by_ref().take(PIECE).read_until(b'\n', &mut first) {
            return Some(Err(error));
        }
        self.is_mbox = is_from_line(&first);
        Some(self.message(&first))
    }
}

/// The line before a message in an mbox: `From `, somebody, a date with a time and a year (RFC 4155, appendix A). Many
/// letters have lines that begin so; few of those have a time and a year as well, and an empty line before.
fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let time = |bytes: &[u8]| matches!(bytes, [a, b, b':', c, d] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()));
    let year = |word: &[u8]| matches!(word, [b'1', b'9', a, b] | [b'2', b'0', a, b] if a.is_ascii_digit() && b.is_ascii_digit());
    rest.windows(5).any(time) && rest.split(|byte| !byte.is_ascii_digit()).any(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(file: &[u8]) -> Vec<String> {
        let text = |message: Spool| String::from_utf8(message.prefix(usize::MAX).unwrap().to_vec()).unwrap();
        Messages::new(file)
            .map(|message| text(message.unwrap()))
            .collect()
    }

    #[test]
    fn an_mbox_is_taken_apart() {
        let file = "From a@example.org Mon Jan  1 10:00:00 2001\nSubject: a\n\nOne\n\nFrom now on it is better.\n\n\
                    From - Tue Jan  2 10:00:00 2001\nSubject: b\n\n>From here\n\n";
        let messages = split(file.as_bytes());
        assert_eq!(messages.len(), 2);
        assert!(
            messages[0].ends_with("Subject: a\n\nOne\n\nFrom now on it is better.\n"),
            "{messages:?}"
        );
        assert_eq!(
            messages[1],
            "From - Tue Jan  2 10:00:00 2001\nSubject: b\n\n>From here\n\n"
        );
        let crlf = split(file.replace('\n', "\r\n").as_bytes());
        assert_eq!(crlf.len(), 2);
        assert!(crlf[0].ends_with("better.\r\n"));
    }

    #[test]
    fn anything_else_is_one_message() {
        for file in [
            "",
            "\n",
            "no line end",
            "Subject: a\n\nText\n\nFrom b@example.org Mon Jan  1 10:00:00 2001\n\nmore\n",
            "From: a@example.org\n\nFrom b@example.org Mon Jan  1 10:00:00 2001\n",
            "From a friend, with love\n\nText\n\nFrom b@example.org Mon Jan  1 10:00:00 2001\n",
            "From b@example.org Mon Jan  1 10:00:00 2001\nSubject: a\n\nText\n\n\n",
        ] {
            assert_eq!(split(file.as_bytes()), [file]);
        }
    }

    #[test]
    fn long_lines_hide_no_from_line() {
        let long = "x".repeat(PIECE as usize - 1);
        let from = "From a@example.org Mon Jan  1 10:00:00 2001\n";
        let file = format!("{from}\n\n{long}{from}\n{from}last\n");
        let messages = split(file.as_bytes());
        assert_eq!(
            messages,
            [format!("{from}\n\n{long}{from}"), format!("{from}last\n")]
        );
    }

    #[test]
    fn more_tells_what_follows() {
        let file = b"From a 10:00 2001\n1\n\nFrom b 10:00 2001\n2\n";
        let mut messages = Messages::new(&file[..]);
        messages.next().unwrap().unwrap();
        assert!(messages.more());
        messages.next().unwrap().unwrap();
        assert!(!messages.more() && messages.next().is_none());
    }
}
