//! A tube's way before its results: what the LIMS said of its orders, what analyzers asked about it and were told.

use super::way::{Step, Way};
use crate::domain::{SpecimenId, Words, words};
use crate::journal::rows::instant;
use crate::journal::{JournalError, MessageId, Reader};

/// How many of the last host queries are looked through for one about a tube.
const LOOKED_THROUGH: i64 = 20_000;

/// One thing that was said about a tube's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderStep {
    /// By the LIMS.
    Spoken { source: String, word: String, test: String, number: String, message: MessageId },
    /// By an analyzer that asked, and what it was told.
    Asked { instrument: String, message: MessageId, answer: Option<String> },
    /// To an analyzer that doesn't ask.
    Told { instrument: String, tests: Vec<String>, state: String, note: String },
}

impl OrderStep {
    /// In words, for a person. It names no specimen and no patient.
    pub fn words(&self) -> Words {
        match self {
            OrderStep::Spoken { source, word, test, number, .. } => {
                let number = if number.is_empty() { words!("without number") } else { number.into() };
                words!(
                    "the LIMS ({source}) spoke of its order {number} for {test}: {word}",
                    source,
                    number,
                    test,
                    word
                )
            }
            OrderStep::Asked { instrument, answer, .. } => {
                let answer = answer.as_ref().map_or_else(|| words!("not answered yet"), Words::from);
                words!("{instrument} asked what to do with it: {answer}", instrument, answer)
            }
            OrderStep::Told { instrument, tests, state, note } => {
                let tests =
                    if tests.is_empty() { words!("nothing any more") } else { tests.join(" ").into() };
                let state = Words::row([state.into(), note.into()], ", ");
                words!("{instrument} is to do {tests}: {state}", instrument, tests, state)
            }
        }
    }

    /// The message that it came in.
    pub fn message(&self) -> Option<MessageId> {
        match self {
            OrderStep::Spoken { message, .. } | OrderStep::Asked { message, .. } => Some(*message),
            OrderStep::Told { .. } => None,
        }
    }
}

impl Reader {
    /// What was said about a tube's orders, in no order.
    pub(super) fn order_steps(&self, specimen: &SpecimenId) -> Result<Vec<Step>, JournalError> {
        let mut steps = Vec::new();
        let mut add = |at, step| steps.push(Step { at, what: Way::Order(Box::new(step)) });
        for order in self.orders_on(specimen)? {
            for it in self.order_words(order.id)? {
                let (source, test) = (order.source.clone(), it.test);
                let (number, word, message) = (order.order.key.number.clone(), it.word, it.message);
                add(it.at, OrderStep::Spoken { source, word, test, number, message });
            }
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT asked_at, instrument, message, coalesce(answer, prepared) FROM host_query
             WHERE id > (SELECT max(id) FROM host_query) - ?1
             AND EXISTS (SELECT 1 FROM json_each(specimens) WHERE value = ?2)",
        )?;
        let mut rows = statement.query(rusqlite::params![LOOKED_THROUGH, specimen.reveal()])?;
        while let Some(row) = rows.next()? {
            let message = MessageId(row.get(2)?);
            let asked = OrderStep::Asked { instrument: row.get(1)?, message, answer: row.get(3)? };
            add(instant(row.get(0)?), asked);
        }
        for it in self.download_steps(specimen)? {
            let (tests, note) = (it.tests.into_iter().collect(), it.note);
            let told = OrderStep::Told { instrument: it.instrument, tests, state: it.state, note };
            add(it.at, told);
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_says_who_spoke_and_what_of() {
        let instrument = "erba".to_owned();
        let message = MessageId(7);
        for (step, expected) in [
            (
                OrderStep::Spoken {
                    source: "orders lims".to_owned(),
                    word: "cancelled".to_owned(),
                    test: "GLU".to_owned(),
                    number: "P1".to_owned(),
                    message,
                },
                "the LIMS (orders lims) spoke of its order P1 for GLU: cancelled",
            ),
            (
                OrderStep::Asked { instrument: instrument.clone(), message, answer: None },
                "erba asked what to do with it: not answered yet",
            ),
            (
                OrderStep::Told {
                    instrument,
                    tests: Vec::new(),
                    state: "taken".to_owned(),
                    note: String::new(),
                },
                "erba is to do nothing any more: taken",
            ),
        ] {
            assert_eq!(step.words().english(), expected);
        }
    }
}
