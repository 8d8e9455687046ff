//! One pass over a mailbox's folders: plan, fetch, score, decide, carry out, recover, learn, undo. Does not know
//! terminals, config files or where the account's secrets come from.

mod carry_out;
mod content;
mod correct;
mod decide;
mod error;
mod event;
mod fetch;
mod find;
mod folders;
mod judge;
mod learn;
mod pass;
mod plan;
mod policy;
mod report;
mod retry;
mod scan;
mod undo;

pub use carry_out::recover;
pub use correct::{Corrections, correct};
pub use decide::{Decision, Spared, decide};
pub use error::{Error, Result};
pub use event::{Event, Observer, Phase, Silent};
pub use folders::{Folders, SpamFolder, create_folder};
pub use learn::{LearnJob, Which, learn};
pub use pass::{Mode, Pass};
pub use plan::Imported;
pub use policy::{BlastLimit, Bounds, Form, Original, Policy, Treatment};
pub use report::{CorrectionCounts, LearnCounts, ScanCounts};
pub use scan::{ScanJob, scan};
pub use undo::{UndoCounts, undo};
