//! A set of bytes: what one position of a pattern can match. Does not know any encoding above one byte a character.

use std::fmt;

/// A set of byte values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte at all: a position that never matches.
    pub const EMPTY: Self = Self([0; 4]);
    /// Every byte.
    pub const FULL: Self = Self([u64::MAX; 4]);

    /// The set of one byte.
    pub fn one(byte: u8) -> Self {
        let mut set = Self::EMPTY;
        set.insert(byte);
        set
    }

    /// The bytes from `first` to `last`, both included.
    pub fn range(first: u8, last: u8) -> Self {
        (first..=last).collect()
    }

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Whether the byte is in the set.
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// The bytes of either set.
    pub fn union(self, other: Self) -> Self {
        let mut words = self.0;
        for (word, more) in words.iter_mut().zip(other.0) {
            *word |= more;
        }
        Self(words)
    }

    /// The bytes that are not in the set.
    pub fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// Whether the sets have a byte in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(word, other)| word & other != 0)
    }

    /// How many bytes it holds.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether it holds no byte.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The bytes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        [0u8, 64, 128, 192]
            .into_iter()
            .zip(self.0)
            .flat_map(|(base, mut bits)| {
                std::iter::from_fn(move || {
                    let lowest = bits.trailing_zeros();
                    bits &= bits.checked_sub(1)?;
                    Some(base + lowest as u8)
                })
            })
    }

    /// Its runs of neighbouring bytes, ascending.
    pub fn ranges(&self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }

    /// With the other case of every letter added, as Perl does under `/aai` for text of bytes: ASCII letters among
    /// themselves and the Latin-1 letters C0..DE with E0..FE (but for the multiplication and division signs).
    pub fn folded(self) -> Self {
        // In both words the capital letters lie 32 places below the small ones.
        const LETTERS: [(usize, u64); 2] = [(1, 0x07ff_fffe), (3, 0x7f7f_ffff)];
        let mut words = self.0;
        for (word, capitals) in LETTERS {
            let either = (words[word] | words[word] >> 32) & capitals;
            words[word] |= either | either << 32;
        }
        Self(words)
    }
}

/// The same letter in the other case, or the byte itself. The pairs are those of [`ByteSet::folded`].
#[cfg(test)]
pub fn other_case(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | 0xc0..=0xd6 | 0xd8..=0xde | 0xe0..=0xf6 | 0xf8..=0xfe => byte ^ 0x20,
        _ => byte,
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::EMPTY;
        for byte in bytes {
            set.insert(byte);
        }
        set
    }
}

impl fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (first, last) in self.ranges() {
            write!(f, "{}-{} ", first.escape_ascii(), last.escape_ascii())?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_operations() {
        let set = ByteSet::range(b'a', b'c').union(ByteSet::one(0xff));
        assert_eq!(set.ranges(), [(b'a', b'c'), (0xff, 0xff)]);
        assert_eq!(set.len(), 4);
        assert_eq!(set.complement().len(), 252);
        assert!(!set.complement().contains(b'b'));
        assert_eq!(ByteSet::FULL.ranges(), [(0, 255)]);
    }

    #[test]
    fn folding_knows_latin_1() {
        for byte in 0..=255 {
            let both: ByteSet = [byte, other_case(byte)].into_iter().collect();
            assert_eq!(ByteSet::one(byte).folded(), both);
        }
        assert_eq!(ByteSet::one(0xe9).folded().ranges(), [(0xc9, 0xc9), (0xe9, 0xe9)]);
        for alone in [0xd7, 0xf7, 0xdf, 0xff, 0xb5, b'@', b'1'] {
            assert_eq!(ByteSet::one(alone).folded().len(), 1);
        }
    }
}
