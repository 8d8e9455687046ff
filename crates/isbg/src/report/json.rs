//! The records of `--json`. Their keys are a contract, listed in `docs/json.md`. Does not know when they are written.

use isbg_scan::ScanCounts;
use isbg_types::{Class, RuleHit, Score};
use serde::Serialize;

use super::Tally;

/// One line of `--json`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Record<'a> {
    /// A message was judged and treated.
    Message(Message<'a>),
    /// A message was not scanned because of its size.
    TooLarge {
        account: &'a str,
        folder: &'a str,
        uid: u32,
        from: &'a str,
        subject: &'a str,
        size: u64,
    },
    /// There is no verdict about a message, or it was not learned.
    Unknown {
        account: &'a str,
        folder: &'a str,
        uid: u32,
        why: &'a str,
    },
    /// A message was learned.
    Learned {
        account: &'a str,
        folder: &'a str,
        uid: u32,
        new: bool,
    },
    /// A message that the user had moved was learned.
    Corrected {
        account: &'a str,
        folder: &'a str,
        uid: u32,
        class: Class,
        /// `learned`, `known_already`, `too_large`; `would_learn` where the run changes nothing.
        action: &'static str,
    },
    /// A learned message was treated, or was not.
    Treated {
        account: &'a str,
        folder: &'a str,
        uid: u32,
        action: &'static str,
        to: Option<&'a str>,
        why: Option<&'a str>,
    },
    /// Something the user should know.
    Warning { account: &'a str, text: &'a str },
    /// A folder of `--imaplist`.
    Folder {
        account: &'a str,
        name: &'a str,
        special_use: Option<&'static str>,
        selectable: bool,
        messages: Option<u32>,
        unseen: Option<u32>,
    },
    /// The end of an account's run.
    Summary {
        account: &'a str,
        status: u8,
        #[serde(flatten)]
        counts: Counts,
    },
    /// The run over an account, or the whole run, failed.
    Error {
        account: Option<&'a str>,
        status: u8,
        text: &'a str,
    },
}

/// A message that was judged.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    pub account: &'a str,
    pub folder: &'a str,
    pub uid: u32,
    pub from: &'a str,
    pub subject: &'a str,
    pub date: &'a str,
    pub message_id: &'a str,
    pub verdict: &'static str,
    pub score: Score,
    pub required: Score,
    pub rules: &'a [RuleHit],
    /// `left`, `moved`, `copied`, `flagged`, `deleted`; `held_back` and `failed` where that was only meant to be.
    pub action: &'static str,
    pub to: Option<&'a str>,
    pub why: Option<&'a str>,
}

/// The counts of a run.
#[derive(Debug, Serialize)]
pub struct Counts {
    #[serde(flatten)]
    pub scan: ScanCounts,
    pub learned_spam: u64,
    pub to_learn_spam: u64,
    pub learned_ham: u64,
    pub to_learn_ham: u64,
    pub corrected_spam: u64,
    pub corrected_ham: u64,
    pub corrections_waiting: u64,
}

impl From<&Tally> for Counts {
    fn from(tally: &Tally) -> Self {
        let spam = tally.learned_spam.unwrap_or_default();
        let ham = tally.learned_ham.unwrap_or_default();
        let corrected = tally.corrected.unwrap_or_default();
        Self {
            scan: tally.scan.unwrap_or_default(),
            learned_spam: spam.learned,
            to_learn_spam: spam.to_learn,
            learned_ham: ham.learned,
            to_learn_ham: ham.to_learn,
            corrected_spam: corrected.spam,
            corrected_ham: corrected.ham,
            corrections_waiting: corrected.waiting,
        }
    }
}
