-- Which server takes the steps of a checkout, where several share a database. Column names are the
-- same on every backend.

-- Sixteen zeros: nobody, as before there were owners. Whoever finds it takes it up.
ALTER TABLE checkout ADD COLUMN owner BYTEA NOT NULL
    DEFAULT '\x00000000000000000000000000000000' CHECK (octet_length(owner) = 16);
-- Another server asks the owner to look, for something may have changed at the provider.
ALTER TABLE checkout ADD COLUMN nudged BOOLEAN NOT NULL DEFAULT FALSE;
DROP INDEX checkout_unsettled;
CREATE INDEX checkout_unsettled ON checkout (owner, created_ms) WHERE unsettled;
CREATE INDEX checkout_nudged ON checkout (owner) WHERE nudged;

-- Counts up while a server has checkouts under way, so that others see that it lives. Whoever stops
-- in good order takes its row away.
CREATE TABLE checkout_server (
    server_id      BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(server_id) = 16),
    beat           BIGINT  NOT NULL
) WITH (fillfactor = 25);

-- A program that knows of no owners takes up whatever it finds.
UPDATE schema_floor SET version = 13;
