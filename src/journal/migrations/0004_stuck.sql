CREATE TABLE stuck (              -- what of an instrument's files waits for a person, while it does
    source TEXT NOT NULL,
    name TEXT NOT NULL,           -- the file's; empty: nothing can be fetched from the place
    problem INTEGER NOT NULL REFERENCES problem, -- by which it was named
    PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX stuck_problem ON stuck (problem);
