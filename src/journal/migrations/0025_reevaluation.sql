-- Results that a person had read anew, from the bytes they came in, by another configuration.

CREATE TABLE reevaluation (       -- written once: what supersedes this version is the same result, read by another configuration
    observation INTEGER PRIMARY KEY REFERENCES observation,
    named TEXT NOT NULL,          -- who had it read anew
    account TEXT NOT NULL,        -- the system user who gave the command
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER reevaluation_unchanged BEFORE UPDATE ON reevaluation BEGIN SELECT RAISE(ABORT, 'who had a result read anew never changes'); END;
CREATE TRIGGER reevaluation_stays BEFORE DELETE ON reevaluation BEGIN SELECT RAISE(ABORT, 'who had a result read anew never goes'); END;

-- The versions whose successor a person had made here of what was received once: it is no result more.
CREATE VIEW remade (observation) AS
    SELECT observation FROM reassignment UNION ALL SELECT observation FROM reevaluation;
