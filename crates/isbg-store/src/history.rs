//! What was done to the mailbox, for people and for undoing it. Does not undo anything itself.

use isbg_types::{Fingerprint, Flags, FolderName, Place, Score, Tier, Uid, UidValidity};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use crate::error::Result;
use crate::words::{Json, TierWord, fingerprint, opt_uid, uid};
use crate::{AccountId, Action, EntryId, Form, IntentId, Original, Purpose, RunId, Store, Timestamp};

/// Where a copy went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// The folder.
    pub folder: FolderName,
    /// Its UIDVALIDITY.
    pub validity: UidValidity,
    /// The copy's UID, where the server or a search told it.
    pub uid: Option<Uid>,
}

/// One thing done to one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, as people give it to `isbg undo`.
    pub id: EntryId,
    /// The journal row it came from.
    pub intent: IntentId,
    /// The run that did it.
    pub run: RunId,
    /// The account.
    pub account: AccountId,
    /// When it was settled.
    pub at: Timestamp,
    /// In which kind of pass it was decided.
    pub purpose: Purpose,
    /// What was done.
    pub action: Action,
    /// Where the message lay before.
    pub from: Place,
    /// Where a copy went.
    pub to: Option<Destination>,
    /// The original's identity.
    pub fingerprint: Fingerprint,
    /// In which form the copy arrived.
    pub form: Form,
    /// The copy's identity, where it is not the original's own bytes.
    pub copy_fingerprint: Option<Fingerprint>,
    /// What became of the original.
    pub original: Original,
    /// Its flags before.
    pub flags: Flags,
    /// Flags set.
    pub added: Flags,
    /// Flags taken off.
    pub removed: Flags,
    /// Its INTERNALDATE in the server's own text.
    pub internal_date: String,
    /// Its RFC822.SIZE.
    pub size: u64,
    /// Its score.
    pub score: Option<Score>,
    /// Its tier.
    pub tier: Option<Tier>,
    /// The rules that hit.
    pub rules: Vec<String>,
    /// From whom. Text from the message.
    pub sender: String,
    /// Its subject. Text from the message.
    pub subject: String,
    /// What did not go as planned.
    pub note: Option<String>,
    /// The entry that undid this one.
    pub undone_by: Option<EntryId>,
}

/// Why an entry cannot be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotUndoable {
    /// It was undone before.
    #[error("it has been undone already, by entry {0}")]
    Already(EntryId),
    /// It is an undo itself.
    #[error("it is an undo itself")]
    IsUndo,
    /// The message was removed and no copy was made.
    #[error("the message was removed from the server without a copy")]
    Destroyed,
}

impl Entry {
    /// Whether it can be undone as far as the history knows; whether the message is still where it was put, only the
    /// server knows.
    ///
    /// # Errors
    /// The reason why not.
    pub fn undoable(&self) -> std::result::Result<(), NotUndoable> {
        if let Some(by) = self.undone_by {
            return Err(NotUndoable::Already(by));
        }
        if self.action == Action::Restore {
            return Err(NotUndoable::IsUndo);
        }
        if self.original == Original::Remove && self.to.is_none() {
            return Err(NotUndoable::Destroyed);
        }
        Ok(())
    }
}

/// Which entries of the history are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this account only.
    pub account: Option<AccountId>,
    /// Of this run only.
    pub run: Option<RunId>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Only entries with smaller numbers: the next page after the last one shown.
    pub before: Option<EntryId>,
}

impl Store {
    /// The history's entries, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn history(&self, filter: &Filter, limit: u32) -> Result<Vec<Entry>> {
        // Each condition is written only where it is asked for, so that its index is used.
        let conditions = [
            filter.account.map(|account| ("account = ?", account.0)),
            filter.run.map(|run| ("run = ?", run.0)),
            filter.since.map(|since| ("at >= ?", since.0)),
            filter.before.map(|before| ("id < ?", before.0)),
        ];
        let (texts, mut values): (Vec<&str>, Vec<i64>) = conditions.into_iter().flatten().unzip();
        let condition = if texts.is_empty() {
            "1".to_owned()
        } else {
            texts.join(" AND ")
        };
        values.push(limit.into());
        self.read(|conn| {
            let sql = format!("SELECT * FROM history WHERE {condition} ORDER BY id DESC LIMIT ?");
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(values), from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// One entry by its number.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn entry(&self, id: EntryId) -> Result<Option<Entry>> {
        self.read(|conn| {
            Ok(conn
                .prepare_cached("SELECT * FROM history WHERE id = ?1")?
                .query_row([id], from_row)
                .optional()?)
        })
    }

    /// The last run of the account that did something which is not undone yet and not an undo itself: what `isbg undo`
    /// without a number means.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn last_run_to_undo(&self, account: AccountId) -> Result<Option<RunId>> {
        self.read(|conn| {
            Ok(conn
                .query_row(
                    "SELECT run FROM history
                     WHERE account = ?1 AND undone_by IS NULL AND action <> 'restore' ORDER BY id DESC LIMIT 1",
                    [account],
                    |row| row.get(0),
                )
                .optional()?)
        })
    }

    /// Whether a message of this identity was put somewhere else or marked by us and stands so in the history, or the
    /// user wants it kept. If it turns up where new mail is looked for, the user has put it back, or our memory of
    /// having seen it is gone: either way it has been dealt with.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn dealt_with(&self, account: AccountId, print: Fingerprint) -> Result<bool> {
        self.read(|conn| {
            let kept = conn
                .prepare_cached("SELECT 1 FROM kept WHERE account = ?1 AND fingerprint = ?2")?
                .exists(params![account, print.0])?;
            let moved = conn
                .prepare_cached(
                    "SELECT 1 FROM history WHERE fingerprint = ?1 AND account = ?2 AND purpose = 'scan'
                         AND undone_by IS NULL AND action <> 'restore'",
                )?
                .exists(params![print.0, account])?;
            Ok(kept || moved)
        })
    }

    /// If we made a message of this identity by rewriting another (a scorer's report around it): the identity of the
    /// original. Only what this answers for may be taken apart as a report; anybody can write something that looks
    /// like one.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn our_copy(&self, account: AccountId, copy: Fingerprint) -> Result<Option<Fingerprint>> {
        self.read(|conn| {
            Ok(conn
                .prepare_cached(
                    "SELECT fingerprint FROM intent
                     WHERE copy_print = ?1 AND account = ?2 AND reached <> 'planned' LIMIT 1",
                )?
                .query_row(params![copy.0, account], |row| Ok(fingerprint(row.get(0)?)))
                .optional()?)
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let to = match (
        row.get::<_, Option<String>>("to_folder")?,
        row.get("to_validity")?,
    ) {
        (Some(folder), Some(validity)) => Some(Destination {
            folder: FolderName::new(folder),
            validity: UidValidity(validity),
            uid: opt_uid(row.get("to_uid")?),
        }),
        _ => None,
    };
    Ok(Entry {
        id: row.get("id")?,
        intent: row.get("intent")?,
        run: row.get("run")?,
        account: row.get("account")?,
        at: row.get("at")?,
        purpose: row.get("purpose")?,
        action: row.get("action")?,
        from: Place {
            folder: FolderName::new(row.get::<_, String>("from_folder")?),
            validity: UidValidity(row.get("from_validity")?),
            uid: uid(row.get("from_uid")?)?,
        },
        to,
        fingerprint: fingerprint(row.get("fingerprint")?),
        form: row.get("form")?,
        copy_fingerprint: row.get::<_, Option<[u8; 32]>>("copy_print")?.map(fingerprint),
        original: row.get("original")?,
        flags: row.get::<_, Json<Flags>>("flags")?.0,
        added: row.get::<_, Json<Flags>>("add_flags")?.0,
        removed: row.get::<_, Json<Flags>>("remove_flags")?.0,
        internal_date: row.get("internal_date")?,
        size: row.get::<_, i64>("size")?.cast_unsigned(),
        score: row.get::<_, Option<i64>>("score")?.map(Score),
        tier: row.get::<_, Option<TierWord>>("tier")?.map(|word| word.0),
        rules: row.get::<_, Json<Vec<String>>>("rules")?.0,
        sender: row.get("sender")?,
        subject: row.get("subject")?,
        note: row.get("note")?,
        undone_by: row.get("undone_by")?,
    })
}
