//! From a copy that may exist to the end: confirm the copy, mark the original, remove it, settle. Used after sending and
//! by recovery alike. Never sends a copy itself.

use std::time::SystemTime;

use isbg_imap::Facts;
use isbg_imap::transfer::{self, Change, Outcome};
use isbg_store::{IntentId, Original, Settlement, State, Step, Target};
use isbg_types::{Uid, UidSet};

use super::batch::{Batch, Ending, Row};
use super::look::{Looked, Sightings, look};
use crate::error::Result;
use crate::pass::Pass;

/// Looks where the messages are and brings each to its end. `reached` tells how far the journal says they have come.
pub(crate) async fn finish(pass: &mut Pass<'_>, batch: &mut Batch, reached: State) -> Result<()> {
    match look(pass.client, batch).await? {
        Looked::Renumbered(why) => batch
            .open_mut()
            .for_each(|row| row.ending = Some(Ending::Yielded(why.to_owned()))),
        Looked::Seen(seen) => {
            confirm(batch, &seen, reached);
            if reached < State::Copied && batch.target.is_some() {
                advance(pass, batch, |row| Step::Copied(row.target_uid))?;
            }
            mark_and_remove(pass, batch, &seen, reached).await?;
        }
    }
    settle(pass, batch)
}

/// Takes the sightings into account: what has ended, and where the copies are.
fn confirm(batch: &mut Batch, seen: &Sightings, reached: State) {
    let (wants_copy, original) = (batch.target.is_some(), batch.original);
    for row in batch.open_mut() {
        let there = seen.source.contains_key(&row.uid);
        let copy = seen.copies.get(&row.uid).copied();
        row.ending = match (there, copy, seen.differing.get(&row.uid)) {
            (true, Some(_), _) => None,
            (true, None, Some(_)) => Some(done(
                Original::Keep,
                "the server changed the copy, so the original was left where it is",
            )),
            // The copy was confirmed before and is gone now: somebody moved it on. The original is not touched.
            (true, None, None) if wants_copy && reached >= State::Copied => {
                Some(done(Original::Keep, "the copy is no longer in the target folder"))
            }
            (true, None, None) if wants_copy => {
                Some(Ending::Failed("no copy arrived in the target folder".to_owned()))
            }
            (true, None, None) => None,
            (false, Some(_), _) | (false, _, Some(_)) => Some(Ending::Done {
                original: Original::Remove,
                note: None,
            }),
            (false, None, None) if !wants_copy && original == Original::Remove => Some(Ending::Done {
                original: Original::Remove,
                note: None,
            }),
            (false, None, None) => Some(Ending::Yielded("another client took the message away".to_owned())),
        };
        row.target_uid = copy.or_else(|| seen.differing.get(&row.uid).copied());
    }
}

/// The ending of a message that somebody changed before its original could be marked.
fn changed(row: &Row) -> Ending {
    match row.target_uid {
        Some(_) => done(
            Original::Keep,
            "the message was changed meanwhile, so the original was left",
        ),
        None => Ending::Yielded("the message was changed meanwhile".to_owned()),
    }
}

/// The ending of a message whose original the server would not change.
fn barred(row: &Row, why: &str) -> Ending {
    match row.target_uid {
        Some(_) => done(Original::Keep, why),
        None => Ending::Failed(why.to_owned()),
    }
}

fn done(original: Original, note: &str) -> Ending {
    Ending::Done {
        original,
        note: Some(note.to_owned()),
    }
}

/// Sets the flags on the originals that are still there, and removes them where that is wanted.
async fn mark_and_remove(
    pass: &mut Pass<'_>,
    batch: &mut Batch,
    seen: &Sightings,
    reached: State,
) -> Result<()> {
    let (marks, unmarks) = (batch.marks(), batch.remove_flags.clone());
    // A mark that was set and is gone was taken off by the user, who wants the message kept.
    let marked = |facts: &Facts| marks.iter().all(|flag| facts.flags.has(flag.as_str()));
    for row in batch.open_mut() {
        let as_we_left_it = |facts: &Facts| {
            row.untouched(facts, &marks, &unmarks) && (reached < State::Marked || marked(facts))
        };
        if !seen.source.get(&row.uid).is_some_and(as_we_left_it) {
            row.ending = Some(changed(row));
        }
    }
    if marks.is_empty() && unmarks.is_empty() {
        batch.open_mut().for_each(|row| {
            row.ending = Some(Ending::Done {
                original: Original::Keep,
                note: None,
            })
        });
        return Ok(());
    }
    let uids: UidSet = batch.open().map(|row| row.uid).collect();
    if uids.is_empty() {
        return Ok(());
    }
    let since = batch
        .open()
        .filter_map(|row| seen.source.get(&row.uid)?.modseq)
        .max();
    let can_expunge = pass.client.offers("UIDPLUS");
    let mut changing = match transfer::select(pass.client, &batch.source, batch.validity).await {
        Ok(changing) => changing,
        Err(error) => return leave(batch, error),
    };
    for (change, flags) in [(Change::Add, &marks), (Change::Remove, &unmarks)] {
        if flags.is_empty() {
            continue;
        }
        match changing
            .store(
                &uids,
                change,
                flags,
                since.filter(|_| change == Change::Add || marks.is_empty()),
            )
            .await
        {
            Outcome::Done(stored) => {
                for row in batch.open_mut().filter(|row| stored.modified.contains(row.uid)) {
                    row.ending = Some(changed(row));
                }
            }
            Outcome::Refused(refusal) => {
                let why = format!("{refusal}; the original was left as it is");
                batch
                    .open_mut()
                    .for_each(|row| row.ending = Some(barred(row, &why)));
                return Ok(());
            }
            Outcome::NotSent(error) | Outcome::Unknown(error) => return Err(error.into()),
        }
    }
    if reached < State::Marked {
        let steps: Vec<(IntentId, Step)> = batch.open().map(|row| (row.intent, Step::Marked)).collect();
        pass.store.advance(&steps, SystemTime::now().into())?;
    }
    if batch.original != Original::Remove {
        let original = batch.original;
        batch
            .open_mut()
            .for_each(|row| row.ending = Some(Ending::Done { original, note: None }));
        return Ok(());
    }
    if !can_expunge {
        let note = "the server has neither MOVE nor UIDPLUS, so the original stays, marked deleted";
        batch
            .open_mut()
            .for_each(|row| row.ending = Some(done(Original::MarkDeleted, note)));
        return Ok(());
    }
    expunge(&mut changing, batch).await
}

/// Removes the marked originals, by their UIDs, and looks whether they are gone.
async fn expunge(changing: &mut transfer::Changing<'_>, batch: &mut Batch) -> Result<()> {
    let uids: UidSet = batch.open().map(|row| row.uid).collect();
    if uids.is_empty() {
        return Ok(());
    }
    let refused = match changing.expunge(&uids).await {
        Outcome::Done(()) => "the server did not remove it; it stays, marked deleted".to_owned(),
        Outcome::Refused(refusal) => format!("{refusal}; it stays, marked deleted"),
        Outcome::NotSent(error) | Outcome::Unknown(error) => return Err(error.into()),
    };
    let left: Vec<Uid> = changing
        .look(&uids, false)
        .await?
        .into_iter()
        .map(|facts| facts.uid)
        .collect();
    batch.open_mut().for_each(|row| {
        row.ending = Some(if left.contains(&row.uid) {
            done(Original::MarkDeleted, &refused)
        } else {
            Ending::Done {
                original: Original::Remove,
                note: None,
            }
        });
    });
    Ok(())
}

/// The source cannot be changed: what was copied stays copied, nothing else is done.
fn leave(batch: &mut Batch, error: transfer::SelectError) -> Result<()> {
    let why = match error {
        transfer::SelectError::Failed(error) if !error.is_definite() => return Err(error.into()),
        other => format!("{other}; the original was left where it is"),
    };
    batch
        .open_mut()
        .for_each(|row| row.ending = Some(barred(row, &why)));
    Ok(())
}

/// Takes the open rows a step forward in the journal.
pub(crate) fn advance(pass: &mut Pass<'_>, batch: &Batch, step: impl Fn(&Row) -> Step) -> Result<()> {
    let steps: Vec<(IntentId, Step)> = batch.open().map(|row| (row.intent, step(row))).collect();
    let now = pass.now();
    Ok(pass.store.advance(&steps, now)?)
}

/// Writes the endings into the history.
pub(crate) fn settle(pass: &mut Pass<'_>, batch: &Batch) -> Result<()> {
    let settlements: Vec<(IntentId, Settlement)> = batch
        .rows
        .iter()
        .filter_map(|row| Some((row.intent, settlement(row.ending.as_ref()?, row.target_uid))))
        .collect();
    let now = pass.now();
    pass.store.settle(&settlements, now)?;
    Ok(())
}

fn settlement(ending: &Ending, to: Option<Uid>) -> Settlement {
    match ending {
        Ending::Done { original, note } => Settlement::Done {
            to,
            original: *original,
            note: note.clone(),
        },
        Ending::Yielded(reason) => Settlement::Void {
            reason: reason.clone(),
        },
        Ending::Failed(reason) => Settlement::Failed {
            reason: reason.clone(),
        },
    }
}

/// The target as it stands now, for the journal.
pub(crate) async fn target(
    client: &mut isbg_imap::Client,
    folder: &isbg_types::FolderName,
) -> Result<Target> {
    let counts = client.status(folder).await?;
    Ok(Target {
        folder: folder.clone(),
        validity: counts.uid_validity.unwrap_or(isbg_types::UidValidity(0)),
        uid_next: counts.uid_next.and_then(Uid::new),
    })
}
