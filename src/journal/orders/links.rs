//! Which order a result belongs to: written with the result, and again when orders change while it waits. It keeps what
//! was judged; it judges nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::reading::{self, CachedOrder, OrderId};
use crate::domain::{HoldReason, OrderDoubt, SpecimenId};
use crate::journal::writer::Urgency;
use crate::journal::{Journal, JournalError, ObservationId, Reader};

/// How many words of the LIMS are looked at in one step.
const WORDS: i64 = 1000;

/// What was judged of a result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    pub order: Option<OrderId>,
    /// What speaks against it.
    pub doubts: Vec<OrderDoubt>,
    /// Those of them that the LIMS is told.
    pub marked: Vec<OrderDoubt>,
    /// Those of them for which the result waits for a person.
    pub holds: Vec<HoldReason>,
}

/// The order of a result as it leaves: as the LIMS told it last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ordered {
    pub order: Option<CachedOrder>,
    pub marked: Vec<OrderDoubt>,
}

impl Journal {
    /// Keeps the last word of the LIMS by which results were looked at again.
    pub async fn heard_up_to(&self, word: i64) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            connection.prepare_cached("UPDATE order_judged SET word = ? WHERE only = 1")?.execute([word])?;
            Ok(())
        })
        .await
    }
}

impl Reader {
    /// The tubes with results of whose orders the LIMS has spoken after this word of its, and the last word that was looked
    /// at.
    pub fn concerned(&self, after: i64) -> Result<(Vec<SpecimenId>, i64), JournalError> {
        let last: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(id) FROM (SELECT id FROM order_word WHERE id > ? ORDER BY id LIMIT ?)",
            )?
            .query_row(params![after, WORDS], |row| row.get(0))?;
        let Some(last) = last else { return Ok((Vec::new(), after)) };
        let mut statement = self.connection.prepare_cached(
            "SELECT l.label FROM order_word w JOIN order_label l ON l.lab_order = w.lab_order
             WHERE w.id > ?1 AND w.id <= ?2 AND EXISTS (SELECT 1 FROM observation o WHERE o.specimen = l.label)
             UNION SELECT o.specimen FROM order_word w JOIN order_link k ON k.lab_order = w.lab_order
             JOIN observation o ON o.id = k.observation WHERE w.id > ?1 AND w.id <= ?2",
        )?;
        let tubes = statement.query_map([after, last], |row| row.get::<_, String>(0).map(SpecimenId::new))?;
        Ok((tubes.collect::<Result<_, _>>()?, last))
    }

    /// The LIMS's last word by which results were looked at again.
    pub fn heard_up_to(&self) -> Result<i64, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT word FROM order_judged WHERE only = 1")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// What was judged of a result, with the order as it is now; `None` where nothing was.
    pub fn ordered(&self, id: ObservationId) -> Result<Option<Ordered>, JournalError> {
        ordered(&self.connection, id)
    }
}

/// Writes what was judged of a result.
pub(in crate::journal) fn write(
    connection: &Connection,
    id: ObservationId,
    link: &Link,
    now: Timestamp,
) -> Result<(), JournalError> {
    let names = |doubts: &[OrderDoubt]| doubts.iter().map(|it| it.name()).collect::<Vec<_>>().join(" ");
    connection.prepare_cached("INSERT OR REPLACE INTO order_link VALUES (?, ?, ?, ?, ?)")?.execute(
        params![
            id.0,
            link.order.map(|order| order.0),
            names(&link.doubts),
            names(&link.marked),
            now.as_microsecond()
        ],
    )?;
    Ok(())
}

/// Writes what was judged again, where some of the result hasn't left yet.
pub(in crate::journal) fn relink(
    connection: &Connection,
    id: ObservationId,
    link: &Link,
    now: Timestamp,
) -> Result<(), JournalError> {
    let is_here = connection
        .prepare_cached(
            "SELECT 1 FROM ledger WHERE observation = ?
             AND (state = 'held' OR state = 'pending' AND delivery IS NULL)",
        )?
        .exists([id.0])?;
    if is_here { write(connection, id, link, now) } else { Ok(()) }
}

/// What was judged of a result, with the order as it is now.
pub(in crate::journal) fn ordered(
    connection: &Connection,
    id: ObservationId,
) -> Result<Option<Ordered>, JournalError> {
    let found: Option<(Option<i64>, String)> = connection
        .prepare_cached("SELECT lab_order, marked FROM order_link WHERE observation = ?")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((order, marked)) = found else { return Ok(None) };
    let order = order.map(|order| reading::by_id(connection, OrderId(order))).transpose()?.flatten();
    let marked = marked.split(' ').filter_map(OrderDoubt::from_name).collect();
    Ok(Some(Ordered { order, marked }))
}

/// What speaks against whose a result is by its order, whatever the site does about it.
pub(in crate::journal) fn identity_doubts(
    connection: &Connection,
    id: ObservationId,
) -> Result<Vec<OrderDoubt>, JournalError> {
    let doubts: Option<String> = connection
        .prepare_cached("SELECT doubts FROM order_link WHERE observation = ?")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let doubts = doubts.unwrap_or_default();
    Ok(doubts.split(' ').filter_map(OrderDoubt::from_name).filter(|it| it.is_of_identity()).collect())
}
