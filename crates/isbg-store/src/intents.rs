//! Reading open intents back from the journal. Does not change them.

use isbg_types::{Flags, FolderName, ModSeq, Place, Score, Uid, UidSet, UidValidity};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Error, Result};
use crate::words::{Json, TierWord, fingerprint, opt_uid, uid};
use crate::{AccountId, Intent, IntentId, NewIntent, State, Store, Target};

const SELECT: &str = "SELECT intent.id, run, intent.account, folder.name, folder.validity, uid, folder, purpose, action,
        fingerprint, flags, modseq, internal_date, size, target, target_validity, target_uid_next, form, copy_print,
        copy_size, original, trash, add_flags, remove_flags, score, tier, rules, sender, subject, undoes, reached, follows, target_uid,
        planned, changed
    FROM intent JOIN folder ON folder.id = intent.folder";

impl Store {
    /// UIDs in this folder, from `from` on, that intents other than these name as their copies, settled ones included:
    /// they are not to be taken for anything else.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn claimed(
        &self,
        account: AccountId,
        target: &Target,
        from: Uid,
        except: &[IntentId],
    ) -> Result<UidSet> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, target_uid FROM intent
                 WHERE account = ?1 AND target = ?2 AND target_validity = ?3 AND target_uid >= ?4",
            )?;
            let values = params![account, target.folder.as_str(), target.validity.0, from.get()];
            let named: Vec<(IntentId, u32)> = statement
                .query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(named
                .into_iter()
                .filter(|(id, _)| !except.contains(id))
                .filter_map(|(_, uid)| Uid::new(uid))
                .collect())
        })
    }
}

/// The account's open intents, oldest first.
pub(crate) fn open_of(conn: &Connection, account: AccountId) -> Result<Vec<Intent>> {
    let sql = format!("{SELECT} WHERE intent.account = ?1 AND intent.outcome IS NULL ORDER BY intent.id");
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([account], from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The intent, if it is not settled.
pub(crate) fn open_one(conn: &Connection, intent: IntentId) -> Result<Intent> {
    open_state(conn, intent)?;
    Ok(conn
        .prepare_cached(&format!("{SELECT} WHERE intent.id = ?1"))?
        .query_row([intent], from_row)?)
}

/// The state of an open intent, and whether it makes a copy.
pub(crate) fn open_state(conn: &Connection, intent: IntentId) -> Result<(State, bool)> {
    let row: Option<(String, Option<String>, bool)> = conn
        .prepare_cached("SELECT reached, outcome, target IS NOT NULL FROM intent WHERE id = ?1")?
        .query_row([intent], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match row {
        Some((reached, None, copies)) => Ok((State::from_word(&reached)?, copies)),
        Some((_, Some(outcome), _)) => Err(Error::Illegal {
            intent,
            from: outcome,
            to: "anything else",
        }),
        None => Err(Error::Missing {
            what: "journal row",
            id: intent.0,
        }),
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        id: row.get("id")?,
        run: row.get("run")?,
        account: row.get("account")?,
        from: Place {
            folder: FolderName::new(row.get::<_, String>("name")?),
            validity: UidValidity(row.get("validity")?),
            uid: uid(row.get("uid")?)?,
        },
        plan: plan_from_row(row)?,
        state: State::from_word(&row.get::<_, String>("reached")?)?,
        follows: row.get::<_, Option<IntentId>>("follows")?.is_some(),
        target_uid: opt_uid(row.get("target_uid")?),
        planned: row.get("planned")?,
        changed: row.get("changed")?,
    })
}

fn plan_from_row(row: &Row<'_>) -> rusqlite::Result<NewIntent> {
    let target = match (
        row.get::<_, Option<String>>("target")?,
        row.get("target_validity")?,
    ) {
        (Some(folder), Some(validity)) => Some(Target {
            folder: FolderName::new(folder),
            validity: UidValidity(validity),
            uid_next: opt_uid(row.get("target_uid_next")?),
        }),
        _ => None,
    };
    Ok(NewIntent {
        folder: row.get("folder")?,
        uid: uid(row.get("uid")?)?,
        purpose: row.get("purpose")?,
        action: row.get("action")?,
        fingerprint: fingerprint(row.get("fingerprint")?),
        flags: row.get::<_, Json<Flags>>("flags")?.0,
        modseq: row
            .get::<_, Option<i64>>("modseq")?
            .map(|bits| ModSeq(bits.cast_unsigned())),
        internal_date: row.get("internal_date")?,
        size: row.get::<_, i64>("size")?.cast_unsigned(),
        target,
        form: row.get("form")?,
        copy_fingerprint: row.get::<_, Option<[u8; 32]>>("copy_print")?.map(fingerprint),
        copy_size: row.get::<_, Option<i64>>("copy_size")?.map(i64::cast_unsigned),
        original: row.get("original")?,
        trash: row.get::<_, Option<String>>("trash")?.map(FolderName::new),
        add_flags: row.get::<_, Json<Flags>>("add_flags")?.0,
        remove_flags: row.get::<_, Json<Flags>>("remove_flags")?.0,
        score: row.get::<_, Option<i64>>("score")?.map(Score),
        tier: row.get::<_, Option<TierWord>>("tier")?.map(|word| word.0),
        rules: row.get::<_, Json<Vec<String>>>("rules")?.0,
        sender: row.get("sender")?,
        subject: row.get("subject")?,
        undoes: row.get("undoes")?,
    })
}
