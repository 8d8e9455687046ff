//! What the user wants done with each tier. Plain data: does not know how anything is carried out.

use isbg_types::{Flag, FolderName, Thresholds, Tier};

/// How a copy of a message looks in its new folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The untouched original, by MOVE or COPY.
    AsIs,
    /// The scorer's rewritten message, with its report, by APPEND.
    WithReport,
}

/// What becomes of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Original {
    /// It stays where it is.
    Keep,
    /// It stays, flagged `\Deleted`.
    MarkDeleted,
    /// It is removed: by MOVE, or flagged `\Deleted` and expunged by its own UID once the copy is verified.
    Remove,
    /// It goes to this trash folder (servers on which `\Deleted` does not mean what it says, such as Gmail).
    ToTrash(FolderName),
}

/// What is done with a message of one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    /// Where a copy goes, and in which form.
    pub copy: Option<(FolderName, Form)>,
    /// Flags put on the original, where it stays.
    pub flags: Vec<Flag>,
    /// What becomes of the original.
    pub original: Original,
}

impl Treatment {
    /// Nothing is done.
    pub fn leave() -> Self {
        Self {
            copy: None,
            flags: Vec::new(),
            original: Original::Keep,
        }
    }

    /// The untouched original goes to this folder.
    pub fn move_to(folder: FolderName) -> Self {
        Self {
            copy: Some((folder, Form::AsIs)),
            flags: Vec::new(),
            original: Original::Remove,
        }
    }

    /// The same for a message that lies in this folder: it is not put where it is already.
    pub(crate) fn within(self, folder: &FolderName) -> Self {
        let there = self.copy.as_ref().is_some_and(|(target, _)| target == folder);
        if there { Self::leave() } else { self }
    }

    /// Whether nothing is done.
    pub fn is_leave(&self) -> bool {
        *self == Self::leave()
    }
}

/// When a round that calls too much mail spam is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlastLimit {
    /// Never. A classic run acts as isbg always did, and only warns.
    Off,
    /// When more than this many messages of one round would be moved, flagged or deleted.
    Messages(u64),
}

/// The user's wishes for one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The user's own limits on top of the scorer's verdict.
    pub thresholds: Thresholds,
    /// For ham.
    pub ham: Treatment,
    /// For messages within the unsure band.
    pub unsure: Treatment,
    /// For spam.
    pub spam: Treatment,
    /// For spam strictly above the "delete higher than" score.
    pub certain: Treatment,
    /// A message with one of these flags is judged and left where it is.
    pub spare: Vec<Flag>,
    /// The brake on a round gone wrong.
    pub blast_limit: BlastLimit,
    /// Whether the first run over a folder only reports.
    pub first_run_reports: bool,
}

impl Policy {
    /// The treatment of a tier.
    pub fn treatment(&self, tier: Tier) -> &Treatment {
        match tier {
            Tier::Ham => &self.ham,
            Tier::Unsure => &self.unsure,
            Tier::Spam => &self.spam,
            Tier::Certain => &self.certain,
        }
    }

    /// The folders that messages may be put into.
    pub fn targets(&self) -> Vec<&FolderName> {
        let mut folders: Vec<&FolderName> = [&self.ham, &self.unsure, &self.spam, &self.certain]
            .into_iter()
            .flat_map(|treatment| {
                let trash = match &treatment.original {
                    Original::ToTrash(folder) => Some(folder),
                    _ => None,
                };
                treatment
                    .copy
                    .as_ref()
                    .map(|(folder, _)| folder)
                    .into_iter()
                    .chain(trash)
            })
            .collect();
        folders.sort();
        folders.dedup();
        folders
    }
}

/// The bounds of one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Only messages smaller than this many bytes are judged; larger ones are counted and named.
    pub max_size: u64,
    /// At most this many messages, the newest first; `None` for all.
    pub at_most: Option<u64>,
    /// How many messages are with the scorer at once.
    pub jobs: usize,
}
