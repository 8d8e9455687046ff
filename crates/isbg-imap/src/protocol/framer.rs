//! Cuts a server's bytes into lines and literals. Does not know what any response means.

use memchr::memchr;

/// Enough of a line's end to recognise an announced literal in it.
const TAIL: usize = 48;

/// What the framer found.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Text up to a line end or up to a literal's announcement; neither is part of it.
    Text {
        /// The bytes.
        text: &'a [u8],
        /// What follows.
        then: Then,
        /// Whether the text was longer than the limit and its rest was left out.
        cut: bool,
    },
    /// Bytes of the announced literal, in as many pieces as they arrive in.
    Literal {
        /// The bytes. Empty only if the whole literal is.
        bytes: &'a [u8],
        /// Whether the literal ends here. Text follows.
        last: bool,
    },
}

/// What follows a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: the response is complete.
    End,
    /// A literal of so many bytes. The number is the server's claim.
    Literal(u64),
}

/// A literal whose size cannot be a size: where the next response begins cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server announced a literal of more than 2^64 bytes")]
pub struct Hopeless;

/// Where in a response a line begins, which decides whether a literal can end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a response.
    Start,
    /// Within data, where literals are allowed.
    Data,
    /// Within the bracketed code of a status line, where they are too.
    Code,
    /// In free text, where `{5}` is nothing but text.
    Free,
}

/// Cuts bytes into [`Event`]s. A lone LF ends a line as CR LF does; a lone CR is a byte like others.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    place: Place,
    line: Vec<u8>,
    tail: Vec<u8>,
    cut: bool,
    /// Bytes left of the current literal.
    left: Option<u64>,
    /// Whether `line` was handed out and is to be emptied.
    spent: bool,
}

impl Framer {
    /// A framer at the start of a connection that keeps up to `limit` bytes of a line.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            place: Place::Start,
            line: Vec::new(),
            tail: Vec::new(),
            cut: false,
            left: None,
            spent: false,
        }
    }

    /// Changes how much of a line is kept.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether the last event ended a response and nothing came after it.
    pub fn at_start(&self) -> bool {
        self.place == Place::Start && self.left.is_none() && (self.spent || self.line.is_empty())
    }

    /// Looks at `input`, of which the returned number of bytes is then done with. Without an event all of it is.
    ///
    /// # Errors
    /// [`Hopeless`]; the connection cannot be used any longer.
    pub fn next<'a>(&'a mut self, input: &'a [u8]) -> Result<(usize, Option<Event<'a>>), Hopeless> {
        if std::mem::take(&mut self.spent) {
            self.line.clear();
            self.tail.clear();
            self.cut = false;
        }
        if let Some(left) = self.left {
            return Ok(self.literal(left, input));
        }
        let Some(end) = memchr(b'\n', input) else {
            self.keep(input);
            return Ok((input.len(), None));
        };
        if self.line.is_empty() && end <= self.limit {
            let text = without_cr(&input[..end]);
            let (text, then) = self.classify(text, text)?;
            return Ok((
                end + 1,
                Some(Event::Text {
                    text,
                    then,
                    cut: false,
                }),
            ));
        }
        self.keep(&input[..end]);
        self.spent = true;
        let line = std::mem::take(&mut self.line);
        let tail = std::mem::take(&mut self.tail);
        let text = if self.cut { &line[..] } else { without_cr(&line) };
        let tail = if self.cut { without_cr(&tail) } else { text };
        let (kept, then) = self.classify(text, tail)?;
        let kept = kept.len();
        self.line = line;
        let text = &self.line[..kept];
        Ok((
            end + 1,
            Some(Event::Text {
                text,
                then,
                cut: self.cut,
            }),
        ))
    }

    fn literal<'a>(&mut self, left: u64, input: &'a [u8]) -> (usize, Option<Event<'a>>) {
        let take = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        if take == 0 && left > 0 {
            return (0, None);
        }
        let left = left - take as u64;
        self.left = (left > 0).then_some(left);
        let bytes = &input[..take];
        (
            take,
            Some(Event::Literal {
                bytes,
                last: left == 0,
            }),
        )
    }

    /// Keeps the beginning of a line that is not complete yet, and its end where it grows too long.
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.line.len());
        if bytes.len() <= room && !self.cut {
            self.line.extend_from_slice(bytes);
            return;
        }
        if !self.cut {
            self.line.extend_from_slice(&bytes[..room]);
            self.tail
                .extend_from_slice(&self.line[self.line.len().saturating_sub(TAIL)..]);
            self.cut = true;
            return self.keep(&bytes[room..]);
        }
        self.tail
            .extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
    }

    /// Takes a literal's announcement off the text, where the grammar can have a literal.
    fn classify<'a>(&mut self, text: &'a [u8], tail: &[u8]) -> Result<(&'a [u8], Then), Hopeless> {
        let place = match self.place {
            Place::Start => place_of(text),
            Place::Code if text.contains(&b']') => Place::Free,
            same => same,
        };
        self.place = Place::Start;
        if place == Place::Free {
            return Ok((text, Then::End));
        }
        let Some((announcement, size)) = announced(tail) else {
            return Ok((text, Then::End));
        };
        let size = size?;
        self.place = place;
        self.left = Some(size);
        let keep = if self.cut {
            text.len()
        } else {
            text.len() - announcement
        };
        Ok((&text[..keep], Then::Literal(size)))
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Where literals can stand in a response that begins like this.
fn place_of(text: &[u8]) -> Place {
    let (first, rest) = word(text);
    let (second, rest) = word(rest);
    let status = [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
        .iter()
        .any(|name| second.eq_ignore_ascii_case(name));
    match first {
        b"*" if !status => Place::Data,
        b"" | b"+" => Place::Free,
        _ if !status => Place::Free,
        _ if rest.trim_ascii_start().starts_with(b"[") && !rest.contains(&b']') => Place::Code,
        _ => Place::Free,
    }
}

/// The first word and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = memchr(b' ', text).unwrap_or(text.len());
    text.split_at(end)
}

/// The length of a literal's announcement (`{5}`, `{5+}`, `~{5}`) at the end of a line, and the announced size.
fn announced(line: &[u8]) -> Option<(usize, Result<u64, Hopeless>)> {
    let inner = line.strip_suffix(b"}")?;
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (before, number) = inner.split_at(inner.len() - digits);
    let before = before.strip_suffix(b"{")?;
    let before = before.strip_suffix(b"~").unwrap_or(before);
    if number.is_empty() {
        return None;
    }
    let size = number.iter().try_fold(0u64, |size, digit| {
        size.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    Some((line.len() - before.len(), size.ok_or(Hopeless)))
}
