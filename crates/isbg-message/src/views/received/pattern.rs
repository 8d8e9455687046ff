//! A small pattern language for Received lines, with the meaning of backtracking regular expressions and a limit on the
//! work. Does not know any mail program.

use std::cell::Cell;
use std::ops::Range;

use super::super::ip;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Ip,
    Helo,
    Rdns,
    /// Helo and rdns alike.
    Name,
    By,
    Ident,
    Id,
    Envfrom,
    /// `helo=` and `ident=` in a comment.
    Facts,
    Other,
}

/// One element of a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) enum E {
    /// This text.
    L(&'static str),
    /// One of these texts.
    Alt(&'static [&'static str]),
    /// One or more bytes that are no blanks, kept or not.
    W(Slot),
    Word,
    /// The same with a dot inside.
    Dotted(Slot),
    /// The same, or nothing.
    W0(Slot),
    Word0,
    /// An IP address.
    Ip,
    AnyIp,
    /// One or more bytes but `)`.
    Inside(Slot),
    /// Any text, as short as possible.
    Lazy(Slot),
    /// Any text, as long as possible.
    Any,
    /// Ten to eighty bytes of any text, as many as possible.
    Near,
    /// One or more digits.
    Digits,
    /// One or more bytes of which none is in the text.
    Not(&'static str),
    /// The same, or nothing, kept.
    Not0(Slot, &'static str),
    /// This, or nothing.
    Opt(&'static [E]),
    /// No word goes on here.
    Edge,
    /// The end of the line.
    End,
    /// None of these bytes follows.
    NotNext(&'static str),
    /// This text does not follow.
    NotText(&'static str),
}

/// What the slots were found to be, in order.
pub(super) type Captures = Vec<(Slot, Range<usize>)>;

/// What may still be spent on the lines of one message.
#[derive(Debug)]
pub(super) struct Budget(Cell<u32>);

impl Budget {
    /// For one message. A line takes a few hundred.
    pub(super) fn new() -> Self {
        Self(Cell::new(5_000_000))
    }
}

struct Rest<'r> {
    elements: &'static [E],
    then: Option<&'r Rest<'r>>,
}

struct Matcher<'t> {
    text: &'t [u8],
    captures: Captures,
    budget: &'t Budget,
}

/// Whether `text` begins with `pattern`.
pub(super) fn starts(budget: &Budget, text: &[u8], pattern: &'static [E]) -> Option<Captures> {
    match_at(budget, text, 0, pattern)
}

/// Where `pattern` is first found in `text`.
pub(super) fn find(budget: &Budget, text: &[u8], pattern: &'static [E]) -> Option<Captures> {
    let literal = match pattern.first() {
        Some(E::L(literal)) => literal.as_bytes(),
        _ => b"",
    };
    let mut from = 0;
    while let Some(skipped) = memchr::memmem::find(text.get(from..)?, literal) {
        let at = from + skipped;
        if let Some(captures) = match_at(budget, text, at, pattern) {
            return Some(captures);
        }
        from = at + 1;
    }
    None
}

fn match_at(budget: &Budget, text: &[u8], at: usize, pattern: &'static [E]) -> Option<Captures> {
    let mut matcher = Matcher {
        text,
        captures: Vec::new(),
        budget,
    };
    let rest = Rest {
        elements: pattern,
        then: None,
    };
    matcher.run(at, &rest).then_some(matcher.captures)
}

fn is_blank(byte: u8) -> bool {
    super::super::head::is_space(byte)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

impl Matcher<'_> {
    /// Matches what is left from `at` on. Its depth is bounded by the pattern's length.
    fn run(&mut self, at: usize, rest: &Rest<'_>) -> bool {
        let Some(((element, elements), then)) = rest.elements.split_first().map(|split| (split, rest.then))
        else {
            return rest.then.is_none_or(|then| self.run(at, then));
        };
        if !self.spend(1) {
            return false;
        }
        let rest = Rest { elements, then };
        let text = &self.text[at..];
        match element {
            E::L(literal) => text.starts_with(literal.as_bytes()) && self.run(at + literal.len(), &rest),
            E::Alt(literals) => literals
                .iter()
                .any(|literal| text.starts_with(literal.as_bytes()) && self.run(at + literal.len(), &rest)),
            E::W(slot) => self.span(at, 1, Some(*slot), &rest, is_nonblank),
            E::Dotted(slot) => {
                let word = text.iter().take_while(|byte| is_nonblank(**byte)).count();
                let first = text[..word].iter().skip(1).position(|byte| *byte == b'.');
                first.is_some_and(|dot| self.span(at, dot + 3, Some(*slot), &rest, is_nonblank))
            }
            E::Word => self.span(at, 1, None, &rest, is_nonblank),
            E::W0(slot) => self.span(at, 0, Some(*slot), &rest, is_nonblank),
            E::Word0 => self.span(at, 0, None, &rest, is_nonblank),
            E::Inside(slot) => self.span(at, 1, Some(*slot), &rest, |byte| byte != b')'),
            E::Near => {
                let most = self.text.len().min(at + 80);
                (at + 10..=most).rev().any(|end| self.keep(None, at..end, &rest))
            }
            E::Digits => self.span(at, 1, None, &rest, |byte| byte.is_ascii_digit()),
            E::Any => self.span(at, 0, None, &rest, |byte| byte != b'\n'),
            E::Not(stops) => self.span(at, 1, None, &rest, |byte| !stops.as_bytes().contains(&byte)),
            E::Not0(slot, stops) => self.span(at, 0, Some(*slot), &rest, |byte| {
                !stops.as_bytes().contains(&byte)
            }),
            E::Ip | E::AnyIp => match ip::at(self.text, at) {
                Some(len) => self.keep(matches!(element, E::Ip).then_some(Slot::Ip), at..at + len, &rest),
                None => false,
            },
            E::Lazy(slot) => (at..=self.text.len()).any(|end| self.keep(Some(*slot), at..end, &rest)),
            E::Opt(inner) => {
                let once = Rest {
                    elements: inner,
                    then: Some(&rest),
                };
                self.run(at, &once) || self.run(at, &rest)
            }
            E::Edge => {
                let before = at.checked_sub(1).and_then(|before| self.text.get(before));
                is_word(before) != is_word(self.text.get(at)) && self.run(at, &rest)
            }
            E::End => at == self.text.len() && self.run(at, &rest),
            E::NotText(literal) => !text.starts_with(literal.as_bytes()) && self.run(at, &rest),
            E::NotNext(stops) => {
                !text.first().is_some_and(|byte| stops.as_bytes().contains(byte)) && self.run(at, &rest)
            }
        }
    }

    /// Whether there is something left to spend.
    fn spend(&self, steps: usize) -> bool {
        let left = self.budget.0.get().saturating_sub(steps as u32);
        self.budget.0.set(left);
        left > 0
    }

    /// A run of fitting bytes, the longest first.
    fn span(
        &mut self,
        at: usize,
        least: usize,
        slot: Option<Slot>,
        rest: &Rest<'_>,
        fits: impl Fn(u8) -> bool,
    ) -> bool {
        let longest = self.text[at..].iter().take_while(|byte| fits(**byte)).count();
        self.spend(longest / 8)
            && (least..=longest).rev().any(|len| {
                // A literal that follows rules most lengths out at once.
                let follows = match rest.elements.first() {
                    Some(E::L(literal)) => self.text[at + len..].starts_with(literal.as_bytes()),
                    _ => true,
                };
                follows && self.keep(slot, at..at + len, rest)
            })
    }

    fn keep(&mut self, slot: Option<Slot>, range: Range<usize>, rest: &Rest<'_>) -> bool {
        let kept = self.captures.len();
        let end = range.end;
        if let Some(slot) = slot {
            self.captures.push((slot, range));
        }
        let matched = self.run(end, rest);
        if !matched {
            self.captures.truncate(kept);
        }
        matched
    }
}

fn is_nonblank(byte: u8) -> bool {
    !is_blank(byte)
}
