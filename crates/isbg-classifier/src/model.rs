//! The model of one user's mail: judges, learns, takes back. Holds no mail but the slots of some, and knows neither disk
//! nor rules.

use isbg_types::Class;

use crate::calibration::{Calibration, probability};
use crate::features::{Keys, Slots, Texts, VIEWS};
use crate::hash::SlotSet;
use crate::identity;
use crate::judgement::Judgement;
use crate::learner::{Learner, Sample, shelf};
use crate::ledger::Ledger;
use crate::mail::Mail;
use crate::random::Random;
use crate::sketch::Sketch;

/// How much each view counts in the score. The words are the view most easily padded with good ones.
pub(crate) const SHARES: [f64; VIEWS] = [1.0, 1.0, 1.0, 0.5];
/// No view counts for more than this margin, so that one that is played with cannot outvote the others.
const MARGIN_LIMIT: f32 = 3.0;
/// A score is this many times the mean margin.
pub(crate) const SCORE_SCALE: f64 = 4.0;
/// A label against a score this high or low is doubted until something like it confirms it.
const DOUBT: f64 = 4.0;

/// What [`Model::learn`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson {
    /// The message was new.
    Learned,
    /// It had been learnt as this class already; nothing changed.
    AlreadyKnown,
    /// It had been learnt as the other class; that was taken back first.
    Corrected,
}

/// What a model needs of a message: which it is, and the slots of its features under the model's seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    digest: u64,
    slots: Slots,
}

/// A classifier that learns. The same lessons in the same order with the same seed make the same model, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(crate) seed: [u8; 16],
    pub(crate) keys: Keys,
    pub(crate) learner: Learner,
    pub(crate) calibration: Calibration,
    pub(crate) ledger: Ledger,
    /// Messages learnt: ham, then spam.
    pub(crate) labels: [u32; 2],
    /// Number of the next lesson.
    pub(crate) serial: u32,
}

impl Model {
    /// A model that knows nothing. `seed` decides into which slot a feature falls and which messages are replayed; keep
    /// each user's secret, or spammers can aim at slots.
    pub fn new(seed: [u8; 16]) -> Self {
        let start = seed
            .iter()
            .fold(0u64, |start, &byte| start.rotate_left(8) ^ u64::from(byte));
        Self {
            seed,
            keys: Keys::derive(&seed),
            learner: Learner::new(Random(start)),
            calibration: Calibration::default(),
            ledger: Ledger::default(),
            labels: [0, 0],
            serial: 0,
        }
    }

    /// How many messages of the class have been learnt.
    pub fn labels(&self, class: Class) -> u32 {
        self.labels[shelf(class)]
    }

    /// Reads what the model needs of a message, once for judging and learning it. Cost and memory are bounded, whatever
    /// the message.
    pub fn features(&self, raw: &[u8]) -> Features {
        let mail = Mail::split(raw);
        Features {
            digest: identity::digest(&self.seed, &mail),
            slots: self.keys.slots(&Texts::read(&mail), &mut SlotSet::new()),
        }
    }

    /// Judges a message.
    pub fn score(&self, raw: &[u8]) -> Judgement {
        self.score_features(&self.features(raw))
    }

    /// Judges a message whose features were read by a model of the same seed.
    pub fn score_features(&self, features: &Features) -> Judgement {
        self.judge(&features.slots)
    }

    /// Learns that a message is of a class. Learning it again changes nothing; learning it as the other class takes the
    /// first lesson back.
    pub fn learn(&mut self, raw: &[u8], class: Class) -> Lesson {
        self.learn_features(self.features(raw), class)
    }

    /// Learns a message whose features were read by a model of the same seed.
    pub fn learn_features(&mut self, features: Features, class: Class) -> Lesson {
        let Features { digest, slots } = features;
        let known = self.ledger.class(digest);
        if known == Some(class) {
            return Lesson::AlreadyKnown;
        }
        if let Some(wrong) = known {
            self.take_back(digest, &slots, wrong);
        }
        let judged = self.judge(&slots);
        let towards = if class == Class::Spam { 1.0 } else { -1.0 };
        let sample = Sample {
            digest,
            serial: self.serial,
            sketch: Sketch::of(&slots[1]),
            slots,
            alpha: [0.0; VIEWS],
            effects: Vec::new(),
            doubted: known.is_none() && judged.score * towards < -DOUBT,
            calibration: self.calibration.learn(judged.score, class == Class::Spam),
        };
        self.serial = self.serial.wrapping_add(1);
        if let Some(evicted) = self.learner.learn(sample, class, self.labels[shelf(class)]) {
            self.ledger.spend(evicted.digest, evicted.alpha);
        }
        self.ledger.insert(digest, class);
        self.labels[shelf(class)] = self.labels[shelf(class)].saturating_add(1);
        match known {
            Some(_) => Lesson::Corrected,
            None => Lesson::Learned,
        }
    }

    /// Takes the lesson of a message back. What it changed itself is taken out of the weights; so is what it made
    /// others change, as long as it and they are among the stored messages, so that taking back the last lesson leaves
    /// the weights as they were. Returns as what it had been learnt; `None` if it was not, or is forgotten.
    pub fn unlearn(&mut self, raw: &[u8]) -> Option<Class> {
        self.unlearn_features(&self.features(raw))
    }

    /// As [`Model::unlearn`], for a message whose features were read by a model of the same seed.
    pub fn unlearn_features(&mut self, features: &Features) -> Option<Class> {
        let class = self.ledger.class(features.digest)?;
        self.take_back(features.digest, &features.slots, class);
        Some(class)
    }

    /// Whether features read by the other model mean the same to this one.
    pub fn has_seed_of(&self, other: &Self) -> bool {
        self.seed == other.seed
    }

    fn take_back(&mut self, digest: u64, slots: &Slots, class: Class) {
        let spent = self.ledger.remove(digest);
        if let Some(sample) = self.learner.unlearn(digest, class) {
            self.calibration.unlearn(sample.calibration);
        } else if let Some(alpha) = spent {
            self.learner.subtract(slots, &alpha, class);
        }
        self.labels[shelf(class)] = self.labels[shelf(class)].saturating_sub(1);
    }

    pub(crate) fn judge(&self, slots: &Slots) -> Judgement {
        let margins = self.learner.margins(slots);
        let sum: f64 = margins
            .iter()
            .zip(SHARES)
            .map(|(margin, share)| f64::from(margin.clamp(-MARGIN_LIMIT, MARGIN_LIMIT)) * share)
            .sum();
        let score = SCORE_SCALE * sum / SHARES.iter().sum::<f64>();
        let logit = self.calibration.logit(score);
        Judgement {
            probability: probability(logit),
            logit,
            score,
            margins,
            ham: self.labels[0],
            spam: self.labels[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_view_outvotes_the_others() {
        let mut model = Model::new([0; 16]);
        let features = model.features(b"Subject: something to judge\n\nand its text of some words");
        for (view, weight) in [(0, -0.3), (1, 1e6), (2, -0.9)] {
            model.learner.weights[view].fill(weight);
        }
        let judgement = model.score_features(&features);
        assert!(judgement.margins[1] > 1e6);
        assert!(judgement.score < 0.0, "{judgement:?}");
    }
}
