-- Addresses that the user has written to, in lower case. Of all accounts: a person is the same in each.
CREATE TABLE correspondent (
    address TEXT PRIMARY KEY CHECK (length(address) BETWEEN 3 AND 254),
    at      INTEGER NOT NULL                                -- when it was noted last
) STRICT, WITHOUT ROWID;
