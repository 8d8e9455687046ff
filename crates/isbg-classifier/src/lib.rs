//! The learning classifier: from the raw bytes of a message to the probability that its user calls it spam, learnt from
//! that user's labels. Pure: no network, no disk, no clock, and no knowledge of any rule.
//!
//! A message is seen in four views (header text, body text, header tokens, words and links), each with a linear model of
//! its own over hashed binary features. A model is a support vector machine in its dual form: each learnt message has a
//! coefficient, so that it can be taken back exactly, and after each message that was not understood a few stored ones,
//! as many of ham as of spam, are trained again. The mean of the views is the score; two numbers learnt online turn it
//! into a probability.
//!
//! [`Model`] is the whole state; its bytes are one file. [`evaluate`] measures a filter as the TREC spam track did.

mod blob;
mod body;
mod bytes;
mod calibration;
mod decode;
mod entities;
pub mod evaluate;
mod explain;
mod features;
mod fold;
mod hash;
mod header_grams;
mod header_tokens;
mod html;
mod identity;
mod judgement;
mod learner;
mod ledger;
mod mail;
mod model;
mod params;
mod random;
mod sketch;
mod tokens;

pub use blob::{LoadError, MODEL_LIMIT};
pub use explain::{Explanation, Reason, View, ViewReasons};
pub use judgement::Judgement;
pub use model::{Features, Lesson, Model};
