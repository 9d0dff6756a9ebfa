-- A result is compared with those that name the same time, without reading all that a control gathers over the years.

DROP INDEX observation_specimen;
CREATE INDEX observation_specimen ON observation (
    specimen, code, instrument,
    coalesce(json_extract(detail, '$.completed.text'), json_extract(detail, '$.started.text'), '')
);
