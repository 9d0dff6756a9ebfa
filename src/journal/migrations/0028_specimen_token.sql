-- The key by which a specimen's number becomes the token that stands for it in the log. It never leaves the journal.

CREATE TABLE token_key (          -- one row, made here and written once
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
INSERT INTO token_key VALUES (1, randomblob(32));
CREATE TRIGGER token_key_unchanged BEFORE UPDATE ON token_key BEGIN SELECT RAISE(ABORT, 'the key of the tokens never changes'); END;
CREATE TRIGGER token_key_stays BEFORE DELETE ON token_key BEGIN SELECT RAISE(ABORT, 'the key of the tokens never goes'); END;
