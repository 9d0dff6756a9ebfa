//! What of one instrument waits for the LIMS.

use rusqlite::params;

use crate::domain::InstrumentId;
use crate::journal::{JournalError, Reader};

impl Reader {
    /// How many of an instrument's results are on their way to one of these destinations, or wait to leave for it: of the first
    /// `limit` lines that are and do, and whether there may be more.
    pub fn waiting_of(
        &self,
        instrument: &InstrumentId,
        destinations: &[String],
        limit: usize,
    ) -> Result<(i64, bool), JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(DISTINCT o.id), count(n.observation) FROM (
                 SELECT observation FROM ledger WHERE destination IN (SELECT value FROM json_each(?1))
                     AND state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined')
                     AND +state IN ('in-flight', 'unknown')
                 UNION ALL SELECT observation FROM ledger
                     WHERE destination IN (SELECT value FROM json_each(?1)) AND state = 'pending' LIMIT ?2) n
             LEFT JOIN observation o ON o.id = n.observation AND o.instrument = ?3",
        )?;
        let destinations = serde_json::Value::from(destinations.to_vec()).to_string();
        let (count, lines): (i64, usize) = statement
            .query_row(params![destinations, limit, instrument.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok((count, lines >= limit))
    }
}
