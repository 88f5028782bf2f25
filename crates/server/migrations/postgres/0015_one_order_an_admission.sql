-- An admission pays for one order at a time, at whichever server. Null: written down before this was
-- asked. Column names are the same on every backend.

ALTER TABLE waiting_room_paying ADD COLUMN admission_id BYTEA
    CHECK (admission_id IS NULL OR octet_length(admission_id) = 16);
CREATE UNIQUE INDEX waiting_room_paying_admission ON waiting_room_paying (admission_id);
