//! How far probabilities can be believed. Knows scores and classes only.

use isbg_types::Class;

use super::Scored;

/// Messages whose probabilities lie in one tenth of the range.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Messages in it.
    pub messages: usize,
    /// Mean of the probabilities given.
    pub claimed: f64,
    /// Share that really is spam.
    pub found: f64,
}

/// Tenths of the range of probability, from 0 to 1. The scores must be logits.
pub fn reliability(messages: &[Scored]) -> [Bin; 10] {
    let mut bins = [Bin::default(); 10];
    for message in messages {
        let probability = crate::calibration::probability(message.score);
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        bin.messages += 1;
        bin.claimed += probability;
        bin.found += if message.class == Class::Spam { 1.0 } else { 0.0 };
    }
    for bin in bins.iter_mut().filter(|bin| bin.messages > 0) {
        bin.claimed /= bin.messages as f64;
        bin.found /= bin.messages as f64;
    }
    bins
}

/// Expected calibration error: the mean distance, over all messages, between what their bin claims and what was found.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let total: usize = bins.iter().map(|bin| bin.messages).sum();
    let distance = |bin: &Bin| bin.messages as f64 * (bin.claimed - bin.found).abs();
    bins.iter().map(distance).sum::<f64>() / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claimed_and_found() {
        let message = |score: f64, class| Scored { score, class };
        let bins = reliability(&[
            message(0.0, Class::Spam),
            message(0.0, Class::Ham),
            message(0.1, Class::Ham),
            message(50.0, Class::Spam),
            message(-50.0, Class::Spam),
        ]);
        assert_eq!(bins.map(|bin| bin.messages), [1, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
        assert!((bins[5].found - 1.0 / 3.0).abs() < 1e-9);
        assert!((calibration_error(&bins) - (3.0 * (0.508_3 - 0.333_3) + 1.0) / 5.0).abs() < 1e-3);
        assert_eq!(calibration_error(&[]), 0.0);
    }
}
