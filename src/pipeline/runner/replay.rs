//! Rules asked again about what is stored: whether each kept decision comes out as it did, and what other rules would have
//! decided. It writes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::again::{RESULTS, judge};
use super::judging::Bench;
use super::{Site, reading_by};
use crate::config;
use crate::domain::clinic::{Decision, Program};
use crate::domain::{Comparator, HoldReason, InstrumentId, Observation, Rules, SpecimenId, Value};
use crate::journal::decisions::{Judged, Known, kept};
use crate::journal::{JournalError, ObservationId, Reader};
use crate::pipeline::convert::convert;
use crate::pipeline::rules::evaluate_as;
use crate::pipeline::{Reading, analyte};

/// Decisions that are read from the journal at once.
const AT_ONCE: usize = 500;

/// What is compared with what.
pub struct Replay {
    pub reader: Mutex<Reader>,
    pub site: Site,
    /// Those that somebody has signed.
    pub in_force: Option<Arc<Rules>>,
    pub candidate: Arc<Rules>,
}

/// One result by both sets of rules.
#[derive(Debug, Clone)]
pub struct Compared {
    pub observation: ObservationId,
    pub received_at: Timestamp,
    pub specimen: SpecimenId,
    pub instrument: InstrumentId,
    /// The instrument's code.
    pub test: String,
    pub in_force: Made,
    pub candidate: Made,
}

/// What one set of rules makes of a result.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Nothing where it doesn't know the analyte, or there is no number.
    pub conversion: Option<Converted>,
    pub decisions: Vec<Decision>,
}

/// What a value comes to in the unit that is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// With its unit; or why it isn't converted.
    pub value: Result<Reported, String>,
    /// Why it waits for that.
    pub held: Option<HoldReason>,
}

/// A value that would be told, as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    pub number: String,
    pub unit: String,
    pub loinc: Option<String>,
}

impl Made {
    pub fn waits(&self) -> bool {
        self.decisions.iter().any(|it| it.holds)
            || self.conversion.as_ref().is_some_and(|it| it.held.is_some())
    }
}

/// What making stored decisions again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reproduced {
    /// How many cases were asked again.
    pub cases: usize,
    /// Of these results something came out otherwise.
    pub otherwise: Vec<ObservationId>,
    /// Of these this version can't read the rules, or doesn't have the program that decided.
    pub unread: Vec<ObservationId>,
}

impl Replay {
    /// Asks both sets about every result that came since a moment, with what the journal knows now of its specimen and its
    /// patient. Both read it by the instruments' files as they are now, as a set does that nobody has signed: what only a unit that
    /// was named since makes of a result is no difference between them. Returns how many couldn't be asked about, as their instrument isn't configured any more.
    pub fn compare(&self, since: Timestamp, mut each: impl FnMut(&Compared)) -> Result<usize, JournalError> {
        let asking = |rules: &Arc<Rules>| Bench {
            reader: &self.reader,
            site: &self.site,
            in_force: None,
            configured: Arc::clone(rules),
        };
        let (ours, bench) = (self.in_force.as_ref().map(asking), asking(&self.candidate));
        let mut left_out = 0;
        for specimen in bench.read(|reader| reader.specimens_since(since))? {
            let known = bench.read(|reader| reader.of_specimen(&specimen, RESULTS))?;
            let mut known: BTreeMap<ObservationId, Known> =
                known.into_iter().filter(|it| it.received_at >= since).map(|it| (it.id, it)).collect();
            let ours = ours.as_ref().map(|bench| judge(bench, &specimen)).transpose()?.unwrap_or_default();
            let mut ours: BTreeMap<ObservationId, Judged> =
                ours.into_iter().map(|again| (again.observation, again.judged)).collect();
            for again in judge(&bench, &specimen)? {
                let Some(it) = known.remove(&again.observation) else { continue };
                let our_judged = ours.remove(&it.id).unwrap_or_default();
                let observation = it.observation.reveal();
                let instrument = bench.instrument(observation.instrument.as_str());
                let by = |judged: Judged, rules: Option<&Arc<Rules>>| {
                    let reading =
                        instrument.zip(rules).map(|(instrument, rules)| reading_by(instrument, rules));
                    Made {
                        conversion: reading.and_then(|reading| converted(observation, &reading)),
                        decisions: judged.evaluations.into_iter().flat_map(|it| it.decisions).collect(),
                    }
                };
                each(&Compared {
                    observation: it.id,
                    received_at: it.received_at,
                    specimen: specimen.clone(),
                    instrument: observation.instrument.clone(),
                    test: observation.test.code.clone(),
                    in_force: by(our_judged, self.in_force.as_ref()),
                    candidate: by(again.judged, Some(&self.candidate)),
                });
            }
            left_out += known.len();
        }
        Ok(left_out)
    }
}

/// What a reading's rules make of a value, as they would on its arrival.
fn converted(observation: &Observation, reading: &Reading) -> Option<Converted> {
    analyte(observation, reading)?;
    let Value::Quantity { number, .. } = &observation.value else { return None };
    let sent = Observation { conversion: None, ..observation.clone() };
    let (read, held) = convert(sent, reading);
    let sign = read.value.comparator().map_or("", Comparator::as_str);
    let value = match (read.not_converted(), read.reported()) {
        (Some(why), _) => Err(why.to_owned()),
        (None, Some(it)) => Ok(Reported {
            number: format!("{sign}{}", it.number),
            unit: it.unit.clone(),
            loinc: it.loinc.clone(),
        }),
        // It came in the unit that is reported, and stands as it was sent.
        (None, None) => {
            let unit = read.unit.clone().unwrap_or_default();
            Ok(Reported { number: format!("{sign}{number}"), unit, loinc: None })
        }
    };
    Some(Converted { value, held })
}

impl Reproduced {
    /// Makes every decision that was made since a moment again, by the rules and the case that are kept beside it.
    pub fn since(reader: &Mutex<Reader>, since: Timestamp) -> Result<Reproduced, JournalError> {
        let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut texts: BTreeMap<String, Option<Rules>> = BTreeMap::new();
        let (mut found, mut after) = (Reproduced::default(), 0);
        loop {
            let some = reader.evaluations(after, AT_ONCE)?;
            let Some(last) = some.last() else { return Ok(found) };
            after = last.id;
            for it in some.iter().filter(|it| it.at >= since) {
                if !texts.contains_key(&it.rules) {
                    let text = reader.text_of_rules(&it.rules)?;
                    let rules = text.and_then(|text| config::rules::read(&text).ok());
                    texts.insert(it.rules.clone(), rules.filter(|rules| rules.sha256 == it.rules));
                }
                let program = Program::from_name(&it.program);
                let Some((Some(rules), program)) = texts.get(&it.rules).zip(program) else {
                    found.unread.push(it.observation);
                    continue;
                };
                found.cases += 1;
                if kept(&evaluate_as(program, &it.case, &rules.checks)) != it.decisions {
                    found.otherwise.push(it.observation);
                }
            }
        }
    }
}
