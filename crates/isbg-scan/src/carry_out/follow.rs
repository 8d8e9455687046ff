//! What comes after a change: an original that goes to the trash once its report arrived, an untouched original in the
//! place of a report that the server changed, a copy that is removed once its original is as it was. It is written down
//! with the change's end, so that a cut between the two leaves nothing half done. Does not know how a change is made.

use std::collections::BTreeMap;

use isbg_imap::Facts;
use isbg_store::{Action, Entry, Form, IntentId, NewIntent, Original, Target};
use isbg_types::{Flags, FolderName, Uid, UidSet, UidValidity};

use super::batch::{Answer, Batch, Ending, Next};
use super::finish::target;
use super::{carry, tell};
use crate::content::holds;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fetch::bodies;
use crate::find::{Found, copies, find};
use crate::pass::Pass;
use crate::plan::validity;

/// A change that is to come after another one.
pub(super) struct Coming {
    pub after: IntentId,
    pub folder: FolderName,
    pub validity: UidValidity,
    pub decides: bool,
    pub plan: NewIntent,
}

/// What comes after those rows that have ended and are not settled. Reads only.
pub(super) async fn what_comes_next(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<Vec<Coming>> {
    let mut coming = to_the_trash(pass, batch).await?;
    coming.extend(once_more(pass, batch).await?);
    coming.extend(instead_of_altered(pass, batch).await?);
    coming.extend(no_longer_needed(pass, batch).await?);
    Ok(coming)
}

/// Carries out what comes after these changes. Where it decides, its ending becomes the message's.
pub(crate) async fn follow(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    let mut groups: Vec<(Batch, bool, Vec<usize>)> = Vec::new();
    for (at, row) in batch.rows.iter_mut().enumerate() {
        for Next {
            folder,
            validity,
            decides,
            row,
        } in row.next.drain(..)
        {
            let own = Batch::of(&folder, validity, &row.plan);
            let alike =
                |(other, same, _): &&mut (Batch, bool, Vec<usize>)| *same == decides && other.is_alike(&own);
            match groups.iter_mut().find(alike) {
                Some((group, _, of)) => {
                    group.rows.push(row);
                    of.push(at);
                }
                None => groups.push((
                    Batch {
                        rows: vec![row],
                        ..own
                    },
                    decides,
                    vec![at],
                )),
            }
        }
    }
    for (mut group, decides, of) in groups {
        carry(pass, &mut group).await?;
        if decides {
            tell(pass, &group);
        }
        for (row, at) in group.rows.into_iter().zip(of) {
            let Some(first) = batch.rows.get_mut(at) else {
                continue;
            };
            if decides {
                first.ending = row.ending;
            } else if let Some(why) = shortcoming(row.ending.as_ref()) {
                stays(pass, &group.source, row.plan.uid, why);
            }
        }
    }
    Ok(())
}

/// What did not go as planned.
fn shortcoming(ending: Option<&Ending>) -> Option<&str> {
    match ending {
        Some(Ending::Done { note, .. }) => note.as_deref(),
        Some(Ending::Yielded(why) | Ending::Failed(why)) => Some(why),
        Some(Ending::NotBegun) | None => Some("its fate is unknown"),
    }
}

/// Tells that a copy of ours is not removed.
fn stays(pass: &Pass<'_>, folder: &FolderName, uid: Uid, why: &str) {
    let text = format!("the copy that isbg made stays: {why}");
    pass.observer.event(Event::NotDone {
        folder,
        uid,
        why: &text,
    });
}

/// Originals whose reports arrived and that go to the trash then.
async fn to_the_trash(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<Vec<Coming>> {
    let mut coming = Vec::new();
    let mut trashes: BTreeMap<FolderName, std::result::Result<Target, String>> = BTreeMap::new();
    for row in &mut batch.rows {
        let (
            Some(trash),
            Some(Ending::Done {
                original: Original::Keep,
                note: note @ None,
            }),
        ) = (&row.plan.trash, &mut row.ending)
        else {
            continue;
        };
        if !trashes.contains_key(trash) {
            let found = match target(pass, trash).await {
                Ok(target) => Ok(target),
                Err(Error::Imap(isbg_imap::Error::Refused(refusal))) => Err(refusal.to_string()),
                Err(error) => return Err(error),
            };
            trashes.insert(trash.clone(), found);
        }
        match trashes.get(trash) {
            Some(Ok(target)) => coming.push(Coming {
                after: row.intent,
                folder: batch.source.clone(),
                validity: batch.validity,
                decides: true,
                plan: NewIntent {
                    // The flags that were set with the copy are ours, not the user's.
                    flags: row
                        .plan
                        .flags
                        .iter()
                        .chain(batch.add_flags.iter())
                        .cloned()
                        .collect(),
                    ..untouched(&row.plan, target, Original::Remove)
                },
            }),
            Some(Err(why)) => *note = Some(format!("{why}; the original was left where it is")),
            None => {}
        }
    }
    Ok(coming)
}

/// What was to come after another change, and was cut off before the server had done it, is still to come.
async fn once_more(pass: &mut Pass<'_>, batch: &Batch) -> Result<Vec<Coming>> {
    let undone = |row: &&super::Row| {
        row.follows && row.answer == Answer::Unknown && matches!(row.ending, Some(Ending::Failed(_)))
    };
    let mut coming = Vec::new();
    for row in batch.rows.iter().filter(undone) {
        if let Some(before) = &row.plan.target {
            let target = target(pass, &before.folder).await?;
            coming.push(Coming {
                after: row.intent,
                folder: batch.source.clone(),
                validity: batch.validity,
                decides: true,
                plan: untouched(&row.plan, &target, row.plan.original),
            });
        }
    }
    Ok(coming)
}

/// The message itself, to be put where its report was to go.
fn untouched(plan: &NewIntent, target: &Target, original: Original) -> NewIntent {
    let stays = original != Original::Remove;
    NewIntent {
        action: Action::Move,
        modseq: None,
        target: Some(target.clone()),
        form: Form::Original,
        copy_fingerprint: None,
        copy_size: None,
        original,
        trash: None,
        add_flags: if stays {
            plan.add_flags.clone()
        } else {
            Flags::default()
        },
        remove_flags: Flags::default(),
        ..plan.clone()
    }
}

/// Where the server has changed a report, the message itself goes in its place.
async fn instead_of_altered(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<Vec<Coming>> {
    let form = batch.form;
    let is_meant = |row: &super::Row| {
        let goes = row.plan.original != Original::Keep || row.plan.trash.is_some();
        row.altered && goes && form == Form::Report && matches!(row.ending, Some(Ending::Done { .. }))
    };
    let uids: UidSet = batch
        .rows
        .iter()
        .filter(|row| is_meant(row))
        .filter_map(|row| row.target_uid)
        .collect();
    let (false, Some(folder)) = (
        uids.is_empty(),
        batch.target.as_ref().map(|target| target.folder.clone()),
    ) else {
        return Ok(Vec::new());
    };
    let target = target(pass, &folder).await?;
    let opened = pass.client.examine(&folder, None).await?;
    let copies = pass.client.look(&uids, false).await?;
    let mut coming = Vec::new();
    for row in &mut batch.rows {
        let copy = copies.iter().find(|facts| Some(facts.uid) == row.target_uid);
        let (Some(copy), true) = (copy, is_meant(row)) else {
            continue;
        };
        let note = "the server changed the report, so the message itself goes in its place and the report is removed";
        row.ending = Some(Ending::Done {
            original: Original::Keep,
            note: Some(note.to_owned()),
        });
        let original = match row.plan.trash {
            Some(_) => Original::Remove,
            None => row.plan.original,
        };
        coming.push(Coming {
            after: row.intent,
            folder: batch.source.clone(),
            validity: batch.validity,
            decides: true,
            plan: untouched(&row.plan, &target, original),
        });
        coming.push(removal(
            pass,
            row.intent,
            &row.plan,
            &folder,
            validity(&opened),
            copy,
        )?);
    }
    Ok(coming)
}

/// The removal of a copy of ours.
fn removal(
    pass: &mut Pass<'_>,
    after: IntentId,
    plan: &NewIntent,
    folder: &FolderName,
    validity: UidValidity,
    copy: &Facts,
) -> Result<Coming> {
    let now = pass.now();
    let id = pass.store.open_folder(pass.account, folder, validity, now)?.id;
    Ok(Coming {
        after,
        folder: folder.clone(),
        validity,
        decides: false,
        plan: NewIntent {
            folder: id,
            uid: copy.uid,
            action: Action::Delete,
            flags: copy.flags.clone(),
            modseq: copy.modseq,
            target: None,
            form: Form::Original,
            copy_fingerprint: None,
            copy_size: None,
            original: Original::Remove,
            trash: None,
            add_flags: Flags::default(),
            remove_flags: Flags::default(),
            undoes: None,
            ..plan.clone()
        },
    })
}

/// Copies whose originals are where they were again: they go, once their bytes were compared. A copy that is not there
/// needs no removal.
async fn no_longer_needed(pass: &mut Pass<'_>, batch: &Batch) -> Result<Vec<Coming>> {
    let mut places: BTreeMap<FolderName, Vec<(usize, Entry)>> = BTreeMap::new();
    for (at, row) in batch.rows.iter().enumerate() {
        let is_done = batch.target.is_none() && matches!(row.ending, Some(Ending::Done { .. }));
        let Some(undone) = row.plan.undoes.filter(|_| is_done) else {
            continue;
        };
        let entry = pass.store.entry(undone)?;
        if let Some(entry) = entry.filter(|entry| entry.original != Original::Remove)
            && let Some(to) = &entry.to
        {
            places.entry(to.folder.clone()).or_default().push((at, entry));
        }
    }
    let mut coming = Vec::new();
    for (place, entries) in places {
        let wanted: Vec<&Entry> = entries.iter().map(|(_, entry)| entry).collect();
        let (found, _) = find(pass, &place, copies(&wanted), false).await?;
        let Some(opened) = pass.client.mailbox().filter(|_| !found.is_empty()).map(validity) else {
            continue;
        };
        let uids: Vec<Uid> = found.iter().map(|found| found.facts.uid).collect();
        let copies = bodies(pass, &uids).await?;
        pass.client.examine(&batch.source, None).await?;
        let home: Vec<Uid> = batch.rows.iter().map(super::Row::uid).collect();
        let originals = pass.client.look(&home.iter().copied().collect(), false).await?;
        let bytes = bodies(pass, &home).await?;
        for Found { entry, facts } in &found {
            let row = entries.iter().find(|(_, own)| own.id == entry.id);
            let Some(row) = row.and_then(|(at, _)| batch.rows.get(*at)) else {
                continue;
            };
            let original = originals.iter().find(|original| original.uid == row.uid());
            let same = match (copies.get(&facts.uid), bytes.get(&row.uid())) {
                (Some(copy), Some(original)) => holds(copy, original)?,
                _ => false,
            };
            if original.is_some_and(|original| {
                original.gmail_msgid.is_some() && original.gmail_msgid == facts.gmail_msgid
            }) {
                let why = "to Gmail it is the same message under another label; take the label off it there";
                stays(pass, &place, facts.uid, why);
            } else if !same {
                stays(
                    pass,
                    &place,
                    facts.uid,
                    "it does not hold the message byte for byte",
                );
            } else {
                coming.push(removal(pass, row.intent, &row.plan, &place, opened, facts)?);
            }
        }
    }
    Ok(coming)
}
