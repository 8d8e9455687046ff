-- What follows a change once it is settled, and what the user did with messages afterwards.

-- The copy's size in bytes, where it is not the original's own bytes.
ALTER TABLE intent ADD COLUMN copy_size INTEGER;
-- The folder that the original goes to once its copy is confirmed.
ALTER TABLE intent ADD COLUMN trash TEXT;
-- The intent that this one was written down with as what is to come next: it is carried out even after a cut.
ALTER TABLE intent ADD COLUMN follows INTEGER REFERENCES intent (id);
-- No command is ever sent twice for one intent.
ALTER TABLE intent DROP COLUMN sends;
CREATE INDEX intent_target ON intent (account, target, target_uid) WHERE target_uid IS NOT NULL;

-- When the message was found to be no longer where it was put. NULL: it is there, or nobody has looked.
ALTER TABLE history ADD COLUMN gone INTEGER;
CREATE INDEX history_placed ON history (account, to_folder)
    WHERE gone IS NULL AND undone_by IS NULL AND to_uid IS NOT NULL;

-- How a folder stood when it was last looked through for messages that the user had moved.
CREATE TABLE followed (
    folder   INTEGER PRIMARY KEY REFERENCES folder (id),
    uid_next INTEGER NOT NULL CHECK (uid_next BETWEEN 1 AND 4294967295),
    earlier  INTEGER NOT NULL CHECK (earlier BETWEEN 1 AND 4294967295),   -- UIDNEXT at the look before
    messages INTEGER
) STRICT;

-- Messages that the user moved against our judgement, and that teach once they have stayed there for a while. What was
-- learned as spam stays here as long as it lies where the user put it.
CREATE TABLE correction (
    account       INTEGER NOT NULL REFERENCES account (id),
    fingerprint   BLOB NOT NULL CHECK (length(fingerprint) = 32),
    class         TEXT NOT NULL CHECK (class IN ('ham', 'spam')),
    folder        INTEGER NOT NULL REFERENCES folder (id),   -- where the user put it
    uid           INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    size          INTEGER NOT NULL,                          -- RFC822.SIZE
    origin        INTEGER REFERENCES folder (id),            -- where it was seen before, if it must be gone from there
    origin_uid    INTEGER CHECK (origin_uid BETWEEN 1 AND 4294967295),
    found         INTEGER NOT NULL,
    taught        INTEGER,                                   -- NULL: not yet
    PRIMARY KEY (account, fingerprint)
) STRICT, WITHOUT ROWID;
