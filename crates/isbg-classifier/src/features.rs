//! From a message to its feature slots, one set a view. Pure counting: knows nothing of classes or weights.

use crate::body::{self, Body};
use crate::hash::{Key, SlotSet};
use crate::header_grams;
use crate::header_tokens;
use crate::mail::Mail;
use crate::tokens::Tokens;

/// How many views there are.
pub(crate) const VIEWS: usize = 4;

/// Header and structure tokens, and body tokens, that are used.
const TOKEN_LIMIT: usize = 800;
const WORD_LIMIT: usize = 1000;

/// Everything the features are made of, still readable.
#[derive(Debug)]
pub(crate) struct Texts {
    pub header: Vec<u8>,
    pub body: Body,
    pub tokens: Tokens,
    pub words: Tokens,
}

impl Texts {
    pub(crate) fn read(mail: &Mail<'_>) -> Self {
        let mut tokens = Tokens::with_cap(TOKEN_LIMIT);
        let mut words = Tokens::with_cap(WORD_LIMIT);
        header_tokens::collect(mail, &mut tokens);
        let body = body::read(mail, &mut words);
        Self {
            header: header_grams::text(mail),
            body,
            tokens,
            words,
        }
    }
}

/// The slots of a message, ascending, for each view.
pub(crate) type Slots = [Box<[u16]>; VIEWS];

/// The keys of all views; the subject has its own within the body's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Keys {
    pub views: [Key; VIEWS],
    pub subject: Key,
}

impl Keys {
    pub(crate) fn derive(seed: &[u8; 16]) -> Self {
        Self {
            views: [0, 1, 2, 3].map(|view| Key::derive(seed, view)),
            subject: Key::derive(seed, 4),
        }
    }

    /// The slots of `texts`.
    pub(crate) fn slots(&self, texts: &Texts, set: &mut SlotSet) -> Slots {
        let [header, body, tokens, words] = &self.views;
        grams(&texts.header, header, set);
        let header = set.drain();
        grams(texts.body.text.as_bytes(), body, set);
        grams(texts.body.subject.as_bytes(), &self.subject, set);
        let body = set.drain();
        texts
            .tokens
            .iter()
            .for_each(|token| set.insert(tokens.token(token)));
        let tokens = set.drain();
        texts.words.iter().for_each(|word| set.insert(words.token(word)));
        [header, body, tokens, set.drain()]
    }
}

fn grams(text: &[u8], key: &Key, set: &mut SlotSet) {
    for gram in text.array_windows::<4>() {
        set.insert(key.gram(u32::from_le_bytes(*gram)));
    }
}
