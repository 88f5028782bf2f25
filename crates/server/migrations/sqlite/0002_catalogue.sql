-- What is sold where and when. Ids are 16 bytes, instants are ms since the epoch, text is UTF-8.

CREATE TABLE venues (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    city       TEXT    NOT NULL,
    time_zone  TEXT    NOT NULL
) STRICT;

-- Seat maps are immutable and named by their content: performances share them.
CREATE TABLE seat_maps (
    version    BLOB    NOT NULL PRIMARY KEY,
    bytes      BLOB    NOT NULL
) STRICT;

CREATE TABLE performances (
    id              BLOB    NOT NULL PRIMARY KEY,
    venue_id        BLOB    NOT NULL REFERENCES venues (id),
    title           TEXT    NOT NULL,
    subtitle        TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    genre           TEXT    NOT NULL,
    starts_at_ms    INTEGER NOT NULL,
    doors_at_ms     INTEGER NOT NULL,
    map_version     BLOB    NOT NULL REFERENCES seat_maps (version),
    terms           TEXT    NOT NULL,
    poster_svg      TEXT    NOT NULL,
    simulated_fans  INTEGER NOT NULL
) STRICT;

CREATE INDEX performances_by_start ON performances (starts_at_ms, id);

-- One row: counts the changes, so that a process knows whether what it remembers is still true.
CREATE TABLE catalogue_revision (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision   INTEGER NOT NULL
) STRICT;

INSERT INTO catalogue_revision (one, revision) VALUES (1, 0);
