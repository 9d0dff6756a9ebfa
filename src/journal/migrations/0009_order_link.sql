-- Which order each result belongs to.

CREATE TABLE order_link (         -- judged when a patient's result is read, and again while it waits and orders change
    observation INTEGER PRIMARY KEY REFERENCES observation,
    lab_order INTEGER REFERENCES lab_order,
    doubts TEXT NOT NULL,         -- what speaks against it, by name, with spaces between
    marked TEXT NOT NULL,         -- those of them that the LIMS is told with the result
    judged_at INTEGER NOT NULL
) STRICT;
CREATE INDEX order_link_order ON order_link (lab_order) WHERE lab_order IS NOT NULL;

CREATE TABLE order_judged (       -- one row: the last word of the LIMS by which results that wait were judged again
    only INTEGER PRIMARY KEY CHECK (only = 1),
    word INTEGER NOT NULL
) STRICT;
INSERT INTO order_judged VALUES (1, (SELECT coalesce(max(id), 0) FROM order_word));
