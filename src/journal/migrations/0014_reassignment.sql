-- Results whose specimen number was misread, and what a destination is told beside a result itself.

CREATE TABLE reassignment (       -- written once: a version of a result is another specimen's than its number says
    observation INTEGER PRIMARY KEY REFERENCES observation, -- under the number that was read; what supersedes it is under the right one
    specimen TEXT NOT NULL,       -- whose it is
    named TEXT NOT NULL,          -- who says so
    account TEXT NOT NULL,        -- the system user who gave the command
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX reassignment_specimen ON reassignment (specimen);

CREATE TABLE reassignment_due (   -- kept by the triggers below: moved, and nothing stands for it yet under the right number
    observation INTEGER PRIMARY KEY REFERENCES observation
) STRICT;
CREATE TRIGGER reassignment_begins AFTER INSERT ON reassignment BEGIN
    INSERT INTO reassignment_due VALUES (new.observation);
END;
CREATE TRIGGER reassignment_ends AFTER INSERT ON observation WHEN new.supersedes IS NOT NULL BEGIN
    DELETE FROM reassignment_due WHERE observation = new.supersedes;
END;
CREATE TRIGGER reassignment_unchanged BEFORE UPDATE ON reassignment BEGIN SELECT RAISE(ABORT, 'who moved a result never changes'); END;
CREATE TRIGGER reassignment_stays BEFORE DELETE ON reassignment BEGIN SELECT RAISE(ABORT, 'who moved a result never goes'); END;

-- One record is read once under the number that was sent, and once more under each that it was moved to.
DROP INDEX observation_message;
CREATE UNIQUE INDEX observation_message ON observation (message, record, component, version);

CREATE TABLE notice (             -- what a destination is told of a result while it is held, or once it is void; in no sum
    id INTEGER PRIMARY KEY,
    observation INTEGER NOT NULL REFERENCES observation,
    destination TEXT NOT NULL,
    says TEXT NOT NULL CHECK (says IN ('preliminary', 'misread', 'rejected')),
    specimen TEXT NOT NULL,
    lane TEXT NOT NULL,           -- as in the ledger: nothing newer of it leaves before a word that is owed
    state TEXT NOT NULL CHECK (state IN ('pending', 'in-flight', 'accepted', 'staged', 'refused', 'unknown', 'rejected',
        'superseded')),
    delivery INTEGER REFERENCES delivery,
    reason TEXT,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX notice_of_result ON notice (observation, destination, says);
CREATE INDEX notice_pending ON notice (destination, id) WHERE state = 'pending';
CREATE INDEX notice_in_the_way ON notice (destination, specimen, lane) WHERE state IN ('pending', 'in-flight', 'unknown', 'refused');
CREATE INDEX notice_delivery ON notice (delivery) WHERE delivery IS NOT NULL;
CREATE TRIGGER notice_stays BEFORE DELETE ON notice BEGIN SELECT RAISE(ABORT, 'what a destination is to know stays'); END;
