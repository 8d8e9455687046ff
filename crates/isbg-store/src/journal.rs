//! The journal: every change to a mailbox is written down here before its first byte is sent, and every step after.
//! Does not know how a change is carried out.

use isbg_types::{Fingerprint, Flags, FolderName, ModSeq, Place, Score, Tier, Uid, UidValidity};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

use crate::attempts::clip;
use crate::error::{Error, Result};
use crate::folders::must_stand;
use crate::words::Json;
use crate::{
    AccountId, Action, EntryId, FolderId, Form, IntentId, Original, Purpose, RunId, Store, Timestamp,
    intents, settle,
};

/// The longest sender or subject kept, in bytes.
const SUMMARY_TEXT: usize = 300;

/// Where a copy goes, as the target folder stood when this was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The folder.
    pub folder: FolderName,
    /// Its UIDVALIDITY.
    pub validity: UidValidity,
    /// Its UIDNEXT: a copy of ours can only be found from here on.
    pub uid_next: Option<Uid>,
}

/// What is about to be done to one message, and all that is needed to find out later whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIntent {
    /// The folder it lies in.
    pub folder: FolderId,
    /// Its UID there.
    pub uid: Uid,
    /// In which kind of pass this was decided.
    pub purpose: Purpose,
    /// What people would call it.
    pub action: Action,
    /// The original's identity.
    pub fingerprint: Fingerprint,
    /// Its flags when it was judged.
    pub flags: Flags,
    /// Its MODSEQ when it was judged (RFC 7162).
    pub modseq: Option<ModSeq>,
    /// Its INTERNALDATE in the server's own text.
    pub internal_date: String,
    /// Its RFC822.SIZE.
    pub size: u64,
    /// Where a copy goes; `None` if none is made.
    pub target: Option<Target>,
    /// In which form the copy arrives.
    pub form: Form,
    /// The copy's identity where it is not the original's own bytes.
    pub copy_fingerprint: Option<Fingerprint>,
    /// The copy's size in bytes, where it is not the original's.
    pub copy_size: Option<u64>,
    /// What is to become of the original.
    pub original: Original,
    /// The folder that the original goes to once its copy is confirmed.
    pub trash: Option<FolderName>,
    /// Flags to set on the message where it ends up staying.
    pub add_flags: Flags,
    /// Flags to take off it.
    pub remove_flags: Flags,
    /// Its score, where it was judged.
    pub score: Option<Score>,
    /// Its tier, where it was judged.
    pub tier: Option<Tier>,
    /// The names of the rules that hit.
    pub rules: Vec<String>,
    /// From whom, for people. Clipped.
    pub sender: String,
    /// Its subject, for people. Clipped.
    pub subject: String,
    /// The history entry this undoes.
    pub undoes: Option<EntryId>,
}

/// How far an intent has come. States go forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Written down; nothing was sent.
    Planned,
    /// The command may have been sent: whether it was carried out is unknown until somebody looks.
    Sent,
    /// A copy is in the target; the original is untouched.
    Copied,
    /// The original is marked; a copy, if one was wanted, is in the target.
    Marked,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Copied => "copied",
            Self::Marked => "marked",
        }
    }

    pub(crate) fn from_word(word: &str) -> rusqlite::Result<Self> {
        [Self::Planned, Self::Sent, Self::Copied, Self::Marked]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| {
                rusqlite::Error::InvalidColumnType(0, "reached".into(), rusqlite::types::Type::Text)
            })
    }
}

/// A step forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// About to send the command. Only once: what was sent and not answered is looked for, never sent again.
    Sent,
    /// The copy is in the target, under this UID where it is known.
    Copied(Option<Uid>),
    /// The original is marked. Where a copy is wanted, only after it was made.
    Marked,
}

/// An intent that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its row in the journal.
    pub id: IntentId,
    /// The run that planned it.
    pub run: RunId,
    /// Its account.
    pub account: AccountId,
    /// Where the original lies, or lay.
    pub from: Place,
    /// What was planned.
    pub plan: NewIntent,
    /// How far it has come.
    pub state: State,
    /// It was written down together with the end of another, as what is to come next.
    pub follows: bool,
    /// The copy's UID in the target, where it is known.
    pub target_uid: Option<Uid>,
    /// When it was planned.
    pub planned: Timestamp,
    /// When it last went forward.
    pub changed: Timestamp,
}

impl Store {
    /// Writes intents down, durably: when this returns, they survive a power cut. All or none; at most a few hundred at
    /// once, so that looking after a cut stays cheap.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`] if something is being done to one of the messages already, [`Error::Parked`] if a folder's
    /// UIDVALIDITY changed meanwhile. If this fails, nothing may be sent.
    pub fn plan(&mut self, run: RunId, intents: &[NewIntent], now: Timestamp) -> Result<Vec<IntentId>> {
        self.write(|tx| {
            let account = account_of_run(tx, run)?;
            intents
                .iter()
                .map(|intent| insert(tx, run, account, intent, now))
                .collect()
        })
    }

    /// Takes intents one step forward each, in one transaction, durably.
    ///
    /// # Errors
    /// [`Error::Illegal`] if a state does not allow its step; then none is taken.
    pub fn advance(&mut self, steps: &[(IntentId, Step)], now: Timestamp) -> Result<()> {
        self.write(|tx| {
            for &(intent, step) in steps {
                advance(tx, intent, step, now)?;
            }
            Ok(())
        })
    }

    /// Settles intents and writes the history, in one transaction, durably. Gives each one's entry in the history:
    /// there is one if anything was, or may have been, changed in the mailbox.
    ///
    /// # Errors
    /// [`Error::Illegal`] if one is settled already, or done without having been sent; then none is settled.
    pub fn settle(
        &mut self,
        settlements: &[(IntentId, Settlement)],
        now: Timestamp,
    ) -> Result<Vec<Option<EntryId>>> {
        self.write(|tx| {
            settlements
                .iter()
                .map(|(intent, settlement)| settle::one(tx, *intent, settlement, now))
                .collect()
        })
    }

    /// The account's intents that are not settled, oldest first. Under the account's lock they are what an earlier run
    /// left behind, and must be looked into before anything else.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn open_intents(&self, account: AccountId) -> Result<Vec<Intent>> {
        self.read(|conn| intents::open_of(conn, account))
    }
}

/// How an intent ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It was carried out.
    Done {
        /// The copy's UID in the target, where it is known.
        to: Option<Uid>,
        /// What really became of the original.
        original: Original,
        /// What did not go as planned, for people.
        note: Option<String>,
    },
    /// It is dropped: the user touched the message, another client took it, or it cannot be known.
    Void {
        /// Why, for people.
        reason: String,
    },
    /// The server refused.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

fn account_of_run(conn: &Connection, run: RunId) -> Result<AccountId> {
    conn.query_row("SELECT account FROM run WHERE id = ?1", [run], |row| row.get(0))
        .optional()?
        .ok_or(Error::Missing {
            what: "run",
            id: run.0,
        })
}

pub(crate) fn insert(
    tx: &Transaction<'_>,
    run: RunId,
    account: AccountId,
    new: &NewIntent,
    now: Timestamp,
) -> Result<IntentId> {
    if must_stand(tx, new.folder)? != account {
        return Err(Error::Missing {
            what: "folder of this account",
            id: new.folder.0,
        });
    }
    let open = tx
        .prepare_cached("SELECT 1 FROM intent WHERE folder = ?1 AND uid = ?2 AND outcome IS NULL")?
        .exists(params![new.folder, new.uid.get()])?;
    if open {
        return Err(Error::AlreadyOpen {
            folder: new.folder,
            uid: new.uid.get(),
        });
    }
    insert_row(tx, run, account, new, now)?;
    Ok(IntentId(tx.last_insert_rowid()))
}

fn insert_row(
    tx: &Transaction<'_>,
    run: RunId,
    account: AccountId,
    new: &NewIntent,
    now: Timestamp,
) -> Result<()> {
    let target = new.target.as_ref();
    tx.prepare_cached(
        "INSERT INTO intent (run, account, folder, uid, purpose, action, fingerprint, flags, modseq, internal_date,
             size, target, target_validity, target_uid_next, form, copy_print, copy_size, original, trash, add_flags,
             remove_flags, score, tier, rules, sender, subject, undoes, planned, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25, ?26, ?27, ?28, ?28)",
    )?
    .execute(params![
        run,
        account,
        new.folder,
        new.uid.get(),
        new.purpose,
        new.action,
        new.fingerprint.0,
        Json(&new.flags),
        new.modseq.map(|modseq| modseq.0.cast_signed()),
        new.internal_date,
        new.size.cast_signed(),
        target.map(|target| target.folder.as_str()),
        target.map(|target| target.validity.0),
        target.and_then(|target| target.uid_next).map(Uid::get),
        new.form,
        new.copy_fingerprint.map(|print| print.0),
        new.copy_size.map(u64::cast_signed),
        new.original,
        new.trash.as_ref().map(FolderName::as_str),
        Json(&new.add_flags),
        Json(&new.remove_flags),
        new.score.map(|score| score.0),
        new.tier.map(Tier::as_str),
        Json(&new.rules),
        clip(&new.sender, SUMMARY_TEXT),
        clip(&new.subject, SUMMARY_TEXT),
        new.undoes,
        now
    ])?;
    Ok(())
}

fn advance(tx: &Transaction<'_>, intent: IntentId, step: Step, now: Timestamp) -> Result<()> {
    let (state, copies) = intents::open_state(tx, intent)?;
    let (to, target_uid) = match (step, state) {
        (Step::Sent, State::Planned) => (State::Sent, None),
        (Step::Copied(target_uid), State::Sent) if copies => (State::Copied, target_uid),
        (Step::Marked, State::Copied) => (State::Marked, None),
        (Step::Marked, State::Sent) if !copies => (State::Marked, None),
        (step, state) => {
            return Err(Error::Illegal {
                intent,
                from: state.as_str().to_owned(),
                to: match step {
                    Step::Sent => "sent",
                    Step::Copied(_) => "copied",
                    Step::Marked => "marked",
                },
            });
        }
    };
    tx.prepare_cached(
        "UPDATE intent SET reached = ?2, target_uid = coalesce(?3, target_uid), changed = ?4 WHERE id = ?1",
    )?
    .execute(params![intent, to.as_str(), target_uid.map(Uid::get), now])?;
    Ok(())
}
