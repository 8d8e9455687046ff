//! Logistic regression on raw 4-grams, the filter that did best at TREC 2007, for comparison. Does not decode anything.

use std::convert::Infallible;

use isbg_classifier::evaluate::{Filter, Verdict};
use isbg_types::Class;

/// Logistic regression over the distinct 4-grams of the first 3,000 raw bytes (Goodman and Yih 2006, Cormack 2007).
pub struct RawGrams<'a> {
    weights: Vec<f32>,
    mail: &'a [Vec<u8>],
}

impl<'a> RawGrams<'a> {
    const RATE: f32 = 0.004;

    /// One that was taught nothing.
    pub fn new(mail: &'a [Vec<u8>]) -> Self {
        Self {
            weights: vec![0.0; 1 << 24],
            mail,
        }
    }

    fn slots(&self, number: usize) -> Vec<usize> {
        let raw = &self.mail[number];
        let mut slots: Vec<usize> = raw[..raw.len().min(3000)]
            .array_windows::<4>()
            .map(|gram| (u32::from_le_bytes(*gram).wrapping_mul(0x9e37_79b1) >> 8) as usize)
            .collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn logit(&self, slots: &[usize]) -> f32 {
        slots.iter().map(|&slot| self.weights[slot]).sum()
    }
}

impl Filter for RawGrams<'_> {
    type Error = Infallible;

    fn judge(&mut self, number: usize) -> Result<Verdict, Infallible> {
        let logit = f64::from(self.logit(&self.slots(number)));
        Ok(Verdict {
            score: logit,
            spam: logit > 0.0,
            suspect: logit > 0.0,
            ask: logit.abs() < 2.0,
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Infallible> {
        let slots = self.slots(number);
        let truth = if class == Class::Spam { 1.0 } else { 0.0 };
        let step = Self::RATE * (truth - 1.0 / (1.0 + (-self.logit(&slots)).exp()));
        slots.iter().for_each(|&slot| self.weights[slot] += step);
        Ok(())
    }
}
