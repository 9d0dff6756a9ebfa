//! What a request of the LIMS makes of the orders that are known. An order that can't be told from another is refused,
//! never guessed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::find::Known;
use super::{Manner, rows};
use crate::domain::{Asks, Numbering, Order, OrderKey, OrderRequest, OrderState, Sourced, SpecimenId};
use crate::journal::{JournalError, MessageId};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    Done,
    /// No such order is known.
    Unknown,
    /// The LIMS has said something else since it was asked for this: that counts.
    Overtaken,
    /// It can't be done, and why; the reason names no patient.
    Refused(String),
}

/// One message's word, about to be put down.
pub(super) struct Word<'a> {
    pub(super) connection: &'a Connection,
    pub(super) source: &'a str,
    pub(super) manner: Manner,
    /// All that the message asks for.
    pub(super) requests: &'a [OrderRequest],
    pub(super) message: MessageId,
    pub(super) now: Timestamp,
}

impl Word<'_> {
    pub(super) fn request(&self, request: &OrderRequest) -> Result<Applied, JournalError> {
        match request.asks {
            Asks::Place => self.place(&self.as_known(&request.order)?),
            Asks::Change => self.change(&self.as_known(&request.order)?),
            Asks::Become(state) => self.stand(&request.order, state),
        }
    }

    fn place(&self, order: &Order) -> Result<Applied, JournalError> {
        let same = match self.exact(order)? {
            Ok(same) => same,
            Err(why) => return Ok(Applied::Refused(why)),
        };
        match same {
            Some(it) if self.is_overtaken(&it)? => return Ok(Applied::Overtaken),
            Some(it) if it.state == OrderState::Active && it.order == *order => {}
            Some(it) => self.write(it.id, order, Some(OrderState::Active), "placed")?,
            None => return self.insert(order),
        }
        Ok(Applied::Done)
    }

    /// A change of an order that was never heard of tells it whole: it is placed. One that is over stays so.
    fn change(&self, order: &Order) -> Result<Applied, JournalError> {
        let same = match self.exact(order)? {
            Ok(same) => same,
            Err(why) => return Ok(Applied::Refused(why)),
        };
        let meant = match same {
            Some(it) => it,
            None => match self.meant_by_number(order)? {
                Ok(Some(it)) => it,
                Ok(None) => {
                    return match self.changed_elsewhere(order)? {
                        Ok(()) => self.insert(order),
                        Err(why) => Ok(Applied::Refused(why)),
                    };
                }
                Err(why) => return Ok(Applied::Refused(why)),
            },
        };
        if self.is_overtaken(&meant)? {
            return Ok(Applied::Overtaken);
        }
        if !meant.is_open() {
            return Ok(Applied::Refused(not_open(meant.state)));
        }
        self.write(meant.id, order, None, "changed")?;
        Ok(Applied::Done)
    }

    /// Which order a change means that names another specimen or test than is known.
    fn meant_by_number(&self, order: &Order) -> Result<Result<Option<Known>, String>, JournalError> {
        let of_number = match self.of_number(order)? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let Some(first) = of_number.first() else { return Ok(Ok(None)) };
        let state = first.state;
        let open: Vec<Known> = of_number.into_iter().filter(Known::is_open).collect();
        if open.is_empty() {
            return Ok(Err(not_open(state)));
        }
        let named = self.named(&order.key.number);
        let (mut same_test, mut others): (Vec<Known>, Vec<Known>) =
            open.into_iter().partition(|it| it.order.key.test == order.key.test);
        others.retain(|it| !named.contains(&it.order.key));
        Ok(match (same_test.len(), others.len()) {
            (1, _) => Ok(same_test.pop()),
            (0, 1) if self.manner == Manner::Told(Numbering::Order) && named.len() == 1 => Ok(others.pop()),
            (0, _) => Err("the LIMS changed an order whose number is known with other tests, and nothing says which of \
                           them it means; cancel it there and place it anew"
                .to_owned()),
            _ => Err("the LIMS changed an order to another specimen, and its number and test are known of several; \
                      cancel them there and place them anew"
                .to_owned()),
        })
    }

    /// Every order that fits what was named; nothing else of it changes.
    fn stand(&self, order: &Order, state: OrderState) -> Result<Applied, JournalError> {
        let key = &order.key;
        let known = match key.number.is_empty() {
            true => Ok(self.on_label(&key.specimen)?),
            false => self.of_number(order)?,
        };
        let known = match known {
            Ok(known) => known,
            Err(why) => {
                // An answer that is under way may bring this source's own.
                self.remember_unknown(key, state)?;
                return Ok(Applied::Refused(why));
            }
        };
        let is_known = !known.is_empty();
        let found: Vec<Known> = known
            .into_iter()
            .filter(|it| key.specimen.is_blank() || it.order.labels.contains(&key.specimen))
            .filter(|it| key.test.is_empty() || it.order.key.test == key.test)
            .filter(|it| state != OrderState::Active || it.state == OrderState::Held)
            .collect();
        if found.is_empty() && is_known && !key.number.is_empty() {
            let why = format!(
                "the LIMS wants an order {}, and what is known of its number has another specimen or test, or isn't held",
                state.name()
            );
            return Ok(Applied::Refused(why));
        }
        if found.is_empty() {
            self.remember_unknown(key, state)?;
            return Ok(Applied::Unknown);
        }
        let mut overtaken = 0;
        for it in &found {
            if self.is_overtaken(it)? {
                overtaken += 1;
            } else if it.state != state {
                self.write(it.id, &it.order, Some(state), state.name())?;
            }
        }
        Ok(if overtaken == found.len() { Applied::Overtaken } else { Applied::Done })
    }

    /// What the message names of a number.
    fn named(&self, number: &str) -> BTreeSet<OrderKey> {
        let keys = self.requests.iter().map(|it| &it.order.key);
        keys.filter(|key| key.number == number).cloned().collect()
    }

    /// Where a number is one order's, a message that places it tells it whole: what else was known of the number doesn't
    /// stand any more. Returns the tubes of what was replaced.
    pub(super) fn replace_others(&self) -> Result<Vec<SpecimenId>, JournalError> {
        let mut tubes = Vec::new();
        if self.manner != Manner::Told(Numbering::Order) {
            return Ok(tubes);
        }
        let placed = self.requests.iter().filter(|it| it.asks == Asks::Place);
        let numbers: BTreeSet<&str> = placed.map(|it| it.order.key.number.as_str()).collect();
        for number in numbers.into_iter().filter(|number| !number.is_empty()) {
            let named = self.named(number);
            for it in self.own_of_number(number)? {
                if it.is_open() && !named.contains(&it.order.key) {
                    self.write(it.id, &it.order, Some(OrderState::Replaced), OrderState::Replaced.name())?;
                    tubes.push(it.order.key.specimen);
                }
            }
        }
        Ok(tubes)
    }

    /// The labels of this order on which open orders of somebody else stand.
    pub(super) fn contested(&self, order: &Order) -> Result<Vec<SpecimenId>, JournalError> {
        let mut contested = Vec::new();
        for label in &order.labels {
            let mut orders = self.all_on_label(label)?;
            orders.retain(Known::is_open);
            if Sourced::are_of_several(orders.iter().map(Known::sourced)) {
                contested.push(label.clone());
            }
        }
        Ok(contested)
    }

    fn insert(&self, order: &Order) -> Result<Applied, JournalError> {
        let (at, key) = (self.now.as_microsecond(), &order.key);
        self.connection
            .prepare_cached(
                "INSERT INTO lab_order (source, number, specimen, test, state, priority, patient, authority,
                 placed_at, changed_at, detail) VALUES (?, ?, ?, ?, 'active', 0, '', '', ?, ?, '')",
            )?
            .execute(params![self.source, key.number, key.specimen.reveal(), key.test, at, at])?;
        let id = self.connection.last_insert_rowid();
        self.write(id, order, None, "placed")?;
        let Some(state) = self.taken_back_since(order)? else { return Ok(Applied::Done) };
        self.write(id, order, Some(state), state.name())?;
        Ok(Applied::Overtaken)
    }

    /// Puts an order down as it is now, and the word that made it so. Whoever tells it whole is its source from then on.
    pub(super) fn write(
        &self,
        id: i64,
        order: &Order,
        state: Option<OrderState>,
        word: &str,
    ) -> Result<(), JournalError> {
        let (at, detail) = (self.now.as_microsecond(), rows::write(order)?);
        let patient = order.patient.reveal();
        let source = matches!(word, "placed" | "changed").then_some(self.source);
        self.connection
            .prepare_cached(
                "UPDATE lab_order SET source = coalesce(?, source), specimen = ?, test = ?,
                 state = coalesce(?, state), priority = ?, patient = ?, authority = ?, changed_at = ?, detail = ?
                 WHERE id = ?",
            )?
            .execute(params![
                source,
                order.key.specimen.reveal(),
                order.key.test,
                state.map(OrderState::name),
                order.priority as u8,
                patient.id,
                patient.authority,
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

fn not_open(state: OrderState) -> String {
    format!(
        "the LIMS changed an order that stands as {}; place it anew where it is wanted again",
        state.name()
    )
}
