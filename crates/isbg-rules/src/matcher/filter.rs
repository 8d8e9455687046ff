//! Which of many patterns could match in a text: one pass over the text instead of one for each pattern. Tells too many,
//! never too few. Does not run patterns.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::pattern::{ByteSet, Find, Needs, PatternError, Requirement, WIDTH, Window};

/// A filter over patterns that are numbered from 0 in the order given.
#[derive(Debug, Default)]
pub struct Filter {
    literals: Option<AhoCorasick>,
    /// For each literal the patterns that wait for it.
    waiting: Vec<Vec<u32>>,
    banks: Vec<Bank>,
    /// The patterns of which nothing is known.
    always: Vec<u32>,
    /// For each pattern what else it needs.
    needs: Vec<Needs>,
}

/// Up to 64 windows looked for at once.
#[derive(Debug)]
struct Bank {
    /// For each position and byte the windows that allow it there; the last row is for what lies behind the text.
    tables: Vec<[u64; 257]>,
    owners: Vec<u32>,
}

/// A set of pattern numbers.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    bits: Vec<u64>,
}

impl Candidates {
    fn insert(&mut self, at: u32) {
        self.bits[at as usize / 64] |= 1 << (at % 64);
    }

    /// Whether it holds this number.
    pub fn contains(&self, at: usize) -> bool {
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }

    /// The numbers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.bits.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let at = bits.trailing_zeros();
                bits &= bits.checked_sub(1)?;
                Some(word * 64 + at as usize)
            })
        })
    }
}

impl Filter {
    /// Builds a filter; patterns without a requirement could match anywhere.
    ///
    /// # Errors
    /// If the literals are too many for one automaton.
    pub fn new<'r>(
        requirements: impl Iterator<Item = Option<&'r Requirement>>,
    ) -> Result<Self, PatternError> {
        let mut literals: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        let mut windows: Vec<(u32, &Window)> = Vec::new();
        let mut filter = Self::default();
        for (at, requirement) in (0u32..).zip(requirements) {
            match requirement.map(|requirement| &requirement.find) {
                Some(Find::Literals(all)) => {
                    for literal in all {
                        literals.entry(literal).or_default().push(at);
                    }
                }
                Some(Find::Windows(all)) => windows.extend(all.iter().map(|window| (at, window))),
                Some(Find::Nothing) | None => filter.always.push(at),
            }
            let needs = requirement.map(|requirement| requirement.needs.clone());
            filter.needs.push(needs.unwrap_or_default());
        }
        if !literals.is_empty() {
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(literals.keys())
                .map_err(|error| PatternError::Engine(error.to_string()))?;
            filter.literals = Some(automaton);
            filter.waiting = literals.into_values().collect();
        }
        filter.banks = windows.chunks(64).map(Bank::new).collect();
        Ok(filter)
    }

    /// Finds the patterns that could match in the text; what was found before is forgotten.
    pub fn scan(&self, text: &[u8], found: &mut Candidates) {
        found.bits.clear();
        found.bits.resize(self.needs.len().div_ceil(64), 0);
        for at in &self.always {
            found.insert(*at);
        }
        if let Some(automaton) = &self.literals {
            for hit in automaton.find_overlapping_iter(text) {
                for at in &self.waiting[hit.pattern().as_usize()] {
                    found.insert(*at);
                }
            }
        }
        for bank in &self.banks {
            bank.scan(text, found);
        }
        self.weed(text, found);
    }

    /// Takes out the patterns that need what the text has not.
    fn weed(&self, text: &[u8], found: &mut Candidates) {
        let bytes = bytes_of(text);
        for (word, bits) in found.bits.iter_mut().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let at = left.trailing_zeros();
                left &= left - 1;
                if !self.needs[word * 64 + at as usize].are_met(text.len(), &bytes) {
                    *bits &= !(1 << at);
                }
            }
        }
    }
}

/// The bytes that a text is made of.
fn bytes_of(text: &[u8]) -> ByteSet {
    let mut seen = [false; 256];
    for byte in text {
        seen[usize::from(*byte)] = true;
    }
    (0..=255).filter(|byte| seen[usize::from(*byte)]).collect()
}

impl Bank {
    fn new(windows: &[(u32, &Window)]) -> Self {
        let mut tables = vec![[0u64; 257]; WIDTH];
        for (slot, (_, window)) in windows.iter().enumerate() {
            for (position, table) in tables.iter_mut().enumerate() {
                match window.get(position) {
                    Some(set) => set.iter().for_each(|byte| table[usize::from(byte)] |= 1 << slot),
                    None => table.iter_mut().for_each(|row| *row |= 1 << slot),
                }
            }
        }
        Self {
            tables,
            owners: windows.iter().map(|(owner, _)| *owner).collect(),
        }
    }

    fn scan(&self, text: &[u8], found: &mut Candidates) {
        let [first, second, third, fourth, fifth, sixth] = &self.tables[..] else {
            return;
        };
        // Windows whose owner is known already need not be looked for again.
        let mut open = 0u64;
        for (slot, owner) in self.owners.iter().enumerate() {
            open |= u64::from(!found.contains(*owner as usize)) << slot;
        }
        let whole = text.len().saturating_sub(WIDTH - 1);
        for place in text.windows(WIDTH) {
            let mut fits = open & first[usize::from(place[0])] & second[usize::from(place[1])];
            if fits == 0 {
                continue;
            }
            fits &= third[usize::from(place[2])] & fourth[usize::from(place[3])];
            if fits == 0 {
                continue;
            }
            fits &= fifth[usize::from(place[4])] & sixth[usize::from(place[5])];
            if fits != 0 {
                open &= !fits;
                self.report(fits, found);
            }
        }
        for start in whole..text.len() {
            let mut fits = open;
            for (position, table) in self.tables.iter().enumerate() {
                fits &= table[text.get(start + position).map_or(256, |byte| usize::from(*byte))];
            }
            if fits != 0 {
                self.report(fits, found);
            }
        }
    }

    fn report(&self, mut fits: u64, found: &mut Candidates) {
        while fits != 0 {
            let slot = fits.trailing_zeros() as usize;
            fits &= fits - 1;
            found.insert(self.owners[slot]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Flags, Pattern};

    #[test]
    fn finds_what_could_match() {
        let patterns: Vec<Requirement> = [
            "viagra",
            "[vV][i1][a@]g",
            "x?",
            "[qz][0-9][qz]$",
            "(?:foo|bar)baz",
            "#.*%",
        ]
        .iter()
        .map(|text| {
            Pattern::plain(text.as_bytes(), Flags::default())
                .unwrap()
                .requirement()
        })
        .collect();
        let filter = Filter::new(patterns.iter().map(Some)).unwrap();
        let mut found = Candidates::default();
        for (text, expected) in [
            ("buy viagra now", vec![0, 1, 2]),
            ("buy VIAGRA now", vec![2]),
            ("buy v1@gra now", vec![1, 2]),
            ("a q7z", vec![2, 3]),
            ("barbaz", vec![2, 4]),
            ("a #5", vec![2]),
            ("a #5%", vec![2, 5]),
            ("", vec![2]),
        ] {
            filter.scan(text.as_bytes(), &mut found);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
