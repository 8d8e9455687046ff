//! Reads Perl's pattern language, as far as rule files use it, into a tree over bytes. Knows the syntax under `/aa` on
//! byte strings only: no Unicode, no embedded code, no recursion, no verbs.

use super::PatternError;
use super::ast::{Assert, Greed, Node};
use super::class;
use super::escape::{self, Escape};
use super::set::ByteSet;

/// Groups may be nested this deep.
const MAX_DEPTH: usize = 120;
/// A counted repetition goes this far (Perl's own limit is 65,534).
const MAX_COUNT: u32 = 65_534;

/// Modifiers in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// `/i`: letters match in both cases.
    pub ignore_case: bool,
    /// `/m`: `^` and `$` know lines.
    pub multi_line: bool,
    /// `/s`: `.` matches a newline too.
    pub dot_all: bool,
    /// `/x`: white space and comments are skipped.
    pub extended: bool,
    /// `/xx`: blanks in classes are skipped too.
    pub more_extended: bool,
    /// `/n`: plain groups do not capture.
    pub no_capture: bool,
}

impl Flags {
    /// Sets or clears what a modifier letter means. Letters without meaning here (`a`, `o`, `p`, `g` …) change nothing.
    pub(super) fn apply(&mut self, letter: u8, on: bool) -> Result<(), PatternError> {
        match letter {
            b'i' => self.ignore_case = on,
            b'm' => self.multi_line = on,
            b's' => self.dot_all = on,
            b'x' => {
                self.more_extended = on && self.extended;
                self.extended = on;
            }
            b'n' => self.no_capture = on,
            b'a' | b'u' | b'd' | b'l' | b'p' | b'o' | b'g' | b'c' => {}
            other => return Err(PatternError::UnknownModifier(char::from(other))),
        }
        Ok(())
    }
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tree.
    pub node: Node,
    /// The names of the capture groups, by number from 1; `None` for groups without name.
    pub groups: Vec<Option<String>>,
}

/// Reads a pattern without delimiters.
///
/// # Errors
/// Whatever Perl refuses or warns about (SpamAssassin treats both alike), and what is not supported.
pub fn parse(text: &[u8], flags: Flags) -> Result<Parsed, PatternError> {
    let mut parser = Parser {
        text,
        at: 0,
        flags,
        groups: Vec::new(),
        total_groups: count_groups(text),
        depth: 0,
    };
    let node = parser.alternatives()?;
    if parser.at < text.len() {
        return Err(PatternError::Syntax(
            "a closing parenthesis without opening one",
            parser.at,
        ));
    }
    Ok(Parsed {
        node,
        groups: parser.groups,
    })
}

pub(super) struct Parser<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    pub(super) flags: Flags,
    pub(super) groups: Vec<Option<String>>,
    total_groups: usize,
    pub(super) depth: usize,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, literal: &[u8]) -> bool {
        let there = self.rest().starts_with(literal);
        if there {
            self.at += literal.len();
        }
        there
    }

    pub(super) fn fail<T>(&self, what: &'static str) -> Result<T, PatternError> {
        Err(PatternError::Syntax(what, self.at))
    }

    /// Branches up to a closing parenthesis or the end. Modifiers set inside do not reach outside.
    pub(super) fn alternatives(&mut self) -> Result<Node, PatternError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(PatternError::TooDeep);
        }
        let outer = self.flags;
        let mut branches = vec![self.branch()?];
        while self.take(b"|") {
            branches.push(self.branch()?);
        }
        self.flags = outer;
        self.depth -= 1;
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            last => {
                branches.extend(last);
                Node::Alternate(branches)
            }
        })
    }

    fn branch(&mut self) -> Result<Node, PatternError> {
        let mut nodes = Vec::new();
        loop {
            self.skip_extended();
            let Some(byte) = self.peek() else { break };
            if byte == b'|' || byte == b')' {
                break;
            }
            let Some(node) = self.atom(byte)? else { continue };
            let node = self.quantified(node)?;
            if node != Node::Empty {
                nodes.push(node);
            }
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.pop().unwrap_or(Node::Empty),
            _ => Node::Concat(nodes),
        })
    }

    fn skip_extended(&mut self) {
        loop {
            if self.rest().starts_with(b"(?#") {
                let end = self.rest().iter().position(|b| *b == b')');
                self.at = end.map_or(self.text.len(), |len| self.at + len + 1);
            } else if !self.flags.extended {
                return;
            } else if self.peek() == Some(b'#') {
                let end = self.rest().iter().position(|b| *b == b'\n');
                self.at = end.map_or(self.text.len(), |len| self.at + len + 1);
            } else if self.peek().is_some_and(is_space) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// One atom; `None` where the text was a modifier group such as `(?i)`.
    fn atom(&mut self, byte: u8) -> Result<Option<Node>, PatternError> {
        if byte == b'(' {
            return self.group();
        }
        self.at += 1;
        let flags = self.flags;
        Ok(Some(match byte {
            b'^' if flags.multi_line => Node::Assert(Assert::LineStart),
            b'^' => Node::Assert(Assert::Start),
            b'$' if flags.multi_line => Node::Assert(Assert::LineEnd),
            b'$' => Node::Assert(Assert::EndOrFinalNewline),
            b'.' if flags.dot_all => Node::Bytes(ByteSet::FULL),
            b'.' => Node::Bytes(ByteSet::one(b'\n').complement()),
            b'[' => Node::Bytes(class::parse(self)?),
            b'\\' => self.escaped()?,
            b'*' | b'+' | b'?' => return self.fail("a quantifier that follows nothing"),
            b'{' => {
                self.at -= 1;
                if self.braces().is_some() {
                    return self.fail("a quantifier that follows nothing");
                }
                self.at += 1;
                self.literal(byte)
            }
            other => self.literal(other),
        }))
    }

    pub(super) fn literal(&self, byte: u8) -> Node {
        let set = ByteSet::one(byte);
        Node::Bytes(if self.flags.ignore_case { set.folded() } else { set })
    }

    fn escaped(&mut self) -> Result<Node, PatternError> {
        let fold = self.flags.ignore_case;
        Ok(match escape::parse(self)? {
            Escape::Byte(byte) => self.literal(byte),
            Escape::Set(set) => Node::Bytes(set),
            Escape::Assert(assert) => Node::Assert(assert),
            Escape::Keep => Node::Keep,
            Escape::LineBreak => line_break(),
            Escape::Group(index) => {
                if index as usize > self.total_groups {
                    return self.fail("a reference to a group that does not exist");
                }
                Node::Backreference { index, fold }
            }
            Escape::NamedGroup(name) => self.reference_by_name(&name)?,
        })
    }

    pub(super) fn reference_by_name(&self, name: &str) -> Result<Node, PatternError> {
        let known = |group: &Option<String>| group.as_deref() == Some(name);
        match self.groups.iter().position(known) {
            Some(at) => Ok(Node::Backreference {
                index: at as u32 + 1,
                fold: self.flags.ignore_case,
            }),
            None => self.fail("a reference to a group that does not exist"),
        }
    }

    /// How many capture groups the whole pattern has, to tell `\10` the reference from `\10` the octal number.
    pub(super) fn total_groups(&self) -> usize {
        self.total_groups
    }

    fn quantified(&mut self, node: Node) -> Result<Node, PatternError> {
        self.skip_extended();
        let Some((min, max)) = self.quantifier()? else {
            let anchor = matches!(node, Node::Assert(Assert::Start | Assert::LineStart));
            if self.peek() == Some(b'{') && !anchor {
                // Perl takes it literally with a warning, which SpamAssassin takes for an error.
                return self.fail("an opening brace that is no quantifier");
            }
            return Ok(node);
        };
        let greed = match self.peek() {
            Some(b'?') => Greed::Lazy,
            Some(b'+') => Greed::Possessive,
            _ => Greed::Greedy,
        };
        if greed != Greed::Greedy {
            self.at += 1;
        }
        self.skip_extended();
        let before = self.at;
        if self.quantifier()?.is_some() {
            self.at = before;
            return self.fail("a quantifier that follows a quantifier");
        }
        if max.is_some_and(|max| max < min) {
            // Perl warns of a quantifier that cannot match, and SpamAssassin takes warnings for errors.
            return self.fail("a repetition whose least count is above its greatest");
        }
        Ok(match (&node, min, max) {
            (Node::Empty, ..) => Node::Empty,
            (_, 1, Some(1)) if greed != Greed::Possessive => node,
            _ => Node::Repeat {
                node: Box::new(node),
                min,
                max,
                greed,
            },
        })
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        let counts = match self.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => match self.braces() {
                Some((min, max)) if min > MAX_COUNT || max.is_some_and(|max| max > MAX_COUNT) => {
                    return self.fail("a repetition count that is too large");
                }
                Some(counts) => return Ok(Some(counts)),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(counts))
    }

    /// `{n}`, `{n,}`, `{,n}` or `{n,m}`, blanks allowed just inside the braces and around the comma; moves past it if
    /// it is one.
    fn braces(&mut self) -> Option<(u32, Option<u32>)> {
        let inside = self.rest().strip_prefix(b"{")?;
        let len = inside.iter().position(|b| *b == b'}')?;
        let inside = std::str::from_utf8(inside.get(..len)?).ok()?;
        let number = |text: &str| {
            let digits = text.trim_matches([' ', '\t']);
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let counts = match inside.split_once(',') {
            None => {
                let count = number(inside)?;
                (count, Some(count))
            }
            Some((min, max)) => match (min.trim().is_empty(), max.trim().is_empty()) {
                (true, true) => return None,
                (true, false) => (0, Some(number(max)?)),
                (false, true) => (number(min)?, None),
                (false, false) => (number(min)?, Some(number(max)?)),
            },
        };
        self.at += len + 2;
        Some(counts)
    }
}

/// White space for `/x`.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// `\R`.
fn line_break() -> Node {
    let crlf = Node::Concat(vec![
        Node::Bytes(ByteSet::one(b'\r')),
        Node::Bytes(ByteSet::one(b'\n')),
    ]);
    let single = ByteSet::range(b'\n', b'\r').union(ByteSet::one(0x85));
    Node::Atomic(Box::new(Node::Alternate(vec![crlf, Node::Bytes(single)])))
}

/// Counts capture groups without looking closely: enough to decide what `\10` means.
fn count_groups(text: &[u8]) -> usize {
    let (mut count, mut at, mut in_class) = (0, 0, false);
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => {
                let after = &text[at + 1..];
                let named = |prefix: &[u8]| after.starts_with(prefix);
                let plain = !named(b"?") && !named(b"*");
                let named =
                    (named(b"?<") && !named(b"?<=") && !named(b"?<!")) || named(b"?P<") || named(b"?'");
                count += usize::from(plain || named);
            }
            _ => {}
        }
        at += 1;
    }
    count
}
