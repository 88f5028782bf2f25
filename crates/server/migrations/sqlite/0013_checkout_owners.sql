-- Which server takes the steps of a checkout, where several share a database. Column names are the
-- same on every backend.

-- Sixteen zeros: nobody, as before there were owners. Whoever finds it takes it up.
ALTER TABLE checkout ADD COLUMN owner BLOB NOT NULL
    DEFAULT x'00000000000000000000000000000000' CHECK (length(owner) = 16);
-- 1: another server asks the owner to look, for something may have changed at the provider.
ALTER TABLE checkout ADD COLUMN nudged INTEGER NOT NULL DEFAULT 0 CHECK (nudged IN (0, 1));
DROP INDEX checkout_unsettled;
CREATE INDEX checkout_unsettled ON checkout (owner, created_ms) WHERE unsettled = 1;
CREATE INDEX checkout_nudged ON checkout (owner) WHERE nudged = 1;

-- Counts up while a server has checkouts under way, so that others see that it lives. Whoever stops
-- in good order takes its row away.
CREATE TABLE checkout_server (
    server_id      BLOB    NOT NULL PRIMARY KEY CHECK (length(server_id) = 16),
    beat           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
