//! Which messages have been learnt, and what is still in the weights of those no longer stored. Knows digests, not mail.

use std::collections::{HashMap, VecDeque};

use isbg_types::Class;

use crate::features::VIEWS;

/// Learnt messages remembered in one generation; there are two.
pub(crate) const GENERATION: usize = 30_000;
/// Messages no longer stored whose coefficients are remembered.
pub(crate) const SPENT: usize = 8192;

/// A message's dual coefficients.
pub(crate) type Alpha = [f32; VIEWS];

/// The last 30,000 to 60,000 messages learnt; older ones are forgotten, in the order they came.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Ledger {
    /// Digest and class; the current generation, then the one before.
    pub generations: [HashMap<u64, Class>; 2],
    /// Digest and coefficients of messages that gave way to others, oldest first.
    pub spent: VecDeque<(u64, Alpha)>,
}

impl Ledger {
    /// As what the message was learnt.
    pub(crate) fn class(&self, digest: u64) -> Option<Class> {
        self.generations
            .iter()
            .find_map(|known| known.get(&digest))
            .copied()
    }

    pub(crate) fn insert(&mut self, digest: u64, class: Class) {
        if self.generations[0].len() >= GENERATION {
            self.generations.swap(0, 1);
            self.generations[0].clear();
        }
        self.generations[0].insert(digest, class);
    }

    /// Remembers the coefficients of a message that is not stored any more.
    pub(crate) fn spend(&mut self, digest: u64, alpha: Alpha) {
        if alpha == [0.0; VIEWS] {
            return;
        }
        if self.spent.len() >= SPENT {
            self.spent.pop_front();
        }
        self.spent.push_back((digest, alpha));
    }

    /// Forgets the message; returns the coefficients that are still in the weights, as far as they are remembered.
    pub(crate) fn remove(&mut self, digest: u64) -> Option<Alpha> {
        for known in &mut self.generations {
            known.remove(&digest);
        }
        let place = self.spent.iter().position(|(spent, _)| *spent == digest)?;
        self.spent.remove(place).map(|(_, alpha)| alpha)
    }
}
