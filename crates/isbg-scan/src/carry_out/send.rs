//! Sends the command that a batch is about: MOVE, COPY or APPEND. Does not believe the answer: what was done is found
//! out by looking.

use isbg_imap::transfer::{self, Copied, Outcome};
use isbg_imap::{InternalDate, Refusal};
use isbg_store::{Form, Original, Target};
use isbg_types::{Flags, UidSet};

use super::batch::{Answer, Batch, Ending, Row};
use crate::error::Result;
use crate::pass::Pass;

/// Refusals after which the next message would fare no better (RFC 5530, RFC 9208, RFC 4469).
const HOPELESS: [&str; 6] = [
    "OVERQUOTA",
    "TRYCREATE",
    "NONEXISTENT",
    "NOPERM",
    "INUSE",
    "UNAVAILABLE",
];

/// Sends. The rows' `target_uid`s are what the server says; rows that were refused for certain have ended.
pub(crate) async fn send(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    match (&batch.target, batch.form) {
        (None, _) => Ok(()),
        (Some(_), Form::Original) => move_or_copy(pass, batch).await,
        (Some(_), Form::Report | Form::Unwrapped) => append_all(pass, batch).await,
    }
}

async fn move_or_copy(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    let Some(target) = batch.target.clone() else {
        return Ok(());
    };
    let uids: UidSet = batch.open().map(Row::uid).collect();
    // A MOVE leaves no original to put flags on.
    let moves = batch.original == Original::Remove
        && batch.add_flags.is_empty()
        && batch.remove_flags.is_empty()
        && pass.client.offers("MOVE");
    let mut changing = match transfer::select(pass.client, &batch.source, batch.validity).await {
        Ok(changing) => changing,
        Err(transfer::SelectError::Failed(error)) => return Err(error.into()),
        Err(other) => {
            let why = other.to_string();
            batch
                .open_mut()
                .for_each(|row| row.ending = Some(Ending::Failed(why.clone())));
            return Ok(());
        }
    };
    if moves {
        match changing.move_messages(&uids, &target.folder).await {
            Outcome::Done(receipt) => {
                note(batch, receipt, &target);
                return Ok(());
            }
            Outcome::Unknown(error) => return Err(error.into()),
            Outcome::NotSent(error) => return not_sent(batch, error),
            // Some may have been moved before the refusal; looking tells. COPY will not help against these.
            Outcome::Refused(refusal) if hopeless(&refusal) => return refused(pass, batch, &refusal).await,
            // A definite NO or BAD to MOVE itself: another way, for those that are still there.
            Outcome::Refused(_) => {}
        }
    }
    let there: UidSet = changing
        .look(&uids, false)
        .await?
        .into_iter()
        .map(|facts| facts.uid)
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    match changing.copy(&there, &target.folder).await {
        Outcome::Done(receipt) => {
            note(batch, receipt, &target);
            Ok(())
        }
        Outcome::Refused(refusal) => refused(pass, batch, &refusal).await,
        Outcome::NotSent(error) => not_sent(batch, error),
        Outcome::Unknown(error) => Err(error.into()),
    }
}

/// Those that are still there and have no copy were not moved; the others are left for the look.
async fn refused(pass: &mut Pass<'_>, batch: &mut Batch, refusal: &Refusal) -> Result<()> {
    let super::look::Looked::Seen(seen) = super::look::look(pass, batch).await? else {
        return Ok(());
    };
    let why = refusal.to_string();
    for row in batch.open_mut() {
        if seen.source.contains_key(&row.uid()) && !seen.copies.contains_key(&row.uid()) {
            row.ending = Some(Ending::Failed(why.clone()));
        }
    }
    Ok(())
}

fn hopeless(refusal: &Refusal) -> bool {
    HOPELESS.iter().any(|code| refusal.has(code))
}

/// The server says that it is done, and perhaps gives a receipt, which only says where to look first.
fn note(batch: &mut Batch, receipt: Option<Copied>, target: &Target) {
    batch.open_mut().for_each(|row| row.answer = Answer::Done);
    // It must be about the folder that was meant.
    let Some(receipt) = receipt.filter(|receipt| receipt.validity == target.validity) else {
        return;
    };
    for row in batch.open_mut() {
        row.target_uid = receipt
            .pairs
            .iter()
            .find(|(from, _)| *from == row.uid())
            .map(|(_, to)| *to);
    }
}

/// The command was never sent: nothing has changed.
fn not_sent(batch: &mut Batch, error: isbg_imap::Error) -> Result<()> {
    if matches!(
        error,
        isbg_imap::Error::Unusable | isbg_imap::Error::Protocol(_) | isbg_imap::Error::Bye(_)
    ) {
        return Err(error.into());
    }
    let why = error.to_string();
    batch
        .open_mut()
        .for_each(|row| row.ending = Some(Ending::Failed(why.clone())));
    Ok(())
}

async fn append_all(pass: &mut Pass<'_>, batch: &mut Batch) -> Result<()> {
    let Some(target) = batch.target.clone() else {
        return Ok(());
    };
    let mut no_use: Option<String> = None;
    for row in batch.open_mut() {
        if let Some(why) = &no_use {
            row.ending = Some(Ending::Failed(why.clone()));
            continue;
        }
        let Some(message) = row.rewritten.take() else {
            row.ending = Some(Ending::Failed("the rewritten message is gone".to_owned()));
            continue;
        };
        let date = InternalDate::new(row.plan.internal_date.as_str());
        // A server may refuse a keyword or a date; the copy matters more than either.
        let flags = row.copy_flags.without_recent();
        let system: Flags = flags
            .iter()
            .filter(|flag| flag.as_str().starts_with('\\'))
            .cloned()
            .collect();
        let ways = [(&flags, Some(&date)), (&system, Some(&date)), (&system, None)];
        for (flags, date) in ways {
            match transfer::append(pass.client, &target.folder, &message, flags, date).await {
                Outcome::Done(receipt) => {
                    row.answer = Answer::Done;
                    row.target_uid = receipt
                        .filter(|(validity, _)| *validity == target.validity)
                        .map(|(_, uid)| uid);
                    row.ending = None;
                    break;
                }
                Outcome::Refused(refusal) => {
                    row.ending = Some(Ending::Failed(refusal.to_string()));
                    if hopeless(&refusal) {
                        no_use = Some(refusal.to_string());
                        break;
                    }
                }
                Outcome::NotSent(error @ isbg_imap::Error::Unusable) | Outcome::Unknown(error) => {
                    return Err(error.into());
                }
                Outcome::NotSent(error) => {
                    row.ending = Some(Ending::Failed(error.to_string()));
                    break;
                }
            }
        }
    }
    Ok(())
}
