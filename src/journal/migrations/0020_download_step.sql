-- What instruments that don't ask were told before the last time, and what waits for the LIMS.

CREATE TABLE download_step (      -- written once: what was to be told, and what came of it
    id INTEGER PRIMARY KEY,
    download INTEGER NOT NULL REFERENCES download,
    at INTEGER NOT NULL,
    tests TEXT NOT NULL,          -- the instrument's codes that were wanted then, a JSON array
    state TEXT NOT NULL,          -- 'due', 'taken' or 'refused'
    note TEXT NOT NULL
) STRICT;
CREATE INDEX download_step_download ON download_step (download, id);
CREATE INDEX download_step_taken ON download_step (id) WHERE state = 'taken';

INSERT INTO download_step (download, at, tests, state, note)
    SELECT id, changed_at, wanted, CASE state WHEN 'sending' THEN 'due' ELSE state END, note FROM download;

CREATE TRIGGER download_step_unchanged BEFORE UPDATE ON download_step BEGIN SELECT RAISE(ABORT, 'what an instrument was told never changes'); END;
CREATE TRIGGER download_step_stays BEFORE DELETE ON download_step BEGIN SELECT RAISE(ABORT, 'what an instrument was told never goes'); END;

CREATE INDEX lab_order_held ON lab_order (id) WHERE state = 'held';
