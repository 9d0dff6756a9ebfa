//! One message's observations against what is stored: where each belongs, what holds it, and where it goes. It reads the
//! journal and writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Runner;
use super::judging::Judging;
use super::route::routes;
use crate::config::settings::Instrument;
use crate::domain::{
    HoldReason, Observation, OrderDoubt, Private, Problem, ProblemKind, RerunPolicy, SampleClass, Standing,
};
use crate::journal::decisions::Judged;
use crate::journal::results::{Entry, Place};
use crate::journal::{JournalError, MessageId, ObservationId, TransferId};
use crate::pipeline::{
    Again, Arrival, Before, Clock, Counts, Gathering, Numbered, Prior, Repetition, Sameness, Stored,
    classify, pairs, time_text,
};

/// One message's observations against what is stored.
pub(super) struct Comparison<'a> {
    pub(super) runner: &'a Runner,
    pub(super) message: MessageId,
    pub(super) received_at: Timestamp,
    pub(super) instrument: &'a Instrument,
    pub(super) repetition: Repetition,
    pub(super) not_production: bool,
    /// By specimen, test code and time as sent.
    pub(super) priors: BTreeMap<(String, String, String), Vec<Prior>>,
    /// By specimen and test code, for the rows of a table and the messages of a file.
    pub(super) rows: Counts,
    /// Where rows of a table are counted, and nothing that was counted before.
    pub(super) counted: Option<Counted>,
    /// The file that a message came in.
    pub(super) file: Option<TransferId>,
}

/// The rows of a part of a file.
pub(super) struct Counted {
    pub(super) file: TransferId,
    /// The records that say themselves which replicate they are.
    pub(super) numbered: BTreeSet<u32>,
}

impl Counted {
    fn of(&self, row: &Observation) -> Numbered {
        if self.numbered.contains(&row.record) { Numbered::Told } else { Numbered::Counted }
    }
}

impl<'a> Comparison<'a> {
    /// Where an observation belongs, and the doubt about it if there is one.
    pub(super) fn place(
        &mut self,
        mut observation: Observation,
    ) -> Result<(Entry, Option<Problem>), JournalError> {
        let row = self.counted.as_ref().map(|counted| (counted.file, counted.of(&observation)));
        let is_row = row.is_some();
        let sameness = match row {
            Some((file, numbered)) => self.row(&mut observation, file, numbered)?,
            None => self.result(&mut observation)?,
        };
        let mut doubt = None;
        let place = match sameness {
            Sameness::New => Place::Own,
            Sameness::Duplicate(id) => Place::Repeats(ObservationId(id)),
            Sameness::Correction(id)
            | Sameness::Completion(id)
            | Sameness::Diluted(id)
            | Sameness::Contradiction(id)
                if self.is_of_another(&observation, ObservationId(id))? =>
            {
                observation.hold(HoldReason::VersionOfAnother);
                Place::Own
            }
            Sameness::Correction(id) | Sameness::Completion(id) | Sameness::Diluted(id) => {
                Place::Supersedes(ObservationId(id))
            }
            Sameness::NotAbove(_) => {
                observation.hold(HoldReason::NotAboveUndiluted);
                Place::Own
            }
            Sameness::Rerun(_) => {
                if self.instrument.rerun == RerunPolicy::Hold {
                    observation.hold(HoldReason::Rerun);
                }
                Place::Own
            }
            Sameness::Late(_) => {
                observation.hold(HoldReason::LateVersion);
                Place::Own
            }
            Sameness::Contradiction(id) => {
                observation.hold(HoldReason::Contradiction);
                Place::Supersedes(ObservationId(id))
            }
            Sameness::AmbiguousCorrection => {
                observation.hold(HoldReason::AmbiguousCorrection);
                Place::Own
            }
            // Whole days are exported again and again: what can't be told is neither doubled nor dropped.
            Sameness::SaidTwice => {
                observation.hold(HoldReason::PossibleDuplicate);
                Place::Own
            }
            Sameness::PossibleDuplicate(_) if is_row && observation.class == SampleClass::Patient => {
                observation.hold(HoldReason::PossibleDuplicate);
                Place::Own
            }
            Sameness::ToldBefore(_) if observation.class == SampleClass::Patient => {
                observation.hold(HoldReason::EqualWithoutHour);
                Place::Own
            }
            Sameness::PossibleDuplicate(id) | Sameness::ToldBefore(id) => {
                let text = format!("it looks like observation {id} and can't be told from it");
                doubt = Some(looks_like(&observation, text));
                Place::Own
            }
            // Controls say the same of one day as a matter of course.
            Sameness::AnotherOf(_) if observation.class != SampleClass::Patient => Place::Own,
            Sameness::AnotherOf(earlier) => {
                let beside = match earlier {
                    Some(id) => format!("observation {id}"),
                    None => "another of its file".to_owned(),
                };
                let text = format!(
                    "its file says the same twice and no time tells which is which; it counts as another measurement beside {beside}"
                );
                doubt = Some(looks_like(&observation, text));
                Place::Own
            }
        };
        let link = Judging::of(self.runner.bench(), self.message, self.received_at, self.instrument)
            .link(&observation)?;
        let of_identity = link.iter().flat_map(|link| &link.doubts).find(|it| it.is_of_identity());
        if let Some(identity) = of_identity {
            doubt = doubt.or_else(|| Some(other_patient(&observation, *identity)));
        }
        for reason in link.iter().flat_map(|link| &link.holds) {
            observation.hold(*reason);
        }
        let routes = routes(&self.runner.site.destinations, &observation, self.not_production);
        Ok((Entry { observation, place, routes, judged: Judged::default(), link }, doubt))
    }

    /// Has the value of a diluted specimen take the place of the one in the same message that was too high to be measured.
    pub(super) fn pair(&self, entries: &mut [Entry]) {
        let is_own =
            |entry: &Entry| entry.place == Place::Own && entry.observation.standing == Standing::Clear;
        let results: Vec<&Observation> = entries.iter().map(|entry| &entry.observation).collect();
        let patient = |entries: &[Entry], at: usize| entries.get(at).map(|it| it.observation.patient.clone());
        for pair in pairs(&results, self.instrument.profile.scale_flags()) {
            let both_stand_alone =
                [pair.undiluted, pair.diluted].iter().all(|at| entries.get(*at).is_some_and(is_own));
            let whose = patient(entries, pair.undiluted).zip(patient(entries, pair.diluted));
            let of_two_patients = whose.is_some_and(|(one, other)| other.reveal().is_other(one.reveal()));
            match entries.get_mut(pair.diluted).filter(|_| both_stand_alone) {
                Some(entry) if of_two_patients => entry.observation.hold(HoldReason::VersionOfAnother),
                Some(entry) if pair.is_above => entry.place = Place::OfEntry(pair.undiluted),
                Some(entry) => entry.observation.hold(HoldReason::NotAboveUndiluted),
                None => {}
            }
        }
    }

    /// Whether the analyzer names another patient with it than with this stored one.
    fn is_of_another(&self, observation: &Observation, stored: ObservationId) -> Result<bool, JournalError> {
        let stored = self.runner.read(|reader| reader.as_stored(stored))?;
        let (patient, class) = (observation.patient.reveal(), observation.class);
        let is_other = |it: &Private<Observation>| patient.is_other(it.reveal().patient.reveal());
        Ok(class == SampleClass::Patient && stored.as_ref().is_some_and(is_other))
    }

    /// Whether anything of its test is stored of its specimen.
    pub(super) fn has_priors(&self, observation: &Observation) -> bool {
        self.priors.get(&compared(observation)).is_some_and(|priors| priors.iter().any(|it| it.is_current))
    }

    fn arrival(&self) -> Arrival<'a> {
        Arrival {
            site: &self.runner.site.name,
            received_at: self.received_at,
            resend_window: self.instrument.resend_window,
            repetition: self.repetition,
            equal_without_hour: self.instrument.equal_without_hour,
            scale: self.instrument.profile.scale_flags(),
        }
    }

    /// What a row is to those of its file and of others.
    fn row(
        &mut self,
        observation: &mut Observation,
        file: TransferId,
        numbered: Numbered,
    ) -> Result<Sameness, JournalError> {
        let key = (observation.specimen.reveal().to_owned(), observation.test.code.clone());
        let mut before = match self.rows.remove(&key) {
            Some(before) => before,
            None => self.before(observation, file)?,
        };
        let clock = Clock::of(observation, self.instrument.profile.dialect.times());
        let sameness = before.take(observation, numbered, (clock, &self.arrival()));
        self.rows.insert(key, before);
        Ok(sameness)
    }

    fn before(&self, observation: &Observation, file: TransferId) -> Result<Before, JournalError> {
        let (specimen, code) = (&observation.specimen, &observation.test.code);
        self.runner.read(|reader| {
            let sought = (&self.instrument.id, specimen, code.as_str());
            let again = reader.told_again(sought)?;
            let again: Vec<Again> = again
                .into_iter()
                .map(|it| Again {
                    id: it.observation.0,
                    message: it.message.0,
                    transfer: it.transfer.0,
                    received_at: it.received_at,
                })
                .collect();
            let place = (self.message.0, file.0);
            let mut gathering = Gathering::new(&self.runner.site.name, place, &again);
            reader.each_earlier(sought, |it| {
                if it.not_production == self.not_production {
                    gathering.add(&Stored {
                        id: it.id.0,
                        message: it.message.0,
                        transfer: it.transfer.0,
                        received_at: it.received_at,
                        observation: it.observation,
                        is_current: it.is_current,
                        was_moved: it.was_moved,
                        is_doubted: it.is_doubted,
                    });
                }
            })?;
            Ok(gathering.finish())
        })
    }

    /// What a message's result is to those of others.
    fn result(&mut self, observation: &mut Observation) -> Result<Sameness, JournalError> {
        let arrival = self.arrival();
        let place = compared(observation);
        if !self.priors.contains_key(&place) {
            let priors = self.stored(observation)?;
            self.priors.insert(place.clone(), priors);
        }
        let priors = self.priors.get(&place).map(Vec::as_slice).unwrap_or_default();
        let clock = Clock::of(observation, self.instrument.profile.dialect.times());
        let alone = classify(priors, observation, clock, &arrival);
        let Some(file) = self.file.filter(|_| clock == Clock::IsSilent) else { return Ok(alone) };
        let key = (observation.specimen.reveal().to_owned(), observation.test.code.clone());
        let mut before = match self.rows.remove(&key) {
            Some(before) => before,
            None => self.before(observation, file)?,
        };
        let sameness = before.take_of_message(observation, alone, &arrival);
        self.rows.insert(key, before);
        Ok(sameness)
    }

    fn stored(&self, observation: &Observation) -> Result<Vec<Prior>, JournalError> {
        let sought = (&self.instrument.id, &observation.specimen, observation.test.code.as_str());
        let earlier = self.runner.read(|reader| reader.compared(sought, time_text(observation)))?;
        Ok(earlier
            .into_iter()
            .filter(|earlier| earlier.message != self.message)
            // Training never repeats or replaces what is meant for a patient, nor the other way about.
            .filter(|earlier| earlier.not_production == self.not_production)
            .map(|it| Prior {
                waits_for_its_end: it.waits_for_its_end,
                is_current: it.is_current,
                was_moved: it.was_moved,
                is_doubted: it.is_doubted,
                ..Prior::of(it.id.0, &self.runner.site.name, &it.observation, it.received_at)
            })
            .collect())
    }
}

/// What tells which stored results a new one is compared with.
fn compared(observation: &Observation) -> (String, String, String) {
    let (specimen, time) = (observation.specimen.reveal(), time_text(observation));
    (specimen.to_owned(), observation.test.code.clone(), time.to_owned())
}

fn looks_like(observation: &Observation, text: String) -> Problem {
    Problem {
        kind: ProblemKind::PossibleDuplicate,
        record: Some(observation.record),
        specimen: Some(observation.specimen.clone()),
        text: Private::new(text),
        replaces_result: false,
    }
}

fn other_patient(observation: &Observation, why: OrderDoubt) -> Problem {
    Problem {
        kind: ProblemKind::OtherPatient,
        record: Some(observation.record),
        specimen: Some(observation.specimen.clone()),
        text: Private::new(why.text().to_owned()),
        replaces_result: false,
    }
}
