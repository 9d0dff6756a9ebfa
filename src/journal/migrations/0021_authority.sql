-- Who assigned a patient's number stands beside the number, as it does where an analyzer says it.

UPDATE lab_order SET detail = json_set(json_remove(detail, '$.authority'), '$.patient.authority', authority);
DROP TRIGGER order_word_unchanged;
UPDATE order_word SET detail =
    json_set(json_remove(detail, '$.authority'), '$.patient.authority', json_extract(detail, '$.authority'));
CREATE TRIGGER order_word_unchanged BEFORE UPDATE ON order_word BEGIN SELECT RAISE(ABORT, 'what was said of an order never changes'); END;
UPDATE patient_word SET patient = json_set(patient, '$.authority', authority);
UPDATE patient_merge SET patient = json_set(patient, '$.authority', into_authority);

DROP INDEX observation_patient;
CREATE INDEX observation_patient ON observation (
    json_extract(detail, '$.patient.id'), coalesce(json_extract(detail, '$.patient.authority'), ''), id
);
