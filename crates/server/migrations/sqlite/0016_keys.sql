-- What servers that share this database sign with, as SHA-256 of each key: so that one with other keys
-- finds out at its start, and not its fans. Column names are the same on every backend.

CREATE TABLE site_key (
    name           TEXT    NOT NULL PRIMARY KEY,
    digest         BLOB    NOT NULL CHECK (length(digest) = 32)
) STRICT, WITHOUT ROWID;
