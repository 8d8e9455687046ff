//! Sets of UIDs on the wire (RFC 9051 §9, `sequence-set`; RFC 4315 §3, COPYUID). Does not know which command they
//! belong to.

use isbg_types::{Uid, UidSet, UidValidity};

/// Why a set is no set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Not numbers from 1 to 4294967295 joined by `:` and `,`. A `*`, which only a client may send, is one too.
    #[error("not a set of UIDs")]
    Syntax,
    /// More ranges than the limit.
    #[error("a set of more than {0} ranges")]
    TooMany(usize),
}

/// Ranges in the order the server gave them, each with its smaller end first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Reads a set of up to `limit` ranges. Nothing is expanded.
    ///
    /// # Errors
    /// See [`SetError`].
    pub fn read(text: &[u8], limit: usize) -> Result<Self, SetError> {
        let mut ranges = Vec::new();
        for part in text.split(|&byte| byte == b',') {
            if ranges.len() == limit {
                return Err(SetError::TooMany(limit));
            }
            let (one, other) = match memchr::memchr(b':', part) {
                Some(colon) => (number(&part[..colon])?, number(&part[colon + 1..])?),
                None => {
                    let one = number(part)?;
                    (one, one)
                }
            };
            ranges.push((one.min(other), one.max(other)));
        }
        Ok(Self(ranges))
    }

    /// How many numbers the ranges hold, repeated ones counted as often as they come.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|&(low, high)| u64::from(high - low) + 1).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The UIDs in the server's order. Mind [`Ranges::len`].
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.0
            .iter()
            .flat_map(|&(low, high)| low..=high)
            .filter_map(Uid::new)
    }

    /// As a set.
    pub fn to_set(&self) -> UidSet {
        let mut set = UidSet::new();
        self.add_to(&mut set);
        set
    }

    /// Adds all to a set. Ascending order keeps that fast.
    pub fn add_to(&self, set: &mut UidSet) {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.into_iter().for_each(|range| insert(set, range));
    }
}

fn insert(set: &mut UidSet, (low, high): (u32, u32)) {
    if let (Some(low), Some(high)) = (Uid::new(low), Uid::new(high)) {
        set.insert_range(low, high);
    }
}

/// The UIDs of `set` from `first` on.
pub fn from_on(set: &UidSet, first: Uid) -> UidSet {
    let mut rest = UidSet::new();
    let ranges = set.ranges().iter().filter(|&&(_, high)| high >= first.get());
    ranges.for_each(|&(low, high)| insert(&mut rest, (low.max(first.get()), high)));
    rest
}

/// A number from 1 to 4294967295.
fn number(text: &[u8]) -> Result<u32, SetError> {
    let digits = !text.is_empty() && text.len() <= 10 && text.iter().all(u8::is_ascii_digit);
    let number = text.iter().fold(0u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit.wrapping_sub(b'0')))
    });
    match u32::try_from(number) {
        Ok(number) if digits && number > 0 => Ok(number),
        _ => Err(SetError::Syntax),
    }
}

/// The set as it is sent: ascending (QQ answers BAD to others), in pieces of at most `limit` bytes (but at least one
/// range each).
pub fn write(set: &UidSet, limit: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for &(low, high) in set.ranges() {
        let range = if low == high {
            low.to_string()
        } else {
            format!("{low}:{high}")
        };
        match pieces.last_mut() {
            Some(piece) if piece.len() + 1 + range.len() <= limit => {
                piece.push(',');
                piece.push_str(&range);
            }
            _ => pieces.push(range),
        }
    }
    pieces
}

/// What COPYUID tells: which message became which in the target (RFC 4315 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyUid {
    /// The target's UIDVALIDITY.
    pub validity: UidValidity,
    /// The sources, in the order of `targets`.
    pub sources: Ranges,
    /// The UIDs in the target.
    pub targets: Ranges,
}

impl CopyUid {
    /// Reads the three arguments. `None` if they are not there or unreadable: some servers send `[COPYUID 14  ]` or a
    /// `*`. The receipt is missing then, which is no reason to doubt the copy.
    pub fn read(arguments: &[u8], limit: usize) -> Option<Self> {
        let mut words = arguments
            .split(|&byte| byte == b' ')
            .filter(|word| !word.is_empty());
        let validity = UidValidity(number(words.next()?).ok()?);
        let sources = Ranges::read(words.next()?, limit).ok()?;
        let targets = Ranges::read(words.next()?, limit).ok()?;
        Some(Self {
            validity,
            sources,
            targets,
        })
    }

    /// The pairs, matched by position. `None` if the two sets differ in length, name a message twice or one that was
    /// not `asked` for; such a receipt proves nothing. Never expands more than was asked for.
    pub fn pairs(&self, asked: &UidSet) -> Option<Vec<(Uid, Uid)>> {
        if self.sources.len() != self.targets.len() || self.sources.len() > asked.len() {
            return None;
        }
        let pairs: Vec<_> = self.sources.iter().zip(self.targets.iter()).collect();
        let distinct = self.sources.to_set().len() == self.sources.len();
        (distinct && pairs.iter().all(|(source, _)| asked.contains(*source))).then_some(pairs)
    }
}
