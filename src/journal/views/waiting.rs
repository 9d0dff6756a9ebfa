//! What of each instrument waits for the LIMS, and when its last result came.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use crate::journal::rows::instant;
use crate::journal::{JournalError, Reader};

/// How many of an instrument's latest messages are looked through for its last result.
const LATEST: usize = 50;

impl Reader {
    /// How many results of each instrument are on their way to one of these destinations, or wait to leave for it: of the first
    /// `limit` lines that are and do, and whether there may be more.
    pub fn waiting_by_instrument(
        &self,
        destinations: &[String],
        limit: usize,
    ) -> Result<(BTreeMap<String, i64>, bool), JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.instrument, count(DISTINCT n.observation), count(*) FROM (
                 SELECT observation FROM ledger WHERE destination IN (SELECT value FROM json_each(?1))
                     AND state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined')
                     AND +state IN ('in-flight', 'unknown')
                 UNION ALL SELECT observation FROM ledger
                     WHERE destination IN (SELECT value FROM json_each(?1)) AND state = 'pending' LIMIT ?2) n
             CROSS JOIN observation o ON o.id = n.observation GROUP BY o.instrument",
        )?;
        let destinations = serde_json::Value::from(destinations.to_vec()).to_string();
        let mut rows = statement.query(params![destinations, limit])?;
        let (mut waiting, mut lines) = (BTreeMap::new(), 0_usize);
        while let Some(row) = rows.next()? {
            waiting.insert(row.get(0)?, row.get(1)?);
            lines += row.get::<_, usize>(2)?;
        }
        Ok((waiting, lines >= limit))
    }

    /// When an instrument's last message came that held a new result; nothing where none of its latest did.
    pub(super) fn last_result_of(&self, instrument: &str) -> Result<Option<jiff::Timestamp>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT n.received_at FROM
                 (SELECT id, received_at FROM message WHERE instrument = ? ORDER BY id DESC LIMIT ?) n
             WHERE EXISTS (SELECT 1 FROM observation o WHERE o.message = n.id) LIMIT 1",
        )?;
        let last = statement.query_row(params![instrument, LATEST], |row| row.get(0).map(instant));
        Ok(last.optional()?)
    }
}
