//! Spells a tree for the backtracking engine, with nothing left to that engine's own reading of escapes, classes or
//! case. Does not know Perl's spelling.

use super::ast::{Assert, Greed, Node};
use super::set::ByteSet;

/// The pattern as the backtracking engine wants it, without any option letter needed.
pub fn spell(node: &Node) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Empty => {}
        Node::Bytes(set) => write_set(*set, out),
        Node::Concat(nodes) => {
            for node in nodes {
                write_grouped(node, matches!(node, Node::Alternate(_)), out);
            }
        }
        Node::Alternate(nodes) => {
            for (count, node) in nodes.iter().enumerate() {
                if count > 0 {
                    out.push('|');
                }
                write(node, out);
            }
        }
        Node::Repeat {
            node,
            min,
            max,
            greed,
        } => {
            let single = matches!(**node, Node::Bytes(_) | Node::Capture { .. } | Node::Atomic(_));
            write_grouped(node, !single, out);
            write_counts(*min, *max, out);
            match greed {
                Greed::Greedy => {}
                Greed::Lazy => out.push('?'),
                Greed::Possessive => out.push('+'),
            }
        }
        Node::Capture { name, node, .. } => {
            match name {
                Some(name) => {
                    out.push_str("(?<");
                    out.push_str(name);
                    out.push('>');
                }
                None => out.push('('),
            }
            write(node, out);
            out.push(')');
        }
        Node::Look { ahead, negated, node } => {
            out.push_str(match (ahead, negated) {
                (true, false) => "(?=",
                (true, true) => "(?!",
                (false, false) => "(?<=",
                (false, true) => "(?<!",
            });
            write(node, out);
            out.push(')');
        }
        Node::Atomic(node) => {
            out.push_str("(?>");
            write(node, out);
            out.push(')');
        }
        Node::Backreference { index, fold } => {
            let reference = format!("\\g{{{index}}}");
            out.push_str(&if *fold {
                format!("(?i:{reference})")
            } else {
                reference
            });
        }
        Node::Assert(assert) => out.push_str(match assert {
            Assert::Start => "\\A",
            Assert::LineStart => "(?m:^)",
            Assert::End => "\\z",
            Assert::EndOrFinalNewline => "\\Z",
            Assert::LineEnd => "(?m:$)",
            Assert::WordBoundary => "\\b",
            Assert::NotWordBoundary => "\\B",
        }),
        Node::Keep => out.push_str("\\K"),
    }
}

fn write_grouped(node: &Node, group: bool, out: &mut String) {
    if group {
        out.push_str("(?:");
    }
    write(node, out);
    if group {
        out.push(')');
    }
}

fn write_counts(min: u32, max: Option<u32>, out: &mut String) {
    match (min, max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        (min, None) => out.push_str(&format!("{{{min},}}")),
        (min, Some(max)) if min == max => out.push_str(&format!("{{{min}}}")),
        (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
    }
}

fn write_set(set: ByteSet, out: &mut String) {
    let ranges = set.ranges();
    match ranges[..] {
        [] => out.push_str("(?!)"),
        [(first, last)] if first == last => write_byte(first, out),
        _ => {
            out.push('[');
            for (first, last) in ranges {
                write_byte(first, out);
                if first < last {
                    out.push('-');
                    write_byte(last, out);
                }
            }
            out.push(']');
        }
    }
}

fn write_byte(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("\\x{byte:02x}"));
    }
}
