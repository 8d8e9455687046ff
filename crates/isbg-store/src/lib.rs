//! What isbg remembers, in one SQLite file: seen messages, the journal of changes, the history, lessons, locks; and what
//! it takes over from older isbg versions. Does not know IMAP, nor how a message is judged.
//!
//! Calls block; a [`Store`] can be sent to another thread. Several processes may have the same file open: each call is
//! one transaction, durable when it returns. Whoever changes a mailbox holds the account's lock ([`Store::lock`]).
//!
//! One message's way through here:
//!
//! 1. [`Store::open_folder`] and [`Store::mark`] tell whether anything can have changed; [`Store::open_intents`] what an
//!    earlier run left unsettled; [`Store::unseen`] and [`Store::attempts`] what there is to do.
//! 2. [`Store::begin_attempts`] before a message is parsed, [`Store::end_without_verdict`] if judging it failed.
//! 3. [`Store::plan`] before a change is sent, [`Store::advance`] at each step, [`Store::settle`] at its end.
//! 4. [`Store::commit_seen`] when the message is dealt with, [`Store::set_mark`] when the folder is.

mod accounts;
mod attempts;
mod check;
mod corrections;
mod correspondents;
mod error;
mod folders;
#[cfg(test)]
mod full_disk_tests;
mod history;
pub mod import;
mod intents;
mod journal;
mod learned;
mod lock;
mod models;
mod open;
mod password_file;
mod private;
mod rehearsal;
mod seen;
mod settle;
mod words;

pub use accounts::{Counters, Run};
pub use attempts::{Attempt, NoVerdict};
pub use corrections::{Correction, Followed, Look, Placed};
pub use error::{Error, Result};
pub use folders::{Mark, Opened, Standing};
pub use history::{Destination, Entry, Filter, NotUndoable};
pub use journal::{Intent, NewIntent, Settlement, State, Step, Target};
pub use lock::{AccountLock, LockFile};
pub use models::{LockedModel, ModelFile, is_model_name};
pub use open::{FILE, Store};
pub use password_file::{Password, StoredPassword, load_password, save_password};
pub use seen::Seen;
pub use words::{AccountId, Action, EntryId, FolderId, Form, IntentId, Original, Purpose, RunId, Timestamp};
