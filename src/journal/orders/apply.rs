//! What a request of the LIMS makes of the orders that are known. An order that can't be told from another is refused,
//! never guessed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use crate::domain::{Asks, Order, OrderRequest, OrderState, Patient, PatientChange, Private, SpecimenId};
use crate::journal::{JournalError, MessageId};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    Done,
    /// No such order is known.
    Unknown,
    /// It can't be done, and why; the reason names no patient.
    Refused(String),
}

/// One message's word, about to be put down.
pub(super) struct Word<'a> {
    pub(super) connection: &'a Connection,
    pub(super) source: &'a str,
    pub(super) message: MessageId,
    pub(super) now: Timestamp,
}

impl Word<'_> {
    pub(super) fn request(&self, request: &OrderRequest) -> Result<Applied, JournalError> {
        match request.asks {
            Asks::Place => self.place(&request.order),
            Asks::Change => self.change(&request.order),
            Asks::Become(state) => self.stand(&request.order, state),
        }
    }

    fn place(&self, order: &Order) -> Result<Applied, JournalError> {
        match self.exact(order)? {
            Some(id) if self.stands_so(id, order)? => {}
            Some(id) => self.write(id, order, Some(OrderState::Active), "placed")?,
            None => self.insert(order)?,
        }
        Ok(Applied::Done)
    }

    /// A change of an order that was never heard of tells it whole: it is placed.
    fn change(&self, order: &Order) -> Result<Applied, JournalError> {
        if let Some(id) = self.exact(order)? {
            self.write(id, order, None, "changed")?;
            return Ok(Applied::Done);
        }
        let of_number = match order.key.number.is_empty() {
            true => Vec::new(),
            false => self.of_number(&order.key.number)?,
        };
        let same_test: Vec<i64> =
            of_number.iter().filter(|(_, test)| *test == order.key.test).map(|(id, _)| *id).collect();
        match (same_test.as_slice(), of_number.is_empty()) {
            ([], true) => self.insert(order)?,
            ([moved], _) => self.write(*moved, order, None, "changed")?,
            ([], false) => {
                let why = "the LIMS changed an order whose number is known with other tests; cancel it there and place it anew";
                return Ok(Applied::Refused(why.to_owned()));
            }
            _ => {
                let why = "the LIMS changed an order to another specimen, and its number and test are known of several; cancel them there and place them anew";
                return Ok(Applied::Refused(why.to_owned()));
            }
        }
        Ok(Applied::Done)
    }

    /// Every order that fits what was named; nothing else of it changes.
    fn stand(&self, order: &Order, state: OrderState) -> Result<Applied, JournalError> {
        let key = &order.key;
        let known = match key.number.is_empty() {
            true => self.details(
                "SELECT o.id, o.state, o.detail FROM order_label l JOIN lab_order o ON o.id = l.lab_order
                 WHERE l.label = ?2 AND o.source = ?1 ORDER BY o.id",
                key.specimen.reveal(),
            )?,
            false => self.details(
                "SELECT id, state, detail FROM lab_order WHERE source = ?1 AND number = ?2 ORDER BY id",
                &key.number,
            )?,
        };
        let is_known = !known.is_empty();
        let found: Vec<(i64, String, Order)> = known
            .into_iter()
            .filter(|(_, _, order)| key.specimen.is_blank() || order.labels.contains(&key.specimen))
            .filter(|(_, _, order)| key.test.is_empty() || order.key.test == key.test)
            .filter(|(_, standing, _)| state != OrderState::Active || *standing == OrderState::Held.name())
            .collect();
        if found.is_empty() && is_known && !key.number.is_empty() {
            let why = format!(
                "the LIMS wants an order {}, and what is known of its number has another specimen or test, or isn't held",
                state.name()
            );
            return Ok(Applied::Refused(why));
        }
        for (id, standing, order) in &found {
            if standing != state.name() {
                self.write(*id, order, Some(state), state.name())?;
            }
        }
        Ok(if found.is_empty() { Applied::Unknown } else { Applied::Done })
    }

    /// Orders of this source by one other value: row, state and the order.
    fn details(&self, sql: &'static str, value: &str) -> Result<Vec<(i64, String, Order)>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![self.source, value])?;
        let mut orders = Vec::new();
        while let Some(row) = rows.next()? {
            orders.push((row.get(0)?, row.get(1)?, rows::read(&row.get::<_, String>(2)?)?));
        }
        Ok(orders)
    }

    /// Gives the patient's orders the new particulars; what the LIMS leaves out stays. Returns how many there are.
    pub(super) fn patient(&self, change: &PatientChange) -> Result<usize, JournalError> {
        let (id, authority) = change.known_as.reveal();
        let known: Vec<(i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT id, detail FROM lab_order WHERE source = ? AND patient = ? AND authority = ?",
            )?
            .query_map(params![self.source, id, authority], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (id, detail) in &known {
            let mut order = rows::read(detail)?;
            let (old, new) = (order.patient.reveal(), change.patient.reveal());
            let newer = |new: &str, old: &str| if new.is_empty() { old } else { new }.to_owned();
            order.patient = Private::new(Patient {
                id: newer(&new.id, &old.id),
                name: newer(&new.name, &old.name),
                birth_date: newer(&new.birth_date, &old.birth_date),
                sex: newer(&new.sex, &old.sex),
                location: newer(&new.location, &old.location),
            });
            order.authority.clone_from(&change.authority);
            self.write(*id, &order, None, "patient")?;
        }
        Ok(known.len())
    }

    /// Whether an order is active and says just this.
    fn stands_so(&self, id: i64, order: &Order) -> Result<bool, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT 1 FROM lab_order WHERE id = ? AND state = 'active' AND detail = ?")?
            .exists(params![id, rows::write(order)?])?)
    }

    fn exact(&self, order: &Order) -> Result<Option<i64>, JournalError> {
        let key = &order.key;
        Ok(self
            .connection
            .prepare_cached(
                "SELECT id FROM lab_order WHERE source = ? AND number = ? AND specimen = ? AND test = ?",
            )?
            .query_row(params![self.source, key.number, key.specimen.reveal(), key.test], |row| row.get(0))
            .optional()?)
    }

    /// The orders of a number, each with its test.
    fn of_number(&self, number: &str) -> Result<Vec<(i64, String)>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, test FROM lab_order WHERE source = ? AND number = ?")?;
        let rows = statement.query_map(params![self.source, number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn insert(&self, order: &Order) -> Result<(), JournalError> {
        let (at, key) = (self.now.as_microsecond(), &order.key);
        self.connection
            .prepare_cached(
                "INSERT INTO lab_order (source, number, specimen, test, state, priority, patient, authority,
                 placed_at, changed_at, detail) VALUES (?, ?, ?, ?, 'active', 0, '', '', ?, ?, '')",
            )?
            .execute(params![self.source, key.number, key.specimen.reveal(), key.test, at, at])?;
        self.write(self.connection.last_insert_rowid(), order, None, "placed")
    }

    /// Puts an order down as it is now, and the word that made it so.
    fn write(
        &self,
        id: i64,
        order: &Order,
        state: Option<OrderState>,
        word: &str,
    ) -> Result<(), JournalError> {
        let (at, detail) = (self.now.as_microsecond(), rows::write(order)?);
        self.connection
            .prepare_cached(
                "UPDATE lab_order SET specimen = ?, test = ?, state = coalesce(?, state), priority = ?, patient = ?,
                 authority = ?, changed_at = ?, detail = ? WHERE id = ?",
            )?
            .execute(params![
                order.key.specimen.reveal(),
                order.key.test,
                state.map(OrderState::name),
                order.priority as u8,
                order.patient.reveal().id,
                order.authority,
                at,
                detail,
                id
            ])?;
        self.connection.prepare_cached("DELETE FROM order_label WHERE lab_order = ?")?.execute([id])?;
        for label in &order.labels {
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO order_label VALUES (?, ?)")?
                .execute(params![SpecimenId::reveal(label), id])?;
        }
        self.connection
            .prepare_cached(
                "INSERT INTO order_word (lab_order, message, at, word, detail) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![id, self.message.0, at, word, detail])?;
        Ok(())
    }
}
