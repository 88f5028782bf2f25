-- The ledger and what is written in the same transaction. Ids, hashes: raw bytes. Times: ms since
-- the epoch. Column names are the same on every backend.

-- The oldest schema that a program may know and still work on this database. A migration that only
-- adds leaves it alone; one that takes something away raises it to the first version whose program
-- no longer needs what goes.
CREATE TABLE schema_floor (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version        BIGINT  NOT NULL
);
INSERT INTO schema_floor (one, version) VALUES (1, 1);

-- Where each ledger ends. Its row lock is a performance's turn: several servers append to one
-- ledger, and whoever holds the row is the only one who may. Only on this backend; the others have
-- one writer. Seldom more than a few pages, updated with every batch: room for that on each page.
CREATE TABLE ledger_head (
    performance_id BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(performance_id) = 16),
    seq            BIGINT  NOT NULL CHECK (seq >= 0),
    hash           BYTEA   NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 25);

-- One row is one batch. The primary key refuses a second batch at the same position, whatever the
-- head says.
CREATE TABLE ledger (
    performance_id BYTEA   NOT NULL CHECK (octet_length(performance_id) = 16),
    seq            BIGINT  NOT NULL CHECK (seq > 0),
    at_ms          BIGINT  NOT NULL,
    batch          BYTEA   NOT NULL,
    hash           BYTEA   NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (performance_id, seq)
);
-- Compact already: trying to compress it again only costs time.
ALTER TABLE ledger ALTER COLUMN batch SET STORAGE EXTERNAL;

-- What each command came to. seq and entry point into the ledger; null: it was refused and detail
-- is the rejection. Clients make ids in order of time, so inserts land next to one another.
CREATE TABLE command (
    performance_id BYTEA   NOT NULL CHECK (octet_length(performance_id) = 16),
    command_id     BYTEA   NOT NULL CHECK (octet_length(command_id) = 16),
    content        BYTEA   NOT NULL CHECK (octet_length(content) = 16),
    seq            BIGINT,
    entry          BIGINT,
    detail         BYTEA,
    PRIMARY KEY (command_id, performance_id)
);

-- Tickets that are live now. The primary key is the last line of defence against selling a seat
-- twice. place_key: the seat's index; for places in areas a negative number made from ticket_id.
CREATE TABLE ticket_live (
    performance_id BYTEA   NOT NULL CHECK (octet_length(performance_id) = 16),
    place_key      BIGINT  NOT NULL,
    ticket_id      BYTEA   NOT NULL CHECK (octet_length(ticket_id) = 16),
    order_id       BYTEA   NOT NULL,
    fan_id         BYTEA   NOT NULL,
    area           INTEGER,
    price_type     INTEGER NOT NULL,
    PRIMARY KEY (performance_id, place_key)
);
CREATE UNIQUE INDEX ticket_live_ticket ON ticket_live (ticket_id);
CREATE INDEX ticket_live_order ON ticket_live (order_id);

-- Orders the ledger has confirmed.
CREATE TABLE order_confirmed (
    performance_id BYTEA   NOT NULL,
    order_id       BYTEA   NOT NULL CHECK (octet_length(order_id) = 16),
    fan_id         BYTEA   NOT NULL,
    total_minor    BIGINT  NOT NULL,
    at_ms          BIGINT  NOT NULL,
    PRIMARY KEY (performance_id, order_id)
);

-- The latest snapshot of each performance: a shortcut that may be thrown away at any time.
CREATE TABLE snapshot (
    performance_id BYTEA   NOT NULL PRIMARY KEY,
    seq            BIGINT  NOT NULL,
    at_ms          BIGINT  NOT NULL,
    hash           BYTEA   NOT NULL,
    inventory      BYTEA   NOT NULL,
    digest         BYTEA   NOT NULL
);
ALTER TABLE snapshot ALTER COLUMN inventory SET STORAGE EXTERNAL;
