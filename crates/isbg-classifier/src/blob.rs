//! The model as bytes and back: one versioned, checksummed block. Does not know where the bytes are kept.

use isbg_types::Class;
use sha2::{Digest, Sha256};

use crate::bytes::{Reader, Writer};
use crate::calibration::Calibration;
use crate::features::{Keys, VIEWS};
use crate::hash::SLOTS;
use crate::identity::DIGEST_BITS;
use crate::learner::{Effect, KEPT, Learner, REPLAYS, Sample};
use crate::ledger::{GENERATION, Ledger, SPENT};
use crate::model::Model;
use crate::random::Random;
use crate::sketch::Sketch;

const MAGIC: &[u8; 8] = b"isbgmodl";
/// Version of the layout, and of the features: weights mean nothing under other features.
const VERSION: u32 = 1;
/// Magic, version, length of the whole.
const HEAD: usize = 8 + 4 + 4;
const CHECKSUM: usize = 32;

/// No model is larger than this.
pub const MODEL_LIMIT: usize = 6_000_000;

/// Why bytes are not a usable model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Something else.
    #[error("this is not a model of isbg: it begins with other bytes")]
    NotAModel,
    /// Written by a later isbg.
    #[error(
        "the model has layout {found}, and this isbg reads up to {known}; use the isbg that wrote it, or train anew"
    )]
    Newer {
        /// Its layout.
        found: u32,
        /// The latest layout known here.
        known: u32,
    },
    /// The end is missing, or there is too much of it.
    #[error(
        "the model should be {expected} bytes long and is {found}: it was cut or added to; go back to a snapshot, or train anew"
    )]
    Length {
        /// What it says of itself.
        expected: usize,
        /// What there is.
        found: usize,
    },
    /// The checksum is wrong.
    #[error("the model is damaged: its checksum does not match; go back to a snapshot, or train anew")]
    Damaged,
    /// The checksum is right and the content is not: it was not written by isbg.
    #[error("the model is not sound: {0}; go back to a snapshot, or train anew")]
    Unsound(&'static str),
}

impl Model {
    /// The whole model. The bytes are a snapshot: [`Model::from_bytes`] gives back exactly this model. They contain the
    /// secret seed and allow guesses about the mail that was learnt, so keep them from others.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(MAGIC);
        out.u32(VERSION);
        out.u32(0);
        out.bytes(&self.seed);
        out.u64(self.learner.random.0);
        out.f64(self.calibration.slope);
        out.f64(self.calibration.offset);
        out.u32(self.labels[0]);
        out.u32(self.labels[1]);
        out.u32(self.serial);
        self.learner
            .weights
            .iter()
            .for_each(|weights| write_weights(&mut out, weights));
        for samples in &self.learner.kept {
            out.u32(samples.len() as u32);
            samples.iter().for_each(|sample| write_sample(&mut out, sample));
        }
        write_ledger(&mut out, &self.ledger);
        let mut bytes = out.finish();
        let length = (bytes.len() + CHECKSUM) as u32;
        bytes[HEAD - 4..HEAD].copy_from_slice(&length.to_le_bytes());
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// Reads what [`Model::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`LoadError`] for anything else, whatever it is; nothing large is allocated for it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let payload = open(bytes)?;
        read(&mut Reader::new(payload)).map_err(LoadError::Unsound)
    }
}

/// What lies between head and checksum, both checked.
fn open(bytes: &[u8]) -> Result<&[u8], LoadError> {
    if !bytes.starts_with(MAGIC) {
        return Err(LoadError::NotAModel);
    }
    let length = |expected: usize| LoadError::Length {
        expected,
        found: bytes.len(),
    };
    let mut head = Reader::new(&bytes[MAGIC.len()..]);
    let version = head.u32().map_err(|_| length(HEAD + CHECKSUM))?;
    let expected = head.u32().map_err(|_| length(HEAD + CHECKSUM))? as usize;
    if version > VERSION {
        return Err(LoadError::Newer {
            found: version,
            known: VERSION,
        });
    }
    if expected != bytes.len() || bytes.len() < HEAD + CHECKSUM {
        return Err(length(expected.max(HEAD + CHECKSUM)));
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if Sha256::digest(content).as_slice() != checksum {
        return Err(LoadError::Damaged);
    }
    Ok(&content[HEAD..])
}

fn read(from: &mut Reader<'_>) -> Result<Model, &'static str> {
    let seed: [u8; 16] = from.array()?;
    let random = Random(from.u64()?);
    let calibration = Calibration {
        slope: from.f64()?,
        offset: from.f64()?,
    };
    if !calibration.is_sane() {
        return Err("its calibration is out of bounds");
    }
    let labels = [from.u32()?, from.u32()?];
    let serial = from.u32()?;
    let mut learner = Learner::new(random);
    for weights in &mut learner.weights {
        read_weights(from, weights)?;
    }
    for samples in &mut learner.kept {
        let count = from.count(KEPT)?;
        for _ in 0..count {
            samples.push(read_sample(from)?);
        }
    }
    let ledger = read_ledger(from)?;
    if !from.is_empty() {
        return Err("there is more than belongs to it");
    }
    Ok(Model {
        seed,
        keys: Keys::derive(&seed),
        learner,
        calibration,
        ledger,
        labels,
        serial,
    })
}

/// Few weights are written with their slots, many as a whole table.
fn write_weights(out: &mut Writer, weights: &[f32]) {
    let set = weights.iter().filter(|weight| **weight != 0.0).count();
    if set * 6 >= SLOTS * 4 {
        out.u8(1);
        weights.iter().for_each(|&weight| out.f32(weight));
        return;
    }
    out.u8(0);
    out.u32(set as u32);
    for (slot, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
        out.u16(slot as u16);
        out.f32(weight);
    }
}

fn read_weights(from: &mut Reader<'_>, weights: &mut [f32]) -> Result<(), &'static str> {
    if from.u8()? == 1 {
        for weight in weights {
            *weight = from.f32()?;
        }
        return Ok(());
    }
    for _ in 0..from.count(SLOTS)? {
        let slot = usize::from(from.u16()?);
        *weights.get_mut(slot).ok_or("a weight has no slot")? = from.f32()?;
    }
    Ok(())
}

fn write_sample(out: &mut Writer, sample: &Sample) {
    out.digest(sample.digest);
    out.u32(sample.serial);
    out.u8(u8::from(sample.doubted));
    sample.alpha.iter().for_each(|&alpha| out.f32(alpha));
    sample.calibration.iter().for_each(|&change| out.f64(change));
    out.u32(sample.effects.len() as u32);
    for effect in &sample.effects {
        out.u32(effect.serial);
        out.u8(effect.view);
        out.f32(effect.delta);
    }
    sample.slots.iter().for_each(|slots| out.slots(slots));
}

fn read_sample(from: &mut Reader<'_>) -> Result<Sample, &'static str> {
    let digest = from.digest()?;
    let serial = from.u32()?;
    let doubted = from.u8()? != 0;
    let alpha = read_alpha(from)?;
    let calibration = [from.f64()?, from.f64()?];
    let mut effects = Vec::new();
    for _ in 0..from.count(VIEWS * REPLAYS)? {
        let effect = Effect {
            serial: from.u32()?,
            view: from.u8()?,
            delta: from.f32()?,
        };
        if usize::from(effect.view) >= VIEWS {
            return Err("an effect is on no view");
        }
        effects.push(effect);
    }
    let mut slots: [Box<[u16]>; VIEWS] = Default::default();
    for view in &mut slots {
        *view = from.slots()?;
    }
    Ok(Sample {
        digest,
        serial,
        sketch: Sketch::of(&slots[1]),
        slots,
        alpha,
        effects,
        doubted,
        calibration,
    })
}

fn read_alpha(from: &mut Reader<'_>) -> Result<[f32; VIEWS], &'static str> {
    let mut alpha = [0.0; VIEWS];
    for part in &mut alpha {
        *part = from.f32()?;
        if *part < 0.0 {
            return Err("a coefficient is negative");
        }
    }
    Ok(alpha)
}

fn write_ledger(out: &mut Writer, ledger: &Ledger) {
    for known in &ledger.generations {
        for class in [Class::Ham, Class::Spam] {
            let mut digests: Vec<u64> = known
                .iter()
                .filter_map(|(&digest, &known)| (known == class).then_some(digest))
                .collect();
            digests.sort_unstable();
            out.u32(digests.len() as u32);
            digests.into_iter().for_each(|digest| out.digest(digest));
        }
    }
    out.u32(ledger.spent.len() as u32);
    for (digest, alpha) in &ledger.spent {
        out.digest(*digest);
        alpha.iter().for_each(|&part| out.f32(part));
    }
}

fn read_ledger(from: &mut Reader<'_>) -> Result<Ledger, &'static str> {
    let mut ledger = Ledger::default();
    for known in &mut ledger.generations {
        for class in [Class::Ham, Class::Spam] {
            for _ in 0..from.count(GENERATION)? {
                known.insert(from.digest()?, class);
            }
        }
    }
    for _ in 0..from.count(SPENT)? {
        ledger.spent.push_back((from.digest()?, read_alpha(from)?));
    }
    Ok(ledger)
}

const _: () = assert!(DIGEST_BITS == 48, "a digest is written as six bytes");
