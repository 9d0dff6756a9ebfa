-- A version may go by another code at the LIMS than the one before it: then that one is void where it had left.

DROP VIEW unsettled_delivery;     -- they name the table that is made anew, and stay as they were
DROP VIEW unsettled_message;
CREATE TABLE notice_anew (        -- as notice, whose words are these and no others
    id INTEGER PRIMARY KEY,
    observation INTEGER NOT NULL REFERENCES observation,
    destination TEXT NOT NULL,
    says TEXT NOT NULL CHECK (says IN ('preliminary', 'misread', 'recoded', 'rejected')),
    specimen TEXT NOT NULL,
    lane TEXT NOT NULL,           -- as in the ledger: nothing newer of it leaves before a word that is owed
    state TEXT NOT NULL CHECK (state IN ('pending', 'in-flight', 'accepted', 'staged', 'refused', 'unknown', 'rejected',
        'superseded')),
    delivery INTEGER REFERENCES delivery,
    reason TEXT,
    changed_at INTEGER NOT NULL
) STRICT;
INSERT INTO notice_anew SELECT id, observation, destination, says, specimen, lane, state, delivery, reason, changed_at FROM notice;
DROP TABLE notice;
ALTER TABLE notice_anew RENAME TO notice;
CREATE UNIQUE INDEX notice_of_result ON notice (observation, destination, says);
CREATE INDEX notice_pending ON notice (destination, id) WHERE state = 'pending';
CREATE INDEX notice_in_the_way ON notice (destination, specimen, lane) WHERE state IN ('pending', 'in-flight', 'unknown', 'refused');
CREATE INDEX notice_delivery ON notice (delivery) WHERE delivery IS NOT NULL;
CREATE TRIGGER notice_stays BEFORE DELETE ON notice BEGIN SELECT RAISE(ABORT, 'what a destination is to know stays'); END;

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

CREATE TABLE beside_due (         -- a later message brought more of these specimens, and what was there isn't judged with that yet
    specimen TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
