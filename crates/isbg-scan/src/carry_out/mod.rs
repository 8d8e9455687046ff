//! Carries out what was decided: the only code that holds both the connection and the journal. Does not decide anything.
//!
//! The order of one batch: write the intents down; open the folder for changes and see that the messages are as they
//! were judged; note that the command is about to be sent; send it; look where everything is; confirm the copies; mark
//! the originals; remove them; write the history. Whatever is cut off in between is settled by [`recover`], by looking.

mod batch;
mod finish;
mod look;
mod recover;
mod send;

use isbg_imap::transfer;
use isbg_spool::Spool;
use isbg_store::{Action, Form, NewIntent, Original, State, Step};
use isbg_types::{Fingerprint, FolderName, Uid, UidSet, Verdict};

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
pub(crate) use look::{print, prints};
pub use recover::{Recovered, recover};
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
        ended.extend(
            group
                .into_iter()
                .map(|todo| (todo, Ending::Yielded("stopped before this message".to_owned()))),
        );
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
    let ended: Vec<(Todo, Ending)> = todos
        .into_iter()
        .zip(batch.rows)
        .map(|(todo, row)| {
            (
                todo,
                row.ending
                    .unwrap_or_else(|| Ending::Failed("its fate is unknown".to_owned())),
            )
        })
        .collect();
    let to = treatment.copy.as_ref().map(|(folder, _)| folder);
    let endings = ended.iter().map(|(todo, ending)| (todo.known.uid, ending));
    tell(pass, &plan.folder, to, endings);
    match &treatment.original {
        policy::Original::ToTrash(trash) => to_trash(pass, plan, trash, ended).await,
        _ => Ok(ended),
    }
}

/// Carries out a batch whose intents are written down, to each message's end.
pub(crate) async fn carry(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    if check(pass, batch).await? && batch.open().next().is_some() {
        finish::advance(pass, batch, |_| Step::Sent)?;
        send(pass, batch).await?;
        finish(pass, batch, State::Sent).await
    } else {
        settle(pass, batch)
    }
}

/// Originals whose copies arrived go to the trash.
async fn to_trash(
    pass: &mut Pass<'_>,
    plan: &Plan,
    trash: &FolderName,
    ended: Vec<(Todo, Ending)>,
) -> Result<Vec<(Todo, Ending)>> {
    let (copied, mut others): (Vec<_>, Vec<_>) = ended
        .into_iter()
        .partition(|(_, ending)| matches!(ending, Ending::Done { note: None, .. }));
    if copied.is_empty() {
        return Ok(others);
    }
    // The flags that came with the copy are ours, not the user's.
    let todos = copied
        .into_iter()
        .map(|(mut todo, _)| {
            let (before, ours) = (&todo.known.flags, &todo.treatment.flags);
            todo.known.flags = before.iter().chain(ours).cloned().collect();
            todo.rewritten = None;
            todo
        })
        .collect();
    others.extend(Box::pin(one_batch(pass, plan, &Treatment::move_to(trash.clone()), todos)).await?);
    Ok(others)
}

/// Writes the intents down.
async fn begin(pass: &mut Pass<'_>, plan: &Plan, treatment: &Treatment, todos: &[Todo]) -> Result<Batch> {
    let target = match &treatment.copy {
        Some((folder, _)) => Some(target(pass.client, folder).await?),
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
    let intents: Vec<NewIntent> = todos.iter().map(|todo| intent(plan, &batch, todo)).collect();
    let now = pass.now();
    let ids = pass.store.plan(pass.run, &intents, now)?;
    batch.rows = ids
        .into_iter()
        .zip(todos)
        .map(|(intent, todo)| Row {
            intent,
            uid: todo.known.uid,
            copy: todo
                .rewritten
                .as_ref()
                .map_or(todo.known.fingerprint, |(_, print)| *print),
            size: todo.known.size,
            flags: todo.known.flags.clone(),
            internal_date: todo.known.internal_date.clone(),
            copy_flags: todo.known.flags.clone(),
            rewritten: todo.rewritten.as_ref().map(|(spool, _)| spool.clone()),
            target_uid: None,
            ending: None,
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
        original: batch.original,
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
    let uids: UidSet = batch.open().map(|row| row.uid).collect();
    let mut changing = match transfer::select(pass.client, &batch.source, batch.validity).await {
        Ok(changing) => changing,
        Err(transfer::SelectError::ReadOnly) => {
            batch
                .open_mut()
                .for_each(|row| row.ending = Some(Ending::Failed("the folder is read-only".to_owned())));
            settle(pass, batch)?;
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
        row.ending = match found.iter().find(|facts| facts.uid == row.uid) {
            None => Some(Ending::Yielded("another client took the message away".to_owned())),
            Some(facts) if !row.untouched(facts, &nothing, &nothing) => Some(Ending::Yielded(
                "the message was changed while it was judged".to_owned(),
            )),
            Some(_) => None,
        };
    }
    Ok(true)
}

/// Tells the observer how it ended for each of these messages.
fn tell<'a>(
    pass: &Pass<'_>,
    folder: &FolderName,
    to: Option<&FolderName>,
    endings: impl Iterator<Item = (Uid, &'a Ending)>,
) {
    for (uid, ending) in endings {
        let event = match ending {
            Ending::Done { original, note } => Event::Done {
                folder,
                uid,
                what: what(to.is_some(), *original),
                to,
                note: note.as_deref(),
            },
            Ending::Yielded(why) => Event::Yielded { folder, uid, why },
            Ending::Failed(why) => Event::NotDone { folder, uid, why },
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
