//! Keyed hashing of grams and tokens into table slots. Does not know what a slot means.

use sha2::{Digest, Sha256};

/// Slots of one view's weight table. Four tables of 32-bit weights stay below a megabyte.
pub(crate) const SLOTS: usize = 61_440;
const WORDS: usize = SLOTS / 64;

/// The keys of one view: derived from the user's secret seed, so that nobody else can aim at a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key {
    multiplier: u64,
    offset: u64,
}

impl Key {
    pub(crate) fn derive(seed: &[u8; 16], view: u8) -> Self {
        let digest = Sha256::new().chain_update(seed).chain_update([view]).finalize();
        let word = |at: usize| {
            digest[at..at + 8]
                .iter()
                .fold(0u64, |word, &byte| word << 8 | u64::from(byte))
        };
        Self {
            multiplier: word(0) | 1,
            offset: word(8),
        }
    }

    /// The slot of a 4-gram.
    pub(crate) fn gram(&self, gram: u32) -> u16 {
        self.slot(u64::from(gram))
    }

    /// The slot of a token.
    pub(crate) fn token(&self, token: &[u8]) -> u16 {
        let mut state = self.offset ^ token.len() as u64;
        for chunk in token.chunks(8) {
            let word = chunk
                .iter()
                .rev()
                .fold(0u64, |word, &byte| word << 8 | u64::from(byte));
            state = mix(state ^ word, self.multiplier);
        }
        self.slot(state)
    }

    fn slot(&self, value: u64) -> u16 {
        let spread = mix(value ^ self.offset, self.multiplier);
        (((spread >> 32) * SLOTS as u64) >> 32) as u16
    }
}

/// Both halves of the product, folded: a multiplication that loses no bit's influence.
fn mix(value: u64, by: u64) -> u64 {
    let product = u128::from(value).wrapping_mul(u128::from(by));
    (product as u64) ^ (product >> 64) as u64
}

/// A set of slots.
#[derive(Debug)]
pub(crate) struct SlotSet {
    words: Box<[u64; WORDS]>,
}

impl SlotSet {
    pub(crate) fn new() -> Self {
        Self {
            words: Box::new([0; WORDS]),
        }
    }

    pub(crate) fn insert(&mut self, slot: u16) {
        self.words[usize::from(slot) / 64] |= 1 << (slot % 64);
    }

    /// The slots in ascending order; the set is empty afterwards.
    pub(crate) fn drain(&mut self) -> Box<[u16]> {
        let count = self.words.iter().map(|word| word.count_ones() as usize).sum();
        let mut slots = Vec::with_capacity(count);
        for (at, word) in self.words.iter_mut().enumerate() {
            while *word != 0 {
                slots.push((at * 64) as u16 + word.trailing_zeros() as u16);
                *word &= *word - 1;
            }
        }
        slots.into_boxed_slice()
    }
}
