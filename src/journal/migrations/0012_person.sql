-- Who may act on the page. Nobody is ever taken out: the audit names them.

CREATE TABLE person (
    name TEXT PRIMARY KEY,        -- as they sign in
    shown TEXT NOT NULL,          -- as others know them
    role TEXT NOT NULL CHECK (role IN ('viewer', 'technician', 'supervisor', 'admin')),
    token BLOB,                   -- SHA-256 of the set-up token that chooses a password once
    token_until INTEGER,
    password TEXT,                -- Argon2id, in PHC form
    pin TEXT,                     -- the same, of a PIN or a badge's number
    locked_at INTEGER             -- may not sign in since
) STRICT, WITHOUT ROWID;
CREATE TRIGGER person_stays BEFORE DELETE ON person BEGIN SELECT RAISE(ABORT, 'the audit names a person for good'); END;
