-- Times are microseconds since 1970 UTC. Names are singular. Rows of a table marked "written once" never change.

CREATE TABLE journal (            -- one row
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT NOT NULL,          -- random, new at every start, part of every idempotency key made since
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE transfer (           -- a run of parcels from one connection
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,         -- the configured port or listener
    peer TEXT NOT NULL,           -- who was at the other end
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    ending TEXT,                  -- 'ended', or why it was cut
    open_parcel INTEGER,          -- where the message under way begins; NULL: at the first parcel
    open_offset INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX transfer_open ON transfer (id) WHERE ended_at IS NULL;

CREATE TABLE parcel (             -- written once: the bytes as received
    id INTEGER PRIMARY KEY,
    transfer INTEGER NOT NULL REFERENCES transfer,
    received_at INTEGER NOT NULL,
    content_start INTEGER NOT NULL,
    content_end INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX parcel_transfer ON parcel (transfer, id);

CREATE TABLE reply (              -- what was said about a parcel, where the protocol answers in words
    parcel INTEGER PRIMARY KEY REFERENCES parcel,
    source TEXT NOT NULL,
    sha256 BLOB NOT NULL,         -- of the parcel's content: the same content again gets the same answer
    texts BLOB NOT NULL           -- each text ended by FS
) STRICT;
CREATE INDEX reply_content ON reply (sha256, source);

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    transfer INTEGER NOT NULL REFERENCES transfer,
    first_parcel INTEGER NOT NULL REFERENCES parcel,
    first_offset INTEGER NOT NULL,
    last_parcel INTEGER NOT NULL REFERENCES parcel,
    end_offset INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('stored', 'incomplete', 'processed', 'unattributed')),
    processed_at INTEGER,
    instrument TEXT,
    fingerprint BLOB,             -- SHA-256 of the content without control ID, sequence and send time
    repeats INTEGER REFERENCES message,
    results INTEGER NOT NULL DEFAULT 0 -- received in it, counted when it was read: a day's sums are checked against it
) STRICT;
CREATE INDEX message_waiting ON message (id) WHERE processed_at IS NULL;
CREATE INDEX message_instrument ON message (instrument);
CREATE INDEX message_fingerprint ON message (instrument, fingerprint);
CREATE INDEX message_transfer ON message (transfer);
CREATE INDEX message_received ON message (received_at);
CREATE INDEX message_unattributed ON message (id) WHERE state = 'unattributed';

CREATE TABLE observation (        -- written once
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message,
    record INTEGER NOT NULL,
    instrument TEXT NOT NULL,
    specimen TEXT NOT NULL,
    code TEXT NOT NULL,
    aspect TEXT NOT NULL,
    component TEXT NOT NULL,
    class TEXT NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL,
    supersedes INTEGER REFERENCES observation,
    recorded_at INTEGER NOT NULL,
    detail TEXT NOT NULL          -- the whole observation as JSON
) STRICT;
CREATE INDEX observation_specimen ON observation (specimen, code, instrument);
CREATE UNIQUE INDEX observation_message ON observation (message, record, component);
CREATE UNIQUE INDEX observation_superseded ON observation (supersedes) WHERE supersedes IS NOT NULL;

CREATE TABLE repetition (         -- written once: a result that was received again
    message INTEGER NOT NULL REFERENCES message,
    record INTEGER NOT NULL,
    component TEXT NOT NULL,
    observation INTEGER NOT NULL REFERENCES observation,
    PRIMARY KEY (message, record, component)
) STRICT, WITHOUT ROWID;
CREATE INDEX repetition_observation ON repetition (observation);

CREATE TABLE problem (
    id INTEGER PRIMARY KEY,
    message INTEGER REFERENCES message,
    record INTEGER,
    instrument TEXT,
    specimen TEXT,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    replaces_result INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0, -- its message was read again: no longer part of the sums
    seen_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    closing_note TEXT
) STRICT;
CREATE INDEX problem_open ON problem (id) WHERE closed_at IS NULL;
CREATE INDEX problem_open_instrument ON problem (instrument) WHERE closed_at IS NULL;
CREATE INDEX problem_open_kind ON problem (kind, message) WHERE closed_at IS NULL;
CREATE INDEX problem_message ON problem (message);
CREATE INDEX problem_specimen ON problem (specimen);

CREATE TABLE habit (              -- what an instrument is known to send
    id INTEGER PRIMARY KEY,
    instrument TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,        -- the test, or empty for the instrument
    value TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES message, -- the first that showed it
    problem INTEGER REFERENCES problem, -- by which the change was named; NULL: nothing was known before
    UNIQUE (instrument, kind, subject, value)
) STRICT;
CREATE INDEX habit_problem ON habit (problem) WHERE problem IS NOT NULL;

CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    observation INTEGER NOT NULL REFERENCES observation,
    reason TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    closing TEXT CHECK (closing IN ('released', 'rejected', 'superseded')),
    closing_note TEXT
) STRICT;
CREATE INDEX hold_open ON hold (observation) WHERE closed_at IS NULL;
CREATE INDEX hold_observation ON hold (observation);

CREATE TABLE host_query (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message,
    instrument TEXT NOT NULL,
    record INTEGER NOT NULL,
    specimens TEXT NOT NULL,      -- JSON array
    cancels INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    answer TEXT,                  -- what was answered, or why nothing was
    answered_at INTEGER,
    without_orders INTEGER NOT NULL DEFAULT 1 -- until an answer brings some
) STRICT;
CREATE INDEX host_query_message ON host_query (message);
CREATE INDEX host_query_asked ON host_query (asked_at);
CREATE INDEX host_query_unhelped ON host_query (asked_at) WHERE without_orders AND NOT cancels;

CREATE VIEW query_without_orders AS -- of the last day of traffic: an analyzer that was not helped goes on without
    SELECT * FROM host_query WHERE without_orders AND NOT cancels
    AND asked_at > (SELECT max(asked_at) FROM host_query) - 86400000000;

CREATE TABLE ledger (             -- what each destination is owed, and what became of it
    destination TEXT NOT NULL,
    observation INTEGER NOT NULL REFERENCES observation,
    lane TEXT NOT NULL,           -- specimen and test: order is kept within it
    specimen TEXT NOT NULL,
    priority INTEGER NOT NULL,    -- lower goes first
    state TEXT NOT NULL CHECK (state IN ('not-for-it', 'held', 'pending', 'in-flight', 'accepted', 'staged',
        'refused', 'unknown', 'quarantined', 'superseded', 'rejected')),
    behind INTEGER NOT NULL DEFAULT 0, -- pending, and something older in its lane must be over first; kept by the triggers below
    delivery INTEGER REFERENCES delivery,
    reason TEXT,
    changed_at INTEGER NOT NULL,
    -- Not by destination first: there are few of them, and a search by that alone would walk through everything.
    PRIMARY KEY (observation, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_ready ON ledger (destination, priority, observation) WHERE state = 'pending' AND behind = 0;
CREATE INDEX ledger_pending ON ledger (destination, specimen, lane, observation) WHERE state = 'pending';
CREATE INDEX ledger_oldest ON ledger (destination, observation) WHERE state = 'pending';
CREATE INDEX ledger_in_the_way ON ledger (destination, specimen, lane, observation)
    WHERE state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined');
CREATE INDEX ledger_delivery ON ledger (delivery) WHERE delivery IS NOT NULL;

CREATE TABLE owed (               -- results of a message that each destination is owed, counted when it was read
    message INTEGER NOT NULL REFERENCES message,
    destination TEXT NOT NULL,
    results INTEGER NOT NULL,
    PRIMARY KEY (message, destination)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_total (       -- kept by the triggers below
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (destination, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER ledger_enter AFTER INSERT ON ledger BEGIN
    INSERT INTO ledger_total VALUES (new.destination, new.state, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
    UPDATE ledger SET behind = NOT behind
        WHERE destination = new.destination AND observation = new.observation AND +state = 'pending'
        AND behind <> EXISTS (SELECT 1 FROM ledger e WHERE e.destination = ledger.destination
            AND e.specimen = ledger.specimen AND e.lane = ledger.lane AND +e.observation < ledger.observation
            AND e.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined'));
END;
CREATE TRIGGER ledger_move AFTER UPDATE OF state ON ledger WHEN old.state <> new.state BEGIN
    UPDATE ledger_total SET count = count - 1 WHERE destination = old.destination AND state = old.state;
    INSERT INTO ledger_total VALUES (new.destination, new.state, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
    UPDATE ledger SET behind = NOT behind
        WHERE destination = new.destination AND specimen = new.specimen AND lane = new.lane
        AND observation >= new.observation AND state = 'pending'
        AND behind <> EXISTS (SELECT 1 FROM ledger e WHERE e.destination = ledger.destination
            AND e.specimen = ledger.specimen AND e.lane = ledger.lane AND +e.observation < ledger.observation
            AND e.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined'));
END;
CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger keeps every row'); END;

CREATE TABLE delivery (           -- key, payload and hash are written once
    id INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    specimen TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    payload BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    priority INTEGER NOT NULL,
    -- 'unknown' is being found out by itself; 'dead' waits for a person
    state TEXT NOT NULL CHECK (state IN ('due', 'sending', 'unknown', 'settled', 'dead')),
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE INDEX delivery_waiting ON delivery (destination, priority, due_at, id) WHERE state IN ('due', 'unknown');
CREATE INDEX delivery_sending ON delivery (destination, specimen) WHERE state = 'sending';
CREATE INDEX delivery_open ON delivery (destination, state, created_at) WHERE state <> 'settled';
CREATE INDEX delivery_dead ON delivery (id) WHERE state = 'dead';
CREATE INDEX delivery_specimen ON delivery (specimen);

CREATE TABLE attempt (            -- written once, before anything is sent
    id INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL REFERENCES delivery,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('send', 'probe')),
    began_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_delivery ON attempt (delivery);

CREATE TABLE answer (             -- written once, when the attempt is over
    attempt INTEGER PRIMARY KEY REFERENCES attempt,
    ended_at INTEGER NOT NULL,
    status INTEGER,               -- HTTP status, where there was one
    body BLOB,
    verdict TEXT NOT NULL,
    detail TEXT NOT NULL,
    connection TEXT               -- over what it went, as far as that is known; NULL: nothing left
) STRICT;

CREATE TABLE link_note (          -- what the other end of a link did wrong, and how often
    source TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (source, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE report (             -- written once: each reconciliation that was put into the folder of reports
    day TEXT NOT NULL,            -- of the site's calendar, as 2026-11-20
    revision INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    sha256 BLOB NOT NULL,         -- of what it says, without when and as which revision
    PRIMARY KEY (day, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
    name TEXT NOT NULL,
    subject TEXT NOT NULL,        -- an instrument, a destination, or empty
    value INTEGER NOT NULL,
    PRIMARY KEY (name, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (              -- written once; each row's hash covers the row before
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    step TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE rule_set (           -- written once: rules that somebody signed; the last is in force
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL,         -- of the text, in hexadecimal
    text TEXT NOT NULL,
    signed_by TEXT NOT NULL,
    account TEXT NOT NULL,        -- the system user who gave the command
    statement TEXT NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER rule_set_unchanged BEFORE UPDATE ON rule_set BEGIN SELECT RAISE(ABORT, 'signed rules never change'); END;
CREATE TRIGGER rule_set_stays BEFORE DELETE ON rule_set BEGIN SELECT RAISE(ABORT, 'signed rules never go'); END;
CREATE TRIGGER parcel_unchanged BEFORE UPDATE ON parcel BEGIN SELECT RAISE(ABORT, 'a parcel never changes'); END;
CREATE TRIGGER observation_unchanged BEFORE UPDATE ON observation BEGIN SELECT RAISE(ABORT, 'an observation never changes'); END;
CREATE TRIGGER attempt_unchanged BEFORE UPDATE ON attempt BEGIN SELECT RAISE(ABORT, 'an attempt never changes'); END;
CREATE TRIGGER answer_unchanged BEFORE UPDATE ON answer BEGIN SELECT RAISE(ABORT, 'an answer never changes'); END;
CREATE TRIGGER report_unchanged BEFORE UPDATE ON report BEGIN SELECT RAISE(ABORT, 'a report never changes'); END;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'an audit row never changes'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'an audit row never goes'); END;
CREATE TRIGGER payload_unchanged BEFORE UPDATE OF key, payload, sha256 ON delivery BEGIN SELECT RAISE(ABORT, 'a payload never changes once leased'); END;
CREATE TRIGGER parcel_stays BEFORE DELETE ON parcel BEGIN SELECT RAISE(ABORT, 'a parcel never goes'); END;
CREATE TRIGGER message_stays BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'a message never goes'); END;
CREATE TRIGGER observation_stays BEFORE DELETE ON observation BEGIN SELECT RAISE(ABORT, 'an observation never goes'); END;
CREATE TRIGGER delivery_stays BEFORE DELETE ON delivery BEGIN SELECT RAISE(ABORT, 'a delivery never goes'); END;
CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'an attempt never goes'); END;
CREATE TRIGGER owed_stays BEFORE DELETE ON owed BEGIN SELECT RAISE(ABORT, 'what is owed stays'); END;
CREATE TRIGGER report_stays BEFORE DELETE ON report BEGIN SELECT RAISE(ABORT, 'a report never goes'); END;
CREATE TRIGGER answer_stays BEFORE DELETE ON answer BEGIN SELECT RAISE(ABORT, 'an answer never goes'); END;
