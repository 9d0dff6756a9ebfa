//! Results that a person has moved to another specimen, judged there like results that came under its number: against what
//! is stored of it, its orders, its patient and the rules. What they are was read once and isn't read again.

use std::collections::BTreeMap;

use super::Runner;
use super::again::{RESULTS, Review};
use super::compare::Comparison;
use super::judging::{Controls, Judging};
use crate::clock;
use crate::domain::{HoldReason, Observation, Patient, Private, SpecimenId, Standing};
use crate::journal::decisions::Judged;
use crate::journal::orders::{by_analyzer, distinct};
use crate::journal::reassign::{Moved, ToMove};
use crate::journal::results::{Entry, Place};
use crate::journal::{JournalError, MessageId};
use crate::pipeline::Repetition;

/// How many results are moved in one turn.
const A_TURN: usize = 500;

impl Runner {
    /// Judges what was moved since the last turn, and has both specimens looked at again: what is left of the one, and what
    /// was there of the other. Whether there was any.
    pub(super) async fn carry_over(&self, review: &mut Review) -> bool {
        let found = self.read(|reader| reader.to_move(A_TURN)).and_then(|all| {
            let specimens: Vec<SpecimenId> = all
                .iter()
                .flat_map(|it| [it.known.observation.reveal().specimen.clone(), it.specimen.clone()])
                .collect();
            Ok((self.moved(all)?, specimens))
        });
        let (moved, mut specimens) = match found {
            Ok((moved, _)) if moved.is_empty() => return false,
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "failed to judge results that were moved to another specimen");
                return false;
            }
        };
        match self.journal.carry_over(moved, clock::now()).await {
            Ok(()) => {
                specimens.sort();
                specimens.dedup();
                specimens.retain(|it| !it.is_blank());
                review.look_at(specimens, "a result was moved to another specimen");
                self.due.notify_one();
            }
            Err(error) => tracing::error!(%error, "failed to write results that were moved; trying again"),
        }
        true
    }

    fn moved(&self, all: Vec<ToMove>) -> Result<Vec<Moved>, JournalError> {
        let mut together: BTreeMap<(MessageId, SpecimenId), Vec<ToMove>> = BTreeMap::new();
        for it in all {
            together.entry((it.known.message, it.specimen.clone())).or_default().push(it);
        }
        let mut moved = Vec::new();
        for ((message, specimen), results) in together {
            moved.extend(self.moved_together(message, &specimen, results)?);
        }
        Ok(moved)
    }

    /// The results of one message that go to one specimen.
    fn moved_together(
        &self,
        message: MessageId,
        specimen: &SpecimenId,
        results: Vec<ToMove>,
    ) -> Result<Vec<Moved>, JournalError> {
        let bench = self.bench();
        let Some(first) = results.first() else { return Ok(Vec::new()) };
        let received_at = first.known.received_at;
        let name = first.known.observation.reveal().instrument.clone();
        let Some(instrument) = self.site.instrument(name.as_str()) else {
            tracing::error!(instrument = %name, "a result was moved whose analyzer isn't configured any more; it waits");
            return Ok(Vec::new());
        };
        let not_production = self.read(|reader| reader.is_not_production(message))?;
        let mut comparison = Comparison {
            runner: self,
            message,
            received_at,
            instrument,
            repetition: Repetition::First,
            not_production,
            priors: BTreeMap::new(),
            rows: BTreeMap::new(),
            counted: None,
            file: None,
        };
        let mut entries = Vec::new();
        let mut from = Vec::new();
        let beside = self.read(|reader| reader.of_specimen(specimen, RESULTS))?;
        let told = beside.iter().map(|known| &known.observation.reveal().patient);
        // Of an earlier one that was moved here, nobody may be known.
        let told = distinct(told.filter(|it| *it.reveal() != Patient::default()));
        let patient = by_analyzer(&told).unwrap_or_default();
        for it in results {
            from.push(it.known.id);
            let mut entry = comparison.moved(under_its_number(it, specimen, &patient))?;
            if beside.iter().any(|known| is_the_same_test(known.observation.reveal(), &entry.observation)) {
                wait_as_rerun(&mut entry.observation);
            }
            entries.push(entry);
        }
        // What came with it under the right number is as much around it as what else was moved.
        let beside = beside.into_iter().filter(|known| known.message == message).map(|known| Entry {
            observation: known.observation.into_inner(),
            place: Place::Own,
            routes: Vec::new(),
            judged: Judged::default(),
            link: None,
        });
        entries.extend(beside);
        let then = self.read(|reader| reader.read_at(message))?.unwrap_or(received_at);
        let controls = Controls::Then(&[], then);
        let judging = Judging { bench, message, received_at, instrument, controls };
        judging.judge(&mut entries, !not_production)?;
        Ok(from.into_iter().zip(entries).map(|(from, entry)| Moved { from, message, entry }).collect())
    }
}

/// As it was read, with the right number, and with the patient whom analyzers name with that: who came with the wrong number
/// is the other tube's. What held it because of the wrong one, of other results, orders or rules is found out again; what a
/// person has let go stays so.
fn under_its_number(it: ToMove, specimen: &SpecimenId, patient: &Private<Patient>) -> Observation {
    let observation = it.known.observation.into_inner();
    let reasons = match &observation.standing {
        Standing::Held(reasons) => reasons.as_slice(),
        Standing::Clear => &[],
    };
    let stays =
        |reason: &HoldReason| !reason.is_of_number() && !reason.is_by_rules() && !it.let_go.contains(reason);
    let stay: Vec<HoldReason> = reasons.iter().copied().filter(stays).collect();
    let standing = if stay.is_empty() { Standing::Clear } else { Standing::Held(stay) };
    Observation { specimen: specimen.clone(), patient: patient.clone(), standing, ..observation }
}

/// Another analyzer's result of what the LIMS takes for the same: it would have two, and nobody has chosen.
fn is_the_same_test(there: &Observation, moved: &Observation) -> bool {
    there.instrument != moved.instrument
        && there.code_at_the_lims() == moved.code_at_the_lims()
        && (&there.test.aspect, &there.test.component) == (&moved.test.aspect, &moved.test.component)
}

fn wait_as_rerun(observation: &mut Observation) {
    let waits = matches!(&observation.standing, Standing::Held(all) if all.contains(&HoldReason::Rerun));
    if !waits {
        observation.hold(HoldReason::Rerun);
    }
}

impl Comparison<'_> {
    /// Beside what is stored under the right number. Anything like it there makes two of one: a person chooses.
    fn moved(&mut self, observation: Observation) -> Result<Entry, JournalError> {
        let (mut entry, _) = self.place(observation)?;
        if entry.place != Place::Own || self.has_priors(&entry.observation) {
            wait_as_rerun(&mut entry.observation);
        }
        entry.place = Place::Own;
        Ok(entry)
    }
}
