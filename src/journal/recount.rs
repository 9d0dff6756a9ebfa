//! Counts the tables themselves against the sums that are kept beside them and against the audit chain, and the bytes
//! against their hashes. Reads every row: for a check by hand and for tests, never for the page.

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::archive::{Archives, Found};
use super::{JournalError, Reader};

/// Each kept count, and the same counted again. Rows of both are a subject and a number.
const COUNTS: [(&str, &str, &str); 15] = [
    (
        "new results",
        "SELECT subject, value FROM counter WHERE name = 'new'",
        "SELECT instrument, count(*) FROM observation o WHERE NOT EXISTS
            (SELECT 1 FROM remade r WHERE r.observation = o.supersedes) GROUP BY instrument",
    ),
    (
        "repeated results",
        "SELECT '', sum(value) FROM counter WHERE name = 'duplicate'",
        "SELECT '', count(*) FROM repetition",
    ),
    (
        "results that became problems",
        "SELECT '', sum(value) FROM counter WHERE name = 'problem'",
        "SELECT '', count(*) FROM problem WHERE replaces_result AND NOT withdrawn",
    ),
    (
        "results owed",
        "SELECT subject, value FROM counter WHERE name = 'owed'",
        "SELECT destination, count(*) FROM ledger GROUP BY destination",
    ),
    (
        "lines by destination and state",
        "SELECT destination || ' ' || state, count FROM ledger_total",
        "SELECT destination || ' ' || state, count(*) FROM ledger GROUP BY destination, state",
    ),
    (
        "results by message",
        "SELECT 'message ' || id, results FROM message WHERE results <> 0",
        "SELECT 'message ' || message, count(*) FROM (SELECT message FROM observation o WHERE NOT EXISTS
            (SELECT 1 FROM remade r WHERE r.observation = o.supersedes)
            UNION ALL SELECT message FROM repetition
            UNION ALL SELECT message FROM problem WHERE replaces_result AND NOT withdrawn) GROUP BY message",
    ),
    (
        "results owed by message",
        "SELECT 'message ' || message || ' ' || destination, results FROM owed",
        "SELECT 'message ' || o.message || ' ' || l.destination, count(*) FROM ledger l
            JOIN observation o ON o.id = l.observation GROUP BY o.message, l.destination",
    ),
    (
        "audited events of calls",
        "SELECT '', count(*) FROM audit WHERE step = 'critical call'",
        "SELECT '', count(*) FROM call_event",
    ),
    (
        "open calls",
        "SELECT 'call ' || call, 1 FROM call_open",
        "SELECT 'call ' || c.id, 1 FROM critical_call c WHERE 'open' =
            (SELECT leaves FROM call_event e WHERE e.call = c.id ORDER BY e.id DESC LIMIT 1)",
    ),
    (
        "audited moves to another specimen",
        "SELECT '', count(*) FROM audit WHERE step = 'specimen reassigned'",
        "SELECT '', count(*) FROM reassignment",
    ),
    (
        "moves that nothing stands for yet",
        "SELECT '', count(*) FROM reassignment_due",
        "SELECT '', count(*) FROM reassignment r WHERE NOT EXISTS
            (SELECT 1 FROM observation n WHERE n.supersedes = r.observation)",
    ),
    (
        "audited re-evaluations",
        "SELECT '', count(*) FROM audit WHERE step = 're-evaluated'",
        "SELECT '', count(*) FROM reevaluation",
    ),
    (
        "audited frames",
        "SELECT '', count(*) FROM audit WHERE step = 'parcel stored'",
        "SELECT '', count(*) FROM parcel",
    ),
    (
        "audited attempts",
        "SELECT '', count(*) FROM audit WHERE step = 'delivery attempted'",
        "SELECT '', count(*) FROM attempt",
    ),
    (
        "audited answers",
        "SELECT '', count(*) FROM audit WHERE step IN ('delivery answered', 'delivery of unknown fate')",
        "SELECT '', count(*) FROM answer",
    ),
];

/// Things that must not be, each as a count of its cases.
const NEVER: [(&str, &str); 10] = [
    (
        "lines are marked wrongly as free to leave or behind another",
        "SELECT count(*) FROM ledger l WHERE state = 'pending' AND behind <> EXISTS (SELECT 1 FROM ledger e
            WHERE e.destination = l.destination AND e.specimen = l.specimen AND e.lane = l.lane
            AND e.observation < l.observation
            AND e.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined'))",
    ),
    (
        "held lines have no open hold",
        "SELECT count(*) FROM ledger l WHERE state = 'held' AND NOT EXISTS
            (SELECT 1 FROM hold h WHERE h.observation = l.observation AND h.closed_at IS NULL)",
    ),
    (
        "lines wait behind a refused one that is gone",
        "SELECT count(*) FROM ledger l WHERE state = 'quarantined' AND NOT EXISTS (SELECT 1 FROM ledger e
            WHERE e.destination = l.destination AND e.specimen = l.specimen AND e.lane = l.lane
            AND e.observation < l.observation AND e.state IN ('pending', 'in-flight', 'unknown', 'refused'))",
    ),
    (
        "lines are on their way without an open delivery",
        "SELECT count(*) FROM ledger l LEFT JOIN delivery d ON d.id = l.delivery
            WHERE l.state IN ('in-flight', 'unknown', 'refused') AND coalesce(d.state, 'settled') = 'settled'",
    ),
    (
        "records of calls are on their way without an open delivery",
        "SELECT count(*) FROM call_line l LEFT JOIN delivery d ON d.id = l.delivery
            WHERE l.state IN ('in-flight', 'unknown', 'refused') AND coalesce(d.state, 'settled') = 'settled'",
    ),
    (
        "words of results are on their way without an open delivery",
        "SELECT count(*) FROM notice l LEFT JOIN delivery d ON d.id = l.delivery
            WHERE l.state IN ('in-flight', 'unknown', 'refused') AND coalesce(d.state, 'settled') = 'settled'",
    ),
    (
        "results wait to leave under a number that was misread",
        "SELECT count(*) FROM ledger l JOIN reassignment r ON r.observation = l.observation
            WHERE l.state IN ('held', 'quarantined') OR l.state = 'pending' AND l.delivery IS NULL",
    ),
    (
        "calls have no event",
        "SELECT count(*) FROM critical_call c WHERE NOT EXISTS (SELECT 1 FROM call_event e WHERE e.call = c.id)",
    ),
    (
        "versions don't follow the one that they supersede",
        "SELECT count(*) FROM observation o JOIN observation e ON e.id = o.supersedes
            WHERE o.version <> e.version + 1 OR o.id <= e.id",
    ),
    (
        "parcels have another SHA-256 than the audit chain says",
        "SELECT count(*) FROM (SELECT 'parcel ' || id, lower(hex(sha256)) FROM parcel
            EXCEPT SELECT subject, detail FROM audit WHERE step = 'parcel stored')",
    ),
];

/// Bytes that are written once beside their hash.
const HASHED: [(&str, &str); 2] = [
    ("parcel", "SELECT id, sha256, raw, archive FROM parcel ORDER BY id"),
    ("delivery", "SELECT id, sha256, payload, archive FROM delivery ORDER BY id"),
];

impl Reader {
    /// Every count that differs from what the tables or the audit chain hold, and every row whose bytes differ from
    /// their hash, in words. Empty when all agree. Slow: reads everything.
    pub fn deep_imbalances(&self) -> Result<Vec<String>, JournalError> {
        let moment = self.connection.unchecked_transaction()?;
        let mut found = Vec::new();
        for (what, kept, counted) in COUNTS {
            let differing = format!(
                "WITH kept(subject, n) AS ({kept}), counted(subject, n) AS ({counted})
                 SELECT subject, coalesce(k.n, 0), coalesce(c.n, 0)
                 FROM kept k FULL JOIN counted c USING (subject) WHERE coalesce(k.n, 0) <> coalesce(c.n, 0)"
            );
            let mut statement = moment.prepare(&differing)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (subject, kept, counted): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                found.push(format!("{what} of {subject:?}: {kept} kept, {counted} counted"));
            }
        }
        for (what, query) in NEVER {
            let cases: i64 = moment.query_row(query, [], |row| row.get(0))?;
            if cases > 0 {
                found.push(format!("{cases} {what}"));
            }
        }
        for (what, query) in HASHED {
            let altered = altered(&moment, query)?;
            found.extend(altered.into_iter().map(|id| format!("{what} {id} differs from its SHA-256")));
        }
        Ok(found)
    }
}

/// The rows whose bytes don't have the hash beside them.
fn altered(connection: &Connection, query: &str) -> Result<Vec<i64>, JournalError> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let (mut altered, archives) = (Vec::new(), Archives::of(connection));
    while let Some(row) = rows.next()? {
        let kept = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let is_altered = match row.get(3)? {
            None => Sha256::digest(bytes).as_slice() != kept,
            // Of what is elsewhere nobody can tell here.
            Some(archive) => archives.find(archive, kept)? == Found::Altered,
        };
        if is_altered {
            altered.push(row.get(0)?);
        }
    }
    Ok(altered)
}
