-- How much each instrument sent in each quarter of an hour of the last weeks: what is usual at an hour.

CREATE TABLE traffic (
    instrument TEXT NOT NULL,
    quarter INTEGER NOT NULL,     -- since 1970 UTC
    messages INTEGER NOT NULL,    -- readings of messages
    results INTEGER NOT NULL,
    PRIMARY KEY (instrument, quarter)
) STRICT, WITHOUT ROWID;
