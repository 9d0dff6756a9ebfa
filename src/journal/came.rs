//! Where what leaves came from: the analyzer, the message, and when that was on disk. It is read, never written.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::rows::instant;
use super::{JournalError, MessageId, ObservationId, Reader};
use crate::domain::Correlation;

/// Where a result that is delivered came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    pub observation: ObservationId,
    pub instrument: String,
    /// When its message was on disk.
    pub received_at: Timestamp,
    pub correlation: Correlation,
    /// The delivery is of the result itself, not of a word about it.
    pub is_result: bool,
}

/// The same of everything that a delivery is about, in no order.
pub(super) fn came(connection: &Connection, delivery: i64) -> Result<Vec<Came>, JournalError> {
    let begun_at = begun_at(connection)?;
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.instrument, o.message, m.received_at, 1 FROM ledger l
         CROSS JOIN observation o ON o.id = l.observation CROSS JOIN message m ON m.id = o.message WHERE l.delivery = ?1
         UNION ALL
         SELECT o.id, o.instrument, o.message, m.received_at, 0 FROM call_line c
         CROSS JOIN observation o ON o.id = c.observation CROSS JOIN message m ON m.id = o.message WHERE c.delivery = ?1
         UNION ALL
         SELECT o.id, o.instrument, o.message, m.received_at, 0 FROM notice n
         CROSS JOIN observation o ON o.id = n.observation CROSS JOIN message m ON m.id = o.message WHERE n.delivery = ?1",
    )?;
    let rows = statement.query_map([delivery], |row| {
        let received_at = instant(row.get(3)?);
        Ok(Came {
            observation: ObservationId(row.get(0)?),
            instrument: row.get(1)?,
            received_at,
            correlation: Correlation::of(begun_at, row.get(2)?, received_at),
            is_result: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn begun_at(connection: &Connection) -> Result<Timestamp, JournalError> {
    let begun_at = connection
        .prepare_cached("SELECT created_at FROM journal")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(begun_at.map(instant).unwrap_or_default())
}

impl Reader {
    /// What names a message in the log; `None` where there is no such message.
    pub fn correlation(&self, message: MessageId) -> Result<Option<Correlation>, JournalError> {
        let begun_at = begun_at(&self.connection)?;
        let mut statement = self.connection.prepare_cached("SELECT received_at FROM message WHERE id = ?")?;
        let received_at = statement.query_row([message.0], |row| row.get(0)).optional()?;
        Ok(received_at.map(|it| Correlation::of(begun_at, message.0, instant(it))))
    }
}
