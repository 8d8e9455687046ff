//! From a copy that may exist to the end: confirm the copy, mark the original, remove it, settle. Used after sending and
//! by recovery alike. Never sends a copy itself.

use std::time::SystemTime;

use isbg_imap::Facts;
use isbg_imap::transfer::{self, Change, Outcome};
use isbg_store::{IntentId, NewIntent, Original, Settlement, State, Step, Target};
use isbg_types::{FolderName, Uid, UidSet, UidValidity};

use super::batch::{Answer, Batch, Ending, Next, Row};
use super::follow::what_comes_next;
use super::look::{Looked, Sightings, look};
use crate::error::Result;
use crate::pass::Pass;

/// Looks where the messages are and brings each to its end. `reached` tells how far the journal says they have come.
pub(crate) async fn finish(pass: &mut Pass<'_>, batch: &mut Batch, reached: State) -> Result<()> {
    match look(pass, batch).await? {
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
    settle(pass, batch).await
}

/// Takes the sightings into account: what has ended, and where the copies are.
fn confirm(batch: &mut Batch, seen: &Sightings, reached: State) {
    let wants_copy = batch.target.is_some();
    // A MOVE leaves nothing to look at where the copy is not found.
    let moves = wants_copy && batch.original == Original::Remove;
    let removes = !wants_copy && batch.original == Original::Remove;
    for row in batch.open_mut() {
        let there = seen.source.contains_key(&row.uid());
        let copy = seen.copies.get(&row.uid()).copied();
        let altered = seen.altered.get(&row.uid()).copied();
        row.ending = match (there, copy, altered) {
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
            (false, None, None) if removes => Some(Ending::Done {
                original: Original::Remove,
                note: None,
            }),
            (false, None, None) => Some(gone(row.answer, moves && reached == State::Sent)),
        };
        row.target_uid = copy.or(altered);
        row.altered = copy.is_none() && altered.is_some();
    }
}

/// The ending of a message that is neither where it was nor where it was to go.
fn gone(answer: Answer, may_be_moved: bool) -> Ending {
    match answer {
        Answer::Done if may_be_moved => done(
            Original::Remove,
            "the server said that it was moved, but it is not in the target folder: it may have been moved on at once",
        ),
        Answer::Unknown if may_be_moved => done(
            Original::Remove,
            "the run was cut off while it was moved; it is in neither folder now: another client may have taken it",
        ),
        _ => Ending::Yielded("another client took the message away".to_owned()),
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
        if !seen.source.get(&row.uid()).is_some_and(as_we_left_it) {
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
    let uids: UidSet = batch.open().map(|row| row.uid()).collect();
    if uids.is_empty() {
        return Ok(());
    }
    let since = batch
        .open()
        .filter_map(|row| seen.source.get(&row.uid())?.modseq)
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
                for row in batch.open_mut().filter(|row| stored.modified.contains(row.uid())) {
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
    let uids: UidSet = batch.open().map(|row| row.uid()).collect();
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
        row.ending = Some(if left.contains(&row.uid()) {
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

/// Writes the endings into the history, and with them what comes next.
pub(crate) async fn settle(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    let coming = what_comes_next(pass, batch).await?;
    let settlements: Vec<(IntentId, Settlement)> = batch
        .rows
        .iter()
        .filter_map(|row| Some((row.intent, settlement(row.ending.as_ref()?, row.target_uid)?)))
        .collect();
    let plans: Vec<(IntentId, NewIntent)> = coming
        .iter()
        .map(|coming| (coming.after, coming.plan.clone()))
        .collect();
    let now = pass.now();
    let ids = pass.store.settle_and_plan(&settlements, &plans, now)?;
    for (coming, id) in coming.into_iter().zip(ids) {
        if let Some(row) = batch.rows.iter_mut().find(|row| row.intent == coming.after) {
            row.next.push(Next {
                folder: coming.folder,
                validity: coming.validity,
                decides: coming.decides,
                row: Row {
                    follows: true,
                    ..Row::new(id, coming.plan)
                },
            });
        }
    }
    Ok(())
}

fn settlement(ending: &Ending, to: Option<Uid>) -> Option<Settlement> {
    match ending {
        Ending::Done { original, note } => Some(Settlement::Done {
            to,
            original: *original,
            note: note.clone(),
        }),
        Ending::Yielded(reason) => Some(Settlement::Void {
            reason: reason.clone(),
        }),
        Ending::Failed(reason) => Some(Settlement::Failed {
            reason: reason.clone(),
        }),
        Ending::NotBegun => None,
    }
}

/// The target as it stands now, for the journal. Where the server does not tell from which UID on new messages come, the
/// last one there is tells it.
pub(crate) async fn target(pass: &mut Pass<'_>, folder: &FolderName) -> Result<Target> {
    let counts = pass.client.status(folder).await?;
    let (mut validity, mut uid_next) = (counts.uid_validity, counts.uid_next.and_then(Uid::new));
    if uid_next.is_none() {
        let opened = pass.client.examine(folder, None).await?;
        (validity, uid_next) = (opened.uid_validity, opened.uid_next);
    }
    if uid_next.is_none() {
        let last = pass
            .client
            .search(&[])
            .await?
            .ranges()
            .last()
            .map_or(0, |range| range.1);
        uid_next = Uid::new(last.saturating_add(1));
    }
    Ok(Target {
        folder: folder.clone(),
        validity: validity.unwrap_or(UidValidity(0)),
        uid_next,
    })
}
