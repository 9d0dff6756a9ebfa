-- What the LIMS wants done, as it said last, and each thing it said.

CREATE TABLE lab_order (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,         -- the configured [orders.NAME]
    number TEXT NOT NULL,         -- the placer's, or the filler's; empty where the LIMS sends neither
    specimen TEXT NOT NULL,
    test TEXT NOT NULL,           -- the LIMS's code
    state TEXT NOT NULL CHECK (state IN ('active', 'held', 'cancelled', 'discontinued', 'replaced', 'completed')),
    priority INTEGER NOT NULL,    -- lower is sooner
    patient TEXT NOT NULL,        -- their number, and who assigned it
    authority TEXT NOT NULL,
    placed_at INTEGER NOT NULL,   -- first heard of
    changed_at INTEGER NOT NULL,  -- last spoken of
    detail TEXT NOT NULL          -- the whole order as JSON
) STRICT;
CREATE UNIQUE INDEX lab_order_key ON lab_order (source, number, specimen, test);
CREATE INDEX lab_order_specimen ON lab_order (source, specimen, test);
CREATE INDEX lab_order_patient ON lab_order (source, patient, authority);
CREATE INDEX lab_order_active ON lab_order (priority, id) WHERE state = 'active';

CREATE TABLE order_label (        -- what may stand on a tube of the order
    label TEXT NOT NULL,
    lab_order INTEGER NOT NULL REFERENCES lab_order,
    PRIMARY KEY (label, lab_order)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_label_order ON order_label (lab_order);

CREATE TABLE order_word (         -- written once: what the LIMS said of an order, and in which message
    id INTEGER PRIMARY KEY,
    lab_order INTEGER NOT NULL REFERENCES lab_order,
    message INTEGER NOT NULL REFERENCES message,
    at INTEGER NOT NULL,
    word TEXT NOT NULL,           -- 'placed', 'changed', 'patient', or the state it came to
    detail TEXT NOT NULL          -- the whole order after it
) STRICT;
CREATE INDEX order_word_order ON order_word (lab_order, id);
CREATE INDEX order_word_message ON order_word (message);

CREATE TRIGGER order_word_unchanged BEFORE UPDATE ON order_word BEGIN SELECT RAISE(ABORT, 'what was said of an order never changes'); END;
CREATE TRIGGER order_word_stays BEFORE DELETE ON order_word BEGIN SELECT RAISE(ABORT, 'what was said of an order never goes'); END;
CREATE TRIGGER lab_order_stays BEFORE DELETE ON lab_order BEGIN SELECT RAISE(ABORT, 'an order never goes'); END;

ALTER TABLE host_query ADD COLUMN prepared TEXT; -- what was about to be answered, before a byte of it left
