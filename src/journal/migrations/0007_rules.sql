CREATE TABLE rule_text (          -- written once: rules that decided something, signed or not
    sha256 TEXT PRIMARY KEY,      -- of the text, in hexadecimal
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation (         -- written once: what one set of rules decided of a result
    id INTEGER PRIMARY KEY,
    observation INTEGER NOT NULL REFERENCES observation,
    rules TEXT NOT NULL REFERENCES rule_text,
    force TEXT NOT NULL CHECK (force IN ('in-force', 'shadow')),
    facts TEXT NOT NULL,          -- the whole case as JSON: asking again needs nothing else
    decisions TEXT NOT NULL,      -- JSON array
    decided_at INTEGER NOT NULL
) STRICT;
CREATE INDEX evaluation_observation ON evaluation (observation);

CREATE INDEX observation_patient ON observation (json_extract(detail, '$.patient.id'), id);

CREATE TRIGGER rule_text_unchanged BEFORE UPDATE ON rule_text BEGIN SELECT RAISE(ABORT, 'the text of rules never changes'); END;
CREATE TRIGGER rule_text_stays BEFORE DELETE ON rule_text BEGIN SELECT RAISE(ABORT, 'the text of rules never goes'); END;
CREATE TRIGGER evaluation_unchanged BEFORE UPDATE ON evaluation BEGIN SELECT RAISE(ABORT, 'a decision never changes'); END;
CREATE TRIGGER evaluation_stays BEFORE DELETE ON evaluation BEGIN SELECT RAISE(ABORT, 'a decision never goes'); END;
