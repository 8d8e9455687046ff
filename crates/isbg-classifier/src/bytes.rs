//! Little-endian numbers and slot sets to and from bytes. Every read is checked. Does not know the layout of a model.

use crate::hash::SLOTS;

/// Appends to a growing block.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn f32(&mut self, value: f32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn f64(&mut self, value: f64) {
        self.bytes(&value.to_le_bytes());
    }

    /// A 48-bit digest.
    pub(crate) fn digest(&mut self, digest: u64) {
        self.bytes(&digest.to_le_bytes()[..6]);
    }

    /// Ascending slots, as Rice codes of the gaps: quotient in unary, remainder in bits.
    pub(crate) fn slots(&mut self, slots: &[u16]) {
        self.u16(slots.len() as u16);
        let width = remainder_bits(slots.len());
        let (mut held, mut bits) = (0u8, 0);
        let mut push = |bit: bool| {
            held |= u8::from(bit) << bits;
            bits += 1;
            if bits == 8 {
                self.0.push(held);
                (held, bits) = (0, 0);
            }
        };
        let mut next = 0;
        for &slot in slots {
            let gap = slot - next;
            (0..gap >> width).for_each(|_| push(true));
            push(false);
            (0..width).for_each(|bit| push(gap >> bit & 1 == 1));
            next = slot + 1;
        }
        if bits > 0 {
            self.0.push(held);
        }
    }
}

/// Bits of the remainder that make the codes of so many gaps short.
fn remainder_bits(count: usize) -> u32 {
    (SLOTS / count.max(1)).ilog2()
}

/// Reads a block from its start.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

const SHORT: &str = "it ends too early";

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, &'static str> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, &'static str> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, &'static str> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, &'static str> {
        self.array().map(u64::from_le_bytes)
    }

    /// A finite number.
    pub(crate) fn f32(&mut self) -> Result<f32, &'static str> {
        let value = f32::from_le_bytes(self.array()?);
        value.is_finite().then_some(value).ok_or("a number is none")
    }

    /// A finite number.
    pub(crate) fn f64(&mut self) -> Result<f64, &'static str> {
        let value = f64::from_le_bytes(self.array()?);
        value.is_finite().then_some(value).ok_or("a number is none")
    }

    pub(crate) fn digest(&mut self) -> Result<u64, &'static str> {
        let [a, b, c, d, e, f] = self.array()?;
        Ok(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// A count that is at most `most`.
    pub(crate) fn count(&mut self, most: usize) -> Result<usize, &'static str> {
        let count = self.u32()? as usize;
        if count > most {
            Err("there is more of something than may be")
        } else {
            Ok(count)
        }
    }

    pub(crate) fn slots(&mut self) -> Result<Box<[u16]>, &'static str> {
        let count = usize::from(self.u16()?);
        if count > SLOTS {
            return Err("a message has more features than there are slots");
        }
        let width = remainder_bits(count);
        let block = self.0;
        let mut at = 0usize;
        let mut bit = || {
            let byte = block.get(at / 8).ok_or(SHORT)?;
            let bit = byte >> (at % 8) & 1;
            at += 1;
            Ok::<u32, &'static str>(u32::from(bit))
        };
        let mut slots = Vec::with_capacity(count);
        let mut next = 0u32;
        for _ in 0..count {
            let mut quotient = 0;
            while bit()? == 1 {
                quotient += 1;
            }
            let mut gap = quotient << width;
            for place in 0..width {
                gap |= bit()? << place;
            }
            let slot = next.saturating_add(gap);
            if slot as usize >= SLOTS {
                return Err("a feature has no slot");
            }
            slots.push(slot as u16);
            next = slot + 1;
        }
        self.0 = block.get(at.div_ceil(8)..).ok_or(SHORT)?;
        Ok(slots.into_boxed_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slots_come_back(set in prop::collection::btree_set(0..SLOTS as u16, 0..3000)) {
            let slots: Vec<u16> = set.into_iter().collect();
            let mut out = Writer::default();
            out.slots(&slots);
            out.u8(77);
            let bytes = out.finish();
            let mut from = Reader::new(&bytes);
            prop_assert_eq!(&*from.slots().unwrap(), &slots[..]);
            prop_assert_eq!(from.u8(), Ok(77));
        }

        #[test]
        fn nonsense_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(slots) = Reader::new(&bytes).slots() {
                prop_assert!(slots.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
    }

    #[test]
    fn the_largest_sets() {
        for slots in [
            (0..SLOTS as u16).collect::<Vec<_>>(),
            vec![SLOTS as u16 - 1],
            vec![],
        ] {
            let mut out = Writer::default();
            out.slots(&slots);
            assert_eq!(&*Reader::new(&out.finish()).slots().unwrap(), &slots[..]);
        }
    }
}
