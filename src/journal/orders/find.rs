//! Which of the orders that are known a request of the LIMS means. What came by another way is the same order where the
//! placer's number is the same and nothing speaks against the patient. It changes nothing but what it remembers of what
//! wasn't known.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, ToSql, params};

use super::apply::Word;
use super::{Manner, rows};
use crate::domain::{Order, OrderKey, OrderState, Sourced, SpecimenId};
use crate::journal::JournalError;

/// An order's row.
pub(super) struct Known {
    pub(super) id: i64,
    source: String,
    pub(super) state: OrderState,
    pub(super) order: Order,
}

impl Known {
    /// To be done, now or later.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, OrderState::Active | OrderState::Held)
    }

    pub(super) fn sourced(&self) -> Sourced<'_> {
        Sourced { source: &self.source, order: &self.order }
    }
}

/// Why what another source told isn't touched.
const OF_ANOTHER: &str = "another source told an order of this placer's number, and of another patient; say there what is to \
     become of it";

/// A number alone may be any source's.
const OF_WHOM: &str = "another source told an order of this placer's number, and nothing says whether that is meant; name the \
     patient or the specimen, or say it there";

/// What a request means, or why that can't be said.
type Meant<T> = Result<T, String>;

impl Word<'_> {
    /// The order of this number, specimen and test.
    pub(super) fn exact(&self, order: &Order) -> Result<Meant<Option<Known>>, JournalError> {
        let key = &order.key;
        let own = self.known(
            "SELECT id, source, state, detail FROM lab_order
             WHERE source = ? AND number = ? AND specimen = ? AND test = ?",
            params![self.source, key.number, key.specimen.reveal(), key.test],
        )?;
        if let Some(own) = own.into_iter().next() {
            return Ok(Ok(Some(own)));
        }
        let same = |it: &Known| it.order.key.specimen == key.specimen && it.order.key.test == key.test;
        let others = self.of_other_sources(order)?;
        Ok(others.map(|others| others.into_iter().find(same)))
    }

    /// The orders of its number: this source's, and where it has none, another's.
    pub(super) fn of_number(&self, order: &Order) -> Result<Meant<Vec<Known>>, JournalError> {
        let own = self.own_of_number(&order.key.number)?;
        if own.is_empty() { self.of_other_sources(order) } else { Ok(Ok(own)) }
    }

    pub(super) fn own_of_number(&self, number: &str) -> Result<Vec<Known>, JournalError> {
        if number.is_empty() {
            return Ok(Vec::new());
        }
        self.known(
            "SELECT id, source, state, detail FROM lab_order WHERE source = ? AND number = ? ORDER BY id",
            params![self.source, number],
        )
    }

    /// What a change means that says it of an order which only another source told. Of another patient's it's refused, on
    /// whatever tube: it would be placed beside it.
    pub(super) fn changed_elsewhere(&self, order: &Order) -> Result<Meant<()>, JournalError> {
        let meant = self.of_other_sources(order)?;
        if order.placer.is_empty() || !meant.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(meant.map(drop));
        }
        let is_known = !self.placed_elsewhere(&order.placer)?.is_empty();
        Ok(if is_known { Err(OF_ANOTHER.to_owned()) } else { Ok(()) })
    }

    /// Other sources' orders of a placer's number. Who performs a test numbers it for itself: that is no placer's.
    fn placed_elsewhere(&self, placer: &str) -> Result<Vec<Known>, JournalError> {
        let mut found = self.known(
            "SELECT id, source, state, detail FROM lab_order WHERE number = ?2 AND source <> ?1 ORDER BY id",
            params![self.source, placer],
        )?;
        found.retain(|it| it.order.placer == placer);
        Ok(found)
    }

    /// By the placer's number alone, and only where the patient or, where none is named, the tube is the same.
    fn of_other_sources(&self, order: &Order) -> Result<Meant<Vec<Known>>, JournalError> {
        if order.placer.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        let mut found = self.placed_elsewhere(&order.placer)?;
        let patient = order.patient.reveal();
        let names_patient = !patient.id.trim().is_empty() || !patient.name.trim().is_empty();
        let tube = &order.key.specimen;
        let survived = self.of_survivor(order)?;
        let own = Sourced { source: self.source, order: &survived };
        let is_its = |it: &Known| match names_patient {
            true => !it.sourced().is_of_another(&own),
            false => !tube.is_blank() && it.order.labels.contains(tube),
        };
        let on_its_tube = |it: &Known| tube.is_blank() || it.order.labels.contains(tube);
        let is_contradicted = found.iter().any(|it| !is_its(it) && on_its_tube(it));
        found.retain(is_its);
        let sources: BTreeSet<&str> = found.iter().map(|it| it.source.as_str()).collect();
        Ok(match (found.is_empty(), sources.len()) {
            (true, _) if is_contradicted && names_patient => Err(OF_ANOTHER.to_owned()),
            (true, _) if is_contradicted && tube.is_blank() => Err(OF_WHOM.to_owned()),
            (false, 2..) => {
                Err("several other sources told orders of this placer's number; say it there".to_owned())
            }
            _ => Ok(found),
        })
    }

    /// This source's orders on a label.
    pub(super) fn on_label(&self, label: &SpecimenId) -> Result<Vec<Known>, JournalError> {
        let mut known = self.all_on_label(label)?;
        known.retain(|it| it.source == self.source);
        Ok(known)
    }

    /// Every source's orders on a label.
    pub(super) fn all_on_label(&self, label: &SpecimenId) -> Result<Vec<Known>, JournalError> {
        self.known(
            "SELECT o.id, o.source, o.state, o.detail FROM order_label l JOIN lab_order o ON o.id = l.lab_order
             WHERE l.label = ? ORDER BY o.id",
            params![label.reveal()],
        )
    }

    fn known(&self, sql: &'static str, values: &[&dyn ToSql]) -> Result<Vec<Known>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut orders = Vec::new();
        while let Some(row) = rows.next()? {
            let state: String = row.get(2)?;
            let state = OrderState::from_name(&state)
                .ok_or_else(|| JournalError::Refused(format!("unknown state of an order {state:?}")))?;
            let order = rows::read(&row.get::<_, String>(3)?)?;
            orders.push(Known { id: row.get(0)?, source: row.get(1)?, state, order });
        }
        Ok(orders)
    }

    /// Whether the LIMS said something of it after it was asked for what is told now. What it said of its patient is in that
    /// already.
    pub(super) fn is_overtaken(&self, it: &Known) -> Result<bool, JournalError> {
        let Manner::Asked { as_of } = self.manner else { return Ok(false) };
        Ok(self
            .connection
            .prepare_cached(
                "SELECT 1 FROM order_word WHERE lab_order = ? AND message > ? AND message <> ? AND word <> 'patient'",
            )?
            .exists(params![it.id, as_of.0, self.message.0])?)
    }

    /// Keeps what the LIMS took back of which nothing is known: an answer that is under way may bring it.
    pub(super) fn remember_unknown(&self, key: &OrderKey, state: OrderState) -> Result<(), JournalError> {
        if state == OrderState::Active || matches!(self.manner, Manner::Asked { .. }) {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO order_unknown (source, number, specimen, test, state, message, at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.source,
                key.number,
                key.specimen.reveal(),
                key.test,
                state.name(),
                self.message.0,
                self.now.as_microsecond()
            ])?;
        Ok(())
    }

    /// What the LIMS made of an order that wasn't known, after it was asked for what is told now.
    pub(super) fn taken_back_since(&self, order: &Order) -> Result<Option<OrderState>, JournalError> {
        let Manner::Asked { as_of } = self.manner else { return Ok(None) };
        let key = &order.key;
        let labels: Vec<&str> = order.labels.iter().map(SpecimenId::reveal).collect();
        let labels = serde_json::to_string(&labels)
            .map_err(|error| JournalError::Refused(format!("failed to write labels as JSON: {error}")))?;
        let state: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT state FROM order_unknown WHERE message > ?1
                 AND (number <> '' AND number = ?2 OR number = '' AND source = ?3)
                 AND (specimen = '' OR specimen IN (SELECT value FROM json_each(?4))) AND (test = '' OR test = ?5)
                 ORDER BY message DESC, id DESC LIMIT 1",
            )?
            .query_row(params![as_of.0, key.number, self.source, labels, key.test], |row| row.get(0))
            .optional()?;
        Ok(state.as_deref().and_then(OrderState::from_name))
    }
}
