//! A few numbers that tell whether two bodies are nearly the same. Does not know classes.

/// Numbers in a sketch.
const SIZE: usize = 16;
/// From this many equal numbers on two bodies count as the same: about nine tenths of their 4-grams are shared.
const SAME: usize = 13;
/// Bodies with fewer different 4-grams are too short to tell.
const SHORT: usize = 100;

/// One-permutation MinHash (Li, Owen, Zhang 2012) of a body's 4-gram slots. Two sketches agree in about as many places
/// as the bodies share 4-grams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sketch(Option<[u16; SIZE]>);

impl Sketch {
    pub(crate) fn of(body: &[u16]) -> Self {
        if body.len() < SHORT {
            return Self(None);
        }
        let mut least = [u16::MAX; SIZE];
        for &slot in body {
            let mixed = u32::from(slot).wrapping_mul(0x9e37_79b1);
            let bin = &mut least[(mixed >> 28) as usize];
            *bin = (*bin).min((mixed >> 12) as u16);
        }
        Self(Some(least))
    }

    /// Whether the bodies are nearly the same.
    pub(crate) fn resembles(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(one), Some(two)) => one.iter().zip(&two).filter(|(a, b)| a == b).count() >= SAME,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_duplicates_and_others() {
        let body: Vec<u16> = (0..1500).map(|at| at * 37).collect();
        let mut altered = body.clone();
        altered.truncate(1490);
        let other: Vec<u16> = (0..1500).map(|at| at * 37 + 5).collect();
        assert!(Sketch::of(&body).resembles(&Sketch::of(&altered)));
        assert!(!Sketch::of(&body).resembles(&Sketch::of(&other)));
        assert!(!Sketch::of(&body[..9]).resembles(&Sketch::of(&body[..9])));
    }
}
