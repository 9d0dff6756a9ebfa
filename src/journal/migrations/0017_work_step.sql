-- What each analyzer was told of each tube, test by test.

CREATE TABLE work_step (
    id INTEGER PRIMARY KEY,
    instrument TEXT NOT NULL,
    specimen TEXT NOT NULL,
    code TEXT NOT NULL,           -- the instrument's
    number TEXT NOT NULL UNIQUE,  -- under which it is told and taken back where a protocol numbers steps (IHE LAW: OBR-2)
    particulars TEXT NOT NULL,    -- SHA-256 of the patient, priority and specimen that it was told with
    state TEXT NOT NULL CHECK (state IN ('telling', 'told', 'withdrawing', 'over')),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX work_step_tube ON work_step (instrument, specimen, state);

ALTER TABLE download ADD COLUMN particulars TEXT NOT NULL DEFAULT ''; -- as in work_step
