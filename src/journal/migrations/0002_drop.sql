CREATE TABLE file (               -- what was fetched, by its content
    id INTEGER PRIMARY KEY,
    instrument TEXT NOT NULL,
    name TEXT NOT NULL,           -- as its place lists it
    size INTEGER NOT NULL,
    stamp TEXT NOT NULL,          -- its time as told, compared only with itself
    sha256 BLOB NOT NULL,         -- of all its bytes
    head_start INTEGER NOT NULL,  -- the bytes that each part needs before its own
    head_end INTEGER NOT NULL,
    transfer INTEGER REFERENCES transfer, -- its bytes; NULL: a repetition
    repeats INTEGER REFERENCES file,
    -- 'stored': its bytes are here to the last, and its parts are becoming messages
    state TEXT NOT NULL CHECK (state IN ('storing', 'cut', 'stored', 'taken', 'repeated')),
    seen_at INTEGER NOT NULL,
    gone_at INTEGER,              -- when it was deleted or moved; NULL: it is where it was
    CHECK ((repeats IS NULL) = (state <> 'repeated')),
    CHECK ((transfer IS NULL) = (state = 'repeated'))
) STRICT;
CREATE INDEX file_content ON file (instrument, sha256, id) WHERE state IN ('stored', 'taken');
CREATE INDEX file_name ON file (instrument, name, id);
CREATE INDEX file_open ON file (id) WHERE state IN ('storing', 'stored');
CREATE UNIQUE INDEX file_transfer ON file (transfer) WHERE transfer IS NOT NULL;

CREATE TABLE part (               -- what of a file is read by itself
    file INTEGER NOT NULL REFERENCES file,
    number INTEGER NOT NULL,      -- from 0
    first_parcel INTEGER NOT NULL REFERENCES parcel,
    first_offset INTEGER NOT NULL,
    last_parcel INTEGER NOT NULL REFERENCES parcel,
    end_offset INTEGER NOT NULL,
    first_line INTEGER NOT NULL,  -- of the file, from 1
    message INTEGER REFERENCES message, -- NULL: not yet
    PRIMARY KEY (file, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_waiting ON part (file, number) WHERE message IS NULL;
CREATE UNIQUE INDEX part_message ON part (message) WHERE message IS NOT NULL;

CREATE TRIGGER file_unchanged BEFORE UPDATE OF instrument, name, sha256, transfer, repeats ON file BEGIN SELECT RAISE(ABORT, 'what a file is never changes'); END;
CREATE TRIGGER file_stays BEFORE DELETE ON file BEGIN SELECT RAISE(ABORT, 'a file never goes'); END;
CREATE TRIGGER part_stays BEFORE DELETE ON part BEGIN SELECT RAISE(ABORT, 'a part never goes'); END;
