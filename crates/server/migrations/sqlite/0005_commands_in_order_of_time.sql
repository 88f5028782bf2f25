-- The id of a command first: clients and checkouts make ids in order of time, so that the records of
-- one transaction, of however many performances, land on the same few pages. With the performance
-- first each performance had a page of its own, written anew for every command.
CREATE TABLE command_by_time (
    performance_id BLOB    NOT NULL,
    command_id     BLOB    NOT NULL CHECK (length(command_id) = 16),
    content        BLOB    NOT NULL CHECK (length(content) = 16),
    seq            INTEGER,
    entry          INTEGER,
    detail         BLOB,
    PRIMARY KEY (command_id, performance_id)
) STRICT, WITHOUT ROWID;
INSERT INTO command_by_time (performance_id, command_id, content, seq, entry, detail)
    SELECT performance_id, command_id, content, seq, entry, detail FROM command
    ORDER BY command_id, performance_id;
DROP TABLE command;
ALTER TABLE command_by_time RENAME TO command;
