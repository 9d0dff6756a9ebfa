//! Counts the tables themselves against the sums that are kept beside them. Reads every row of the observations and
//! ledgers: for a check by hand and for tests, never for the page.

use super::{JournalError, Reader};

/// Each kept count, and the same counted again. Rows of both are a subject and a number.
const COUNTS: [(&str, &str, &str); 5] = [
    (
        "new results",
        "SELECT subject, value FROM counter WHERE name = 'new'",
        "SELECT instrument, count(*) FROM observation GROUP BY instrument",
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
];

/// Things that must not be, each as a count of its cases.
const NEVER: [(&str, &str); 5] = [
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
        "versions don't follow the one that they supersede",
        "SELECT count(*) FROM observation o JOIN observation e ON e.id = o.supersedes
            WHERE o.version <> e.version + 1 OR o.id <= e.id",
    ),
];

impl Reader {
    /// Every count that differs from what the tables hold, in words. Empty when all agree. Slow: reads everything.
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
        Ok(found)
    }
}
