//! A handful of messages that the same is done to. Plain data; does not know how it is done.

use isbg_imap::Facts;
use isbg_spool::Spool;
use isbg_store::{Form, Intent, IntentId, Original, Target};
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
    pub uid: Uid,
    /// The copy's identity: the original's, unless it is rewritten.
    pub copy: Fingerprint,
    /// The original's size, as it was read.
    pub size: u64,
    /// The flags when it was judged.
    pub flags: Flags,
    pub internal_date: String,
    /// The flags that an appended copy gets.
    pub copy_flags: Flags,
    /// The rewritten message, while it is still to be sent.
    pub rewritten: Option<Spool>,
    /// The copy's UID in the target: the server's word until it was looked at.
    pub target_uid: Option<Uid>,
    pub ending: Option<Ending>,
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
}

impl Batch {
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
        rest(&facts.flags) == rest(&self.flags)
    }
}

impl From<&Intent> for Row {
    fn from(intent: &Intent) -> Self {
        Self {
            intent: intent.id,
            uid: intent.from.uid,
            copy: intent.plan.copy_fingerprint.unwrap_or(intent.plan.fingerprint),
            size: intent.plan.size,
            flags: intent.plan.flags.clone(),
            internal_date: intent.plan.internal_date.clone(),
            copy_flags: intent.plan.flags.clone(),
            rewritten: None,
            target_uid: intent.target_uid,
            ending: None,
        }
    }
}
