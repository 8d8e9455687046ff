//! A home for models in this process's memory, a scorer with rules of ours, and mail to teach it. Does not test anything.

use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use isbg_classifier::Model;
use isbg_engine::{
    Change, Grounds, Memory, ModelHome, Native, NativeSettings, People, Scored, Scorer, Stamp, Taught,
    Unknown, Wish,
};
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};
use isbg_types::Class;

const RULES: &str = "\
body PILLS /cheap pills/i
score PILLS 3.8
body BAYES_99 eval:check_bayes('0.99', '1.00')
score BAYES_99 3.5
";

/// A home in this process's memory. Clones are the same home.
#[derive(Clone, Default)]
pub struct Shelf {
    pub bytes: Arc<Mutex<Option<Vec<u8>>>>,
    pub changes: Arc<Mutex<u32>>,
}

impl Shelf {
    pub fn with(bytes: Vec<u8>) -> Self {
        let shelf = Self::default();
        *shelf.bytes.lock().unwrap() = Some(bytes);
        shelf
    }

    pub fn bytes(&self) -> Option<Vec<u8>> {
        self.bytes.lock().unwrap().clone()
    }

    pub fn model(&self) -> Model {
        Model::from_bytes(&self.bytes().unwrap()).unwrap()
    }

    pub fn memory(&self) -> Memory {
        Memory::open(Arc::new(self.clone()))
    }
}

impl ModelHome for Shelf {
    fn name(&self) -> String {
        "the shelf".to_owned()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, Unknown> {
        Ok(self.bytes())
    }

    fn stamp(&self) -> Stamp {
        let changes = u64::from(*self.changes.lock().unwrap());
        self.bytes.lock().unwrap().as_ref().map(|_| (UNIX_EPOCH, changes))
    }

    fn change(&self, change: Change<'_>) -> Result<(), Unknown> {
        let mut bytes = self.bytes.lock().unwrap();
        *bytes = Some(change(bytes.clone())?);
        *self.changes.lock().unwrap() += 1;
        Ok(())
    }
}

pub fn scorer(memory: Option<Memory>, people: People) -> Native {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.cf"), RULES).unwrap();
    let rules = load(&Sources::of(vec![folder.path().into()])).unwrap();
    let grounds = Grounds {
        matcher: Arc::new(Matcher::new(rules, Mode::default()).unwrap()),
        memory,
        people,
    };
    let settings = NativeSettings {
        explain: true,
        ..NativeSettings::default()
    };
    Native::new(grounds, settings).unwrap()
}

pub fn learned(memory: Memory) -> Native {
    scorer(Some(memory), People::default())
}

/// Alike within a class, and no two the same.
pub fn mail(class: Class, number: u32) -> Vec<u8> {
    let (who, text) = match class {
        Class::Spam => (
            format!("offers{}@winners.example", number % 7),
            format!(
                "Dear customer {number}, your prize of {}00 dollars is waiting. Claim it today!",
                number % 13
            ),
        ),
        Class::Ham => (
            format!("colleague{}@example.org", number % 5),
            format!(
                "Hello, the minutes of meeting {number} are attached; room {} is booked for Monday.",
                number % 11
            ),
        ),
    };
    format!(
        "From: {who}\r\nTo: me@example.net\r\nSubject: {}\r\nMessage-ID: <{number}@{}>\r\n\r\n{text}\r\n",
        if class == Class::Spam {
            "You have won"
        } else {
            "Minutes"
        },
        who.split('@').nth(1).unwrap()
    )
    .into_bytes()
}

pub async fn teach(scorer: &Native, class: Class, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let taught = scorer.teach(&mail(class, number).into(), class).await.unwrap();
        assert_eq!(taught, Taught::Learned, "{class:?} {number}");
    }
}

pub async fn score(scorer: &Native, class: Class, number: u32) -> Scored {
    scorer
        .score(&mail(class, number).into(), Wish::Verdict)
        .await
        .unwrap()
}

pub fn names(scored: &Scored) -> Vec<&str> {
    scored.verdict.hits.iter().map(|hit| hit.name.as_str()).collect()
}
