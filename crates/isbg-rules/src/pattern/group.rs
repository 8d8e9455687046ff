//! What follows an opening parenthesis. Does not know atoms or quantifiers.

use super::PatternError;
use super::ast::Node;
use super::parse::{Flags, Parser};

impl Parser<'_> {
    /// A group at `(`; `None` where it only switched modifiers.
    pub(super) fn group(&mut self) -> Result<Option<Node>, PatternError> {
        self.at += 1;
        if self.take(b"?") {
            return self.special();
        }
        if self.peek() == Some(b'*') {
            return Err(PatternError::Unsupported("a verb or alphabetic assertion `(*…)`"));
        }
        if self.flags.no_capture {
            return self.inside().map(Some);
        }
        self.capture(None).map(Some)
    }

    fn special(&mut self) -> Result<Option<Node>, PatternError> {
        let look = |ahead, negated| {
            move |node| Node::Look {
                ahead,
                negated,
                node: Box::new(node),
            }
        };
        if self.take(b":") {
            self.inside()
        } else if self.take(b"=") {
            self.inside().map(look(true, false))
        } else if self.take(b"!") {
            self.inside().map(look(true, true))
        } else if self.take(b"<=") {
            self.inside().map(look(false, false))
        } else if self.take(b"<!") {
            self.inside().map(look(false, true))
        } else if self.take(b">") {
            self.inside().map(|node| Node::Atomic(Box::new(node)))
        } else if self.take(b"P<") || self.take(b"<") {
            let name = self.name(b'>')?;
            self.capture(Some(name))
        } else if self.take(b"P=") {
            let name = self.name(b')')?;
            self.reference_by_name(&name)
        } else if self.take(b"'") {
            let name = self.name(b'\'')?;
            self.capture(Some(name))
        } else {
            return self.modifiers();
        }
        .map(Some)
    }

    fn inside(&mut self) -> Result<Node, PatternError> {
        let node = self.alternatives()?;
        if !self.take(b")") {
            return self.fail("a group that is not closed");
        }
        Ok(node)
    }

    fn capture(&mut self, name: Option<String>) -> Result<Node, PatternError> {
        self.groups.push(name.clone());
        let index = u32::try_from(self.groups.len()).map_err(|_| PatternError::TooDeep)?;
        let node = Box::new(self.inside()?);
        Ok(Node::Capture { index, name, node })
    }

    fn name(&mut self, close: u8) -> Result<String, PatternError> {
        let name: Vec<u8> = self
            .rest()
            .iter()
            .copied()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .collect();
        self.at += name.len();
        let starts_well = name.first().is_some_and(|b| !b.is_ascii_digit());
        if !starts_well || !self.take(&[close]) {
            return self.fail("a group name that is not a name");
        }
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// `(?i)`, `(?i-s)`, `(?^x)`: in force up to the end of the enclosing group; with a colon: inside this one only.
    fn modifiers(&mut self) -> Result<Option<Node>, PatternError> {
        let outer = self.flags;
        if self.take(b"^") {
            self.flags = Flags::default();
        }
        let mut on = true;
        loop {
            let Some(letter) = self.peek() else {
                return self.fail("a group that is not closed");
            };
            self.at += 1;
            match letter {
                b')' => return Ok(None),
                b':' => break,
                b'-' if on => on = false,
                b'g' | b'c' | b'o' => return self.fail("a modifier that has no meaning inside a pattern"),
                b'i' | b'm' | b's' | b'x' | b'n' | b'a' | b'u' | b'd' | b'l' | b'p' => {
                    self.flags.apply(letter, on)?;
                }
                b'|' => return Err(PatternError::Unsupported("branch reset `(?|…)`")),
                b'(' => return Err(PatternError::Unsupported("a condition `(?(…)…)`")),
                b'{' | b'?' => return Err(PatternError::Unsupported("embedded code")),
                _ => return Err(PatternError::Unsupported("recursion or an unknown group `(?…`")),
            }
        }
        let node = self.inside();
        self.flags = outer;
        node.map(Some)
    }
}
