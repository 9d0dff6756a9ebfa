-- Whose orders are and which knowledge is the later.

CREATE INDEX lab_order_number ON lab_order (number);
CREATE INDEX lab_order_whose ON lab_order (patient, authority);

CREATE TABLE patient_merge (      -- what the LIMS said for good: this number is that patient's
    scope TEXT NOT NULL,          -- the source whose number it is; empty where an authority assigned it, which is everybody's
    id TEXT NOT NULL,
    authority TEXT NOT NULL,
    into_id TEXT NOT NULL,        -- the number that survives
    into_authority TEXT NOT NULL,
    patient TEXT NOT NULL,        -- the surviving patient as told with it, as JSON
    message INTEGER NOT NULL REFERENCES message,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, id, authority)
) STRICT, WITHOUT ROWID;
CREATE INDEX patient_merge_into ON patient_merge (into_id, into_authority);

CREATE TABLE order_unknown (      -- what the LIMS took back before it was known here: an older answer may still bring it
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    number TEXT NOT NULL,
    specimen TEXT NOT NULL,
    test TEXT NOT NULL,
    state TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES message,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX order_unknown_message ON order_unknown (message);
