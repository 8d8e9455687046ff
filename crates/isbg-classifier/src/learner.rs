//! One linear model a view, trained in the dual with replay of stored messages. Knows slots and classes, not mail.

use isbg_types::Class;

use crate::features::{Slots, VIEWS};
use crate::hash::SLOTS;
use crate::random::Random;
use crate::sketch::Sketch;

/// Messages stored a class: a sample of all that were learnt, so that what was learnt long ago is trained again, too.
pub(crate) const KEPT: usize = 300;
/// A message whose margin is at least this is understood already and changes nothing.
const ENOUGH: f32 = 1.0;
/// Stored messages that are trained again after each one that was not understood.
pub(crate) const REPLAYS: usize = 20;
/// The most that a doubted label may weigh. Wrong labels are rare but, believed in full, each spoils what is like it.
const DOUBTED_ALPHA: f32 = 0.3;

/// A learnt message, stored with its dual coefficients so that it can be trained again or taken back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// Identity of the message.
    pub digest: u64,
    /// Number of the lesson, unique among the stored ones.
    pub serial: u32,
    pub slots: Slots,
    /// Of the body, to know its near-duplicates.
    pub sketch: Sketch,
    /// Dual coefficients: the model holds `class * alpha * slots` of it. Never negative.
    pub alpha: [f32; VIEWS],
    /// What learning it changed in the coefficients of others.
    pub effects: Vec<Effect>,
    /// The label contradicted what was known, and nothing like it has confirmed it: it may move the weights a little only.
    pub doubted: bool,
    /// What learning it changed in the calibration's slope and offset.
    pub calibration: [f64; 2],
}

/// A change of another sample's coefficient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effect {
    pub serial: u32,
    pub view: u8,
    pub delta: f32,
}

/// The weights, and the messages that can be trained again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learner {
    pub weights: [Vec<f32>; VIEWS],
    /// Stored messages: ham, then spam.
    pub kept: [Vec<Sample>; 2],
    pub random: Random,
}

/// Where the class's samples are stored.
pub(crate) fn shelf(class: Class) -> usize {
    usize::from(class == Class::Spam)
}

fn sign(shelf: usize) -> f32 {
    if shelf == 1 { 1.0 } else { -1.0 }
}

/// How far on the spam side of a view's border the message lies; 1 is the aim of training. 0 without features.
pub(crate) fn margin(weights: &[f32], slots: &[u16]) -> f32 {
    if slots.is_empty() {
        return 0.0;
    }
    let sum: f32 = slots.iter().map(|&slot| weights[usize::from(slot)]).sum();
    sum / (slots.len() as f32).sqrt()
}

/// Adds `by` times the message's unit vector.
fn shift(weights: &mut [f32], slots: &[u16], by: f32) {
    let step = by / (slots.len() as f32).sqrt();
    for &slot in slots {
        weights[usize::from(slot)] += step;
    }
}

impl Learner {
    pub(crate) fn new(random: Random) -> Self {
        Self {
            weights: std::array::from_fn(|_| vec![0.0; SLOTS]),
            kept: [Vec::new(), Vec::new()],
            random,
        }
    }

    pub(crate) fn margins(&self, slots: &Slots) -> [f32; VIEWS] {
        std::array::from_fn(|view| margin(&self.weights[view], &slots[view]))
    }

    /// Stores `sample` and trains every view that does not understand it. `before`: so many of the class were learnt before.
    /// Returns the sample that had to give way.
    pub(crate) fn learn(&mut self, sample: Sample, class: Class, before: u32) -> Option<Sample> {
        let margins = self.margins(&sample.slots);
        let shelf = shelf(class);
        let (place, evicted) = self.store(sample, shelf, before);
        let mut effects = Vec::new();
        for view in (0..VIEWS).filter(|&view| margins[view] * sign(shelf) < ENOUGH) {
            self.train(shelf, place, view);
            for turn in 0..REPLAYS {
                let other = (shelf + turn + 1) % 2;
                if self.kept[other].is_empty() {
                    continue;
                }
                let pick = self.random.below(self.kept[other].len());
                let delta = self.train(other, pick, view);
                if delta != 0.0 && (other, pick) != (shelf, place) {
                    let serial = self.kept[other][pick].serial;
                    note(&mut effects, serial, view as u8, delta);
                }
            }
        }
        self.kept[shelf][place].effects = effects;
        evicted
    }

    /// Stores `sample` in place of its near-duplicate if there is one, so that a flood of copies cannot crowd out
    /// everything else; else in free room; else in place of any, or of the one that came last, so that all learnt so far are
    /// equally likely to be stored (reservoir sampling, Vitter 1985). A sample of the last ones would forget what the
    /// other class looks like in a long run of one.
    fn store(&mut self, mut sample: Sample, shelf: usize, before: u32) -> (usize, Option<Sample>) {
        let full = self.kept[shelf].len() >= KEPT;
        let twin = self.kept[shelf]
            .iter()
            .position(|other| other.sketch.resembles(&sample.sketch));
        let place = match twin {
            Some(twin) => {
                sample.doubted = false;
                twin
            }
            None if full && self.random.below(KEPT.max(before as usize + 1)) < KEPT => {
                self.random.below(KEPT)
            }
            None if full => self.newest(shelf),
            None => {
                self.kept[shelf].push(sample);
                return (self.kept[shelf].len() - 1, None);
            }
        };
        let evicted = std::mem::replace(&mut self.kept[shelf][place], sample);
        (place, Some(evicted))
    }

    fn newest(&self, shelf: usize) -> usize {
        let serials = self.kept[shelf].iter().map(|sample| sample.serial);
        let newest = serials.enumerate().max_by_key(|(_, serial)| *serial);
        newest.map_or(0, |(place, _)| place)
    }

    /// One step of dual coordinate ascent: sets the sample's coefficient so that its margin becomes 1, or to 0.
    fn train(&mut self, shelf: usize, place: usize, view: usize) -> f32 {
        let sample = &mut self.kept[shelf][place];
        let slots = &sample.slots[view];
        if slots.is_empty() {
            return 0.0;
        }
        let missing = 1.0 - sign(shelf) * margin(&self.weights[view], slots);
        let most = if sample.doubted {
            DOUBTED_ALPHA
        } else {
            f32::INFINITY
        };
        let alpha = (sample.alpha[view] + missing).clamp(0.0, most);
        let delta = alpha - sample.alpha[view];
        sample.alpha[view] = alpha;
        shift(&mut self.weights[view], slots, sign(shelf) * delta);
        delta
    }

    /// Takes a stored message back: its own part of the weights, and what it changed in others still stored.
    pub(crate) fn unlearn(&mut self, digest: u64, class: Class) -> Option<Sample> {
        let shelf = shelf(class);
        let place = self.kept[shelf]
            .iter()
            .position(|sample| sample.digest == digest)?;
        let sample = self.kept[shelf].swap_remove(place);
        self.subtract(&sample.slots, &sample.alpha, class);
        for effect in &sample.effects {
            self.revert(effect);
        }
        Some(sample)
    }

    /// Takes back the part of the weights that `alpha` of a message is.
    pub(crate) fn subtract(&mut self, slots: &Slots, alpha: &[f32; VIEWS], class: Class) {
        for view in (0..VIEWS).filter(|&view| alpha[view] != 0.0 && !slots[view].is_empty()) {
            shift(
                &mut self.weights[view],
                &slots[view],
                -sign(shelf(class)) * alpha[view],
            );
        }
    }

    fn revert(&mut self, effect: &Effect) {
        let view = usize::from(effect.view);
        for shelf in 0..2 {
            if let Some(sample) = self.kept[shelf]
                .iter_mut()
                .find(|sample| sample.serial == effect.serial)
            {
                let alpha = (sample.alpha[view] - effect.delta).max(0.0);
                let back = alpha - sample.alpha[view];
                sample.alpha[view] = alpha;
                shift(&mut self.weights[view], &sample.slots[view], sign(shelf) * back);
            }
        }
    }
}

fn note(effects: &mut Vec<Effect>, serial: u32, view: u8, delta: f32) {
    match effects
        .iter_mut()
        .find(|effect| effect.serial == serial && effect.view == view)
    {
        Some(effect) => effect.delta += delta,
        None => effects.push(Effect { serial, view, delta }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message whose features start at `first`.
    fn sample(serial: u32, first: u16) -> Sample {
        let slots: Slots = std::array::from_fn(|_| (first..first + 150).collect());
        Sample {
            digest: u64::from(serial),
            serial,
            sketch: Sketch::of(&slots[1]),
            slots,
            alpha: [0.0; VIEWS],
            effects: Vec::new(),
            doubted: false,
            calibration: [0.0; 2],
        }
    }

    #[test]
    fn copies_take_one_place() {
        let mut learner = Learner::new(Random(1));
        for serial in 0..100 {
            assert_eq!(
                learner.learn(sample(serial, serial as u16 * 200), Class::Spam, serial),
                None
            );
        }
        for serial in 100..1000 {
            let evicted = learner.learn(sample(serial, 7 * 200), Class::Spam, serial);
            assert_eq!(evicted.map(|sample| sample.slots[0][0]), Some(7 * 200));
        }
        assert_eq!(learner.kept[1].len(), 100);
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let mut learner = Learner::new(Random(1));
        let evicted = (0..400).filter(|&serial| {
            let unlike = sample(serial, serial as u16 * 150);
            learner.learn(unlike, Class::Ham, serial).is_some()
        });
        assert_eq!(evicted.count(), 400 - KEPT);
        assert_eq!(learner.kept[0].len(), KEPT);
    }

    #[test]
    fn old_and_new_are_stored_alike() {
        let mut learner = Learner::new(Random(1));
        for serial in 0..1500 {
            // No two bodies are alike enough to be copies.
            let unlike = sample(serial, (serial * 40) as u16);
            learner.learn(unlike, Class::Ham, serial);
        }
        let old = learner.kept[0]
            .iter()
            .filter(|sample| sample.serial < 500)
            .count();
        assert!((70..130).contains(&old), "{old} of {KEPT} are of the first third");
    }

    #[test]
    fn what_is_learnt_has_its_margin() {
        let mut learner = Learner::new(Random(1));
        learner.learn(sample(0, 0), Class::Ham, 0);
        learner.learn(sample(1, 100), Class::Spam, 0);
        let [ham, spam] = [sample(0, 0), sample(1, 100)].map(|sample| learner.margins(&sample.slots)[2]);
        assert!(ham < -0.8 && spam > 0.8, "{ham} {spam}");
        assert_eq!(learner.margins(&Default::default()), [0.0; VIEWS]);
    }
}
