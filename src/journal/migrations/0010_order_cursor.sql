-- How far a LIMS has been asked for its orders.

CREATE TABLE order_cursor (
    source TEXT PRIMARY KEY,      -- the configured [orders.NAME], as in lab_order
    cursor TEXT NOT NULL,         -- as the LIMS gave it with the last answer that was taken
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
