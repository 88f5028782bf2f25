-- Waiting rooms: which there are, what they protect, and what is kept of them between two runs of
-- the server. Ids: raw bytes. Times: ms since the epoch. Column names are the same on every backend.

CREATE TABLE waiting_room (
    room_id        BLOB    NOT NULL PRIMARY KEY CHECK (length(room_id) = 16),
    made_ms        INTEGER NOT NULL,
    -- JSON. What it was made with; what it is set to now is in its state.
    settings       TEXT    NOT NULL,
    -- JSON. What may be bought by who waited.
    authority      TEXT    NOT NULL,
    -- 1: anybody may simulate a rush on it.
    demo           INTEGER NOT NULL DEFAULT 0 CHECK (demo IN (0, 1)),
    -- JSON. Its state as last known, for a store of rooms that has forgotten it; null: never opened.
    state          TEXT,
    state_ms       INTEGER
) STRICT;

-- A performance has at most one room.
CREATE TABLE waiting_room_performance (
    performance_id BLOB    NOT NULL PRIMARY KEY CHECK (length(performance_id) = 16),
    room_id        BLOB    NOT NULL REFERENCES waiting_room (room_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_room_performance_room ON waiting_room_performance (room_id);

-- What may be bought by who came in on a bypass code. The code itself is kept nowhere.
CREATE TABLE waiting_room_code (
    room_id        BLOB    NOT NULL REFERENCES waiting_room (room_id),
    code_id        TEXT    NOT NULL,
    authority      TEXT    NOT NULL,
    PRIMARY KEY (room_id, code_id)
) STRICT, WITHOUT ROWID;

-- Rooms that live in this process's memory, as they were a moment ago.
CREATE TABLE waiting_room_memory (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    bytes          BLOB    NOT NULL,
    kept_ms        INTEGER NOT NULL
) STRICT;
