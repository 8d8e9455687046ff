//! Does the state agree with itself? Looks only; repairs nothing.

use rusqlite::Connection;

use crate::Store;
use crate::error::Result;

/// What must never be found, and the query that would find it: each row of the answer is one finding.
const NEVER: [(&str, &str); 12] = [
    (
        "an intent stands open on a parked folder",
        "SELECT intent.id FROM intent JOIN folder ON folder.id = intent.folder
         WHERE intent.outcome IS NULL AND folder.parked IS NOT NULL",
    ),
    (
        "an intent's folder is of another account",
        "SELECT intent.id FROM intent LEFT JOIN folder ON folder.id = intent.folder
         WHERE folder.account IS NOT intent.account",
    ),
    (
        "an intent's run is of another account",
        "SELECT intent.id FROM intent LEFT JOIN run ON run.id = intent.run
         WHERE run.account IS NOT intent.account",
    ),
    (
        "an intent is done that was never sent",
        "SELECT id FROM intent WHERE outcome = 'done' AND reached = 'planned'",
    ),
    (
        "an intent follows one that is not settled",
        "SELECT next.id FROM intent AS next JOIN intent ON intent.id = next.follows WHERE intent.outcome IS NULL",
    ),
    (
        "an intent made a copy that was never wanted",
        "SELECT id FROM intent WHERE target IS NULL AND (reached = 'copied' OR target_uid IS NOT NULL)",
    ),
    (
        "an intent changed a mailbox and is not in the history",
        "SELECT id FROM intent
         WHERE outcome IS NOT NULL AND (outcome = 'done' OR reached IN ('copied', 'marked'))
           AND NOT EXISTS (SELECT 1 FROM history WHERE history.intent = intent.id)",
    ),
    (
        "the history tells of an intent that changed nothing",
        "SELECT history.id FROM history LEFT JOIN intent ON intent.id = history.intent
         WHERE intent.outcome IS NULL OR (intent.outcome <> 'done' AND intent.reached IN ('planned', 'sent'))",
    ),
    (
        "the history and the journal tell of different messages",
        "SELECT history.id FROM history JOIN intent ON intent.id = history.intent
           JOIN folder ON folder.id = intent.folder
         WHERE history.fingerprint <> intent.fingerprint OR history.account <> intent.account
           OR history.run <> intent.run OR history.from_folder <> folder.name
           OR history.from_validity <> folder.validity OR history.from_uid <> intent.uid
           OR history.to_folder IS NOT intent.target OR history.to_uid IS NOT intent.target_uid",
    ),
    (
        "an entry is undone by one that does not undo it",
        "SELECT undone.id FROM history AS undone JOIN history AS undoing ON undoing.id = undone.undone_by
           JOIN intent ON intent.id = undoing.intent
         WHERE intent.undoes IS NOT undone.id",
    ),
    (
        "a message is seen and yet being tried",
        "SELECT seen.uid FROM seen JOIN attempt USING (folder, purpose, uid)
         WHERE attempt.begun = 0",
    ),
    (
        "a folder was parked before it was opened",
        "SELECT id FROM folder WHERE parked < opened",
    ),
];

impl Store {
    /// Compares the tables with each other and has SQLite check the file. Gives what is wrong, a line each; empty if
    /// nothing is. Reads everything: for tests, and for people who ask.
    ///
    /// # Errors
    /// Those of the state file.
    pub fn check(&self) -> Result<Vec<String>> {
        self.read(|conn| {
            let mut findings: Vec<String> = texts(conn, "PRAGMA integrity_check(20)")?
                .into_iter()
                .filter(|line| line != "ok")
                .map(|line| format!("the file: {line}"))
                .collect();
            let dangling = texts(
                conn,
                "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check",
            )?;
            findings.extend(dangling.into_iter().map(|row| format!("{row} refers to nothing")));
            for (what, query) in NEVER {
                let rows: Vec<i64> = conn
                    .prepare_cached(query)?
                    .query_map([], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                findings.extend(rows.into_iter().map(|row| format!("{what} (row {row})")));
            }
            Ok(findings)
        })
    }
}

fn texts(conn: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare(query)?
        .query_map([], |row| Ok(row.get::<_, Option<String>>(0)?.unwrap_or_default()))?
        .collect()
}
