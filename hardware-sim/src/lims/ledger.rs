//! What the LIMS took: for each key its answer, for each result how often it is held. With a file, every
//! delivery is on disk before it is answered, so that a killed LIMS loses nothing that it confirmed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::held::Held;
use crate::generate::ExpectedResult;

/// A copy of what is held at one moment.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    answers: BTreeMap<String, Answer>,
    held: Vec<Held>,
    by_specimen: BTreeMap<String, Vec<usize>>,
    attempts: Vec<Attempt>,
}

/// What the LIMS said about one result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub id: String,
    /// accepted or refused.
    pub outcome: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The stored answer to one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) receipt: String,
    pub(super) items: Vec<Item>,
    fingerprint: String,
}

/// One request for delivery, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub key: String,
    /// The mode that it met, as it is written.
    pub mode: String,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The mode kept it out.
    NotTaken,
    /// Taken for the first time, if only in part.
    Taken,
    /// The same key with the same payload: the stored answer.
    Replayed,
    /// The same key with another payload: refused.
    Conflict,
    /// No delivery at all: refused.
    Unreadable,
}

/// An acknowledged result that isn't held exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    pub expected: ExpectedResult,
    pub times: usize,
}

impl Ledger {
    /// Everything taken, in order.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Every request for delivery since the start.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How often a result is held that stands for this one, leaving out what was replaced by a newer version.
    pub fn times(&self, expected: &ExpectedResult) -> usize {
        let held: Vec<&Held> = self.of_specimen(&expected.specimen).map(|(_, held)| held).collect();
        let replaced = |held: &Held| is_replaced(&held.observation, self.of_specimen(&held.specimen));
        held.iter().filter(|held| held.stands_for(expected) && !replaced(held)).count()
    }

    /// The acknowledged results that aren't held exactly once. Empty is what a gateway owes.
    pub fn discrepancies(&self, acknowledged: &[ExpectedResult]) -> Vec<Discrepancy> {
        let check = |expected: &ExpectedResult| {
            let times = self.times(expected);
            (times != 1).then(|| Discrepancy { expected: expected.clone(), times })
        };
        acknowledged.iter().filter_map(check).collect()
    }

    /// How often the gateway's observation was taken, in any version.
    pub fn times_of_observation(&self, id: &str) -> usize {
        self.held.iter().filter(|held| held.observation == id).count()
    }

    /// Results that were taken twice: same observation and version, or same specimen, test, replicate and value.
    pub fn doubled(&self) -> Vec<&Held> {
        let again = |at: usize, held: &Held| {
            let mut earlier = self.of_specimen(&held.specimen).take_while(|(other, _)| *other < at);
            earlier.any(|(_, other)| held.doubles(other))
        };
        self.held.iter().enumerate().filter(|(at, held)| again(*at, held)).map(|(_, held)| held).collect()
    }

    /// What is held of a specimen, with its place in `held`, in order of arrival.
    fn of_specimen(&self, specimen: &str) -> impl Iterator<Item = (usize, &Held)> {
        let places = self.by_specimen.get(specimen).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|at| Some((*at, self.held.get(*at)?)))
    }

    pub(super) fn answer(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }

    pub(super) fn note(&mut self, key: &str, mode: String, outcome: Outcome) {
        self.attempts.push(Attempt { key: key.into(), mode, outcome });
    }

    fn take(&mut self, key: String, answer: Answer, results: Vec<Held>) {
        for mut held in results {
            held.late = is_replaced(&held.observation, self.of_specimen(&held.specimen));
            let at = self.held.len();
            self.by_specimen.entry(held.specimen.clone()).or_default().push(at);
            if held.specimen_as_sent != held.specimen {
                self.by_specimen.entry(held.specimen_as_sent.clone()).or_default().push(at);
            }
            self.held.push(held);
        }
        self.answers.insert(key, answer);
    }
}

/// Whether one of these is the newer version of this observation.
fn is_replaced<'a>(observation: &str, mut held: impl Iterator<Item = (usize, &'a Held)>) -> bool {
    !observation.is_empty() && held.any(|(_, newer)| newer.supersedes == observation)
}

/// What recording a delivery came to.
pub(super) enum Recorded {
    Taken(Answer),
    Replayed(Answer),
    Conflict,
    Unreadable(&'static str),
}

/// The ledger and the file behind it.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) ledger: Ledger,
    file: Option<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    answer: Answer,
    held: Vec<Held>,
}

impl Book {
    /// Reads what the file holds and goes on at its end. A torn last line was never confirmed: it goes.
    pub(super) fn open(path: &Path) -> io::Result<Book> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let mut ledger = Ledger::default();
        let mut whole = 0;
        let mut lines = BufReader::new(&file);
        let mut text = String::new();
        while lines.read_line(&mut text)? > 0 && text.ends_with('\n') {
            let line: Line = serde_json::from_str(&text)?;
            ledger.take(line.key, line.answer, line.held);
            whole += text.len() as u64;
            text.clear();
        }
        file.set_len(whole)?;
        Ok(Book { ledger, file: Some(file) })
    }

    /// Takes a delivery once. On disk when this returns, where there is a file.
    pub(super) fn record(&mut self, key: &str, payload: &[u8], refused: &[String]) -> io::Result<Recorded> {
        let fingerprint = fingerprint(payload);
        if let Some(answer) = self.ledger.answer(key) {
            let same = answer.fingerprint == fingerprint;
            return Ok(if same { Recorded::Replayed(answer.clone()) } else { Recorded::Conflict });
        }
        let Ok(delivery) = serde_json::from_slice::<Value>(payload) else {
            return Ok(Recorded::Unreadable("the body is no JSON"));
        };
        let Some(results) = delivery.pointer("/results").and_then(Value::as_array) else {
            return Ok(Recorded::Unreadable("the body has no results"));
        };
        let read: Vec<Held> = results.iter().map(|result| Held::read(key, &delivery, result)).collect();
        let items = read.iter().map(|held| item(held, refused)).collect();
        let held: Vec<Held> = read.into_iter().filter(|held| !refused.contains(&held.code)).collect();
        let receipt = format!("R-{:06}", self.ledger.answers.len() + 1);
        let line = Line { key: key.into(), answer: Answer { receipt, items, fingerprint }, held };
        if let Some(file) = &mut self.file {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_data()?;
        }
        self.ledger.take(line.key, line.answer.clone(), line.held);
        Ok(Recorded::Taken(line.answer))
    }
}

fn item(held: &Held, refused: &[String]) -> Item {
    let is_refused = refused.contains(&held.code);
    let (outcome, reason) = if is_refused { ("refused", "unknown test code") } else { ("accepted", "") };
    Item { id: held.observation.clone(), outcome: outcome.into(), reason: reason.into() }
}

/// FNV-1a, 128 bits: tells payloads apart that weren't made to collide.
fn fingerprint(payload: &[u8]) -> String {
    let start = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let mixed = payload
        .iter()
        .fold(start, |mixed, byte| (mixed ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013B));
    format!("{mixed:032x}")
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
