-- The bytes of what is old and settled may leave for files beside the journal. Their rows stay, with their hashes.

CREATE TABLE archive (            -- a file in the folder "archive" beside the journal
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    began_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,     -- when bytes left for it last
    items INTEGER NOT NULL,       -- rows whose bytes are in it
    bytes INTEGER NOT NULL
) STRICT;
CREATE TRIGGER archive_stays BEFORE DELETE ON archive BEGIN SELECT RAISE(ABORT, 'an archive that holds bytes stays known'); END;

CREATE TABLE leaving (            -- rows that are being written anew without their bytes; empty after every commit
    kind TEXT NOT NULL,
    item INTEGER NOT NULL,
    archive INTEGER NOT NULL REFERENCES archive,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (kind, item)
) STRICT, WITHOUT ROWID;

ALTER TABLE parcel ADD COLUMN archive INTEGER REFERENCES archive; -- where its bytes are; NULL: here
ALTER TABLE delivery ADD COLUMN archive INTEGER REFERENCES archive; -- the same of its payload
ALTER TABLE answer ADD COLUMN archive INTEGER REFERENCES archive; -- the same of its body
ALTER TABLE answer ADD COLUMN sha256 BLOB; -- of its body, once that has left
ALTER TABLE answer ADD COLUMN size INTEGER; -- of its body in bytes, once that has left
ALTER TABLE evaluation ADD COLUMN archive INTEGER REFERENCES archive; -- the same of its facts
ALTER TABLE evaluation ADD COLUMN sha256 BLOB;

-- What a row written anew is looked for by.
DROP INDEX message_transfer;
CREATE INDEX message_transfer ON message (transfer, first_parcel);
CREATE INDEX message_first_parcel ON message (first_parcel);
CREATE INDEX message_last_parcel ON message (last_parcel);
CREATE INDEX part_first_parcel ON part (first_parcel);
CREATE INDEX part_last_parcel ON part (last_parcel);
CREATE INDEX resend_delivery ON resend (delivery);

-- Bytes may come back as they were.
DROP TRIGGER parcel_unchanged;
CREATE TRIGGER parcel_unchanged BEFORE UPDATE ON parcel
    WHEN NOT (old.archive IS NOT NULL AND new.archive IS NULL AND new.id = old.id AND new.sha256 = old.sha256
        AND new.transfer = old.transfer AND new.received_at = old.received_at
        AND new.content_start = old.content_start AND new.content_end = old.content_end)
    BEGIN SELECT RAISE(ABORT, 'a parcel never changes'); END;
DROP TRIGGER payload_unchanged;
CREATE TRIGGER payload_unchanged BEFORE UPDATE OF key, payload, sha256 ON delivery
    WHEN NOT (old.archive IS NOT NULL AND new.archive IS NULL AND new.key = old.key AND new.sha256 = old.sha256)
    BEGIN SELECT RAISE(ABORT, 'a payload never changes once leased'); END;

-- A row is written anew, and not changed, so that its page is given back. Only one that is leaving may be, and only as it was.
DROP TRIGGER parcel_stays;
CREATE TRIGGER parcel_stays BEFORE DELETE ON parcel
    WHEN NOT EXISTS (SELECT 1 FROM leaving WHERE kind = 'parcel' AND item = old.id AND sha256 = old.sha256)
    BEGIN SELECT RAISE(ABORT, 'a parcel never goes'); END;
CREATE TRIGGER parcel_left BEFORE INSERT ON parcel
    WHEN new.archive IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leaving l JOIN parcel p ON p.id = l.item
        WHERE l.kind = 'parcel' AND l.item = new.id AND l.archive = new.archive AND l.sha256 = new.sha256
        AND p.transfer = new.transfer AND p.received_at = new.received_at
        AND p.content_start = new.content_start AND p.content_end = new.content_end)
    BEGIN SELECT RAISE(ABORT, 'a parcel never changes'); END;
DROP TRIGGER delivery_stays;
CREATE TRIGGER delivery_stays BEFORE DELETE ON delivery
    WHEN NOT EXISTS (SELECT 1 FROM leaving WHERE kind = 'delivery' AND item = old.id AND sha256 = old.sha256)
    BEGIN SELECT RAISE(ABORT, 'a delivery never goes'); END;
CREATE TRIGGER delivery_left BEFORE INSERT ON delivery
    WHEN new.archive IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leaving l JOIN delivery d ON d.id = l.item
        WHERE l.kind = 'delivery' AND l.item = new.id AND l.archive = new.archive AND l.sha256 = new.sha256
        AND d.key = new.key AND d.destination = new.destination AND d.specimen = new.specimen
        AND d.state = new.state AND d.items = new.items)
    BEGIN SELECT RAISE(ABORT, 'a delivery never changes'); END;
DROP TRIGGER answer_stays;
CREATE TRIGGER answer_stays BEFORE DELETE ON answer
    WHEN NOT EXISTS (SELECT 1 FROM leaving WHERE kind = 'answer' AND item = old.attempt)
    BEGIN SELECT RAISE(ABORT, 'an answer never goes'); END;
CREATE TRIGGER answer_left BEFORE INSERT ON answer
    WHEN new.archive IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leaving l JOIN answer w ON w.attempt = l.item
        WHERE l.kind = 'answer' AND l.item = new.attempt AND l.archive = new.archive AND l.sha256 = new.sha256
        AND w.verdict = new.verdict AND w.detail = new.detail AND w.ended_at = new.ended_at AND length(w.body) = new.size)
    BEGIN SELECT RAISE(ABORT, 'an answer never changes'); END;
DROP TRIGGER evaluation_stays;
CREATE TRIGGER evaluation_stays BEFORE DELETE ON evaluation
    WHEN NOT EXISTS (SELECT 1 FROM leaving WHERE kind = 'evaluation' AND item = old.id)
    BEGIN SELECT RAISE(ABORT, 'a decision never goes'); END;
CREATE TRIGGER evaluation_left BEFORE INSERT ON evaluation
    WHEN new.archive IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leaving l JOIN evaluation e ON e.id = l.item
        WHERE l.kind = 'evaluation' AND l.item = new.id AND l.archive = new.archive AND l.sha256 = new.sha256
        AND e.observation = new.observation AND e.rules = new.rules AND e.decisions = new.decisions)
    BEGIN SELECT RAISE(ABORT, 'a decision never changes'); END;

CREATE VIEW unsettled_message AS -- somebody or something isn't done with it
    SELECT m.id FROM message m WHERE m.processed_at IS NULL OR m.state IN ('stored', 'unattributed')
    OR EXISTS (SELECT 1 FROM problem p WHERE p.message = m.id AND p.closed_at IS NULL)
    OR EXISTS (SELECT 1 FROM part p JOIN file f ON f.id = p.file WHERE p.message = m.id AND f.state <> 'taken')
    OR EXISTS (SELECT 1 FROM order_word w JOIN lab_order l ON l.id = w.lab_order
        WHERE w.message = m.id AND l.state IN ('active', 'held'))
    OR EXISTS (SELECT 1 FROM observation o WHERE o.message = m.id AND (
        EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.closed_at IS NULL)
        OR EXISTS (SELECT 1 FROM ledger l WHERE l.observation = o.id
            AND l.state NOT IN ('not-for-it', 'accepted', 'staged', 'superseded', 'rejected'))
        OR EXISTS (SELECT 1 FROM notice n WHERE n.observation = o.id
            AND n.state NOT IN ('accepted', 'staged', 'superseded', 'rejected'))
        OR EXISTS (SELECT 1 FROM reassignment_due d WHERE d.observation = o.id)
        OR EXISTS (SELECT 1 FROM call_event e JOIN call_open c ON c.call = e.call WHERE e.observation = o.id)
        OR EXISTS (SELECT 1 FROM call_event e JOIN call_line l ON l.event = e.id WHERE e.observation = o.id
            AND l.state NOT IN ('accepted', 'staged', 'rejected'))));

CREATE VIEW unsettled_delivery AS -- it isn't settled, or a result's message that it carries isn't
    SELECT d.id FROM delivery d WHERE d.state <> 'settled' OR d.settled_at IS NULL
    OR EXISTS (SELECT 1 FROM ledger l JOIN observation o ON o.id = l.observation
        JOIN unsettled_message u ON u.id = o.message WHERE l.delivery = d.id)
    OR EXISTS (SELECT 1 FROM notice n JOIN observation o ON o.id = n.observation
        JOIN unsettled_message u ON u.id = o.message WHERE n.delivery = d.id)
    OR EXISTS (SELECT 1 FROM call_line c JOIN observation o ON o.id = c.observation
        JOIN unsettled_message u ON u.id = o.message WHERE c.delivery = d.id);
