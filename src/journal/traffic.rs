//! How much each instrument sent in each quarter of an hour of the last weeks: what shows its day, and what tells a quiet
//! night from a silent analyzer. It counts for nothing in the sums, and forgets what is older than it is asked for.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{JournalError, MessageId, Reader};
use crate::domain::traffic::{Quarters, WEEKS, quarter};

/// Quarters of an hour in a week.
const WEEK: i64 = 7 * 24 * 4;
/// How far back is kept, in quarters: the weeks that are looked at, and one that has begun.
const KEPT: i64 = (WEEKS + 1) * WEEK;

/// What came in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// Since 1970 UTC.
    pub hour: i64,
    pub results: i64,
}

/// Adds a reading of a message to the quarter in which it was received; what is too old to be asked for goes when a new
/// quarter begins.
pub(super) fn add(
    connection: &Connection,
    instrument: &str,
    message: MessageId,
    results: usize,
) -> Result<(), JournalError> {
    let received: i64 = connection
        .prepare_cached("SELECT received_at FROM message WHERE id = ?")?
        .query_row([message.0], |row| row.get(0))?;
    let quarter = quarter(super::rows::instant(received));
    let is_known = connection
        .prepare_cached("UPDATE traffic SET messages = messages + 1, results = results + ?3 WHERE instrument = ?1 AND quarter = ?2")?
        .execute(params![instrument, quarter, results])?;
    if is_known == 0 {
        connection
            .prepare_cached("INSERT INTO traffic VALUES (?1, ?2, 1, ?3)")?
            .execute(params![instrument, quarter, results])?;
        connection
            .prepare_cached("DELETE FROM traffic WHERE instrument = ?1 AND quarter < ?2")?
            .execute(params![instrument, quarter - KEPT])?;
    }
    Ok(())
}

impl Reader {
    /// Of each of these spans that lies within what is known of the instrument, whether anything came.
    pub fn traffic_within(&self, instrument: &str, spans: &[Quarters]) -> Result<Vec<bool>, JournalError> {
        let known_from: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(quarter) FROM traffic WHERE instrument = ?")?
            .query_row([instrument], |row| row.get(0))?;
        let Some(known_from) = known_from else { return Ok(Vec::new()) };
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM traffic WHERE instrument = ? AND quarter >= ? AND quarter < ?")?;
        let known = spans.iter().filter(|span| span.from >= known_from);
        known.map(|span| Ok(statement.exists(params![instrument, span.from, span.to])?)).collect()
    }

    /// What came from an instrument in each hour since then that brought something, the earliest first.
    pub fn traffic_since(&self, instrument: &str, since: Timestamp) -> Result<Vec<Hour>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT quarter / 4, sum(results) FROM traffic WHERE instrument = ? AND quarter >= ? GROUP BY 1 ORDER BY 1",
        )?;
        let rows = statement.query_map(params![instrument, quarter(since)], |row| {
            Ok(Hour { hour: row.get(0)?, results: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
