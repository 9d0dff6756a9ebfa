-- Critical calls: what must be told to somebody, and what people recorded of it.

CREATE TABLE critical_call (      -- written once: a result that is critical, or may be; its newer versions are the same call
    id INTEGER PRIMARY KEY,
    specimen TEXT NOT NULL,
    opened_at INTEGER NOT NULL
) STRICT;
CREATE INDEX critical_call_specimen ON critical_call (specimen);

CREATE TABLE call_event (         -- written once: what happened to a call, in order
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL REFERENCES critical_call,
    observation INTEGER NOT NULL REFERENCES observation, -- the version that it was about then
    kind TEXT NOT NULL CHECK (kind IN ('critical', 'undecided', 'corrected', 'withdrawn', 'newer', 'changed', 'cleared', 'dropped',
        'verified', 'attempt', 'ended')),
    at INTEGER NOT NULL,          -- when it was written down
    account TEXT NOT NULL,        -- the system user who gave the command
    detail TEXT NOT NULL,         -- JSON
    leaves TEXT NOT NULL CHECK (leaves IN ('open', 'closed'))
) STRICT;
CREATE INDEX call_event_call ON call_event (call, id);
CREATE INDEX call_event_observation ON call_event (observation, call);
CREATE TRIGGER call_event_of_one_call BEFORE INSERT ON call_event
    WHEN EXISTS (SELECT 1 FROM call_event WHERE observation = new.observation AND call <> new.call)
    BEGIN SELECT RAISE(ABORT, 'a version of a result belongs to one call'); END;

CREATE TABLE call_open (          -- kept by the trigger below: the calls whose last event leaves them open
    call INTEGER PRIMARY KEY REFERENCES critical_call
) STRICT;
CREATE TRIGGER call_event_leaves AFTER INSERT ON call_event BEGIN
    DELETE FROM call_open WHERE call = new.call AND new.leaves = 'closed';
    INSERT OR IGNORE INTO call_open SELECT new.call WHERE new.leaves = 'open';
END;

CREATE TABLE call_line (          -- what people recorded, for each destination that is to know it
    event INTEGER NOT NULL REFERENCES call_event,
    destination TEXT NOT NULL,
    call INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    specimen TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'in-flight', 'accepted', 'staged', 'refused', 'unknown', 'rejected')),
    delivery INTEGER REFERENCES delivery,
    reason TEXT,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (event, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_line_pending ON call_line (destination, event) WHERE state = 'pending';
CREATE INDEX call_line_delivery ON call_line (delivery) WHERE delivery IS NOT NULL;

CREATE TRIGGER critical_call_unchanged BEFORE UPDATE ON critical_call BEGIN SELECT RAISE(ABORT, 'a critical call never changes'); END;
CREATE TRIGGER critical_call_stays BEFORE DELETE ON critical_call BEGIN SELECT RAISE(ABORT, 'a critical call never goes'); END;
CREATE TRIGGER call_event_unchanged BEFORE UPDATE ON call_event BEGIN SELECT RAISE(ABORT, 'what was recorded of a call never changes'); END;
CREATE TRIGGER call_event_stays BEFORE DELETE ON call_event BEGIN SELECT RAISE(ABORT, 'what was recorded of a call never goes'); END;
CREATE TRIGGER call_line_stays BEFORE DELETE ON call_line BEGIN SELECT RAISE(ABORT, 'what a destination is to know of a call stays'); END;
CREATE TRIGGER call_open_needs_a_call BEFORE DELETE ON call_open
    WHEN (SELECT leaves FROM call_event WHERE call = old.call ORDER BY id DESC LIMIT 1) = 'open'
    BEGIN SELECT RAISE(ABORT, 'an open call stays open until an event closes it'); END;
