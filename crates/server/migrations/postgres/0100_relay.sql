-- How far each ledger has been published, by whom, and what could not be. Ids: raw bytes. Times: ms
-- since the epoch. Column names are the same on every backend.

-- One row: who publishes. Whoever takes it raises the epoch; `beats` grows while its holder lives.
CREATE TABLE relay_lease (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    holder         BYTEA   CHECK (octet_length(holder) = 16),
    epoch          BIGINT  NOT NULL,
    beats          BIGINT  NOT NULL
);
INSERT INTO relay_lease (one, holder, epoch, beats) VALUES (1, NULL, 0, 0);

-- The last batch of each ledger that a stream has acknowledged whole.
CREATE TABLE relay_cursor (
    stream         TEXT    COLLATE "C" NOT NULL,
    performance_id BYTEA   NOT NULL CHECK (octet_length(performance_id) = 16),
    seq            BIGINT  NOT NULL,
    -- When the first minute ends whose sums have not been told.
    window_ms      BIGINT,
    PRIMARY KEY (stream, performance_id)
);

-- Messages that could not be sent. The ledger has what they said.
CREATE TABLE relay_dead_letter (
    performance_id BYTEA   NOT NULL CHECK (octet_length(performance_id) = 16),
    topic          TEXT    COLLATE "C" NOT NULL,
    event_id       TEXT    COLLATE "C" NOT NULL,
    seq            BIGINT  NOT NULL,
    reason         TEXT    NOT NULL,
    at_ms          BIGINT  NOT NULL,
    PRIMARY KEY (performance_id, topic, event_id)
);

-- Who was let in from a waiting room, until it has been published. Of whom it says nothing.
CREATE TABLE relay_admission (
    admission_id   BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(admission_id) = 16),
    room_id        BYTEA   NOT NULL CHECK (octet_length(room_id) = 16),
    at_ms          BIGINT  NOT NULL,
    -- JSON.
    performances   TEXT    NOT NULL
);
CREATE INDEX relay_admission_ms ON relay_admission (at_ms);
