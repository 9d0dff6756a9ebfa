//! What the LIMS said last of a patient: with an order, in a message about the patient, or when it was asked. The orders of one
//! number are one patient's, so that the latest word counts for all of them. It passes nothing on where a word names another
//! person under the number, and takes the word of an older question for no newer one.

use rusqlite::{OptionalExtension, params};

use super::apply::Word;
use super::patients::{newer, scope};
use super::rows;
use crate::domain::{Order, OrderState, Patient, Private};
use crate::journal::JournalError;

/// What was known of a patient before the word that is being put down.
pub(super) struct Last {
    pub(super) patient: Patient,
    said: Said,
    /// The last message that it can know of.
    as_of: i64,
}

/// What a word was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Patient,
    Order,
}

impl Said {
    fn name(self) -> &'static str {
        match self {
            Said::Patient => "patient",
            Said::Order => "order",
        }
    }
}

/// An order of a patient, with its row.
pub(super) struct Theirs {
    pub(super) id: i64,
    pub(super) is_open: bool,
    pub(super) order: Order,
}

/// What an order's particulars changed of the patient's other orders.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) orders: Vec<Order>,
    /// The number is told with another person's name and day of birth than before.
    pub(super) names_another: bool,
}

impl Word<'_> {
    /// The last message that this word can know of.
    fn moment(&self) -> i64 {
        self.manner.as_of().unwrap_or(self.message).0
    }

    /// Whether what was said last is later knowledge than this word.
    pub(super) fn is_older_than(&self, last: &Last) -> bool {
        last.as_of > self.moment()
    }

    /// An order with what is known of its patient: under the number that survives, and where the LIMS said more of the
    /// patient, or said it later, with that. An order's own ward stays, unless a later word names another.
    pub(super) fn as_known(&self, order: &Order) -> Result<Order, JournalError> {
        let mut known = self.of_survivor(order)?;
        let told = known.patient.reveal();
        let Some(last) = self.last_of(&told.id, &told.authority)? else { return Ok(known) };
        let is_merged = !is_one_number(&known, order);
        let is_overtaken = self.is_older_than(&last);
        let is_said_of_them = is_merged || is_overtaken && last.said == Said::Patient;
        if told.may_be_another(&last.patient) && !is_said_of_them {
            return Ok(known);
        }
        let location = match is_overtaken && !last.patient.location.is_empty() {
            true => last.patient.location.clone(),
            false => told.location.clone(),
        };
        let both =
            if is_merged || is_overtaken { newer(&last.patient, told) } else { newer(told, &last.patient) };
        known.patient = Private::new(Patient { location, ..both });
        Ok(known)
    }

    /// Gives the patient's other orders what an order that was placed or changed says of the patient. The ward goes to what is
    /// still to be done. What was told under a number that is gone says nothing of the patient who has it now.
    pub(super) fn heard_of(&self, told: &Order) -> Result<Heard, JournalError> {
        let known = self.as_known(told)?;
        let now = known.patient.reveal();
        let last = self.last_of(&now.id, &now.authority)?;
        if now.id.is_empty() || !is_one_number(&known, told) {
            return Ok(Heard::default());
        }
        let names_another = last.as_ref().is_some_and(|last| now.may_be_another(&last.patient));
        if last.as_ref().is_some_and(|last| self.is_older_than(last)) {
            return Ok(Heard { names_another, ..Heard::default() });
        }
        let kept = last.as_ref().filter(|_| !names_another);
        let is_new = kept.is_none_or(|last| last.patient.brought_up_to_date(now) != last.patient);
        let said = kept.filter(|_| !is_new).map_or(Said::Order, |last| last.said);
        self.keep_last(now, said)?;
        let mut heard = Heard { names_another, ..Heard::default() };
        if !is_new {
            return Ok(heard);
        }
        for Theirs { id, is_open, mut order } in self.of_patient(&now.id, &now.authority)? {
            let before = order.patient.reveal();
            if before.may_be_another(now) {
                heard.names_another |= is_open;
                continue;
            }
            let location = if is_open { &now.location } else { &before.location };
            let after = before.brought_up_to_date(&Patient { location: location.clone(), ..now.clone() });
            if after != *before {
                order.patient = Private::new(after);
                self.write(id, &order, None, "patient")?;
                heard.orders.push(order);
            }
        }
        Ok(heard)
    }

    pub(super) fn last_of(&self, id: &str, authority: &str) -> Result<Option<Last>, JournalError> {
        let found: Option<(String, String, i64)> = self
            .connection
            .prepare_cached(
                "SELECT patient, said, as_of FROM patient_word WHERE scope = ? AND id = ? AND authority = ?",
            )?
            .query_row(params![scope(self.source, authority), id, authority], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((patient, said, as_of)) = found else { return Ok(None) };
        let said = if said == Said::Patient.name() { Said::Patient } else { Said::Order };
        Ok(Some(Last { patient: rows::read_patient(&patient)?, said, as_of }))
    }

    pub(super) fn keep_last(&self, patient: &Patient, said: Said) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO patient_word VALUES (?, ?, ?, ?, ?, ?)")?
            .execute(params![
                scope(self.source, &patient.authority),
                patient.id,
                patient.authority,
                rows::write_patient(patient)?,
                said.name(),
                self.moment()
            ])?;
        Ok(())
    }

    /// Every order of a number, by whomever it was told where an authority assigned it.
    pub(super) fn of_patient(&self, id: &str, authority: &str) -> Result<Vec<Theirs>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, state, detail FROM lab_order
             WHERE patient = ?1 AND authority = ?2 AND (?2 <> '' OR source = ?3) ORDER BY id",
        )?;
        let mut rows = statement.query(params![id, authority, self.source])?;
        let mut theirs = Vec::new();
        while let Some(row) = rows.next()? {
            let state = OrderState::from_name(&row.get::<_, String>(1)?);
            theirs.push(Theirs {
                id: row.get(0)?,
                is_open: matches!(state, Some(OrderState::Active | OrderState::Held)),
                order: rows::read(&row.get::<_, String>(2)?)?,
            });
        }
        Ok(theirs)
    }
}

fn is_one_number(one: &Order, other: &Order) -> bool {
    let (one, other) = (one.patient.reveal(), other.patient.reveal());
    (&one.id, &one.authority) == (&other.id, &other.authority)
}
