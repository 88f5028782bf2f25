-- What must outlive a room, a crash and a restart. Ids: raw bytes. Times: ms since the epoch. Column
-- names are the same on every backend.

-- Rooms that were removed, each with its whole audit log.
CREATE TABLE waiting_room_removed (
    room_id        BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(room_id) = 16),
    name           TEXT    NOT NULL,
    made_ms        BIGINT  NOT NULL,
    removed_ms     BIGINT  NOT NULL,
    removed_by     TEXT    NOT NULL,
    -- JSON, newest first.
    log            TEXT    NOT NULL
);
CREATE INDEX waiting_room_removed_ms ON waiting_room_removed (removed_ms);

-- Who was let in and who left since the rooms in memory were kept last, in that order.
CREATE TABLE waiting_room_journal (
    seq            BIGINT  NOT NULL PRIMARY KEY,
    -- JSON.
    entry          TEXT    NOT NULL
);

-- Orders that are being paid for with an admission: so that a restart knows whose slot an order
-- frees.
CREATE TABLE waiting_room_paying (
    order_id       BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(order_id) = 16),
    fan_id         BYTEA   NOT NULL CHECK (octet_length(fan_id) = 16),
    -- JSON.
    admission      TEXT    NOT NULL
);

-- What an account is told at its next sign-in: that somebody tried to register with its address.
CREATE TABLE account_notice (
    account_id     BYTEA   NOT NULL PRIMARY KEY REFERENCES account (account_id),
    registrations  BIGINT  NOT NULL,
    last_ms        BIGINT  NOT NULL
);

-- Who guesses passwords, as the throttle knew it a moment ago. Keyed hashes, no addresses.
CREATE TABLE account_throttle (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    bytes          BYTEA   NOT NULL,
    kept_ms        BIGINT  NOT NULL
);
