//! What a text must have, whatever its order, before a pattern can match in it: a length, and bytes of certain sets.
//! Does not know where in the text.

use super::ast::Node;
use super::set::ByteSet;
use super::window;

/// So many sets are kept for a pattern.
const MOST: usize = 3;
/// A set of which more than this share of all bytes are is useless.
const USEFUL: f64 = 0.025;

/// The least that a match takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Bytes in all.
    pub len: usize,
    /// At least one byte of each of these sets.
    pub sets: Vec<ByteSet>,
}

impl Needs {
    /// Those of a pattern.
    pub fn of(node: &Node) -> Self {
        let useful = sets(node).into_iter().filter(|(rate, _)| *rate <= USEFUL);
        Self {
            len: node.min_len(),
            sets: useful.map(|(_, set)| set).collect(),
        }
    }

    /// Whether a text of this length with these bytes has it all.
    pub fn are_met(&self, len: usize, bytes: &ByteSet) -> bool {
        len >= self.len && self.sets.iter().all(|set| set.meets(bytes))
    }
}

/// The rarest sets of which a match has a byte each, with how often such bytes occur.
fn sets(node: &Node) -> Vec<(f64, ByteSet)> {
    let mut found = match node {
        Node::Bytes(set) => return vec![(window::set_rate(set), *set)],
        Node::Concat(nodes) => nodes.iter().flat_map(sets).collect(),
        Node::Alternate(nodes) => either(nodes.iter().map(sets)),
        Node::Repeat { node, min, .. } if *min > 0 => return sets(node),
        Node::Capture { node, .. } | Node::Atomic(node) => return sets(node),
        _ => return Vec::new(),
    };
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.dedup();
    found.truncate(MOST);
    found
}

/// The rarest of each branch together, then the next rarest.
fn either(branches: impl Iterator<Item = Vec<(f64, ByteSet)>>) -> Vec<(f64, ByteSet)> {
    let both = |a: Vec<(f64, ByteSet)>, b: Vec<(f64, ByteSet)>| {
        let pairs = a.into_iter().zip(b);
        let unions = pairs.map(|((_, a), (_, b))| a.union(b));
        unions.map(|set| (window::set_rate(&set), set)).collect()
    };
    branches.reduce(both).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::pattern::{Flags, Pattern};

    use super::*;

    fn met(pattern: &str, text: &str) -> bool {
        let pattern = Pattern::plain(pattern.as_bytes(), Flags::default()).unwrap();
        Needs::of(&pattern.node).are_met(text.len(), &text.bytes().collect())
    }

    #[test]
    fn what_a_text_must_have() {
        for (pattern, text, expected) in [
            ("\\$\\d+", "no sum at all", false),
            ("\\$\\d+", "5 $", true),
            ("(?:EUR|USD) ?[0-9]", "some 5 apples", false),
            ("(?:EUR|USD) ?[0-9]", "5 in EUR", true),
            ("(?:[a-z]{8} ){6}", "too short a line", false),
            ("(?:\\$|x?)5", "5", true),
            ("(?!#)[aeiou](?<=#)", "a", true),
            ("(?:#|)", "", true),
            ("#{0,3}", "", true),
        ] {
            assert_eq!(met(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
