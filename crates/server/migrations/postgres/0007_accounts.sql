-- Who may sign in, as what, and where they are signed in. Ids, hashes: raw bytes. Times: ms since
-- the epoch. Column names are the same on every backend.

CREATE TABLE account (
    account_id     BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(account_id) = 16),
    -- In lower case: one address is one account, however it is typed.
    email          TEXT    COLLATE "C" NOT NULL UNIQUE,
    role           TEXT    NOT NULL CHECK (role IN ('fan', 'organiser', 'operator', 'door', 'admin')),
    -- What holds and orders made while signed in belong to.
    fan_id         BYTEA   NOT NULL UNIQUE CHECK (octet_length(fan_id) = 16),
    -- PHC string: the parameters stand in it.
    password       TEXT    NOT NULL,
    created_ms     BIGINT  NOT NULL,
    password_ms    BIGINT  NOT NULL,
    -- Null: may sign in.
    disabled_ms    BIGINT
);

-- Where somebody is signed in. The token itself is in their cookie and nowhere else.
CREATE TABLE account_session (
    token_hash     BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account_id     BYTEA   NOT NULL REFERENCES account (account_id),
    created_ms     BIGINT  NOT NULL,
    seen_ms        BIGINT  NOT NULL,
    expires_ms     BIGINT  NOT NULL
);
CREATE INDEX account_session_account ON account_session (account_id);
CREATE INDEX account_session_expires ON account_session (expires_ms);

-- Guests who signed in later: what they bought before is the account's. A guest is adopted once.
CREATE TABLE account_fan (
    fan_id         BYTEA   NOT NULL PRIMARY KEY CHECK (octet_length(fan_id) = 16),
    account_id     BYTEA   NOT NULL REFERENCES account (account_id),
    adopted_ms     BIGINT  NOT NULL
);
CREATE INDEX account_fan_account ON account_fan (account_id, adopted_ms);
