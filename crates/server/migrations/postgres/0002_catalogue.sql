-- What is sold where and when. Ids are 16 bytes, instants are ms since the epoch, text is UTF-8.
-- What is listed in order of a text is in order of its bytes, as on every backend.

CREATE TABLE venues (
    id         BYTEA   NOT NULL PRIMARY KEY,
    name       TEXT    COLLATE "C" NOT NULL,
    city       TEXT    NOT NULL,
    time_zone  TEXT    NOT NULL
);

-- Seat maps are immutable and named by their content: performances share them.
CREATE TABLE seat_maps (
    version    BYTEA   NOT NULL PRIMARY KEY,
    bytes      BYTEA   NOT NULL
);

CREATE TABLE performances (
    id              BYTEA   NOT NULL PRIMARY KEY,
    venue_id        BYTEA   NOT NULL REFERENCES venues (id),
    title           TEXT    NOT NULL,
    subtitle        TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    genre           TEXT    NOT NULL,
    starts_at_ms    BIGINT  NOT NULL,
    doors_at_ms     BIGINT  NOT NULL,
    map_version     BYTEA   NOT NULL REFERENCES seat_maps (version),
    -- Those in force. The ledger changes them, in the transaction of its batch.
    terms           TEXT    NOT NULL,
    poster_svg      TEXT    NOT NULL,
    simulated_fans  BOOLEAN NOT NULL,
    -- Those it opened under; null where they are still in force.
    opening_terms   TEXT
);

CREATE INDEX performances_by_start ON performances (starts_at_ms, id);

-- One row: counts the changes, so that a process knows whether what it remembers is still true.
CREATE TABLE catalogue_revision (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision   BIGINT  NOT NULL
);
INSERT INTO catalogue_revision (one, revision) VALUES (1, 0);

-- One row where this database was filled by `onsale demo`.
CREATE TABLE demo (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
);
