-- The first schema. Times are seconds since 1970 (UTC). Ids are never used twice (AUTOINCREMENT).

CREATE TABLE account (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    label   TEXT NOT NULL UNIQUE,            -- 'home', or 'user@host:port' of a run without a config file
    created INTEGER NOT NULL
) STRICT;

-- A folder under one UIDVALIDITY. A change of UIDVALIDITY parks the row and opens another.
CREATE TABLE folder (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES account (id),
    name     TEXT NOT NULL,
    validity INTEGER NOT NULL CHECK (validity BETWEEN 0 AND 4294967295),
    opened   INTEGER NOT NULL,               -- when this UIDVALIDITY was first met
    parked   INTEGER                         -- when another took its place; NULL while it stands
) STRICT;
CREATE UNIQUE INDEX folder_standing ON folder (account, name) WHERE parked IS NULL;
CREATE INDEX folder_parked ON folder (account, name, parked) WHERE parked IS NOT NULL;

-- What a finished pass over a folder saw, so that the next can tell at once that nothing changed.
CREATE TABLE mark (
    folder         INTEGER NOT NULL REFERENCES folder (id),
    purpose        TEXT NOT NULL CHECK (purpose IN ('scan', 'learn-spam', 'learn-ham')),
    uid_next       INTEGER CHECK (uid_next BETWEEN 1 AND 4294967295),
    modseq         INTEGER,                  -- HIGHESTMODSEQ, 64 bits
    messages       INTEGER,                  -- how many messages the folder held
    complete_below INTEGER NOT NULL CHECK (complete_below BETWEEN 1 AND 4294967295),
    conditions     TEXT NOT NULL,            -- what the pass looked for; another text voids the mark
    at             INTEGER NOT NULL,
    PRIMARY KEY (folder, purpose)
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
    folder      INTEGER NOT NULL REFERENCES folder (id),
    purpose     TEXT NOT NULL CHECK (purpose IN ('scan', 'learn-spam', 'learn-ham')),
    uid         INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    fingerprint BLOB CHECK (length(fingerprint) = 32),   -- NULL: taken over from an older isbg's file
    tier        TEXT CHECK (tier IN ('ham', 'unsure', 'spam', 'certain')),
    score       INTEGER,                     -- thousandths of a point
    at          INTEGER NOT NULL,
    PRIMARY KEY (folder, purpose, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_fingerprint ON seen (fingerprint) WHERE fingerprint IS NOT NULL;

-- Messages being judged, or waiting to be judged again. A row goes when its message is seen.
CREATE TABLE attempt (
    folder   INTEGER NOT NULL REFERENCES folder (id),
    purpose  TEXT NOT NULL CHECK (purpose IN ('scan', 'learn-spam', 'learn-ham')),
    uid      INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    tries    INTEGER NOT NULL,               -- how often it was begun
    crashes  INTEGER NOT NULL,               -- how often it was begun again without having ended
    begun    INTEGER NOT NULL CHECK (begun IN (0, 1)),   -- 1: begun and not ended
    at       INTEGER NOT NULL,               -- the last change
    next_try INTEGER,                        -- not before; NULL: at once
    error    TEXT,                           -- why the last try gave no verdict
    PRIMARY KEY (folder, purpose, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES account (id),
    kind     TEXT NOT NULL,                  -- 'classic', 'scan', 'learn', 'undo', ...
    started  INTEGER NOT NULL,
    ended    INTEGER,                        -- NULL: still running, or cut off
    counters TEXT NOT NULL DEFAULT '{}'      -- JSON
) STRICT;
CREATE INDEX run_account ON run (account);

-- The journal: what is about to be done to one message, committed before the first changing byte is sent.
CREATE TABLE intent (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    run             INTEGER NOT NULL REFERENCES run (id),
    account         INTEGER NOT NULL REFERENCES account (id),
    folder          INTEGER NOT NULL REFERENCES folder (id),
    uid             INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    purpose         TEXT NOT NULL CHECK (purpose IN ('scan', 'learn-spam', 'learn-ham')),
    action          TEXT NOT NULL CHECK (action IN ('move', 'copy', 'flag', 'delete', 'restore')),
    fingerprint     BLOB NOT NULL CHECK (length(fingerprint) = 32),
    flags           TEXT NOT NULL,           -- JSON: the message's flags when it was judged
    modseq          INTEGER,
    internal_date   TEXT NOT NULL,           -- the server's own text
    size            INTEGER NOT NULL,        -- RFC822.SIZE
    target          TEXT,                    -- folder name
    target_validity INTEGER,
    target_uid_next INTEGER,                 -- when planned: the copy is looked for from here on
    form            TEXT NOT NULL CHECK (form IN ('original', 'report', 'unwrapped')),
    copy_print      BLOB CHECK (length(copy_print) = 32),   -- fingerprint of a copy that is not the original
    original        TEXT NOT NULL CHECK (original IN ('keep', 'mark-deleted', 'remove')),
    add_flags       TEXT NOT NULL,           -- JSON
    remove_flags    TEXT NOT NULL,           -- JSON
    score           INTEGER,
    tier            TEXT CHECK (tier IN ('ham', 'unsure', 'spam', 'certain')),
    rules           TEXT NOT NULL,           -- JSON: names of the rules that hit
    sender          TEXT NOT NULL,           -- for people
    subject         TEXT NOT NULL,           -- for people
    undoes          INTEGER REFERENCES history (id),
    reached         TEXT NOT NULL DEFAULT 'planned' CHECK (reached IN ('planned', 'sent', 'copied', 'marked')),
    sends           INTEGER NOT NULL DEFAULT 0,
    target_uid      INTEGER CHECK (target_uid BETWEEN 1 AND 4294967295),
    outcome         TEXT CHECK (outcome IN ('done', 'void', 'failed')),   -- NULL while open
    reason          TEXT,
    planned         INTEGER NOT NULL,
    changed         INTEGER NOT NULL,
    CHECK ((target IS NULL) = (target_validity IS NULL)),
    CHECK (outcome IS NOT 'done' OR reached <> 'planned'),
    CHECK (outcome IS NULL OR outcome = 'done' OR reason IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX intent_open ON intent (folder, uid) WHERE outcome IS NULL;
CREATE INDEX intent_open_account ON intent (account) WHERE outcome IS NULL;
CREATE INDEX intent_copy_print ON intent (copy_print) WHERE copy_print IS NOT NULL;

-- What was done, for people and for undoing it.
CREATE TABLE history (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    intent        INTEGER NOT NULL UNIQUE REFERENCES intent (id),
    run           INTEGER NOT NULL REFERENCES run (id),
    account       INTEGER NOT NULL REFERENCES account (id),
    at            INTEGER NOT NULL,
    purpose       TEXT NOT NULL CHECK (purpose IN ('scan', 'learn-spam', 'learn-ham')),
    action        TEXT NOT NULL CHECK (action IN ('move', 'copy', 'flag', 'delete', 'restore')),
    from_folder   TEXT NOT NULL,
    from_validity INTEGER NOT NULL,
    from_uid      INTEGER NOT NULL,
    to_folder     TEXT,
    to_validity   INTEGER,
    to_uid        INTEGER,                   -- NULL: the server did not say
    fingerprint   BLOB NOT NULL CHECK (length(fingerprint) = 32),
    form          TEXT NOT NULL CHECK (form IN ('original', 'report', 'unwrapped')),
    copy_print    BLOB CHECK (length(copy_print) = 32),
    original      TEXT NOT NULL CHECK (original IN ('keep', 'mark-deleted', 'remove')),   -- what became of it
    flags         TEXT NOT NULL,             -- before
    add_flags     TEXT NOT NULL,
    remove_flags  TEXT NOT NULL,
    internal_date TEXT NOT NULL,
    size          INTEGER NOT NULL,
    score         INTEGER,
    tier          TEXT CHECK (tier IN ('ham', 'unsure', 'spam', 'certain')),
    rules         TEXT NOT NULL,
    sender        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    note          TEXT,                      -- what did not go as planned
    undone_by     INTEGER REFERENCES history (id)
) STRICT;
CREATE INDEX history_account ON history (account, id);
CREATE INDEX history_run ON history (run);
CREATE INDEX history_fingerprint ON history (fingerprint);

CREATE TABLE learned (
    account     INTEGER NOT NULL REFERENCES account (id),
    engine      TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    class       TEXT NOT NULL CHECK (class IN ('ham', 'spam')),
    at          INTEGER NOT NULL,
    PRIMARY KEY (account, engine, fingerprint)
) STRICT, WITHOUT ROWID;

-- Messages on which the user overruled us. They are never moved again, wherever they lie.
CREATE TABLE kept (
    account     INTEGER NOT NULL REFERENCES account (id),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    reason      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (account, fingerprint)
) STRICT, WITHOUT ROWID;
