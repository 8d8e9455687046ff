//! Carries out what was decided: the only code that holds both the connection and the journal. Does not decide anything.
//!
//! The order of one batch: write the intents down; open the folder for changes and see that the messages are as they
//! were judged; note that the command is about to be sent; send it; look where everything is; confirm the copies; mark
//! the originals; remove them; write the history. Whatever is cut off in between is settled by [`recover`], by looking.

mod batch;
mod finish;
mod follow;
mod look;
mod recover;
mod send;

use isbg_imap::transfer;
use isbg_spool::Spool;
use isbg_store::{Action, Form, NewIntent, Original, State, Step};
use isbg_types::{Fingerprint, UidSet, Verdict};

use crate::decide::Decision;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::judge::Known;
use crate::pass::Pass;
use crate::plan::Plan;
use crate::policy::{self, Treatment};

pub(crate) use batch::{Batch, Ending, LIMIT, Row};
pub(crate) use finish::target;
use finish::{finish, settle};
pub(crate) use follow::follow;
pub(crate) use look::{print, prints};
pub use recover::recover;
use send::send;

/// One message and what is to be done with it.
#[derive(Debug)]
pub(crate) struct Todo {
    pub known: Known,
    /// The verdict and what was decided by it; `None` for learned messages.
    pub decision: Option<(Verdict, Decision)>,
    pub treatment: Treatment,
    /// The scorer's rewritten message, where the copy is to carry the report, and its fingerprint.
    pub rewritten: Option<(Spool, Fingerprint)>,
}

/// Carries out what is to be done, in batches of alike treatment. Adds each message's ending to `ended`, in the order of
/// `todos` within each treatment; those of earlier batches also where a later one fails.
pub(crate) async fn carry_out(
    pass: &mut Pass<'_>,
    plan: &Plan,
    todos: Vec<Todo>,
    ended: &mut Vec<(Todo, Ending)>,
) -> Result<()> {
    let mut groups: Vec<(Treatment, Vec<Todo>)> = Vec::new();
    for mut todo in todos {
        todo.treatment = normal(todo.treatment);
        match groups
            .iter_mut()
            .find(|(treatment, _)| *treatment == todo.treatment)
        {
            Some((_, group)) => group.push(todo),
            None => groups.push((todo.treatment.clone(), vec![todo])),
        }
    }
    for (treatment, mut group) in groups {
        while !group.is_empty() {
            let rest = group.split_off(group.len().min(LIMIT));
            ended.extend(one_batch(pass, plan, &treatment, std::mem::replace(&mut group, rest)).await?);
            if pass.go_on().is_err() {
                break;
            }
        }
        ended.extend(group.into_iter().map(|todo| (todo, Ending::NotBegun)));
    }
    Ok(())
}

/// The trash is a folder like any other: a message that goes there and nowhere else is moved there, and one that is
/// moved elsewhere need not go there.
fn normal(treatment: Treatment) -> Treatment {
    match (treatment.copy, treatment.original) {
        (None, policy::Original::ToTrash(trash)) => Treatment::move_to(trash),
        (Some((folder, policy::Form::AsIs)), policy::Original::ToTrash(_)) => Treatment::move_to(folder),
        (copy, original) => Treatment {
            copy,
            original,
            flags: treatment.flags,
        },
    }
}

async fn one_batch(
    pass: &mut Pass<'_>,
    plan: &Plan,
    treatment: &Treatment,
    todos: Vec<Todo>,
) -> Result<Vec<(Todo, Ending)>> {
    let mut batch = begin(pass, plan, treatment, &todos).await?;
    carry(pass, &mut batch).await?;
    tell(pass, &batch);
    follow(pass, &mut batch).await?;
    let unknown = || Ending::Failed("its fate is unknown".to_owned());
    let endings = batch
        .rows
        .into_iter()
        .map(|row| row.ending.unwrap_or_else(unknown));
    Ok(todos.into_iter().zip(endings).collect())
}

/// Carries out a batch whose intents are written down, to each message's end. What is to come after it is in the journal
/// then, and [`follow`] does it.
pub(crate) async fn carry(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    if check(pass, batch).await? && batch.open().next().is_some() {
        finish::advance(pass, batch, |_| Step::Sent)?;
        send(pass, batch).await?;
        finish(pass, batch, State::Sent).await
    } else {
        settle(pass, batch).await
    }
}

/// Writes the intents down.
async fn begin(pass: &mut Pass<'_>, plan: &Plan, treatment: &Treatment, todos: &[Todo]) -> Result<Batch> {
    let target = match &treatment.copy {
        Some((folder, _)) => Some(target(pass, folder).await?),
        None => None,
    };
    let form = match &treatment.copy {
        Some((_, policy::Form::WithReport)) => Form::Report,
        _ => Form::Original,
    };
    let original = match treatment.original {
        policy::Original::Keep | policy::Original::ToTrash(_) => Original::Keep,
        policy::Original::MarkDeleted => Original::MarkDeleted,
        policy::Original::Remove => Original::Remove,
    };
    let trash = match &treatment.original {
        policy::Original::ToTrash(trash) => Some(trash.clone()),
        _ => None,
    };
    let mut batch = Batch {
        source: plan.folder.clone(),
        validity: plan.validity,
        target,
        form,
        original,
        add_flags: treatment.flags.iter().cloned().collect(),
        remove_flags: isbg_types::Flags::default(),
        rows: Vec::new(),
    };
    let intents: Vec<NewIntent> = todos
        .iter()
        .map(|todo| NewIntent {
            trash: trash.clone(),
            ..intent(plan, &batch, todo)
        })
        .collect();
    let now = pass.now();
    let ids = pass.store.plan(pass.run, &intents, now)?;
    let rows = ids.into_iter().zip(intents).zip(todos);
    batch.rows = rows
        .map(|((id, intent), todo)| Row {
            rewritten: todo.rewritten.as_ref().map(|(spool, _)| spool.clone()),
            ..Row::new(id, intent)
        })
        .collect();
    Ok(batch)
}

/// What people would call what is done.
fn action(batch: &Batch) -> Action {
    match (&batch.target, batch.original) {
        (Some(_), Original::Keep) => Action::Copy,
        (Some(_), _) => Action::Move,
        (None, Original::Keep) => Action::Flag,
        (None, _) => Action::Delete,
    }
}

fn intent(plan: &Plan, batch: &Batch, todo: &Todo) -> NewIntent {
    let known = &todo.known;
    let judged = todo.decision.as_ref();
    NewIntent {
        folder: plan.id,
        uid: known.uid,
        purpose: plan.purpose,
        action: action(batch),
        fingerprint: known.fingerprint,
        flags: known.flags.clone(),
        modseq: known.modseq,
        internal_date: known.internal_date.clone(),
        size: known.size,
        target: batch.target.clone(),
        form: batch.form,
        copy_fingerprint: todo.rewritten.as_ref().map(|(_, print)| *print),
        copy_size: todo.rewritten.as_ref().map(|(spool, _)| spool.len()),
        original: batch.original,
        trash: None,
        add_flags: batch.add_flags.clone(),
        remove_flags: batch.remove_flags.clone(),
        score: judged.map(|(verdict, _)| verdict.score),
        tier: judged.map(|(_, decision)| decision.tier),
        rules: judged
            .map(|(verdict, _)| verdict.hits.iter().map(|hit| hit.name.clone()).collect())
            .unwrap_or_default(),
        sender: known.summary.from.clone(),
        subject: known.summary.subject.clone(),
        undoes: None,
    }
}

/// Opens the folder for changes and sees that the messages are as they were judged. `false` if nothing can be done.
async fn check(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<bool> {
    let uids: UidSet = batch.open().map(Row::uid).collect();
    let mut changing = match transfer::select(pass.client, &batch.source, batch.validity).await {
        Ok(changing) => changing,
        Err(transfer::SelectError::ReadOnly) => {
            batch
                .open_mut()
                .for_each(|row| row.ending = Some(Ending::Failed("the folder is read-only".to_owned())));
            settle(pass, batch).await?;
            return Err(Error::ReadOnly(batch.source.clone()));
        }
        Err(transfer::SelectError::Failed(error)) => return Err(error.into()),
        Err(other) => {
            let why = other.to_string();
            batch
                .open_mut()
                .for_each(|row| row.ending = Some(Ending::Yielded(why.clone())));
            return Ok(false);
        }
    };
    let found = changing.look(&uids, false).await?;
    let nothing = isbg_types::Flags::default();
    for row in batch.open_mut() {
        row.ending = match found.iter().find(|facts| facts.uid == row.uid()) {
            None => Some(Ending::Yielded("another client took the message away".to_owned())),
            Some(facts) if !row.untouched(facts, &nothing, &nothing) => Some(Ending::Yielded(
                "the message was changed while it was judged".to_owned(),
            )),
            Some(_) => None,
        };
    }
    Ok(true)
}

/// Tells the observer how it ended for each of a batch's messages.
fn tell(pass: &Pass<'_>, batch: &Batch) {
    let folder = &batch.source;
    let to = batch.target.as_ref().map(|target| &target.folder);
    for row in &batch.rows {
        let uid = row.uid();
        let event = match &row.ending {
            Some(Ending::Done { original, note }) => Event::Done {
                folder,
                uid,
                what: what(to.is_some(), *original),
                to,
                note: note.as_deref(),
            },
            Some(Ending::Yielded(why)) => Event::Yielded { folder, uid, why },
            Some(Ending::Failed(why)) => Event::NotDone { folder, uid, why },
            Some(Ending::NotBegun) | None => continue,
        };
        pass.observer.event(event);
    }
}

/// What was done, in a word.
pub(crate) fn what(copy: bool, original: Original) -> &'static str {
    match (copy, original) {
        (true, Original::Keep) => "copied",
        (true, _) => "moved",
        (false, Original::Keep) => "flagged",
        (false, _) => "deleted",
    }
}
