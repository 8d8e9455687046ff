//! Why a message scores as it does: the tokens and pieces of text that decided, view by view. Judges nothing itself.

use std::collections::HashSet;

use crate::features::{Keys, Texts, VIEWS};
use crate::hash::{Key, SlotSet};
use crate::judgement::Judgement;
use crate::mail::Mail;
use crate::model::{Model, SCORE_SCALE, SHARES};

/// Reasons given a view.
const REASONS: usize = 8;
/// Bytes of one piece of text.
const PIECE: usize = 80;
/// Reasons weaker than this share of the strongest are left out.
const WEAK: f64 = 0.1;

/// One way of looking at a message, with a model of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The header as text, without what changes from message to message.
    Header,
    /// Subject and visible text.
    Text,
    /// Senders, hosts, software, structure.
    Fields,
    /// Words, links and tags of the body.
    Words,
}

impl View {
    /// All views, in the order of [`Judgement::margins`].
    pub const ALL: [Self; VIEWS] = [Self::Header, Self::Text, Self::Fields, Self::Words];

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Text => "text",
            Self::Fields => "fields",
            Self::Words => "words",
        }
    }
}

/// Something in the message that moved the score.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The token, or the piece of folded text. It comes from the message: escape it before printing.
    pub text: String,
    /// What it adds to the score; above 0 towards spam.
    pub score: f64,
}

/// One view's part in a judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewReasons {
    /// Which view.
    pub view: View,
    /// What the view adds to the score.
    pub score: f64,
    /// The strongest reasons, the strongest first.
    pub reasons: Vec<Reason>,
}

/// A judgement and its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The judgement.
    pub judgement: Judgement,
    /// Each view's part.
    pub views: Vec<ViewReasons>,
}

impl Model {
    /// Judges a message and says why.
    pub fn explain(&self, raw: &[u8]) -> Explanation {
        let texts = Texts::read(&Mail::split(raw));
        let slots = self.keys.slots(&texts, &mut SlotSet::new());
        let judgement = self.judge(&slots);
        let views = View::ALL
            .into_iter()
            .enumerate()
            .map(|(at, view)| {
                let scale = SCORE_SCALE * SHARES[at] / SHARES.iter().sum::<f64>();
                let unit = scale / (slots[at].len().max(1) as f64).sqrt();
                let weight = |slot: u16| f64::from(self.learner.weights[at][usize::from(slot)]) * unit;
                ViewReasons {
                    view,
                    score: scale * f64::from(judgement.margins[at]),
                    reasons: strongest(reasons(view, &texts, &self.keys, weight)),
                }
            })
            .collect();
        Explanation { judgement, views }
    }
}

fn reasons(view: View, texts: &Texts, keys: &Keys, weight: impl Fn(u16) -> f64) -> Vec<Reason> {
    let mut seen = HashSet::new();
    match view {
        View::Header => pieces(&texts.header, &keys.views[0], &mut seen, &weight),
        View::Text => {
            let mut found = pieces(texts.body.subject.as_bytes(), &keys.subject, &mut seen, &weight);
            found.extend(pieces(
                texts.body.text.as_bytes(),
                &keys.views[1],
                &mut seen,
                &weight,
            ));
            found
        }
        View::Fields => tokens(texts.tokens.iter(), &keys.views[2], &mut seen, &weight),
        View::Words => tokens(texts.words.iter(), &keys.views[3], &mut seen, &weight),
    }
}

fn tokens<'a>(
    tokens: impl Iterator<Item = &'a [u8]>,
    key: &Key,
    seen: &mut HashSet<u16>,
    weight: &impl Fn(u16) -> f64,
) -> Vec<Reason> {
    tokens
        .map(|token| (token, key.token(token)))
        .filter(|(_, slot)| seen.insert(*slot))
        .map(|(token, slot)| Reason {
            text: String::from_utf8_lossy(token).into_owned(),
            score: weight(slot),
        })
        .collect()
}

/// The words of `text`, each with the weight of the 4-grams that begin in it and occur for the first time; neighbours
/// that pull the same way are one piece.
fn pieces(text: &[u8], key: &Key, seen: &mut HashSet<u16>, weight: &impl Fn(u16) -> f64) -> Vec<Reason> {
    let mut found: Vec<(usize, usize, f64)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = text[at..]
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(text.len() - at);
        let end = (at + length + 1).min(text.len());
        let mut score = 0.0;
        for gram in (at..end).filter_map(|start| text[start..].first_chunk::<4>()) {
            let slot = key.gram(u32::from_le_bytes(*gram));
            if seen.insert(slot) {
                score += weight(slot);
            }
        }
        match found.last_mut() {
            Some((start, last, sum)) if *sum * score > 0.0 && end - *start <= PIECE => {
                *last = end;
                *sum += score;
            }
            _ => found.push((at, end, score)),
        }
        at = end;
    }
    found
        .into_iter()
        .map(|(start, end, score)| Reason {
            text: String::from_utf8_lossy(&text[start..end.min(start + PIECE)])
                .trim()
                .to_owned(),
            score,
        })
        .collect()
}

fn strongest(mut reasons: Vec<Reason>) -> Vec<Reason> {
    reasons.sort_by(|a, b| {
        b.score
            .abs()
            .total_cmp(&a.score.abs())
            .then_with(|| a.text.cmp(&b.text))
    });
    let least = reasons.first().map_or(0.0, |first| first.score.abs() * WEAK);
    reasons.retain(|reason| reason.score != 0.0 && reason.score.abs() >= least);
    reasons.truncate(REASONS);
    reasons
}
