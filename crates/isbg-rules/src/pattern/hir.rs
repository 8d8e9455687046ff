//! Turns a tree into the form that the linear-time engine compiles, where that engine can say the same. Does not know
//! the other engine.

use regex_syntax::hir::{self, Class, ClassBytes, ClassBytesRange, Hir};

use super::ast::{Assert, Greed, Node};
use super::set::ByteSet;

/// The pattern for the linear-time engine; `None` if it needs more than a regular language (look-around,
/// back-references, atomic groups) or a place that the engine does not know.
pub fn regular(node: &Node) -> Option<Hir> {
    convert(node, Tail::Nothing)
}

/// What comes after a piece, as far as the meaning of `^` and `$` depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// The end of the pattern, or pieces that can all match nothing and assert nothing.
    Nothing,
    /// Anything else; the flag tells whether it takes at least one byte.
    Something { consumes: bool },
}

fn convert(node: &Node, tail: Tail) -> Option<Hir> {
    Some(match node {
        Node::Empty => Hir::empty(),
        Node::Bytes(set) => bytes(*set),
        Node::Concat(nodes) => concat(nodes, tail)?,
        Node::Alternate(nodes) => {
            let branches: Option<Vec<Hir>> = nodes.iter().map(|node| convert(node, tail)).collect();
            Hir::alternation(branches?)
        }
        Node::Repeat {
            node,
            min,
            max,
            greed,
        } => {
            if *greed == Greed::Possessive {
                return None;
            }
            // A repeated piece may be followed by itself.
            let inner = convert(
                node,
                if *max == Some(1) {
                    tail
                } else {
                    Tail::Something { consumes: false }
                },
            )?;
            Hir::repetition(hir::Repetition {
                min: *min,
                max: *max,
                greedy: *greed == Greed::Greedy,
                sub: Box::new(inner),
            })
        }
        Node::Capture { index, name, node } => Hir::capture(hir::Capture {
            index: *index,
            name: name.as_deref().map(Into::into),
            sub: Box::new(convert(node, tail)?),
        }),
        Node::Look { .. } | Node::Atomic(_) | Node::Backreference { .. } | Node::Keep => return None,
        Node::Assert(assert) => place(*assert, tail)?,
    })
}

fn concat(nodes: &[Node], tail: Tail) -> Option<Hir> {
    let mut tail = tail;
    let mut pieces = Vec::with_capacity(nodes.len());
    for node in nodes.iter().rev() {
        pieces.push(convert(node, tail)?);
        tail = before(node, tail);
    }
    pieces.reverse();
    Some(Hir::concat(pieces))
}

/// The tail as the piece left of `node` sees it.
fn before(node: &Node, tail: Tail) -> Tail {
    if node.min_len() > 0 {
        return Tail::Something { consumes: true };
    }
    match tail {
        Tail::Nothing if asserts_nothing(node) => Tail::Nothing,
        Tail::Nothing => Tail::Something { consumes: false },
        something => something,
    }
}

fn asserts_nothing(node: &Node) -> bool {
    match node {
        Node::Empty | Node::Bytes(_) => true,
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().all(asserts_nothing),
        Node::Repeat { node, .. } | Node::Capture { node, .. } | Node::Atomic(node) => asserts_nothing(node),
        Node::Look { .. } | Node::Backreference { .. } | Node::Assert(_) | Node::Keep => false,
    }
}

fn place(assert: Assert, tail: Tail) -> Option<Hir> {
    Some(match assert {
        Assert::Start => Hir::look(hir::Look::Start),
        Assert::End => Hir::look(hir::Look::End),
        Assert::LineEnd => Hir::look(hir::Look::EndLF),
        Assert::WordBoundary => Hir::look(hir::Look::WordAscii),
        Assert::NotWordBoundary => Hir::look(hir::Look::WordAsciiNegate),
        // The engine's line start is also after a final newline; where a byte must follow, that makes no difference.
        Assert::LineStart if tail == (Tail::Something { consumes: true }) => Hir::look(hir::Look::StartLF),
        // Without look-ahead the newline itself is taken, which only a piece that follows could notice.
        Assert::EndOrFinalNewline if tail == Tail::Nothing => Hir::concat(vec![
            Hir::repetition(hir::Repetition {
                min: 0,
                max: Some(1),
                greedy: true,
                sub: Box::new(bytes(ByteSet::one(b'\n'))),
            }),
            Hir::look(hir::Look::End),
        ]),
        Assert::LineStart | Assert::EndOrFinalNewline => return None,
    })
}

fn bytes(set: ByteSet) -> Hir {
    let mut members = set.iter();
    match (members.next(), members.next()) {
        (Some(only), None) => Hir::literal([only]),
        _ => {
            let ranges = set.ranges().into_iter();
            let ranges = ranges.map(|(first, last)| ClassBytesRange::new(first, last));
            Hir::class(Class::Bytes(ClassBytes::new(ranges)))
        }
    }
}
