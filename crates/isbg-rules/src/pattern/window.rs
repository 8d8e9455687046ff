//! The sets that the first bytes of a match (of the whole pattern or of a piece that every match contains) lie in: a
//! requirement for patterns without literals. Does not know literals.

use super::ast::Node;
use super::set::ByteSet;

/// So many positions are looked at.
pub const WIDTH: usize = 6;
/// A pattern gets at most so many windows, one for each of its branches.
const MAX_WINDOWS: usize = 8;
/// A window that is met at more than this share of all places is useless.
const USEFUL: f64 = 0.02;

/// One byte set a position, at most [`WIDTH`] of them.
pub type Window = Vec<ByteSet>;

/// The windows of a pattern: every match contains a place where one of them fits. None if none is useful.
pub fn of(node: &Node) -> Vec<Window> {
    let windows = match node {
        Node::Capture { node, .. } | Node::Atomic(node) => return of(node),
        Node::Alternate(nodes) if nodes.len() <= MAX_WINDOWS => {
            nodes.iter().map(|node| best(node, &[])).collect()
        }
        other => vec![best(other, &[])],
    };
    let total: f64 = windows.iter().map(|window| rate(window)).sum();
    if total <= USEFUL { windows } else { Vec::new() }
}

/// How often a byte occurs in mail, roughly.
pub const fn share(byte: u8) -> f64 {
    match byte.to_ascii_lowercase() {
        b' ' => 0.15,
        b'e' => 0.09,
        b't' | b'a' | b'o' | b'i' | b'n' => 0.06,
        b's' | b'r' | b'l' | b'h' => 0.045,
        b'd' | b'c' | b'u' | b'm' | b'p' => 0.03,
        b'a'..=b'z' => 0.015,
        b'.' | b'-' | b'/' | b',' | b'"' | b'=' | b'\n' | b':' => 0.012,
        b'0'..=b'9' => 0.012,
        0x80..=0xff => 0.0015,
        0x21..=0x7e => 0.004,
        _ => 0.001,
    }
}

/// The same with the cases of a letter apart, which share its frequency.
const SHARES: [f64; 256] = {
    let mut shares = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        let case = if (byte as u8).is_ascii_uppercase() {
            0.1
        } else {
            0.9
        };
        shares[byte] = share(byte as u8) * case;
        byte += 1;
    }
    shares
};

/// How often a byte of the set occurs in mail, roughly.
pub fn set_rate(set: &ByteSet) -> f64 {
    let shares = set.iter().map(|byte| SHARES[usize::from(byte)]);
    shares.sum::<f64>().min(1.0)
}

fn rate(window: &[ByteSet]) -> f64 {
    window.iter().map(set_rate).product()
}

/// The least frequent window that begins at any piece of the sequence, with what follows the sequence known.
fn best(node: &Node, after: &[ByteSet]) -> Window {
    match node {
        Node::Capture { node, .. } | Node::Atomic(node) => best(node, after),
        Node::Repeat { node: inner, min, .. } if *min > 0 => {
            let whole = prefix(node, after);
            let inside = best(inner, &[]);
            if rate(&inside) < rate(&whole) {
                inside
            } else {
                whole
            }
        }
        Node::Concat(nodes) => {
            let mut follow: Window = after.to_vec();
            let mut found: Window = Vec::new();
            for node in nodes.iter().rev() {
                let inner = match node {
                    Node::Concat(_) | Node::Capture { .. } | Node::Atomic(_) | Node::Repeat { .. } => {
                        best(node, &follow)
                    }
                    _ => Vec::new(),
                };
                follow = prefix(node, &follow);
                for candidate in [&inner, &follow] {
                    if rate(candidate) < rate(&found) {
                        found.clone_from(candidate);
                    }
                }
            }
            found
        }
        other => prefix(other, after),
    }
}

/// The sets of the first bytes of a match of `node` with `after` behind it; shorter than [`WIDTH`] where nothing more
/// is certain.
fn prefix(node: &Node, after: &[ByteSet]) -> Window {
    match node {
        Node::Empty | Node::Assert(_) | Node::Look { .. } | Node::Keep => after.to_vec(),
        Node::Bytes(set) => std::iter::once(*set)
            .chain(after.iter().copied())
            .take(WIDTH)
            .collect(),
        Node::Concat(nodes) => nodes
            .iter()
            .rev()
            .fold(after.to_vec(), |after, node| prefix(node, &after)),
        Node::Alternate(nodes) => {
            let mut branches = nodes.iter().map(|node| prefix(node, after));
            let first = branches.next().unwrap_or_default();
            branches.fold(first, |all, branch| union(&all, &branch))
        }
        Node::Repeat { node, min, max, .. } => repeat(node, *min, *max, after),
        Node::Capture { node, .. } | Node::Atomic(node) => prefix(node, after),
        Node::Backreference { .. } => Vec::new(),
    }
}

fn union(a: &[ByteSet], b: &[ByteSet]) -> Window {
    a.iter().zip(b).map(|(a, b)| a.union(*b)).collect()
}

fn repeat(node: &Node, min: u32, max: Option<u32>, after: &[ByteSet]) -> Window {
    let optional = max.map_or(usize::MAX, |max| (max - min.min(max)) as usize);
    let mut sets = after.to_vec();
    let mut settled = false;
    for _ in 0..optional.min(WIDTH + 1) {
        let longer = union(&prefix(node, &sets), after);
        if longer == sets {
            settled = true;
            break;
        }
        sets = longer;
    }
    if !settled && optional > WIDTH + 1 {
        // Each round settles one more position, as a copy of a piece takes at least one byte; if it takes none, give up.
        if node.min_len() == 0 {
            sets = Vec::new();
        }
    }
    for _ in 0..(min as usize).min(WIDTH + 1) {
        let longer = prefix(node, &sets);
        if longer == sets {
            break;
        }
        sets = longer;
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::{Flags, parse};

    fn windows(text: &str) -> Vec<Window> {
        of(&parse(text.as_bytes(), Flags::default()).unwrap().node)
    }

    #[test]
    fn sequence_of_classes() {
        let windows = windows("[vV][i1!][a@4]gr[ae]");
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].len(), 6);
        assert!(windows[0][1].contains(b'!') && windows[0][5].contains(b'e'));
    }

    #[test]
    fn options_widen_it() {
        let windows = windows("[xX]_{0,2}[yY]_?[zZ]9[qQ]");
        let window = &windows[0];
        assert!(window.first().is_some_and(|set| set.contains(b'x')));
        assert!(
            window
                .get(1)
                .is_some_and(|set| set.contains(b'_') && set.contains(b'y'))
        );
    }

    #[test]
    fn common_places_are_useless() {
        assert!(windows("[a-z]+").is_empty());
        assert!(windows(".*").is_empty());
        assert!(windows("(?:|x)").is_empty());
    }
}
