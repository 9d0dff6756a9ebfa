-- What the LIMS said last of each patient, whichever message brought it.

CREATE TABLE patient_word (
    scope TEXT NOT NULL,          -- as in patient_merge
    id TEXT NOT NULL,
    authority TEXT NOT NULL,
    patient TEXT NOT NULL,        -- their particulars as JSON
    said TEXT NOT NULL CHECK (said IN ('patient', 'order')), -- of the patient, or with an order
    as_of INTEGER NOT NULL,       -- the message, or where the LIMS was asked the last message when it was: later ones are later knowledge
    PRIMARY KEY (scope, id, authority)
) STRICT, WITHOUT ROWID;
