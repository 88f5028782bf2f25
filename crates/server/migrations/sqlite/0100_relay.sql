-- How far each ledger has been published, by whom, and what could not be. Ids: raw bytes. Times: ms
-- since the epoch. Column names are the same on every backend.

-- One row: who publishes. Whoever takes it raises the epoch; `beats` grows while its holder lives.
CREATE TABLE relay_lease (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    holder         BLOB    CHECK (length(holder) = 16),
    epoch          INTEGER NOT NULL,
    beats          INTEGER NOT NULL
) STRICT;
INSERT INTO relay_lease (one, holder, epoch, beats) VALUES (1, NULL, 0, 0);

-- The last batch of each ledger that a stream has acknowledged whole.
CREATE TABLE relay_cursor (
    stream         TEXT    NOT NULL,
    performance_id BLOB    NOT NULL CHECK (length(performance_id) = 16),
    seq            INTEGER NOT NULL,
    -- When the first minute ends whose sums have not been told.
    window_ms      INTEGER,
    PRIMARY KEY (stream, performance_id)
) STRICT, WITHOUT ROWID;

-- Messages that could not be sent. The ledger has what they said.
CREATE TABLE relay_dead_letter (
    performance_id BLOB    NOT NULL CHECK (length(performance_id) = 16),
    topic          TEXT    NOT NULL,
    event_id       TEXT    NOT NULL,
    seq            INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    at_ms          INTEGER NOT NULL,
    PRIMARY KEY (performance_id, topic, event_id)
) STRICT, WITHOUT ROWID;

-- Who was let in from a waiting room, until it has been published. Of whom it says nothing.
CREATE TABLE relay_admission (
    admission_id   BLOB    NOT NULL PRIMARY KEY CHECK (length(admission_id) = 16),
    room_id        BLOB    NOT NULL CHECK (length(room_id) = 16),
    at_ms          INTEGER NOT NULL,
    -- JSON.
    performances   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX relay_admission_ms ON relay_admission (at_ms);
