//! What a pass did, as counts. Does not print anything.

use serde::Serialize;

/// Counts of one scan of one folder. The names of the fields are keys of `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ScanCounts {
    /// New messages that got a verdict.
    pub judged: u64,
    /// Of these: ham.
    pub ham: u64,
    /// Of these: unsure.
    pub unsure: u64,
    /// Of these: spam, certain spam included.
    pub spam: u64,
    /// Of the spam: strictly above the "delete higher than" score.
    pub certain: u64,
    /// New messages without a verdict: they are tried again later.
    pub unknown: u64,
    /// New messages not judged because they are too large.
    pub too_large: u64,
    /// New messages left for a later run by the partial-run limit.
    pub left_for_later: u64,
    /// Messages left alone by flag or because the user had put them back.
    pub spared: u64,
    /// Messages moved to another folder.
    pub moved: u64,
    /// Messages of which a copy was put into another folder while the original stays.
    pub copied: u64,
    /// Originals flagged, but not deleted.
    pub flagged: u64,
    /// Originals deleted without a copy (`--deletehigherthan`): flagged `\Deleted`, expunged or put into the trash.
    pub deleted: u64,
    /// Decided, and dropped because the user or another client was faster.
    pub yielded: u64,
    /// Decided but not possible; the message is where it was.
    pub not_done: u64,
    /// Decided, and held back because a first run only reports, the mode is observe, or the blast limit was reached.
    pub held_back: u64,
}

/// Counts of learning from one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LearnCounts {
    /// Messages to be learned in this pass.
    pub to_learn: u64,
    /// Messages that were new to the scorer.
    pub learned: u64,
    /// Messages the scorer knew already.
    pub already_known: u64,
    /// Messages too large for the scorer: never learned.
    pub too_large: u64,
    /// Messages not learned this time; tried again later.
    pub unknown: u64,
    /// Messages moved on, flagged or deleted afterwards.
    pub treated: u64,
    /// Decided, and dropped because the user or another client was faster.
    pub yielded: u64,
    /// Decided but not possible; the message is where it was.
    pub not_done: u64,
}

/// Counts of learning from what the user has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CorrectionCounts {
    /// Messages learned as ham, or that would be, in a run that changes nothing.
    pub ham: u64,
    /// The same as spam.
    pub spam: u64,
    /// Messages that the scorer had learned so already.
    pub already_known: u64,
    /// Messages too large for the scorer: never learned.
    pub too_large: u64,
    /// Messages that were moved too recently to be learned.
    pub waiting: u64,
    /// Messages not learned this time; tried again later.
    pub unknown: u64,
}

impl ScanCounts {
    /// Whether most of what was judged was called spam: enough of it to be worth a warning.
    pub fn mostly_spam(&self) -> bool {
        self.judged >= 20 && self.spam * 10 > self.judged * 8
    }
}
