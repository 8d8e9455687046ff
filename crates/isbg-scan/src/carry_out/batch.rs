//! A handful of messages that the same is done to. Plain data; does not know how it is done.

use isbg_imap::Facts;
use isbg_spool::Spool;
use isbg_store::{Form, Intent, IntentId, NewIntent, Original, State, Target};
use isbg_types::{Fingerprint, Flag, Flags, FolderName, Uid, UidValidity};

/// More messages than this are not changed by one command, so that looking after a cut stays cheap.
pub(crate) const LIMIT: usize = 100;

/// Messages of one folder that the same is done to. Each has its row in the journal.
#[derive(Debug)]
pub(crate) struct Batch {
    pub source: FolderName,
    pub validity: UidValidity,
    pub target: Option<Target>,
    pub form: Form,
    pub original: Original,
    pub add_flags: Flags,
    pub remove_flags: Flags,
    pub rows: Vec<Row>,
}

/// One message of a batch.
#[derive(Debug)]
pub(crate) struct Row {
    pub intent: IntentId,
    pub plan: NewIntent,
    /// The flags that an appended copy gets.
    pub copy_flags: Flags,
    /// The rewritten message, while it is still to be sent.
    pub rewritten: Option<Spool>,
    pub answer: Answer,
    /// The copy's UID in the target: the server's word until it was looked at.
    pub target_uid: Option<Uid>,
    /// The copy is not what was sent: the server has changed it.
    pub altered: bool,
    /// It came after another change, which the message would be left in the middle of without it.
    pub follows: bool,
    /// What comes after this, already in the journal.
    pub next: Vec<Next>,
    pub ending: Option<Ending>,
}

/// What the server said to the command that was to make the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing was sent, or it was refused.
    None,
    /// That it is done.
    Done,
    /// It is not known what it said.
    Unknown,
}

/// A change that comes after another one, and where its message lies.
#[derive(Debug)]
pub(crate) struct Next {
    pub folder: FolderName,
    pub validity: UidValidity,
    /// Its ending is the message's. Otherwise the message has ended without it.
    pub decides: bool,
    pub row: Row,
}

/// How it ended for one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was done; this became of the original.
    Done {
        original: Original,
        note: Option<String>,
    },
    /// The user, or another client, was faster; nothing was done.
    Yielded(String),
    /// It was not done; the original is where it was.
    Failed(String),
    /// The run is to end, and its turn had not come.
    NotBegun,
}

impl Batch {
    /// A batch without rows, for messages of this folder that are to be treated according to this plan.
    pub fn of(source: &FolderName, validity: UidValidity, plan: &NewIntent) -> Self {
        Self {
            source: source.clone(),
            validity,
            target: plan.target.clone(),
            form: plan.form,
            original: plan.original,
            add_flags: plan.add_flags.clone(),
            remove_flags: plan.remove_flags.clone(),
            rows: Vec::new(),
        }
    }

    /// Whether the same is to be done to this batch's messages, and they lie in the same folder.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.source == other.source
            && self.validity == other.validity
            && self.target == other.target
            && self.form == other.form
            && self.original == other.original
            && self.add_flags == other.add_flags
            && self.remove_flags == other.remove_flags
    }

    /// The rows that have not ended, by UID.
    pub fn open(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.ending.is_none())
    }

    pub fn open_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.rows.iter_mut().filter(|row| row.ending.is_none())
    }

    /// The flags to set on the originals, `\Deleted` included where they are to go.
    pub fn marks(&self) -> Flags {
        let deleted = (self.original != Original::Keep).then(|| Flag::new(Flag::DELETED));
        self.add_flags.iter().cloned().chain(deleted).collect()
    }
}

impl Row {
    /// A message of which nothing but the plan is written down.
    pub fn new(intent: IntentId, plan: NewIntent) -> Self {
        Self {
            intent,
            copy_flags: plan.flags.clone(),
            plan,
            rewritten: None,
            answer: Answer::None,
            target_uid: None,
            altered: false,
            follows: false,
            next: Vec::new(),
            ending: None,
        }
    }

    /// The original's UID.
    pub fn uid(&self) -> Uid {
        self.plan.uid
    }

    /// The copy's identity: the original's, unless it is rewritten.
    pub fn copy(&self) -> Fingerprint {
        self.plan.copy_fingerprint.unwrap_or(self.plan.fingerprint)
    }

    /// The copy's size in bytes, where it is known.
    pub fn copy_size(&self) -> Option<u64> {
        match self.plan.copy_fingerprint {
            Some(_) => self.plan.copy_size,
            None => Some(self.plan.size),
        }
    }

    /// Whether the message still has the flags it was judged with, but for those that this batch sets or takes off
    /// itself (it may have been cut off after doing so).
    pub fn untouched(&self, facts: &Facts, marks: &Flags, unmarks: &Flags) -> bool {
        let rest = |flags: &Flags| -> Flags {
            flags
                .without_recent()
                .iter()
                .filter(|flag| !marks.has(flag.as_str()) && !unmarks.has(flag.as_str()))
                .cloned()
                .collect()
        };
        rest(&facts.flags) == rest(&self.plan.flags)
    }
}

impl From<&Intent> for Row {
    fn from(intent: &Intent) -> Self {
        let answer = match intent.state {
            State::Planned => Answer::None,
            State::Sent | State::Copied | State::Marked => Answer::Unknown,
        };
        Self {
            answer,
            target_uid: intent.target_uid,
            follows: intent.follows,
            ..Self::new(intent.id, intent.plan.clone())
        }
    }
}
