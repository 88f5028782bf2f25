-- Waiting rooms: which there are, what they protect, and what is kept of them between two runs of
-- the server. Ids: raw bytes. Times: ms since the epoch. Column names are the same on every backend.

CREATE TABLE waiting_room (
    room_id        BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(room_id) = 16),
    made_ms        BIGINT  NOT NULL,
    -- JSON. What it was made with; what it is set to now is in its state.
    settings       TEXT    NOT NULL,
    -- JSON. What may be bought by who waited.
    authority      TEXT    NOT NULL,
    -- Anybody may simulate a rush on it.
    demo           BOOLEAN NOT NULL DEFAULT FALSE,
    -- JSON. Its state as last known, for a store of rooms that has forgotten it; null: never opened.
    state          TEXT,
    state_ms       BIGINT
);

-- A performance has at most one room.
CREATE TABLE waiting_room_performance (
    performance_id BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(performance_id) = 16),
    room_id        BYTEA   NOT NULL REFERENCES waiting_room (room_id)
);
CREATE INDEX waiting_room_performance_room ON waiting_room_performance (room_id);

-- What may be bought by who came in on a bypass code. The code itself is kept nowhere.
CREATE TABLE waiting_room_code (
    room_id        BYTEA   NOT NULL REFERENCES waiting_room (room_id),
    code_id        TEXT    COLLATE "C" NOT NULL,
    authority      TEXT    NOT NULL,
    PRIMARY KEY (room_id, code_id)
);

-- Rooms that live in a process's memory, as they were a moment ago.
CREATE TABLE waiting_room_memory (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    bytes          BYTEA   NOT NULL,
    kept_ms        BIGINT  NOT NULL
);
