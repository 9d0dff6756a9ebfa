//! Whose results wait in dead letters.

use crate::journal::{JournalError, Reader};

/// One analyzer's results that one destination refused, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    pub instrument: String,
    pub destination: String,
    pub results: i64,
}

impl Reader {
    /// The results in dead letters, by analyzer and destination. Those that are none's aren't there. It costs as much as
    /// there are dead letters.
    pub fn dead_by_analyzer(&self) -> Result<Vec<Dead>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.instrument, d.destination, count(*) FROM delivery d
             CROSS JOIN ledger l ON l.delivery = d.id CROSS JOIN observation o ON o.id = l.observation
             WHERE d.state = 'dead' AND l.state IN ('refused', 'unknown') GROUP BY o.instrument, d.destination",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Dead { instrument: row.get(0)?, destination: row.get(1)?, results: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
