-- Controls: to which run each result belongs, what was decided of each run and by what, and what people said of it.

CREATE TABLE qc_series (          -- a test of an instrument
    id INTEGER PRIMARY KEY,
    instrument TEXT NOT NULL,
    code TEXT NOT NULL,
    aspect TEXT NOT NULL,
    component TEXT NOT NULL,
    UNIQUE (instrument, code, aspect, component)
) STRICT;

CREATE TABLE qc_run (             -- written once; a later run has a higher number
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES qc_series,
    began_at INTEGER NOT NULL     -- when its first result was measured
) STRICT;
CREATE INDEX qc_run_series ON qc_run (series, id);

CREATE TABLE qc_point (           -- written once: a control result, and its target as it was known when it came
    observation INTEGER PRIMARY KEY REFERENCES observation,
    run INTEGER NOT NULL REFERENCES qc_run,
    measured_at INTEGER NOT NULL,
    value TEXT NOT NULL,
    unit TEXT NOT NULL,
    lot TEXT,                     -- NULL: of no known material
    level TEXT,
    mean TEXT,                    -- NULL: not judged
    sd TEXT,
    source TEXT,                  -- where the target is from
    why_not TEXT,                 -- NULL: judged
    CHECK ((why_not IS NULL) = (mean IS NOT NULL AND sd IS NOT NULL))
) STRICT;
CREATE INDEX qc_point_run ON qc_point (run);

CREATE TABLE qc_rules (           -- written once: by what was decided
    sha256 TEXT PRIMARY KEY,
    text TEXT NOT NULL            -- as JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE qc_decision (        -- written once; the last of a run counts
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES qc_run,
    program TEXT NOT NULL,        -- which reading of the rules
    rules TEXT NOT NULL REFERENCES qc_rules,
    points TEXT NOT NULL,         -- JSON array of the observations that counted: with their rows, all that it takes to decide again
    outcome TEXT NOT NULL CHECK (outcome IN ('void', 'not-evaluated', 'incomplete', 'accepted', 'warning', 'rejected')),
    violations TEXT NOT NULL,     -- JSON array
    decided_at INTEGER NOT NULL
) STRICT;
CREATE INDEX qc_decision_run ON qc_decision (run, id);

CREATE TABLE qc_word (            -- written once: what a person said
    id INTEGER PRIMARY KEY,
    decision INTEGER NOT NULL REFERENCES qc_decision, -- the last of its run at that moment
    observation INTEGER REFERENCES qc_point, -- taken out of its run; NULL: the run is accepted
    said_by TEXT NOT NULL,
    account TEXT NOT NULL,        -- the system user who gave the command
    reason TEXT NOT NULL,
    said_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX qc_word_excluded ON qc_word (observation) WHERE observation IS NOT NULL;
CREATE UNIQUE INDEX qc_word_accepted ON qc_word (decision) WHERE observation IS NULL;

CREATE TRIGGER qc_run_unchanged BEFORE UPDATE ON qc_run BEGIN SELECT RAISE(ABORT, 'a run never changes'); END;
CREATE TRIGGER qc_run_stays BEFORE DELETE ON qc_run BEGIN SELECT RAISE(ABORT, 'a run never goes'); END;
CREATE TRIGGER qc_point_unchanged BEFORE UPDATE ON qc_point BEGIN SELECT RAISE(ABORT, 'a control result never changes'); END;
CREATE TRIGGER qc_point_stays BEFORE DELETE ON qc_point BEGIN SELECT RAISE(ABORT, 'a control result never goes'); END;
CREATE TRIGGER qc_rules_unchanged BEFORE UPDATE ON qc_rules BEGIN SELECT RAISE(ABORT, 'rules that decided never change'); END;
CREATE TRIGGER qc_rules_stay BEFORE DELETE ON qc_rules BEGIN SELECT RAISE(ABORT, 'rules that decided never go'); END;
CREATE TRIGGER qc_decision_unchanged BEFORE UPDATE ON qc_decision BEGIN SELECT RAISE(ABORT, 'a decision never changes'); END;
CREATE TRIGGER qc_decision_stays BEFORE DELETE ON qc_decision BEGIN SELECT RAISE(ABORT, 'a decision never goes'); END;
CREATE TRIGGER qc_word_unchanged BEFORE UPDATE ON qc_word BEGIN SELECT RAISE(ABORT, 'what a person said never changes'); END;
CREATE TRIGGER qc_word_stays BEFORE DELETE ON qc_word BEGIN SELECT RAISE(ABORT, 'what a person said never goes'); END;
