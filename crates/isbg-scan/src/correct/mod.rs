//! Learning from what the user moves: out of the folders where we put spam, and into them. Only what the user did himself
//! teaches; where we put a message says nothing, and neither does a message that stays where it is. Moves nothing.

mod folders;
mod lessons;
mod notice;

use std::sync::Arc;

use isbg_engine::Scorer;
use isbg_types::FolderName;

use crate::error::Result;
use crate::pass::Pass;
use crate::report::CorrectionCounts;

/// Where the account's mail goes, as far as corrections are concerned.
#[derive(Debug, Clone)]
pub struct Corrections {
    /// The folder that is scanned.
    pub inbox: FolderName,
    /// The folders that spam is put into. What the user puts there is spam.
    pub spam: Vec<FolderName>,
    /// The folder that unsure mail is put into.
    pub unsure: Option<FolderName>,
    /// Folders that are learned from by themselves: moving a message there is no correction.
    pub learned_from: Vec<FolderName>,
    /// So many seconds a message must have been seen where the user put it, before it is learned.
    pub grace: i64,
}

impl Corrections {
    /// The folders that we put messages into.
    fn watched(&self) -> Vec<&FolderName> {
        let mut all: Vec<&FolderName> = self.spam.iter().chain(&self.unsure).collect();
        all.retain(|folder| **folder != self.inbox);
        all.sort();
        all.dedup();
        all
    }
}

/// Finds what the user has moved since the last pass, and teaches `scorer` what has stayed there for the grace period. A
/// message that we moved where spam goes, and that the user moved anywhere but into the trash, is ham; one that we had
/// seen elsewhere, and that the user moved where spam goes, is spam. Where nothing has changed this costs one round trip
/// for each folder that we put messages into.
///
/// A scorer that cannot be taught ends nothing: what is to be learned is kept for the next pass.
///
/// # Errors
/// Those of the server and the state file.
pub async fn correct(
    pass: &mut Pass<'_>,
    scorer: &Arc<dyn Scorer>,
    job: &Corrections,
    counts: &mut CorrectionCounts,
) -> Result<()> {
    notice::notice(pass, job).await?;
    lessons::teach(pass, scorer, job, counts).await
}
