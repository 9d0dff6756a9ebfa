//! Looking orders up: by what stands on a tube, and the work that is there.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::rows;
use crate::domain::{Order, OrderState, Sourced, SpecimenId};
use crate::journal::rows::instant;
use crate::journal::{JournalError, MessageId, Reader};

/// An order's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderId(pub i64);

/// An order as the LIMS told it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedOrder {
    pub id: OrderId,
    /// The configured name of the LIMS that told it.
    pub source: String,
    pub state: OrderState,
    pub order: Order,
    pub placed_at: Timestamp,
    /// When the LIMS spoke of it last.
    pub changed_at: Timestamp,
}

impl CachedOrder {
    pub fn sourced(&self) -> Sourced<'_> {
        Sourced { source: &self.source, order: &self.order }
    }
}

/// One thing that the LIMS said of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderWord {
    pub at: Timestamp,
    /// `placed`, `changed`, `patient`, or the state that it came to.
    pub word: String,
    pub message: MessageId,
    /// Of which test it was then.
    pub test: String,
}

impl Reader {
    /// All that was said of an order, oldest first.
    pub fn order_words(&self, order: OrderId) -> Result<Vec<OrderWord>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, word, message, detail FROM order_word WHERE lab_order = ? ORDER BY id",
        )?;
        let words = statement.query_and_then([order.0], |row| {
            let told = rows::read(&row.get::<_, String>(3)?)?;
            Ok(OrderWord {
                at: instant(row.get(0)?),
                word: row.get(1)?,
                message: MessageId(row.get(2)?),
                test: told.key.test,
            })
        })?;
        words.collect()
    }

    /// Every order of a tube with this label, whatever its state: the soonest first, then in the order in which they
    /// were placed.
    pub fn orders_on(&self, label: &SpecimenId) -> Result<Vec<CachedOrder>, JournalError> {
        self.orders(
            "SELECT o.id, o.source, o.state, o.placed_at, o.changed_at, o.detail
             FROM order_label l JOIN lab_order o ON o.id = l.lab_order WHERE l.label = ? ORDER BY o.priority, o.id",
            params![label.reveal()],
        )
    }

    /// The active orders, the soonest first and then the oldest, at most `limit`.
    pub fn active_orders(&self, limit: usize) -> Result<Vec<CachedOrder>, JournalError> {
        self.orders(
            "SELECT id, source, state, placed_at, changed_at, detail FROM lab_order
             WHERE state = 'active' ORDER BY priority, id LIMIT ?",
            params![limit],
        )
    }

    /// The orders that the LIMS holds, the oldest first, at most `limit`.
    pub fn held_orders(&self, limit: usize) -> Result<Vec<CachedOrder>, JournalError> {
        self.orders(
            "SELECT id, source, state, placed_at, changed_at, detail FROM lab_order
             WHERE state = 'held' ORDER BY id LIMIT ?",
            params![limit],
        )
    }

    /// The labels of orders from `first` to `last` that are as long as they, in their order, at most `limit`.
    pub fn labels_between(
        &self,
        first: &SpecimenId,
        last: &SpecimenId,
        limit: usize,
    ) -> Result<Vec<SpecimenId>, JournalError> {
        let (first, last) = (first.reveal(), last.reveal());
        if first.len() != last.len() {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT label FROM order_label WHERE label BETWEEN ? AND ? AND length(label) = length(?2)
             ORDER BY label LIMIT ?",
        )?;
        let rows = statement
            .query_map(params![first, last, limit], |row| row.get::<_, String>(0).map(SpecimenId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where to go on asking a LIMS, by its name as stored; `None` before its first answer.
    pub fn order_cursor(&self, source: &str) -> Result<Option<String>, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT cursor FROM order_cursor WHERE source = ?")?
            .query_map([source], |row| row.get(0))?
            .next()
            .transpose()?)
    }

    /// Whether each of these tests, by an instrument's code, has a result on this specimen already.
    pub fn all_resulted(&self, specimen: &SpecimenId, codes: &[String]) -> Result<bool, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM observation WHERE specimen = ? AND code = ?")?;
        for code in codes {
            if !statement.exists(params![specimen.reveal(), code])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether this test of an order, by an instrument's code, has a result that waits for nobody and came after the LIMS
    /// placed it (or let it go) last.
    pub fn is_finished(&self, order: OrderId, code: &str) -> Result<bool, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT 1 FROM order_label l JOIN observation o ON o.specimen = l.label
                 WHERE l.lab_order = ?1 AND o.code = ?2 AND o.class = 'patient' AND o.status IN ('final', 'correction')
                 AND o.recorded_at > (SELECT coalesce(max(at), 0) FROM order_word
                     WHERE lab_order = ?1 AND word IN ('placed', 'active'))
                 AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id
                     AND (h.closed_at IS NULL OR h.closing = 'rejected'))",
            )?
            .exists(params![order.0, code])?)
    }

    /// The last message on disk: what comes after it is later knowledge.
    pub fn last_message(&self) -> Result<MessageId, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT coalesce(max(id), 0) FROM message")?;
        Ok(MessageId(statement.query_row([], |row| row.get(0))?))
    }

    /// When the LIMS was last heard of orders, if ever.
    pub fn orders_heard_at(&self) -> Result<Option<Timestamp>, JournalError> {
        let at: Option<i64> = self
            .connection
            .prepare_cached("SELECT at FROM order_word ORDER BY id DESC LIMIT 1")?
            .query_map([], |row| row.get(0))?
            .next()
            .transpose()?;
        Ok(at.map(instant))
    }

    fn orders(
        &self,
        sql: &'static str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<CachedOrder>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut orders = Vec::new();
        while let Some(row) = rows.next()? {
            orders.push(order(row)?);
        }
        Ok(orders)
    }
}

/// One order by its row.
pub(super) fn by_id(connection: &Connection, id: OrderId) -> Result<Option<CachedOrder>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, source, state, placed_at, changed_at, detail FROM lab_order WHERE id = ?",
    )?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(order).transpose()
}

fn order(row: &Row<'_>) -> Result<CachedOrder, JournalError> {
    let state: String = row.get(2)?;
    let state = OrderState::from_name(&state)
        .ok_or_else(|| JournalError::Refused(format!("unknown state of an order {state:?}")))?;
    Ok(CachedOrder {
        id: OrderId(row.get(0)?),
        source: row.get(1)?,
        state,
        order: rows::read(&row.get::<_, String>(5)?)?,
        placed_at: instant(row.get(3)?),
        changed_at: instant(row.get(4)?),
    })
}
