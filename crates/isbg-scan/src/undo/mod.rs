//! Puts back what was moved, and takes back what was marked, from the history. Refuses honestly where a message is no
//! longer where it was put; never guesses.

mod find;

use std::collections::BTreeMap;

use isbg_spool::Spool;
use isbg_store::{Action, Entry, Form, NewIntent, Original};
use isbg_types::{Fingerprint, Flag, Flags, FolderName, Uid, UidValidity};

use crate::carry_out::{Batch, Ending, LIMIT, Row, carry};
use crate::error::Result;
use crate::event::Event;
use crate::pass::Pass;
use find::{Found, batch, bodies, find, home_of, original_in};

/// What an undo came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UndoCounts {
    /// Entries undone.
    pub undone: u64,
    /// Entries that could not be undone; the observer was told why.
    pub not_undone: u64,
}

/// Undoes these entries of the history. Entries of other accounts must not be among them.
///
/// # Errors
/// Those of the server and the state file.
pub async fn undo(pass: &mut Pass<'_>, entries: &[Entry], counts: &mut UndoCounts) -> Result<()> {
    for (way, group) in groups(pass, entries, counts) {
        for some in group.chunks(LIMIT) {
            pass.go_on()?;
            match way {
                Way::PutBack => put_back(pass, some, counts).await?,
                Way::Unwrap => unwrap(pass, some, counts).await?,
                Way::Unmark => unmark(pass, some, counts).await?,
            }
        }
    }
    Ok(())
}

/// How an entry is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// The message itself was moved: it is moved back.
    PutBack,
    /// A report was made of it: the original in it is put back, and the report removed.
    Unwrap,
    /// The original is where it was: its flags are taken back, and a copy of ours removed.
    Unmark,
}

/// Entries of alike way, source folder and target folder.
fn groups<'a>(pass: &Pass<'_>, entries: &'a [Entry], counts: &mut UndoCounts) -> Vec<(Way, Vec<&'a Entry>)> {
    let mut groups: BTreeMap<(Way, &FolderName, UidValidity, &FolderName), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Err(why) = entry.undoable() {
            refuse(pass, entry, &why.to_string(), counts);
            continue;
        }
        let from = &entry.from.folder;
        let (way, place) = match (&entry.to, entry.original) {
            (Some(to), Original::Remove) if entry.form == Form::Original => {
                (Way::PutBack, (&to.folder, to.validity))
            }
            (Some(to), Original::Remove) => (Way::Unwrap, (&to.folder, to.validity)),
            _ => (Way::Unmark, (from, entry.from.validity)),
        };
        groups
            .entry((way, place.0, place.1, from))
            .or_default()
            .push(entry);
    }
    groups
        .into_iter()
        .map(|((way, ..), group)| (way, group))
        .collect()
}

fn refuse(pass: &Pass<'_>, entry: &Entry, why: &str, counts: &mut UndoCounts) {
    counts.not_undone += 1;
    let text = format!("entry {} is not undone: {why}", entry.id);
    pass.observer.event(Event::NotDone {
        folder: &entry.from.folder,
        uid: entry.from.uid,
        why: &text,
    });
}

/// A message to restore, with the original's bytes where they are to be put back.
struct Message<'a> {
    found: &'a Found<'a>,
    rewritten: Option<Spool>,
}

/// What is wanted of a folder: an entry, the UIDVALIDITY and UID its message was known by, and its identity.
type Wanted<'a> = (&'a Entry, UidValidity, Option<Uid>, Fingerprint);

/// Finds these messages, and refuses the entries whose messages are not there.
async fn found<'a>(
    pass: &mut Pass<'_>,
    folder: &FolderName,
    wanted: Vec<Wanted<'a>>,
    anywhere: bool,
    counts: &mut UndoCounts,
) -> Result<Vec<Found<'a>>> {
    let (found, missing) = find(pass, folder, wanted, anywhere).await?;
    for (entry, why) in missing {
        refuse(pass, entry, &why, counts);
    }
    Ok(found)
}

async fn put_back(pass: &mut Pass<'_>, entries: &[&Entry], counts: &mut UndoCounts) -> Result<()> {
    let Some((home, place)) = ends(entries) else {
        return Ok(());
    };
    let wanted = entries
        .iter()
        .filter_map(|entry| {
            let to = entry.to.as_ref()?;
            Some((*entry, to.validity, to.uid, entry.fingerprint))
        })
        .collect();
    let found = found(pass, &place, wanted, false, counts).await?;
    let mut batch = batch(pass, &place).await?;
    let Some(target) = home_of(pass, &home, &found, counts).await? else {
        return Ok(());
    };
    batch.target = Some(target);
    batch.original = Original::Remove;
    let messages = found
        .iter()
        .map(|found| Message {
            found,
            rewritten: None,
        })
        .collect();
    finish(pass, batch, messages, counts).await.map(drop)
}

async fn unwrap(pass: &mut Pass<'_>, entries: &[&Entry], counts: &mut UndoCounts) -> Result<()> {
    let Some((home, place)) = ends(entries) else {
        return Ok(());
    };
    let wanted = copies(entries);
    let found = found(pass, &place, wanted, false, counts).await?;
    let mut bodies = bodies(pass, &found).await?;
    let mut batch = batch(pass, &place).await?;
    let Some(target) = home_of(pass, &home, &found, counts).await? else {
        return Ok(());
    };
    batch.target = Some(target);
    batch.form = Form::Unwrapped;
    batch.original = Original::Remove;
    let mut messages = Vec::new();
    for found in &found {
        match bodies
            .remove(&found.facts.uid)
            .map(|body| original_in(&body, found.entry.fingerprint))
            .transpose()?
        {
            Some(Some(original)) => messages.push(Message {
                found,
                rewritten: Some(original),
            }),
            _ => refuse(
                pass,
                found.entry,
                "the report does not hold the original byte for byte; it was left",
                counts,
            ),
        }
    }
    finish(pass, batch, messages, counts).await.map(drop)
}

async fn unmark(pass: &mut Pass<'_>, entries: &[&Entry], counts: &mut UndoCounts) -> Result<()> {
    let Some(home) = entries.first().map(|entry| entry.from.folder.clone()) else {
        return Ok(());
    };
    let wanted = entries
        .iter()
        .map(|entry| {
            (
                *entry,
                entry.from.validity,
                Some(entry.from.uid),
                entry.fingerprint,
            )
        })
        .collect();
    // Where the original was moved as well, undoing that has put it back under another UID.
    let found = found(pass, &home, wanted, true, counts).await?;
    let mut batches: Vec<(Flags, Vec<Message<'_>>)> = Vec::new();
    for found in &found {
        let entry = found.entry;
        let deleted = (entry.original == Original::MarkDeleted).then(|| Flag::new(Flag::DELETED));
        let flags: Flags = entry
            .added
            .iter()
            .cloned()
            .chain(deleted)
            .filter(|flag| !entry.flags.has(flag.as_str()) && found.facts.flags.has(flag.as_str()))
            .collect();
        let message = Message {
            found,
            rewritten: None,
        };
        match batches.iter_mut().find(|(own, _)| *own == flags) {
            Some((_, messages)) => messages.push(message),
            None => batches.push((flags, vec![message])),
        }
    }
    let mut copied = Vec::new();
    for (flags, messages) in batches {
        let mut batch = batch(pass, &home).await?;
        batch.remove_flags = flags;
        let restored = finish(pass, batch, messages, counts).await?;
        copied.extend(restored.into_iter().filter(|entry| entry.to.is_some()));
    }
    remove_copies(pass, &copied).await
}

/// Removes copies that isbg made of messages that are where they were. A copy that is not there needs no removal.
async fn remove_copies(pass: &mut Pass<'_>, entries: &[&Entry]) -> Result<()> {
    let mut places: BTreeMap<&FolderName, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(to) = &entry.to {
            places.entry(&to.folder).or_default().push(entry);
        }
    }
    for (place, entries) in places {
        let wanted = copies(&entries);
        let (found, _) = find(pass, place, wanted, false).await?;
        let mut batch = batch(pass, place).await?;
        batch.original = Original::Remove;
        let messages: Vec<Message<'_>> = found
            .iter()
            .map(|found| Message {
                found,
                rewritten: None,
            })
            .collect();
        write_down(pass, &mut batch, &messages, Action::Delete)?;
        carry(pass, &mut batch).await?;
        for (message, row) in messages.iter().zip(&batch.rows) {
            let why = match &row.ending {
                Some(Ending::Done { note: None, .. }) => continue,
                Some(Ending::Done { note: Some(why), .. } | Ending::Yielded(why) | Ending::Failed(why)) => {
                    why
                }
                None => "its fate is unknown",
            };
            let text = format!("the copy that entry {} made stays: {why}", message.found.entry.id);
            pass.observer.event(Event::NotDone {
                folder: place,
                uid: row.uid,
                why: &text,
            });
        }
    }
    Ok(())
}

/// The copies that these entries made, as they were put.
fn copies<'a>(entries: &[&'a Entry]) -> Vec<Wanted<'a>> {
    let wanted = |entry: &&'a Entry| {
        let to = entry.to.as_ref()?;
        let print = entry.copy_fingerprint.unwrap_or(entry.fingerprint);
        Some((*entry, to.validity, to.uid, print))
    };
    entries.iter().filter_map(wanted).collect()
}

/// Where the entries' messages came from and where they were put.
fn ends(entries: &[&Entry]) -> Option<(FolderName, FolderName)> {
    let first = entries.first()?;
    Some((first.from.folder.clone(), first.to.as_ref()?.folder.clone()))
}

/// Restores these messages and counts how it went. Gives the entries that are undone.
async fn finish<'a>(
    pass: &mut Pass<'_>,
    mut batch: Batch,
    messages: Vec<Message<'a>>,
    counts: &mut UndoCounts,
) -> Result<Vec<&'a Entry>> {
    write_down(pass, &mut batch, &messages, Action::Restore)?;
    carry(pass, &mut batch).await?;
    let mut undone = Vec::new();
    for (message, row) in messages.iter().zip(&batch.rows) {
        let entry = message.found.entry;
        match &row.ending {
            Some(Ending::Done { .. }) => {
                counts.undone += 1;
                undone.push(entry);
                let (folder, to) = (&batch.source, Some(&entry.from.folder));
                pass.observer.event(Event::Done {
                    folder,
                    uid: row.uid,
                    what: "restored",
                    to,
                    note: None,
                });
            }
            Some(Ending::Yielded(why) | Ending::Failed(why)) => refuse(pass, entry, why, counts),
            None => refuse(pass, entry, "its fate is unknown", counts),
        }
    }
    Ok(undone)
}

/// Writes the intents down and gives the batch its rows.
fn write_down(
    pass: &mut Pass<'_>,
    batch: &mut Batch,
    messages: &[Message<'_>],
    action: Action,
) -> Result<()> {
    let now = pass.now();
    let folder = pass
        .store
        .open_folder(pass.account, &batch.source, batch.validity, now)?
        .id;
    let intent = |message: &Message<'_>| {
        let (entry, facts) = (message.found.entry, &message.found.facts);
        NewIntent {
            folder,
            uid: facts.uid,
            purpose: entry.purpose,
            action,
            fingerprint: entry.fingerprint,
            flags: facts.flags.clone(),
            modseq: facts.modseq,
            internal_date: entry.internal_date.clone(),
            size: entry.size,
            target: batch.target.clone(),
            form: batch.form,
            copy_fingerprint: message.rewritten.as_ref().map(|_| entry.fingerprint),
            original: batch.original,
            add_flags: batch.add_flags.clone(),
            remove_flags: batch.remove_flags.clone(),
            score: entry.score,
            tier: entry.tier,
            rules: entry.rules.clone(),
            sender: entry.sender.clone(),
            subject: entry.subject.clone(),
            undoes: (action == Action::Restore).then_some(entry.id),
        }
    };
    let intents: Vec<NewIntent> = messages.iter().map(intent).collect();
    let ids = pass.store.plan(pass.run, &intents, now)?;
    batch.rows = ids
        .into_iter()
        .zip(messages)
        .map(|(intent, message)| Row {
            intent,
            uid: message.found.facts.uid,
            copy: message.found.entry.fingerprint,
            size: message.found.entry.size,
            flags: message.found.facts.flags.clone(),
            internal_date: message.found.entry.internal_date.clone(),
            copy_flags: message.found.entry.flags.clone(),
            rewritten: message.rewritten.clone(),
            target_uid: None,
            ending: None,
        })
        .collect();
    Ok(())
}
