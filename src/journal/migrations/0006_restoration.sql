-- When the journal turned out not to be the one that ran last. Nothing is delivered until somebody resumed.

CREATE TABLE restoration (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    last_message INTEGER NOT NULL, -- what became of this and earlier ones since they were written isn't known here
    first_observation INTEGER NOT NULL, -- new numbers from here on: the LIMS may know those between from what is lost
    resumed_at INTEGER,
    resumed_by TEXT,
    note TEXT
) STRICT;
CREATE INDEX restoration_open ON restoration (id) WHERE resumed_at IS NULL;
CREATE INDEX restoration_first ON restoration (first_observation);
CREATE INDEX restoration_last ON restoration (last_message);

CREATE TRIGGER restoration_unchanged BEFORE UPDATE OF at, why, last_message, first_observation ON restoration BEGIN SELECT RAISE(ABORT, 'a restoration never changes'); END;
CREATE TRIGGER restoration_stays BEFORE DELETE ON restoration BEGIN SELECT RAISE(ABORT, 'a restoration never goes'); END;
