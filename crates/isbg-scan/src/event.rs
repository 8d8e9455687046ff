//! What a pass tells its observer while it runs. Does not know terminals, logs or JSON.

use isbg_engine::Taught;
use isbg_message::Summary;
use isbg_types::{Class, FolderName, Uid, Verdict};

use crate::decide::Decision;

/// Which part of a run an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Learning from a folder of spam.
    LearnSpam,
    /// Learning from a folder of ham.
    LearnHam,
    /// Judging new mail.
    Scan,
}

/// One thing that happened. All text in it comes from messages and servers: print it by `Untrusted`.
#[derive(Debug)]
pub enum Event<'a> {
    /// A folder was opened: this many messages are to be handled.
    Planned {
        /// The part of the run.
        phase: Phase,
        /// The folder.
        folder: &'a FolderName,
        /// Messages to be handled in this pass.
        messages: u64,
    },
    /// The scorer, or the learner, is through with one more message. What came of it is told later.
    Answered,
    /// A message is not judged because it is not smaller than the limit.
    TooLarge {
        /// The folder.
        folder: &'a FolderName,
        /// Its UID.
        uid: Uid,
        /// Its size in bytes.
        size: u64,
        /// What people know it by.
        summary: &'a Summary,
    },
    /// A message was judged, and this is to be done with it.
    Judged {
        /// The folder.
        folder: &'a FolderName,
        /// Its UID.
        uid: Uid,
        /// What people know it by.
        summary: &'a Summary,
        /// The scorer's answer.
        verdict: &'a Verdict,
        /// What follows from it.
        decision: &'a Decision,
    },
    /// A message could not be judged or learned; it stays where it is and is tried again later.
    Unknown {
        /// The folder.
        folder: &'a FolderName,
        /// Its UID.
        uid: Uid,
        /// Why.
        detail: &'a str,
    },
    /// A message was taught to the scorer (or was known to it).
    Learned {
        /// The folder.
        folder: &'a FolderName,
        /// Its UID.
        uid: Uid,
        /// Whether it was new to the scorer.
        new: bool,
    },
    /// A message that the user has moved was taught to the scorer.
    Corrected {
        /// The folder that the user put it into.
        folder: &'a FolderName,
        /// Its UID there.
        uid: Uid,
        /// What it is, by that.
        class: Class,
        /// What the scorer said; `None` where it was not taught, because the run changes nothing.
        taught: Option<Taught>,
    },
    /// What had been decided about a message was done.
    Done {
        /// The folder the message was in.
        folder: &'a FolderName,
        /// Its UID there.
        uid: Uid,
        /// What was done, in one word: `moved`, `copied`, `flagged`, `deleted`.
        what: &'static str,
        /// The folder it was put into.
        to: Option<&'a FolderName>,
        /// What did not go as planned, and what to do.
        note: Option<&'a str>,
    },
    /// What had been decided about a message was dropped, because the user or another client was faster. The message is
    /// where they put it.
    Yielded {
        /// The folder the message was in.
        folder: &'a FolderName,
        /// Its UID there.
        uid: Uid,
        /// What they did.
        why: &'a str,
    },
    /// What had been decided about a message could not be done, and why. The message is where it was.
    NotDone {
        /// The folder the message is in.
        folder: &'a FolderName,
        /// Its UID there.
        uid: Uid,
        /// Why, and what to do.
        why: &'a str,
    },
    /// An earlier run had been cut off.
    Recovered {
        /// Changes that had not been begun: their messages are judged anew.
        dropped: u64,
        /// Changes that had been begun: each is looked into and brought to its end now.
        settled: u64,
    },
    /// Something the user should know.
    Warning(&'a str),
}

/// Whoever wants to know. Called from the pass itself: return at once.
pub trait Observer: Send + Sync {
    /// Takes note.
    fn event(&self, event: Event<'_>);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event<'_>) {}
}
