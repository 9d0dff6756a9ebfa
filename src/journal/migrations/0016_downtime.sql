-- Lists for a downtime that were kept: what people worked by while the LIMS had it not.

CREATE TABLE downtime_list (      -- written once
    id INTEGER PRIMARY KEY,
    kept_at INTEGER NOT NULL,
    kept_by TEXT NOT NULL         -- who, as in the audit
) STRICT;

CREATE TABLE downtime_line (      -- written once: a result that a destination had not
    list INTEGER NOT NULL REFERENCES downtime_list,
    observation INTEGER NOT NULL REFERENCES observation,
    destination TEXT NOT NULL,
    state TEXT NOT NULL,          -- of the ledger, when the list was kept
    PRIMARY KEY (list, observation, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX downtime_line_observation ON downtime_line (observation);

CREATE TRIGGER downtime_list_unchanged BEFORE UPDATE ON downtime_list BEGIN SELECT RAISE(ABORT, 'a kept list never changes'); END;
CREATE TRIGGER downtime_list_stays BEFORE DELETE ON downtime_list BEGIN SELECT RAISE(ABORT, 'a kept list never goes'); END;
CREATE TRIGGER downtime_line_unchanged BEFORE UPDATE ON downtime_line BEGIN SELECT RAISE(ABORT, 'a kept list never changes'); END;
CREATE TRIGGER downtime_line_stays BEFORE DELETE ON downtime_line BEGIN SELECT RAISE(ABORT, 'a kept list never goes'); END;
