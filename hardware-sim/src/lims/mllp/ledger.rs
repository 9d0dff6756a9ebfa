//! What the LIMS took: each message once by its control ID, and each result in it. In memory only.

use std::collections::BTreeMap;

use crate::lims::Outcome;

/// A copy of what is held at one moment.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    messages: BTreeMap<String, Vec<u8>>,
    taken: Vec<Taken>,
    attempts: Vec<Attempt>,
}

/// One result that was taken, its fields as they stood in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub control_id: String,
    /// SPM-2.
    pub specimen: String,
    /// The first component of OBX-3.
    pub code: String,
    /// OBX-4.
    pub sub_id: String,
    /// OBX-5.
    pub value: String,
    /// OBX-6.
    pub unit: String,
    /// OBX-11.
    pub status: String,
}

/// One message, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// MSH-10.
    pub control_id: String,
    pub message: Vec<u8>,
    /// The mode that it met, as it is written.
    pub mode: String,
    pub outcome: Outcome,
    /// Which connection it came on, from 1.
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
        self.taken.iter().filter(|taken| taken.specimen == specimen && taken.value == value).count()
    }

    /// Takes a message once by its control ID, if the mode takes any.
    pub(super) fn receive(&mut self, message: &[u8], mode: &str, takes: bool, connection: usize) -> Received {
        let segments = segments(message);
        let control_id = segments.first().map(|header| field(header, 9)).unwrap_or_default();
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
            self.taken.extend(results(&control_id, &segments));
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
pub(super) struct Received {
    pub(super) control_id: String,
    pub(super) outcome: Outcome,
}

fn results(control_id: &str, segments: &[Vec<String>]) -> Vec<Taken> {
    let named = |name: &'static str| segments.iter().filter(move |segment| field(segment, 0) == name);
    let specimen = named("SPM").map(|segment| field(segment, 2)).next().unwrap_or_default();
    let read = |obx: &Vec<String>| Taken {
        control_id: control_id.to_owned(),
        specimen: specimen.clone(),
        code: field(obx, 3).split('^').next().unwrap_or_default().to_owned(),
        sub_id: field(obx, 4),
        value: field(obx, 5),
        unit: field(obx, 6),
        status: field(obx, 11),
    };
    named("OBX").map(read).collect()
}

fn segments(message: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(message);
    text.split('\r')
        .filter(|line| !line.is_empty())
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

fn field(segment: &[String], at: usize) -> String {
    segment.get(at).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"MSH|^~\\&|a||b||t||ORU^R01|K-1|P|2.5.1\rOBR|1||S7|GLU\rOBX|1|NM|GLU^x^L|1|5.4|mg/dl|||||F\rSPM|1|S7\r";

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
}
