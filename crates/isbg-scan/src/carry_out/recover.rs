//! Settles what an earlier run left open in the journal, by looking. Never repeats a command whose fate is unknown.

use isbg_imap::Refusal;
use isbg_store::{Intent, IntentId, Settlement, State};

use super::batch::{Batch, LIMIT, Row};
use super::finish::finish;
use super::tell;
use crate::error::Result;
use crate::pass::{Mode, Pass};

/// Refusals that say for certain that a folder will not be opened again (RFC 5530).
const BARRED: [&str; 2] = ["NONEXISTENT", "NOPERM"];

/// So long a folder that is refused for other reasons, or for none, is asked for again, in seconds.
const PATIENCE: i64 = 86_400;

/// What recovery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Intents that had not begun: their messages are judged anew.
    pub dropped: u64,
    /// Intents that were looked into and settled.
    pub settled: u64,
}

/// Settles the account's open intents. To be called, under the account's lock, before anything else is done. A dry run
/// has no lock, so that what is open may be another run's work of this moment; it leaves everything as it is.
///
/// # Errors
/// When the server or the state file fails, or a folder is refused that may be opened later; what is not settled then
/// stays open.
pub async fn recover(pass: &mut Pass<'_>) -> Result<Recovered> {
    if pass.mode == Mode::DryRun {
        return Ok(Recovered::default());
    }
    let open = pass.store.open_intents(pass.account)?;
    let (planned, begun): (Vec<Intent>, Vec<Intent>) = open
        .into_iter()
        .partition(|intent| intent.state == State::Planned);
    let void: Vec<(IntentId, Settlement)> = planned
        .iter()
        .map(|intent| {
            (
                intent.id,
                Settlement::Void {
                    reason: "the run ended before it was begun".to_owned(),
                },
            )
        })
        .collect();
    let now = pass.now();
    pass.store.settle(&void, now)?;
    let recovered = Recovered {
        dropped: planned.len() as u64,
        settled: begun.len() as u64,
    };
    for group in groups(begun) {
        let Some(first) = group.first() else { continue };
        let (state, mut batch) = (first.state, batch(first, &group));
        match finish(pass, &mut batch, state).await {
            // The folder itself is gone or barred: nothing more can be found out.
            Err(crate::Error::Imap(isbg_imap::Error::Refused(refusal)))
                if is_final(pass, first, &refusal) =>
            {
                let reason = format!("after a cut it could not be looked into: {refusal}");
                let failed: Vec<(IntentId, Settlement)> = group
                    .iter()
                    .map(|intent| {
                        (
                            intent.id,
                            Settlement::Failed {
                                reason: reason.clone(),
                            },
                        )
                    })
                    .collect();
                let now = pass.now();
                pass.store.settle(&failed, now)?;
                pass.warn(&reason);
            }
            other => other?,
        }
        let to = batch.target.as_ref().map(|target| &target.folder);
        let endings = batch
            .rows
            .iter()
            .filter_map(|row| Some((row.uid, row.ending.as_ref()?)));
        tell(pass, &batch.source, to, endings);
    }
    Ok(recovered)
}

/// Whether waiting for a folder to be opened again is of no use: a copy that was not found because its folder was busy
/// would be made once more.
fn is_final(pass: &Pass<'_>, intent: &Intent, refusal: &Refusal) -> bool {
    BARRED.iter().any(|code| refusal.has(code)) || intent.changed.plus(PATIENCE) < pass.now()
}

/// Intents that can be looked into together: the same is to be done to them, and they have come equally far.
fn groups(intents: Vec<Intent>) -> Vec<Vec<Intent>> {
    let mut groups: Vec<Vec<Intent>> = Vec::new();
    for intent in intents {
        let alike = |group: &&mut Vec<Intent>| {
            group.len() < LIMIT
                && group.first().is_some_and(|first| {
                    first.state == intent.state
                        && first.plan.folder == intent.plan.folder
                        && first.plan.target == intent.plan.target
                        && first.plan.form == intent.plan.form
                        && first.plan.original == intent.plan.original
                        && first.plan.add_flags == intent.plan.add_flags
                        && first.plan.remove_flags == intent.plan.remove_flags
                })
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(intent),
            None => groups.push(vec![intent]),
        }
    }
    groups
}

fn batch(first: &Intent, group: &[Intent]) -> Batch {
    Batch {
        source: first.from.folder.clone(),
        validity: first.from.validity,
        target: first.plan.target.clone(),
        form: first.plan.form,
        original: first.plan.original,
        add_flags: first.plan.add_flags.clone(),
        remove_flags: first.plan.remove_flags.clone(),
        rows: group.iter().map(Row::from).collect(),
    }
}
