-- One row is one attempt to pay for an order: what was wanted (never changed) and the step the
-- money saga is at. A step is written before it is taken. Ids: raw bytes. Times: ms since the epoch.

-- Not WITHOUT ROWID: a row is about a kilobyte, and new ones go to the end of the table.
CREATE TABLE checkout (
    order_id       BLOB    NOT NULL CHECK (length(order_id) = 16),
    attempt        INTEGER NOT NULL CHECK (attempt > 0),
    command_id     BLOB    NOT NULL CHECK (length(command_id) = 16),
    content        BLOB    NOT NULL CHECK (length(content) = 16),
    performance_id BLOB    NOT NULL CHECK (length(performance_id) = 16),
    hold_id        BLOB    NOT NULL CHECK (length(hold_id) = 16),
    fan_id         BLOB    NOT NULL CHECK (length(fan_id) = 16),
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    -- 1: the saga still has something to do, so that a restart must look at it.
    unsettled      INTEGER NOT NULL CHECK (unsettled IN (0, 1)),
    -- The step, JSON.
    step           TEXT    NOT NULL,
    -- Items, quote, buyer and the card's last four digits, JSON. Never a card number.
    details        TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX checkout_order ON checkout (order_id, attempt);
CREATE UNIQUE INDEX checkout_command ON checkout (command_id);
CREATE INDEX checkout_fan ON checkout (fan_id, created_ms);
CREATE INDEX checkout_unsettled ON checkout (created_ms) WHERE unsettled = 1;
