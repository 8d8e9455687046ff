//! What the model thinks of one message, and how much that may count. Does not know what is done about it.

use crate::features::VIEWS;

/// Messages of each class that must be known before the model may decide alone.
const ALONE_SPAM: u32 = 20;
const ALONE_HAM: u32 = 200;
/// The logit of .95, and the number of labels that halves what is required.
const CERTAIN: f64 = 2.94;
const CAUTION: f64 = 3.0;
/// Half of the score that training aims at.
const UNCERTAIN: f64 = 2.0;
/// Bounds of the points, and before the model may decide alone: less than a third of a threshold of 5, either way.
const LOWEST: f64 = -4.0;
const HIGHEST: f64 = 5.0;
const YOUNG: f64 = 1.5;

/// A message judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Probability that the message is spam, calibrated with the user's own labels.
    pub probability: f64,
    /// ln(p / (1 - p)).
    pub logit: f64,
    /// The score before calibration: four times the mean margin of the views.
    pub score: f64,
    /// How far on the spam side each view sees it, in the order of [`crate::View::ALL`]; 1 is the aim of training.
    pub margins: [f32; VIEWS],
    /// Ham the model knows.
    pub ham: u32,
    /// Spam the model knows.
    pub spam: u32,
}

impl Judgement {
    /// Labels of the class of which fewer are known.
    pub fn labels(&self) -> u32 {
        self.ham.min(self.spam)
    }

    /// Whether enough is known for the model to move a message without any rule agreeing.
    pub fn may_decide_alone(&self) -> bool {
        self.spam >= ALONE_SPAM && self.ham >= ALONE_HAM
    }

    /// Whether the message is more likely spam than not. Something to show, not to act on.
    pub fn is_suspect(&self) -> bool {
        self.logit > 0.0
    }

    /// Whether the model, asked alone, calls the message spam: the probability must be over .95 while one of the classes
    /// is unknown, and less the more labels there are, down to one half.
    pub fn is_spam(&self) -> bool {
        let caution = CAUTION / (CAUTION + f64::from(self.labels()));
        self.logit > CERTAIN * caution
    }

    /// Whether the user should be asked: the score lies between what is understood of ham and of spam.
    pub fn is_uncertain(&self) -> bool {
        self.score.abs() < UNCERTAIN
    }

    /// Points beside a rule engine's, against a threshold of 5: the logit times 1.3, less the fewer labels there are,
    /// within -4 and +5; within -1.5 and +1.5 until the model may decide alone.
    pub fn points(&self) -> f64 {
        let (lowest, highest) = if self.may_decide_alone() {
            (LOWEST, HIGHEST)
        } else {
            (-YOUNG, YOUNG)
        };
        self.unbounded_points().clamp(lowest, highest)
    }

    /// The same points without bounds: for ranking messages, not for deciding about one.
    pub fn unbounded_points(&self) -> f64 {
        let labels = f64::from(self.labels());
        1.3 * self.logit * labels / (labels + 50.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(logit: f64, ham: u32, spam: u32) -> Judgement {
        Judgement {
            probability: crate::calibration::probability(logit),
            logit,
            score: 0.0,
            margins: [0.0; VIEWS],
            ham,
            spam,
        }
    }

    #[test]
    fn points_grow_with_what_is_known() {
        assert_eq!(judgement(9.0, 0, 5000).points(), 0.0);
        assert!((judgement(4.0, 200, 50).points() - 2.6).abs() < 1e-9);
        assert_eq!(judgement(99.0, 199, 5000).points(), 1.5);
        assert_eq!(judgement(-99.0, 200, 19).points(), -1.5);
        assert_eq!(judgement(99.0, 200, 20).points(), 5.0);
        assert_eq!(judgement(-99.0, 500, 500).points(), -4.0);
    }
}
