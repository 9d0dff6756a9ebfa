-- What instruments that don't ask are told of their work.

CREATE TABLE download (           -- one tube's work on one instrument
    id INTEGER PRIMARY KEY,
    instrument TEXT NOT NULL,
    specimen TEXT NOT NULL,
    priority INTEGER NOT NULL,    -- lower is sooner
    wanted TEXT NOT NULL,         -- the instrument's codes that the LIMS wants now, a JSON array
    told TEXT NOT NULL,           -- those that the instrument may know of, written before a byte of them leaves
    state TEXT NOT NULL CHECK (state IN ('due', 'sending', 'taken', 'refused')),
    attempts INTEGER NOT NULL,    -- since what is wanted changed last
    due_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    note TEXT NOT NULL            -- what came of the last attempt
) STRICT;
CREATE UNIQUE INDEX download_tube ON download (instrument, specimen);
CREATE INDEX download_due ON download (instrument, priority, id) WHERE state = 'due';
CREATE INDEX download_sending ON download (instrument) WHERE state = 'sending';
CREATE INDEX download_open ON download (id) WHERE state <> 'taken';
CREATE INDEX download_specimen ON download (specimen);

CREATE TABLE download_cursor (    -- the last word of the LIMS that an instrument's downloads were made from
    instrument TEXT PRIMARY KEY,
    word INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
