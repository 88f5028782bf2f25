-- One row is one attempt to pay for an order: what was wanted (never changed) and the step the
-- money saga is at. A step is written before it is taken. Ids: raw bytes. Times: ms since the epoch.

CREATE TABLE checkout (
    order_id       BYTEA   NOT NULL CHECK (octet_length(order_id) = 16),
    attempt        BIGINT  NOT NULL CHECK (attempt > 0),
    command_id     BYTEA   NOT NULL CHECK (octet_length(command_id) = 16),
    content        BYTEA   NOT NULL CHECK (octet_length(content) = 16),
    performance_id BYTEA   NOT NULL CHECK (octet_length(performance_id) = 16),
    hold_id        BYTEA   NOT NULL CHECK (octet_length(hold_id) = 16),
    fan_id         BYTEA   NOT NULL CHECK (octet_length(fan_id) = 16),
    created_ms     BIGINT  NOT NULL,
    updated_ms     BIGINT  NOT NULL,
    -- The saga still has something to do, so that a restart must look at it.
    unsettled      BOOLEAN NOT NULL,
    -- The step, JSON.
    step           TEXT    NOT NULL,
    -- Items, quote, buyer and the card's last four digits, JSON. Never a card number.
    details        TEXT    NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX checkout_order ON checkout (order_id, attempt);
CREATE UNIQUE INDEX checkout_command ON checkout (command_id);
CREATE INDEX checkout_fan ON checkout (fan_id, created_ms);
CREATE INDEX checkout_unsettled ON checkout (created_ms) WHERE unsettled;
