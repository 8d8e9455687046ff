//! Judging and teaching behind one trait, whoever does it. Knows neither IMAP nor what is done about a verdict.

mod scorer;

pub use scorer::{Scored, Scorer, Taught, Unknown, UnknownKind, Wish};
