//! The end of an intent: its outcome, its entry in the history, and what an undo changes, all in one transaction. Does
//! not know how the outcome was found out.

use isbg_types::{Tier, Uid};
use rusqlite::{Transaction, params};

use crate::error::{Error, Result};
use crate::intents::open_one;
use crate::journal::{Intent, NewIntent, Settlement, State, insert};
use crate::words::Json;
use crate::{EntryId, IntentId, Original, Store, Timestamp, learned};

impl Store {
    /// Settles intents as [`Store::settle`] does, and in the same transaction writes down what is to come next: each
    /// new intent belongs to the run of the settled one that it is given with. After a cut these are carried out, not
    /// dropped.
    ///
    /// # Errors
    /// Those of [`Store::settle`] and [`Store::plan`]; then nothing is settled and nothing planned.
    pub fn settle_and_plan(
        &mut self,
        settlements: &[(IntentId, Settlement)],
        next: &[(IntentId, NewIntent)],
        now: Timestamp,
    ) -> Result<Vec<IntentId>> {
        self.write(|tx| {
            for (intent, settlement) in settlements {
                one(tx, *intent, settlement, now)?;
            }
            next.iter()
                .map(|(after, new)| {
                    let (run, account) =
                        tx.query_row("SELECT run, account FROM intent WHERE id = ?1", [after], |row| {
                            Ok((row.get(0)?, row.get(1)?))
                        })?;
                    let id = insert(tx, run, account, new, now)?;
                    tx.execute("UPDATE intent SET follows = ?2 WHERE id = ?1", params![id, after])?;
                    Ok(id)
                })
                .collect()
        })
    }
}

/// Settles one intent. The entry in the history is written if a change was made: always when done, and when a void or
/// failed intent had got as far as a copy or a mark.
pub(crate) fn one(
    tx: &Transaction<'_>,
    id: IntentId,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Option<EntryId>> {
    let intent = open_one(tx, id)?;
    let (outcome, reason, to, original) = match settlement {
        Settlement::Done { to, original, note } => {
            if intent.state == State::Planned {
                return Err(Error::Illegal {
                    intent: id,
                    from: State::Planned.as_str().to_owned(),
                    to: "done",
                });
            }
            ("done", note.as_deref(), to.or(intent.target_uid), *original)
        }
        Settlement::Void { reason } => ("void", Some(reason.as_str()), intent.target_uid, so_far(&intent)),
        Settlement::Failed { reason } => (
            "failed",
            Some(reason.as_str()),
            intent.target_uid,
            so_far(&intent),
        ),
    };
    let to = to.filter(|_| intent.plan.target.is_some());
    tx.prepare_cached(
        "UPDATE intent SET outcome = ?2, reason = ?3, target_uid = ?4, changed = ?5 WHERE id = ?1",
    )?
    .execute(params![id, outcome, reason, to.map(Uid::get), now])?;
    if outcome != "done" && intent.state < State::Copied {
        return Ok(None);
    }
    let entry = write_history(tx, &intent, to, original, reason, now)?;
    if outcome == "done"
        && let Some(undone) = intent.plan.undoes
    {
        undo(tx, &intent, undone, entry, now)?;
    }
    Ok(Some(entry))
}

fn so_far(intent: &Intent) -> Original {
    if intent.state == State::Marked && intent.plan.original != Original::Keep {
        Original::MarkDeleted
    } else {
        Original::Keep
    }
}

fn write_history(
    tx: &Transaction<'_>,
    intent: &Intent,
    to: Option<Uid>,
    original: Original,
    note: Option<&str>,
    now: Timestamp,
) -> Result<EntryId> {
    let plan = &intent.plan;
    let target = plan.target.as_ref();
    tx.prepare_cached(
        "INSERT INTO history (intent, run, account, at, purpose, action, from_folder, from_validity, from_uid,
             to_folder, to_validity, to_uid, fingerprint, form, copy_print, original, flags, add_flags, remove_flags,
             internal_date, size, score, tier, rules, sender, subject, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25, ?26, ?27)",
    )?
    .execute(params![
        intent.id,
        intent.run,
        intent.account,
        now,
        plan.purpose,
        plan.action,
        intent.from.folder.as_str(),
        intent.from.validity.0,
        intent.from.uid.get(),
        target.map(|target| target.folder.as_str()),
        target.map(|target| target.validity.0),
        to.map(Uid::get),
        plan.fingerprint.0,
        plan.form,
        plan.copy_fingerprint.map(|print| print.0),
        original,
        Json(&plan.flags),
        Json(&plan.add_flags),
        Json(&plan.remove_flags),
        plan.internal_date,
        plan.size.cast_signed(),
        plan.score.map(|score| score.0),
        plan.tier.map(Tier::as_str),
        Json(&plan.rules),
        plan.sender,
        plan.subject,
        note
    ])?;
    Ok(EntryId(tx.last_insert_rowid()))
}

/// Marks the entry as undone, and remembers that the user wants the message kept: under every identity it has had.
fn undo(tx: &Transaction<'_>, intent: &Intent, undone: EntryId, by: EntryId, now: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE history SET undone_by = ?2 WHERE id = ?1 AND account = ?3 AND undone_by IS NULL",
        params![undone, by, intent.account],
    )?;
    if changed == 0 {
        return Err(Error::Undone(undone));
    }
    let before: ([u8; 32], Option<[u8; 32]>) = tx.query_row(
        "SELECT fingerprint, copy_print FROM history WHERE id = ?1",
        [undone],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let prints = [
        Some(before.0),
        before.1,
        Some(intent.plan.fingerprint.0),
        intent.plan.copy_fingerprint.map(|p| p.0),
    ];
    for print in prints.into_iter().flatten() {
        learned::keep_one(tx, intent.account, print, "undone", now)?;
    }
    Ok(())
}
