//! What the user taught: the model in use, and how it is kept between runs and between processes. Does not know where
//! its bytes lie, nor what follows from a judgement.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use isbg_classifier::{Explanation, Features, Judgement, Lesson, Model};
use isbg_types::Class;

use crate::{Unknown, UnknownKind};

/// Where a model's bytes are kept.
pub trait ModelHome: Send + Sync {
    /// What it is called in messages: a path, safe to print.
    fn name(&self) -> String;

    /// The bytes as they were saved last; `None` where nothing was ever saved.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self) -> Result<Option<Vec<u8>>, Unknown>;

    /// Something that is another when the bytes are others, and cheap to find out: it is asked for each message.
    fn stamp(&self) -> Stamp;

    /// Gives the bytes to `change` and keeps what it returns in their place, all or nothing, while no other process can do
    /// the same. Nothing is kept if `change` fails.
    ///
    /// # Errors
    /// That of `change`, and when the bytes cannot be locked, read or written.
    fn change(&self, change: Change<'_>) -> Result<(), Unknown>;
}

/// When the bytes were saved, and how many; `None` where there are none.
pub type Stamp = Option<(SystemTime, u64)>;

/// Makes new bytes of what was saved last.
pub type Change<'c> = &'c mut dyn FnMut(Option<Vec<u8>>) -> Result<Vec<u8>, Unknown>;

/// A model that is shared by threads and processes. Lessons count at once, here; they last from [`Memory::save`] on.
#[derive(Clone)]
pub struct Memory {
    home: Arc<dyn ModelHome>,
    held: Arc<RwLock<Held>>,
    /// Of the bytes that were read last.
    stamp: Arc<Mutex<Stamp>>,
}

/// The model as this process has it.
enum Held {
    /// None yet: it is made with the first lesson.
    Nothing,
    /// One that can be used.
    Model(Box<Known>),
    /// There are bytes, and they are no model that can be used. They are never overwritten.
    Unusable(String),
}

struct Known {
    model: Model,
    /// The end of the bytes it was read from or saved as.
    saved: Mark,
    /// What was taught since.
    unsaved: Vec<Taught>,
}

#[derive(Clone)]
enum Taught {
    Lesson(Features, Class),
    TakenBack(Features),
}

/// The end of a model's bytes, which is their checksum.
type Mark = Vec<u8>;

fn mark(bytes: &[u8]) -> Mark {
    bytes[bytes.len().saturating_sub(32)..].to_vec()
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("home", &self.home.name()).finish()
    }
}

impl Memory {
    /// The model that is kept there. Where it cannot be used, judging goes on without it, and [`Memory::trouble`] tells why.
    pub fn open(home: Arc<dyn ModelHome>) -> Self {
        let stamp = home.stamp();
        let held = Held::read(&*home);
        Self {
            home,
            held: Arc::new(RwLock::new(held)),
            stamp: Arc::new(Mutex::new(stamp)),
        }
    }

    /// Why the model cannot be used, if it cannot.
    pub fn trouble(&self) -> Option<String> {
        match &*self.look() {
            Held::Unusable(why) => Some(why.clone()),
            Held::Nothing | Held::Model(_) => None,
        }
    }

    /// How many messages of each class the model knows: ham, then spam.
    pub fn labels(&self) -> [u32; 2] {
        match &*self.look() {
            Held::Model(known) => [Class::Ham, Class::Spam].map(|class| known.model.labels(class)),
            Held::Nothing | Held::Unusable(_) => [0; 2],
        }
    }

    /// What the model thinks of a message. `None` while it does not know mail of both classes.
    pub fn judge(&self, mail: &[u8]) -> Option<Judgement> {
        self.refresh();
        self.with_both(|model| model.score(mail))
    }

    /// The same with its reasons.
    pub fn explain(&self, mail: &[u8]) -> Option<Explanation> {
        self.refresh();
        self.with_both(|model| model.explain(mail))
    }

    /// Learns that a message is of a class.
    ///
    /// # Errors
    /// When there is a model and it cannot be used, or none and it cannot be begun.
    pub fn learn(&self, mail: &[u8], class: Class) -> Result<Lesson, Unknown> {
        self.begin()?;
        let features = self.features(mail)?;
        let mut held = self.touch();
        let known = held.known()?;
        let lesson = known.model.learn_features(features.clone(), class);
        if lesson != Lesson::AlreadyKnown {
            known.unsaved.push(Taught::Lesson(features, class));
        }
        Ok(lesson)
    }

    /// Takes back what a message taught; `None` where it was not learned, or is forgotten.
    ///
    /// # Errors
    /// When there is a model and it cannot be used.
    pub fn unlearn(&self, mail: &[u8]) -> Result<Option<Class>, Unknown> {
        if matches!(&*self.look(), Held::Nothing) {
            return Ok(None);
        }
        let features = self.features(mail)?;
        let mut held = self.touch();
        let known = held.known()?;
        let class = known.model.unlearn_features(&features);
        if class.is_some() {
            known.unsaved.push(Taught::TakenBack(features));
        }
        Ok(class)
    }

    /// Keeps what was taught. What another process has taught since is kept as well: then the lessons of this one are
    /// repeated on the other's model.
    ///
    /// # Errors
    /// When it cannot be kept, or the model was taken away or replaced meanwhile. The lessons wait for the next call.
    pub fn save(&self) -> Result<(), Unknown> {
        let mut held = self.touch();
        let Held::Model(known) = &mut *held else {
            return Ok(());
        };
        if known.unsaved.is_empty() {
            return Ok(());
        }
        let (mut merged, mut saved) = (None, Mark::new());
        self.home.change(&mut |found| {
            let found = found.ok_or_else(|| self.lost("has disappeared"))?;
            let bytes = if mark(&found) == known.saved {
                known.model.to_bytes()
            } else {
                let model = known.on_top_of(&found).ok_or_else(|| self.lost("was replaced"))?;
                merged.insert(model).to_bytes()
            };
            saved = mark(&bytes);
            Ok(bytes)
        })?;
        if let Some(model) = merged {
            known.model = model;
        }
        known.saved = saved;
        known.unsaved.clear();
        Ok(())
    }

    /// Takes over what another process has saved. Where lessons wait here, the next save brings both together.
    fn refresh(&self) {
        let stamp = self.home.stamp();
        let before = {
            let mut seen = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *seen, stamp)
        };
        if before == stamp {
            return;
        }
        let mut held = self.touch();
        if !matches!(&*held, Held::Model(known) if !known.unsaved.is_empty()) {
            *held = Held::read(&*self.home);
        }
    }

    /// Sees to it that there is a model, with a seed that nobody can guess.
    fn begin(&self) -> Result<(), Unknown> {
        if !matches!(&*self.look(), Held::Nothing) {
            return Ok(());
        }
        let mut held = self.touch();
        let mut bytes = Vec::new();
        self.home.change(&mut |found| {
            bytes = found.unwrap_or_else(|| Model::new(rand::random()).to_bytes());
            Ok(bytes.clone())
        })?;
        *held = Held::of(&bytes, &*self.home);
        Ok(())
    }

    fn features(&self, mail: &[u8]) -> Result<Features, Unknown> {
        match &*self.look() {
            Held::Model(known) => Ok(known.model.features(mail)),
            Held::Unusable(why) => Err(unusable(why)),
            Held::Nothing => Err(unusable("there is no model")),
        }
    }

    fn with_both<T>(&self, look: impl FnOnce(&Model) -> T) -> Option<T> {
        match &*self.look() {
            Held::Model(known)
                if [Class::Ham, Class::Spam]
                    .iter()
                    .all(|class| known.model.labels(*class) > 0) =>
            {
                Some(look(&known.model))
            }
            _ => None,
        }
    }

    fn lost(&self, what: &str) -> Unknown {
        Unknown::new(
            UnknownKind::Outage,
            format!(
                "the model {} {what} while it was being taught; what was not saved is taught again by the next run",
                self.home.name()
            ),
        )
    }

    fn look(&self) -> RwLockReadGuard<'_, Held> {
        if self.held.is_poisoned() {
            drop(self.touch());
        }
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A model in which a lesson broke off is neither used nor kept.
    fn touch(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(|poisoned| {
            let mut held = poisoned.into_inner();
            *held = Held::Unusable(format!(
                "{}: a lesson broke off (a defect in isbg)",
                self.home.name()
            ));
            self.held.clear_poison();
            held
        })
    }
}

impl Held {
    fn read(home: &dyn ModelHome) -> Self {
        match home.read() {
            Ok(None) => Self::Nothing,
            Ok(Some(bytes)) => Self::of(&bytes, home),
            Err(unknown) => Self::Unusable(unknown.detail),
        }
    }

    fn of(bytes: &[u8], home: &dyn ModelHome) -> Self {
        match Model::from_bytes(bytes) {
            Ok(model) => Self::Model(Box::new(Known {
                model,
                saved: mark(bytes),
                unsaved: Vec::new(),
            })),
            Err(error) => Self::Unusable(format!("{}: {error}", home.name())),
        }
    }

    fn known(&mut self) -> Result<&mut Known, Unknown> {
        match self {
            Self::Model(known) => Ok(known),
            Self::Unusable(why) => Err(unusable(why)),
            Self::Nothing => Err(unusable("there is no model")),
        }
    }
}

impl Known {
    /// The model that another process has saved, with the lessons of this one. `None` where it is no model of this seed.
    fn on_top_of(&self, bytes: &[u8]) -> Option<Model> {
        let mut model = Model::from_bytes(bytes).ok()?;
        if !model.has_seed_of(&self.model) {
            return None;
        }
        for taught in self.unsaved.iter().cloned() {
            match taught {
                Taught::Lesson(features, class) => drop(model.learn_features(features, class)),
                Taught::TakenBack(features) => drop(model.unlearn_features(&features)),
            }
        }
        Some(model)
    }
}

/// Not an outage: judging goes on by the rules.
fn unusable(why: &str) -> Unknown {
    Unknown::new(UnknownKind::BadAnswer, format!("nothing can be learned: {why}"))
}
