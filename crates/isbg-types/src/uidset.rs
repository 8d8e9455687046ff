//! A set of UIDs kept as ranges, so that a claim of four billion UIDs costs a few bytes. Does not know the wire syntax.

use crate::Uid;

/// UIDs as sorted, disjoint, non-adjacent inclusive ranges. Never expands a range.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UidSet(Vec<(u32, u32)>);

impl UidSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the UID is in the set.
    pub fn contains(&self, uid: Uid) -> bool {
        let n = uid.get();
        let at = self.0.partition_point(|&(_, high)| high < n);
        self.0.get(at).is_some_and(|&(low, _)| low <= n)
    }

    /// Adds one UID.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds all UIDs from one to the other, whichever order they come in (RFC 9051 §9, `seq-range`).
    pub fn insert_range(&mut self, one: Uid, other: Uid) {
        let (mut low, mut high) = (one.get().min(other.get()), one.get().max(other.get()));
        let first = self.0.partition_point(|&(_, end)| end.saturating_add(1) < low);
        let mut last = first;
        while let Some(&(start, end)) = self.0.get(last) {
            if start > high.saturating_add(1) {
                break;
            }
            low = low.min(start);
            high = high.max(end);
            last += 1;
        }
        self.0.splice(first..last, [(low, high)]);
    }

    /// The inclusive ranges, ascending.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// How many UIDs are in the set.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|&(low, high)| u64::from(high - low) + 1).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The UIDs, ascending. Mind the size of a set that came from outside: bound it first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.0
            .iter()
            .flat_map(|&(low, high)| low..=high)
            .filter_map(Uid::new)
    }

    /// The largest UID.
    pub fn last(&self) -> Option<Uid> {
        self.0.last().and_then(|&(_, high)| Uid::new(high))
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut all: Vec<u32> = uids.into_iter().map(Uid::get).collect();
        all.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for n in all {
            match ranges.last_mut() {
                Some((_, high)) if n <= high.saturating_add(1) => *high = n.max(*high),
                _ => ranges.push((n, n)),
            }
        }
        Self(ranges)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn uid(n: u32) -> Uid {
        Uid::new(n).unwrap()
    }

    proptest! {
        #[test]
        fn same_as_a_plain_set(ranges in prop::collection::vec((1u32..60, 1u32..60), 0..12)) {
            let mut set = UidSet::new();
            let mut plain = BTreeSet::new();
            for (a, b) in ranges {
                set.insert_range(uid(a), uid(b));
                plain.extend(a.min(b)..=a.max(b));
            }
            prop_assert_eq!(set.iter().map(Uid::get).collect::<Vec<_>>(), plain.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), plain.len() as u64);
            prop_assert!((1..70).all(|n| set.contains(uid(n)) == plain.contains(&n)));
            prop_assert_eq!(set.iter().collect::<UidSet>(), set.clone());
            prop_assert!(set.ranges().windows(2).all(|w| w[0].1 + 1 < w[1].0));
        }
    }

    #[test]
    fn a_huge_claim_is_cheap() {
        let mut set = UidSet::new();
        set.insert_range(uid(u32::MAX), uid(1));
        assert_eq!(set.len(), u64::from(u32::MAX));
        assert!(set.contains(uid(u32::MAX)));
    }
}
