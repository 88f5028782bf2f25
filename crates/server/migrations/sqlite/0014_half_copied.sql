-- One row from the beginning of a copy into this database to its end: who finds it must not take what
-- is here for the whole. Column names are the same on every backend.

CREATE TABLE half_copied (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
) STRICT;
