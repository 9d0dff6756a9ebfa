-- Who had results sent once more, so that a specimen's way says so and a day's lag doesn't count it.

CREATE TABLE resend (             -- written once: a delivery that a destination had acknowledged went once more
    id INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL REFERENCES delivery, -- which it had acknowledged
    how TEXT NOT NULL CHECK (how IN ('as-it-was', 'anew')),
    named TEXT NOT NULL,          -- who says so
    account TEXT NOT NULL,        -- the system user who gave the command, or who on the page
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE resend_line (        -- written once: a result that went with it
    resend INTEGER NOT NULL REFERENCES resend,
    observation INTEGER NOT NULL REFERENCES observation,
    destination TEXT NOT NULL,
    acknowledged_at INTEGER NOT NULL, -- when the destination had acknowledged it before
    PRIMARY KEY (observation, destination, resend)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER resend_unchanged BEFORE UPDATE ON resend BEGIN SELECT RAISE(ABORT, 'who sent results again never changes'); END;
CREATE TRIGGER resend_stays BEFORE DELETE ON resend BEGIN SELECT RAISE(ABORT, 'who sent results again never goes'); END;
CREATE TRIGGER resend_line_unchanged BEFORE UPDATE ON resend_line BEGIN SELECT RAISE(ABORT, 'who sent results again never changes'); END;
CREATE TRIGGER resend_line_stays BEFORE DELETE ON resend_line BEGIN SELECT RAISE(ABORT, 'who sent results again never goes'); END;
