-- The ledger and what is written in the same transaction. Ids, hashes: raw bytes. Times: ms since
-- the epoch. Column names are the same on every backend.

-- One row is one batch. Primary key and concurrency control in one: whoever appends the same
-- (performance_id, seq) second loses. Not WITHOUT ROWID, because a batch may be large.
CREATE TABLE ledger (
    performance_id BLOB    NOT NULL CHECK (length(performance_id) = 16),
    seq            INTEGER NOT NULL CHECK (seq > 0),
    at_ms          INTEGER NOT NULL,
    batch          BLOB    NOT NULL,
    hash           BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (performance_id, seq)
) STRICT;

-- What each command came to. seq and entry point into the ledger; null: it was refused and detail
-- is the rejection. Clients make time-ordered ids, so inserts land next to one another.
CREATE TABLE command (
    performance_id BLOB    NOT NULL,
    command_id     BLOB    NOT NULL CHECK (length(command_id) = 16),
    content        BLOB    NOT NULL CHECK (length(content) = 16),
    seq            INTEGER,
    entry          INTEGER,
    detail         BLOB,
    PRIMARY KEY (performance_id, command_id)
) STRICT, WITHOUT ROWID;

-- Tickets that are live now. The primary key is the last line of defence against selling a seat
-- twice. place_key: the seat's index; for places in areas a negative number made from ticket_id.
CREATE TABLE ticket_live (
    performance_id BLOB    NOT NULL,
    place_key      INTEGER NOT NULL,
    ticket_id      BLOB    NOT NULL CHECK (length(ticket_id) = 16),
    order_id       BLOB    NOT NULL,
    fan_id         BLOB    NOT NULL,
    area           INTEGER,
    price_type     INTEGER NOT NULL,
    PRIMARY KEY (performance_id, place_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ticket_live_ticket ON ticket_live (ticket_id);
CREATE INDEX ticket_live_order ON ticket_live (order_id);

-- Orders the ledger has confirmed.
CREATE TABLE order_confirmed (
    performance_id BLOB    NOT NULL,
    order_id       BLOB    NOT NULL CHECK (length(order_id) = 16),
    fan_id         BLOB    NOT NULL,
    total_minor    INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    PRIMARY KEY (performance_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_confirmed_fan ON order_confirmed (fan_id, at_ms);

-- The latest snapshot of each performance: a shortcut that may be thrown away at any time.
CREATE TABLE snapshot (
    performance_id BLOB    NOT NULL PRIMARY KEY,
    seq            INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    hash           BLOB    NOT NULL,
    inventory      BLOB    NOT NULL,
    digest         BLOB    NOT NULL
) STRICT;
