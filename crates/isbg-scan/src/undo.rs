//! Puts back what was moved, and takes back what was marked, from the history. Refuses honestly where a message is no
//! longer where it was put; never guesses.

use std::collections::BTreeMap;

use isbg_spool::Spool;
use isbg_store::{Action, Entry, Form, NewIntent, Original, Target};
use isbg_types::{Flag, Flags, FolderName, Uid, UidValidity};

use crate::carry_out::{Batch, Ending, LIMIT, Row, carry, follow, target};
use crate::content::original_in;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fetch::bodies;
use crate::find::{Found, Wanted, copies, find};
use crate::pass::Pass;
use crate::plan::validity;

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
    finish(pass, batch, messages, counts).await
}

async fn unwrap(pass: &mut Pass<'_>, entries: &[&Entry], counts: &mut UndoCounts) -> Result<()> {
    let Some((home, place)) = ends(entries) else {
        return Ok(());
    };
    let wanted = copies(entries);
    let found = found(pass, &place, wanted, false, counts).await?;
    let uids: Vec<Uid> = found.iter().map(|found| found.facts.uid).collect();
    let mut bodies = bodies(pass, &uids).await?;
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
    finish(pass, batch, messages, counts).await
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
    for (flags, messages) in batches {
        let mut batch = batch(pass, &home).await?;
        batch.remove_flags = flags;
        finish(pass, batch, messages, counts).await?;
    }
    Ok(())
}

/// Where the entries' messages came from and where they were put.
fn ends(entries: &[&Entry]) -> Option<(FolderName, FolderName)> {
    let first = entries.first()?;
    Some((first.from.folder.clone(), first.to.as_ref()?.folder.clone()))
}

/// Restores these messages and counts how it went. Copies that are not needed any more go with it.
async fn finish(
    pass: &mut Pass<'_>,
    mut batch: Batch,
    messages: Vec<Message<'_>>,
    counts: &mut UndoCounts,
) -> Result<()> {
    write_down(pass, &mut batch, &messages)?;
    carry(pass, &mut batch).await?;
    for (message, row) in messages.iter().zip(&batch.rows) {
        let entry = message.found.entry;
        match &row.ending {
            Some(Ending::Done { note, .. }) => {
                counts.undone += 1;
                pass.observer.event(Event::Done {
                    folder: &batch.source,
                    uid: row.uid(),
                    what: "restored",
                    to: Some(&entry.from.folder),
                    note: note.as_deref(),
                });
            }
            Some(Ending::Yielded(why) | Ending::Failed(why)) => refuse(pass, entry, why, counts),
            Some(Ending::NotBegun) | None => refuse(pass, entry, "its fate is unknown", counts),
        }
    }
    follow(pass, &mut batch).await
}

/// Writes the intents down and gives the batch its rows.
fn write_down(pass: &mut Pass<'_>, batch: &mut Batch, messages: &[Message<'_>]) -> Result<()> {
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
            action: Action::Restore,
            fingerprint: entry.fingerprint,
            flags: facts.flags.clone(),
            modseq: facts.modseq,
            internal_date: entry.internal_date.clone(),
            size: entry.size,
            target: batch.target.clone(),
            form: batch.form,
            copy_fingerprint: message.rewritten.as_ref().map(|_| entry.fingerprint),
            copy_size: message.rewritten.as_ref().map(Spool::len),
            original: batch.original,
            trash: None,
            add_flags: batch.add_flags.clone(),
            remove_flags: batch.remove_flags.clone(),
            score: entry.score,
            tier: entry.tier,
            rules: entry.rules.clone(),
            sender: entry.sender.clone(),
            subject: entry.subject.clone(),
            undoes: Some(entry.id),
        }
    };
    let intents: Vec<NewIntent> = messages.iter().map(intent).collect();
    let ids = pass.store.plan(pass.run, &intents, now)?;
    batch.rows = ids
        .into_iter()
        .zip(intents)
        .zip(messages)
        .map(|((id, intent), message)| Row {
            copy_flags: message.found.entry.flags.clone(),
            rewritten: message.rewritten.clone(),
            ..Row::new(id, intent)
        })
        .collect();
    Ok(())
}

/// The folder that messages go back to, as it stands now. Where it is gone, these messages are not undone, and others
/// may be.
async fn home_of(
    pass: &mut Pass<'_>,
    home: &FolderName,
    found: &[Found<'_>],
    counts: &mut UndoCounts,
) -> Result<Option<Target>> {
    match target(pass, home).await {
        Ok(target) => Ok(Some(target)),
        Err(Error::Imap(isbg_imap::Error::Refused(refusal))) => {
            found
                .iter()
                .for_each(|found| refuse(pass, found.entry, &refusal.to_string(), counts));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A batch over a folder as it stands now, with nothing to do yet.
async fn batch(pass: &mut Pass<'_>, folder: &FolderName) -> Result<Batch> {
    let opened = pass.client.examine(folder, None).await?;
    Ok(Batch {
        source: folder.clone(),
        validity: validity(&opened),
        target: None,
        form: Form::Original,
        original: Original::Keep,
        add_flags: Flags::default(),
        remove_flags: Flags::default(),
        rows: Vec::new(),
    })
}
