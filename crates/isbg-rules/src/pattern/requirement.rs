//! What a text must contain before a pattern can match in it: a cheap test that lets most patterns be skipped. It may
//! be met without a match, never the other way round. Does not know how texts are searched.

use super::ast::Node;
use super::needs::Needs;
use super::set::ByteSet;
use super::window::{self, Window};

/// A literal set holds at most so many literals.
const MAX_LITERALS: usize = 48;
/// A literal is kept up to this length.
const MAX_LENGTH: usize = 24;
/// A literal shorter than this is not worth searching for.
const MIN_LENGTH: usize = 3;

/// What a text must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What is searched for.
    pub find: Find,
    /// What is cheap to check where that was found.
    pub needs: Needs,
}

/// What must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Find {
    /// At least one of these, ASCII case aside (they are in lower case).
    Literals(Vec<Vec<u8>>),
    /// At least one place where the next bytes lie in these sets.
    Windows(Vec<Window>),
    /// Nothing is known.
    Nothing,
}

/// Finds the strongest requirement of a pattern.
pub fn of(node: &Node) -> Requirement {
    Requirement {
        find: find(node),
        needs: Needs::of(node),
    }
}

fn find(node: &Node) -> Find {
    let found = literals(node);
    let best = stronger(found.exact, found.best).filter(worth_it);
    if let Some(literals) = best {
        return Find::Literals(literals);
    }
    match window::of(node) {
        windows if windows.is_empty() => Find::Nothing,
        windows => Find::Windows(windows),
    }
}

impl Requirement {
    /// Whether a text has what is required.
    pub fn allows(&self, text: &[u8]) -> bool {
        if !self.needs.are_met(text.len(), &text.iter().copied().collect()) {
            return false;
        }
        match &self.find {
            Find::Literals(literals) => {
                let lower = text.to_ascii_lowercase();
                literals
                    .iter()
                    .any(|literal| memchr::memmem::find(&lower, literal).is_some())
            }
            Find::Windows(windows) => (0..=text.len()).any(|start| {
                let rest = &text[start..];
                let fits = |window: &Window| {
                    window.len() <= rest.len()
                        && window.iter().zip(rest).all(|(set, byte)| set.contains(*byte))
                };
                windows.iter().any(fits)
            }),
            Find::Nothing => true,
        }
    }
}

type Literals = Vec<Vec<u8>>;

/// What is known of a piece.
struct Found {
    /// All strings it can match, if these are few.
    exact: Option<Literals>,
    /// The best set of which it must contain one.
    best: Option<Literals>,
}

impl Found {
    fn nothing() -> Self {
        Self {
            exact: None,
            best: None,
        }
    }

    fn zero_width() -> Self {
        Self {
            exact: Some(vec![Vec::new()]),
            best: None,
        }
    }
}

fn worth_it(set: &Literals) -> bool {
    set.len() <= MAX_LITERALS && set.iter().all(|literal| literal.len() >= MIN_LENGTH)
}

/// The set that is found less often, by the usual frequency of its bytes.
fn stronger(a: Option<Literals>, b: Option<Literals>) -> Option<Literals> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let a_wins = match (worth_it(&a), worth_it(&b)) {
                (true, false) => true,
                (false, true) => false,
                _ => rate(&a) <= rate(&b),
            };
            Some(if a_wins { a } else { b })
        }
        (a, b) => a.or(b),
    }
}

fn rate(set: &Literals) -> f64 {
    set.iter()
        .map(|literal| literal.iter().map(|b| window::share(*b)).product::<f64>())
        .sum()
}

fn literals(node: &Node) -> Found {
    match node {
        Node::Empty | Node::Assert(_) | Node::Look { .. } | Node::Keep => Found::zero_width(),
        Node::Bytes(set) => Found {
            exact: few(*set),
            best: None,
        },
        Node::Concat(nodes) => concat(nodes),
        Node::Alternate(nodes) => alternate(nodes),
        Node::Repeat { node, min, max, .. } => repeat(node, *min, *max),
        Node::Capture { node, .. } | Node::Atomic(node) => literals(node),
        Node::Backreference { .. } => Found::nothing(),
    }
}

/// The bytes of a set in lower case, if they are few.
fn few(set: ByteSet) -> Option<Literals> {
    let lower: ByteSet = set.iter().map(|b| b.to_ascii_lowercase()).collect();
    (!lower.is_empty() && lower.len() <= 4).then(|| lower.iter().map(|b| vec![b]).collect())
}

fn concat(nodes: &[Node]) -> Found {
    let mut run: Literals = vec![Vec::new()];
    let mut all_exact = true;
    let mut best: Option<Literals> = None;
    for node in nodes {
        let found = literals(node);
        best = stronger(best, found.best);
        let longer = found.exact.as_ref().and_then(|exact| cross(&run, exact));
        if let Some(longer) = longer {
            run = longer;
            continue;
        }
        all_exact = false;
        // A piece that is exact itself begins the next run.
        let next = found.exact.unwrap_or_else(|| vec![Vec::new()]);
        best = stronger(best, Some(std::mem::replace(&mut run, next)));
    }
    if all_exact {
        return Found {
            exact: Some(run),
            best,
        };
    }
    Found {
        exact: None,
        best: stronger(best, Some(run)),
    }
}

fn cross(left: &Literals, right: &Literals) -> Option<Literals> {
    if left.len().saturating_mul(right.len()) > MAX_LITERALS {
        return None;
    }
    let mut both = Vec::with_capacity(left.len() * right.len());
    for a in left {
        for b in right {
            if a.len() + b.len() > MAX_LENGTH {
                return None;
            }
            both.push([a.as_slice(), b.as_slice()].concat());
        }
    }
    both.sort_unstable();
    both.dedup();
    Some(both)
}

fn alternate(nodes: &[Node]) -> Found {
    let found: Vec<Found> = nodes.iter().map(literals).collect();
    let exact = found
        .iter()
        .map(|found| found.exact.clone())
        .collect::<Option<Vec<Literals>>>()
        .map(joined)
        .filter(|set| set.len() <= MAX_LITERALS);
    let best = found
        .into_iter()
        .map(|found| stronger(found.exact, found.best))
        .collect::<Option<Vec<Literals>>>()
        .map(joined);
    Found { exact, best }
}

fn joined(sets: Vec<Literals>) -> Literals {
    let mut all: Literals = sets.into_iter().flatten().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn repeat(node: &Node, min: u32, max: Option<u32>) -> Found {
    let found = literals(node);
    match (min, max) {
        (0, Some(1)) => {
            let mut exact = found.exact;
            if let Some(exact) = &mut exact
                && !exact.contains(&Vec::new())
            {
                exact.push(Vec::new());
            }
            Found { exact, best: None }
        }
        (0, _) => Found::nothing(),
        (min, max) => {
            let once = stronger(found.exact.clone(), found.best);
            let exact = found.exact.filter(|_| max == Some(min) && min <= 8);
            let exact =
                exact.and_then(|once| (1..min).try_fold(once.clone(), |so_far, _| cross(&so_far, &once)));
            Found { exact, best: once }
        }
    }
}
