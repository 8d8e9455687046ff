//! The one trait that all scorers have. Does not know which scorers there are.

use futures_util::future::BoxFuture;
use isbg_classifier::Explanation;
use isbg_spool::Spool;
use isbg_types::{Class, Score, Verdict};

pub use isbg_lookups::{Unknown, UnknownKind};

/// Judges messages and can be taught. Every call has a deadline of its own; any number may run at once, and the
/// scorer itself keeps to the number its server bears.
pub trait Scorer: Send + Sync {
    /// `native`, `spamd`, `spamassassin` or `rspamd`: what reports and the history call it.
    fn name(&self) -> &'static str;

    /// Scores the exact bytes of a message.
    ///
    /// # Errors
    /// [`Unknown`] when there is no verdict. It says nothing about the message: never ham, never spam.
    fn score<'a>(&'a self, mail: &'a Spool, wish: Wish) -> BoxFuture<'a, Result<Scored, Unknown>>;

    /// Teaches the scorer that a message is ham or spam. The lesson may be lost until [`Scorer::settle`] has returned.
    ///
    /// # Errors
    /// [`Unknown`] when it is not certain that the lesson was taken in. Teaching it again does no harm.
    fn teach<'a>(&'a self, mail: &'a Spool, lesson: Class) -> BoxFuture<'a, Result<Taught, Unknown>>;

    /// Sees to it that what was taught so far outlasts this process. Called at the end of a pass, and every some hundred
    /// lessons; only then is a message noted as learned.
    ///
    /// # Errors
    /// [`Unknown`] when that is not certain. What was taught since the last call counts as not learned; teaching it again does no
    /// harm.
    fn settle(&self) -> BoxFuture<'_, Result<(), Unknown>> {
        Box::pin(async { Ok(()) })
    }

    /// Scores a small harmless message of our own. Tells an outage from a message that the scorer cannot bear.
    ///
    /// # Errors
    /// [`Unknown`] when not even that works.
    fn probe(&self) -> BoxFuture<'_, Result<(), Unknown>>;

    /// What its user should know about the verdicts so far, a sentence each; asked for at the end of a run.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How much is wanted of a scorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The verdict with its rules.
    Verdict,
    /// Besides, where the scorer calls the message spam, the message rewritten with the scorer's report.
    Report,
}

/// A scorer's answer.
#[derive(Debug, Clone)]
pub struct Scored {
    /// The verdict.
    pub verdict: Verdict,
    /// The message with the scorer's report: only for [`Wish::Report`], and only for spam.
    pub rewritten: Option<Spool>,
    /// What the native scorer's classifier added to the verdict, where it had something to say.
    pub learned: Option<Learned>,
}

impl From<Verdict> for Scored {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            rewritten: None,
            learned: None,
        }
    }
}

/// The classifier's part in a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Probability that the message is spam, from what the user taught.
    pub probability: f64,
    /// What that counts for in the verdict's score.
    pub points: Score,
    /// Why: only where it was asked for ([`NativeSettings::explain`](crate::NativeSettings::explain)).
    pub explanation: Option<Box<Explanation>>,
}

/// What became of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taught {
    /// Learned.
    Learned,
    /// The scorer had learned this message, as this class, before.
    AlreadyKnown,
    /// The scorer learns no message of this size.
    TooLarge,
}
