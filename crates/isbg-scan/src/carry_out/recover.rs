//! Settles what an earlier run left open in the journal, by looking. Never repeats a command whose fate is unknown.

use isbg_imap::Refusal;
use isbg_store::{Intent, IntentId, Settlement, State, Timestamp};

use super::batch::{Batch, LIMIT};
use super::finish::finish;
use super::follow::follow;
use super::{carry, tell};
use crate::error::Result;
use crate::event::Event;
use crate::pass::{Mode, Pass};

/// Refusals that say for certain that a folder will not be opened again (RFC 5530).
const BARRED: [&str; 2] = ["NONEXISTENT", "NOPERM"];

/// So long a folder that is refused for other reasons, or for none, is asked for again, in seconds.
const PATIENCE: i64 = 86_400;

/// Settles the account's open intents, and tells the observer what it found. To be called, under the account's lock,
/// before anything else is done. A dry run has no lock, so that what is open may be another run's work of this moment; it
/// leaves everything as it is.
///
/// # Errors
/// When the server or the state file fails, or a folder is refused that may be opened later; what is not settled then
/// stays open.
pub async fn recover(pass: &mut Pass<'_>) -> Result<()> {
    if pass.mode == Mode::DryRun {
        return Ok(());
    }
    let open = pass.store.open_intents(pass.account)?;
    let (dropped, begun): (Vec<Intent>, Vec<Intent>) = open
        .into_iter()
        .partition(|intent| intent.state == State::Planned && !intent.follows);
    let void: Vec<(IntentId, Settlement)> = dropped
        .iter()
        .map(|intent| {
            let reason = "the run ended before it was begun".to_owned();
            (intent.id, Settlement::Void { reason })
        })
        .collect();
    let now = pass.now();
    pass.store.settle(&void, now)?;
    if !dropped.is_empty() || !begun.is_empty() {
        pass.observer.event(Event::Recovered {
            dropped: dropped.len() as u64,
            settled: begun.len() as u64,
        });
    }
    for (state, mut batch, newest) in groups(&begun) {
        match complete(pass, &mut batch, state).await {
            // The folder itself is gone or barred: nothing more can be found out.
            Err(crate::Error::Imap(isbg_imap::Error::Refused(refusal)))
                if is_final(pass, newest, &refusal) =>
            {
                give_up(pass, &batch, &refusal)?;
            }
            other => other?,
        }
    }
    Ok(())
}

/// Brings a group to its end, from where it was cut off.
async fn complete(pass: &mut Pass<'_>, batch: &mut Batch, state: State) -> Result<()> {
    match state {
        State::Planned => carry(pass, batch).await?,
        State::Sent | State::Copied | State::Marked => finish(pass, batch, state).await?,
    }
    tell(pass, batch);
    follow(pass, batch).await
}

/// Settles what cannot be looked into.
fn give_up(pass: &mut Pass<'_>, batch: &Batch, refusal: &Refusal) -> Result<()> {
    let reason = format!("after a cut it could not be looked into: {refusal}");
    let failed: Vec<(IntentId, Settlement)> = batch
        .open()
        .map(|row| {
            let reason = reason.clone();
            (row.intent, Settlement::Failed { reason })
        })
        .collect();
    let now = pass.now();
    pass.store.settle(&failed, now)?;
    pass.warn(&reason);
    Ok(())
}

/// Whether waiting for a folder to be opened again is of no use: a copy that was not found because its folder was busy
/// would be made once more.
fn is_final(pass: &Pass<'_>, newest: Timestamp, refusal: &Refusal) -> bool {
    BARRED.iter().any(|code| refusal.has(code)) || newest.plus(PATIENCE) < pass.now()
}

/// Intents that can be looked into together: the same is to be done to them, and they have come equally far. With each
/// group the time of its latest step.
fn groups(intents: &[Intent]) -> Vec<(State, Batch, Timestamp)> {
    let mut groups: Vec<(State, Batch, Timestamp)> = Vec::new();
    for intent in intents {
        let own = Batch::of(&intent.from.folder, intent.from.validity, &intent.plan);
        let alike = |(state, batch, _): &&mut (State, Batch, Timestamp)| {
            *state == intent.state && batch.rows.len() < LIMIT && batch.is_alike(&own)
        };
        match groups.iter_mut().find(alike) {
            Some((_, batch, newest)) => {
                batch.rows.push(intent.into());
                *newest = intent.changed.max(*newest);
            }
            None => {
                let rows = vec![intent.into()];
                groups.push((intent.state, Batch { rows, ..own }, intent.changed));
            }
        }
    }
    groups
}
