-- What the LIMS is asked of patients' earlier values, and what it told.

CREATE TABLE history_question (
    id INTEGER PRIMARY KEY,
    specimen TEXT NOT NULL,   -- whose results are to be compared
    patient TEXT NOT NULL,
    authority TEXT NOT NULL,
    code TEXT NOT NULL,       -- of one test, as the LIMS calls it; empty: all at once
    state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'unanswered')),
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    judged INTEGER NOT NULL DEFAULT 0, -- whether the specimen's results were judged since it was closed
    UNIQUE (specimen, patient, authority, code)
) STRICT;
CREATE INDEX history_question_open ON history_question (id) WHERE state = 'open';
CREATE INDEX history_question_closed ON history_question (id) WHERE state <> 'open' AND judged = 0;

CREATE TABLE history_value (
    id INTEGER PRIMARY KEY,
    question INTEGER NOT NULL REFERENCES history_question (id),
    code TEXT NOT NULL,
    value TEXT NOT NULL,      -- with its comparator
    unit TEXT NOT NULL,
    at INTEGER NOT NULL,
    told_at INTEGER,
    instrument TEXT NOT NULL, -- empty where the LIMS doesn't say
    specimens TEXT NOT NULL   -- a JSON list
) STRICT;
CREATE INDEX history_value_question ON history_value (question);
