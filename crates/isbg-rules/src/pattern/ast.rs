//! A parsed pattern as a tree over bytes. Does not know Perl's spelling of it, nor any engine.

use super::set::ByteSet;

/// One piece of a pattern. Case folding is already part of the byte sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Matches nothing, everywhere.
    Empty,
    /// One byte of the set.
    Bytes(ByteSet),
    /// All pieces in order.
    Concat(Vec<Node>),
    /// The first branch that leads to a match.
    Alternate(Vec<Node>),
    /// A piece repeated.
    Repeat {
        /// What is repeated.
        node: Box<Node>,
        /// At least this often.
        min: u32,
        /// At most this often; `None` without limit.
        max: Option<u32>,
        /// Which of the possible counts is tried first.
        greed: Greed,
    },
    /// A numbered group, possibly named.
    Capture {
        /// Counted from 1 by opening parenthesis.
        index: u32,
        /// Its name.
        name: Option<String>,
        /// What it captures.
        node: Box<Node>,
    },
    /// A look at what follows or precedes, without moving.
    Look {
        /// `true` for look-ahead, `false` for look-behind.
        ahead: bool,
        /// Whether the piece must not match there.
        negated: bool,
        /// The piece.
        node: Box<Node>,
    },
    /// A group that is never entered again once left.
    Atomic(Box<Node>),
    /// What the numbered group matched.
    Backreference {
        /// The group's number.
        index: u32,
        /// Whether letters of the other case match too.
        fold: bool,
    },
    /// A place in the text.
    Assert(Assert),
    /// `\K`: what was matched up to here is not part of the match.
    Keep,
}

/// The order in which counts of a repetition are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greed {
    /// Most first.
    Greedy,
    /// Least first.
    Lazy,
    /// Most, and never less.
    Possessive,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assert {
    /// `\A`, and `^` without `/m`.
    Start,
    /// `^` with `/m`: the start, or after a newline that is not the last byte.
    LineStart,
    /// `\z`.
    End,
    /// `\Z`, and `$` without `/m`: the end, or before a newline that is the last byte.
    EndOrFinalNewline,
    /// `$` with `/m`: the end, or before any newline.
    LineEnd,
    /// `\b`, of ASCII words.
    WordBoundary,
    /// `\B`.
    NotWordBoundary,
}

impl Node {
    /// The fewest bytes a match of this piece takes. Back-references count as nothing.
    pub fn min_len(&self) -> usize {
        match self {
            Self::Empty | Self::Look { .. } | Self::Backreference { .. } | Self::Assert(_) | Self::Keep => 0,
            Self::Bytes(_) => 1,
            Self::Concat(nodes) => nodes.iter().map(Self::min_len).fold(0, usize::saturating_add),
            Self::Alternate(nodes) => nodes.iter().map(Self::min_len).min().unwrap_or(0),
            Self::Repeat { node, min, .. } => node.min_len().saturating_mul(*min as usize),
            Self::Capture { node, .. } | Self::Atomic(node) => node.min_len(),
        }
    }

    /// The pieces inside this one.
    fn children(&self) -> &[Node] {
        match self {
            Self::Concat(nodes) | Self::Alternate(nodes) => nodes,
            Self::Repeat { node, .. }
            | Self::Capture { node, .. }
            | Self::Look { node, .. }
            | Self::Atomic(node) => std::slice::from_ref(&**node),
            Self::Empty | Self::Bytes(_) | Self::Backreference { .. } | Self::Assert(_) | Self::Keep => &[],
        }
    }

    /// Whether it has a back-reference.
    pub fn refers(&self) -> bool {
        matches!(self, Self::Backreference { .. }) || self.children().iter().any(Self::refers)
    }

    /// Puts what a group captures in the group's place.
    pub fn drop_groups(&mut self) {
        while let Self::Capture { node, .. } = self {
            *self = std::mem::replace(&mut **node, Self::Empty);
        }
        match self {
            Self::Concat(nodes) | Self::Alternate(nodes) => nodes.iter_mut().for_each(Self::drop_groups),
            Self::Repeat { node, .. } | Self::Look { node, .. } | Self::Atomic(node) => node.drop_groups(),
            _ => {}
        }
    }
}
