//! From a score to a probability, learnt from labels as they come. Knows numbers only.

/// Platt scaling learnt online: probability = 1 / (1 + exp(-(slope * score + offset))).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Calibration {
    pub slope: f64,
    pub offset: f64,
}

/// Step of the gradient descent. Small: a quick calibration would disturb the order of scores from day to day.
const STEP: f64 = 0.005;
/// The slope stays in these bounds, whatever contradictions are taught.
const SLOPE: std::ops::RangeInclusive<f64> = 0.5..=4.0;
const OFFSET: std::ops::RangeInclusive<f64> = -4.0..=4.0;

impl Default for Calibration {
    /// Where mailboxes of many kinds end up, within a little.
    fn default() -> Self {
        Self {
            slope: 1.5,
            offset: -0.3,
        }
    }
}

impl Calibration {
    /// ln(p / (1 - p)) of the probability that a message of this score is spam.
    pub(crate) fn logit(&self, score: f64) -> f64 {
        self.slope * score + self.offset
    }

    /// Learns what a message of this score really was; returns how slope and offset changed.
    pub(crate) fn learn(&mut self, score: f64, spam: bool) -> [f64; 2] {
        let before = *self;
        let error = probability(self.logit(score)) - if spam { 1.0 } else { 0.0 };
        self.shift([-STEP * error * score, -STEP * error]);
        [self.slope - before.slope, self.offset - before.offset]
    }

    /// Takes a change back.
    pub(crate) fn unlearn(&mut self, change: [f64; 2]) {
        self.shift(change.map(|part| -part));
    }

    fn shift(&mut self, change: [f64; 2]) {
        self.slope = (self.slope + change[0]).clamp(*SLOPE.start(), *SLOPE.end());
        self.offset = (self.offset + change[1]).clamp(*OFFSET.start(), *OFFSET.end());
    }

    /// Whether the numbers can have come from learning.
    pub(crate) fn is_sane(&self) -> bool {
        SLOPE.contains(&self.slope) && OFFSET.contains(&self.offset)
    }
}

/// The probability of a logit.
pub(crate) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_from_surprises_and_takes_them_back() {
        let mut calibration = Calibration::default();
        let change = calibration.learn(2.0, false);
        assert!(calibration.logit(2.0) < Calibration::default().logit(2.0));
        calibration.unlearn(change);
        assert!((calibration.slope - 1.5).abs() < 1e-12 && (calibration.offset + 0.3).abs() < 1e-12);
        for _ in 0..100_000 {
            calibration.learn(12.0, false);
            calibration.learn(-12.0, true);
        }
        assert!(calibration.is_sane());
    }
}
