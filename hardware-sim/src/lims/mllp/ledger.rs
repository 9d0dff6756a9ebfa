//! What a LIMS took: each message once by its control ID, or each file once by its name, and each result in it. In
//! memory only.

use std::collections::BTreeMap;

use super::taken::{Taken, control_id, results};
use crate::generate::ExpectedResult;
use crate::lims::{Discrepancy, Outcome};

/// A copy of what is held at one moment.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    messages: BTreeMap<String, Vec<u8>>,
    taken: Vec<Taken>,
    /// Places in `taken`.
    by_specimen: BTreeMap<String, Vec<usize>>,
    attempts: Vec<Attempt>,
}

/// One message, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// MSH-10, or the file's name.
    pub control_id: String,
    pub message: Vec<u8>,
    /// The mode that it met, as it is written.
    pub mode: String,
    pub outcome: Outcome,
    /// Which connection it came on, from 1; 0 for a file.
    pub connection: usize,
}

impl Ledger {
    /// Everything taken, in order.
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// Every message since the start.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How often a result of a specimen with this value is held.
    pub fn times(&self, specimen: &str, value: &str) -> usize {
        self.of_specimen(specimen).filter(|(_, taken)| taken.value == value).count()
    }

    /// The acknowledged results that aren't held exactly once with the value that was sent. Empty is what a gateway owes.
    pub fn discrepancies(&self, acknowledged: &[ExpectedResult]) -> Vec<Discrepancy> {
        let check = |expected: &ExpectedResult| {
            let held = self.of_specimen(&expected.specimen);
            let times = held.filter(|(_, taken)| taken.stands_for(expected)).count();
            (times != 1).then(|| Discrepancy { expected: expected.clone(), times })
        };
        acknowledged.iter().filter_map(check).collect()
    }

    /// Results that say what one before them said already.
    pub fn doubled(&self) -> Vec<&Taken> {
        let again = |at: usize, taken: &Taken| {
            let mut earlier = self.of_specimen(&taken.specimen).take_while(|(other, _)| *other < at);
            earlier.any(|(_, other)| taken.doubles(other))
        };
        self.taken
            .iter()
            .enumerate()
            .filter(|(at, taken)| again(*at, taken))
            .map(|(_, taken)| taken)
            .collect()
    }

    /// What came under a control ID that was taken with other bytes, or can't be read at all.
    pub fn unfit(&self) -> impl Iterator<Item = &Attempt> {
        let unfit = |attempt: &&Attempt| matches!(attempt.outcome, Outcome::Conflict | Outcome::Unreadable);
        self.attempts.iter().filter(unfit)
    }

    fn of_specimen(&self, specimen: &str) -> impl Iterator<Item = (usize, &Taken)> {
        let places = self.by_specimen.get(specimen).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|at| Some((*at, self.taken.get(*at)?)))
    }

    /// Takes a message once by its control ID, if the mode takes any.
    pub(super) fn receive(&mut self, message: &[u8], mode: &str, takes: bool, connection: usize) -> Received {
        self.receive_as(control_id(message), message, mode, takes, connection)
    }

    /// Takes a message once by this name.
    pub(in crate::lims) fn receive_as(
        &mut self,
        control_id: String,
        message: &[u8],
        mode: &str,
        takes: bool,
        connection: usize,
    ) -> Received {
        let is_message = message.starts_with(b"MSH|") && !control_id.is_empty();
        let outcome = match self.messages.get(&control_id) {
            _ if !is_message => Outcome::Unreadable,
            Some(before) if before.as_slice() == message => Outcome::Replayed,
            Some(_) => Outcome::Conflict,
            None if takes => Outcome::Taken,
            None => Outcome::NotTaken,
        };
        if outcome == Outcome::Taken {
            self.messages.insert(control_id.clone(), message.to_vec());
            for taken in results(&control_id, message) {
                self.by_specimen.entry(taken.specimen.clone()).or_default().push(self.taken.len());
                self.taken.push(taken);
            }
        }
        self.attempts.push(Attempt {
            control_id: control_id.clone(),
            message: message.to_vec(),
            mode: mode.to_owned(),
            outcome,
            connection,
        });
        Received { control_id, outcome }
    }
}

/// What receiving a message came to.
pub(in crate::lims) struct Received {
    pub(super) control_id: String,
    pub(super) outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"MSH|^~\\&|a||b||t||ORU^R01|K-1|P|2.5.1\rOBR|1||S7|GLU\rOBX|1|NM|GLU^x^L|1|5.4|mg/dl|||||F|||||||erba\rSPM|1|S7\r";

    #[test]
    fn a_control_id_is_taken_once_and_only_for_the_same_bytes() {
        let mut ledger = Ledger::default();
        let mut receive = |message: &[u8], takes| ledger.receive(message, "accept", takes, 1).outcome;
        assert_eq!(receive(MESSAGE, false), Outcome::NotTaken);
        assert_eq!(receive(MESSAGE, true), Outcome::Taken);
        assert_eq!(receive(MESSAGE, true), Outcome::Replayed);
        assert_eq!(receive(&MESSAGE.to_ascii_lowercase(), true), Outcome::Unreadable);
        assert_eq!(receive(&[MESSAGE, b"NTE|1\r"].concat(), true), Outcome::Conflict);
        assert_eq!(ledger.times("S7", "5.4"), 1);
        assert_eq!(ledger.taken()[0].code, "GLU");
    }

    fn expected(value: &str) -> ExpectedResult {
        let text = |text: &str| text.to_owned();
        ExpectedResult {
            specimen: text("S7"),
            code: text("GLU"),
            aspect: String::new(),
            replicate: 1,
            value: text(value),
            unit: text("mg/dl"),
            status: text("F"),
        }
    }

    #[test]
    fn a_result_that_is_missing_doubled_or_altered_is_told() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.discrepancies(&[expected("5.4")]).len(), 1, "missing");
        ledger.receive(MESSAGE, "accept", true, 1);
        assert_eq!(ledger.discrepancies(&[expected("5.4")]), []);
        assert_eq!(ledger.discrepancies(&[expected("5.40")]).len(), 1, "altered");
        assert_eq!(ledger.doubled().len(), 0);
        let again = String::from_utf8(MESSAGE.to_vec()).unwrap().replace("|K-1|", "|K-2|");
        ledger.receive(again.as_bytes(), "accept", true, 1);
        assert_eq!(ledger.discrepancies(&[expected("5.4")]).len(), 1, "doubled");
        assert_eq!((ledger.doubled().len(), ledger.unfit().count()), (1, 0));
        ledger.receive(&[MESSAGE, b"NTE|1\r"].concat(), "accept", true, 1);
        assert_eq!(ledger.unfit().count(), 1);
    }
}
