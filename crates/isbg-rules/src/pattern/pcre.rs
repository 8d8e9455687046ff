//! Spells a tree for the backtracking engine, with nothing left to that engine's own reading of escapes, classes or
//! case. Does not know Perl's spelling.

use super::ast::{Assert, Greed, Node};
use super::set::ByteSet;

/// The pattern as the backtracking engine wants it, without any option letter needed. With `share`, long pieces that are
/// repeated a counted number of times are written as calls of the first copy, as that engine copies repeated pieces and
/// limits the whole; only for patterns without groups of their own, whose numbers would change.
pub fn spell(node: &Node, share: bool) -> String {
    let mut writer = Writer {
        share,
        ..Writer::default()
    };
    writer.node(node);
    writer.out
}

/// A repeated piece whose spelling is shorter is not worth a call.
const SHARED: usize = 100;

/// The spelling so far. Letters that match in both cases are spelled with `(?i)` in force, as classes take much room in
/// that engine.
#[derive(Default)]
struct Writer {
    out: String,
    fold: bool,
    share: bool,
    shared: usize,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A group; what is switched inside ends with it.
    fn group(&mut self, opening: &str, node: &Node) {
        let outer = self.fold;
        self.push(opening);
        self.node(node);
        self.push(")");
        self.fold = outer;
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Bytes(set) => self.set(*set),
            Node::Concat(nodes) => {
                for node in nodes {
                    match node {
                        Node::Alternate(_) => self.group("(?:", node),
                        other => self.node(other),
                    }
                }
            }
            Node::Alternate(nodes) => {
                for (count, node) in nodes.iter().enumerate() {
                    if count > 0 {
                        self.push("|");
                    }
                    self.node(node);
                }
            }
            Node::Repeat {
                node,
                min,
                max: Some(max),
                greed,
            } if self.share && *max > 1 && is_long(node) => {
                self.shared_repeat(node, *min, *max, *greed);
            }
            Node::Repeat {
                node,
                min,
                max,
                greed,
            } => {
                match **node {
                    Node::Bytes(_) | Node::Capture { .. } | Node::Atomic(_) => self.node(node),
                    _ => self.group("(?:", node),
                }
                self.counts(*min, *max);
                self.greed(*greed);
            }
            Node::Capture {
                name: Some(name),
                node,
                ..
            } => self.group(&format!("(?<{name}>"), node),
            Node::Capture { name: None, node, .. } => self.group("(", node),
            Node::Look { ahead, negated, node } => {
                let opening = match (ahead, negated) {
                    (true, false) => "(?=",
                    (true, true) => "(?!",
                    (false, false) => "(?<=",
                    (false, true) => "(?<!",
                };
                self.group(opening, node);
            }
            Node::Atomic(node) => self.group("(?>", node),
            Node::Backreference { index, fold } => {
                self.switch(*fold);
                self.push(&format!("\\g{{{index}}}"));
            }
            Node::Assert(assert) => self.push(match assert {
                Assert::Start => "\\A",
                Assert::LineStart => "(?m:^)",
                Assert::End => "\\z",
                Assert::EndOrFinalNewline => "\\Z",
                Assert::LineEnd => "(?m:$)",
                Assert::WordBoundary => "\\b",
                Assert::NotWordBoundary => "\\B",
            }),
            Node::Keep => self.push("\\K"),
        }
    }

    fn counts(&mut self, min: u32, max: Option<u32>) {
        let text = match (min, max) {
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (0, Some(1)) => "?".to_owned(),
            (min, None) => format!("{{{min},}}"),
            (min, Some(max)) if min == max => format!("{{{min}}}"),
            (min, Some(max)) => format!("{{{min},{max}}}"),
        };
        self.push(&text);
    }

    fn greed(&mut self, greed: Greed) {
        self.push(match greed {
            Greed::Greedy => "",
            Greed::Lazy => "?",
            Greed::Possessive => "+",
        });
    }

    /// One copy in full, and calls of it for the others.
    fn shared_repeat(&mut self, node: &Node, min: u32, max: u32, greed: Greed) {
        self.shared += 1;
        let name = format!("shared{}", self.shared);
        let outer = self.fold;
        self.push("(?:");
        self.group(&format!("(?<{name}>"), node);
        self.push(&format!("(?&{name})"));
        self.counts(min.saturating_sub(1), Some(max - 1));
        self.greed(greed);
        self.push(")");
        self.fold = outer;
        if min == 0 {
            self.push("?");
            self.greed(greed);
        }
    }

    fn switch(&mut self, fold: bool) {
        if self.fold != fold {
            self.push(if fold { "(?i)" } else { "(?-i)" });
            self.fold = fold;
        }
    }

    fn set(&mut self, set: ByteSet) {
        let ranges = set.ranges();
        match ranges[..] {
            [] => self.push("(?!)"),
            [(first, last)] if first == last => {
                if first.is_ascii_alphabetic() {
                    self.switch(false);
                }
                self.byte(first);
            }
            [(upper, end), (lower, last)]
                if upper == end && lower == last && upper.is_ascii_uppercase() && lower == upper ^ 0x20 =>
            {
                self.switch(true);
                self.byte(lower);
            }
            _ => {
                let ascii = |b: u8| if b.is_ascii_alphabetic() { b ^ 0x20 } else { b };
                if !set.iter().all(|b| set.contains(ascii(b))) {
                    self.switch(false);
                }
                self.push("[");
                for (first, last) in ranges {
                    self.byte(first);
                    if first < last {
                        self.push("-");
                        self.byte(last);
                    }
                }
                self.push("]");
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() {
            self.out.push(char::from(byte));
        } else {
            self.push(&format!("\\x{byte:02x}"));
        }
    }
}

fn is_long(node: &Node) -> bool {
    spell(node, false).len() > SHARED
}
