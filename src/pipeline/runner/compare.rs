//! One message's observations against what is stored: where each belongs, what holds it, and where it goes. It reads the
//! journal and writes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Runner;
use super::judging::Judging;
use super::route::routes;
use crate::config::settings::Instrument;
use crate::domain::{
    HoldReason, Observation, OrderDoubt, Private, Problem, ProblemKind, RerunPolicy, Standing,
};
use crate::journal::decisions::Judged;
use crate::journal::results::{Entry, Place};
use crate::journal::{JournalError, MessageId, ObservationId};
use crate::pipeline::{Arrival, Prior, Repetition, Sameness, classify};

/// One message's observations against what is stored.
pub(super) struct Comparison<'a> {
    pub(super) runner: &'a Runner,
    pub(super) message: MessageId,
    pub(super) received_at: Timestamp,
    pub(super) instrument: &'a Instrument,
    pub(super) repetition: Repetition,
    pub(super) not_production: bool,
    /// By specimen and test code.
    pub(super) priors: BTreeMap<(String, String), Vec<Prior>>,
}

impl Comparison<'_> {
    /// Where an observation belongs, and the doubt about it if there is one.
    pub(super) fn place(
        &mut self,
        mut observation: Observation,
    ) -> Result<(Entry, Option<Problem>), JournalError> {
        let key = (observation.specimen.reveal().to_owned(), observation.test.code.clone());
        if !self.priors.contains_key(&key) {
            let priors = self.priors(&observation)?;
            self.priors.insert(key.clone(), priors);
        }
        let priors = self.priors.get(&key).map(Vec::as_slice).unwrap_or_default();
        let arrival = Arrival {
            site: &self.runner.site.name,
            received_at: self.received_at,
            resend_window: self.instrument.resend_window,
            repetition: self.repetition,
        };
        let mut doubt = None;
        let place = match classify(priors, &observation, &arrival) {
            Sameness::New => Place::Own,
            Sameness::Duplicate(id) => Place::Repeats(ObservationId(id)),
            Sameness::Correction(id) | Sameness::Completion(id) | Sameness::Diluted(id) => {
                Place::Supersedes(ObservationId(id))
            }
            Sameness::Rerun(_) => {
                if self.instrument.rerun == RerunPolicy::Hold {
                    hold(&mut observation, HoldReason::Rerun);
                }
                Place::Own
            }
            Sameness::Late(_) => {
                hold(&mut observation, HoldReason::LateVersion);
                Place::Own
            }
            Sameness::Contradiction(id) => {
                hold(&mut observation, HoldReason::Contradiction);
                Place::Supersedes(ObservationId(id))
            }
            Sameness::AmbiguousCorrection => {
                hold(&mut observation, HoldReason::AmbiguousCorrection);
                Place::Own
            }
            Sameness::PossibleDuplicate(id) => {
                doubt = Some(Problem {
                    kind: ProblemKind::PossibleDuplicate,
                    record: Some(observation.record),
                    specimen: Some(observation.specimen.clone()),
                    text: Private::new(format!("it looks like observation {id} and can't be told from it")),
                    replaces_result: false,
                });
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
            hold(&mut observation, *reason);
        }
        let routes = routes(&self.runner.site.destinations, &observation, self.not_production);
        Ok((Entry { observation, place, routes, judged: Judged::default(), link }, doubt))
    }

    /// Whether anything of its test is stored of its specimen.
    pub(super) fn has_priors(&self, observation: &Observation) -> bool {
        let key = (observation.specimen.reveal().to_owned(), observation.test.code.clone());
        self.priors.get(&key).is_some_and(|priors| priors.iter().any(|it| it.is_current))
    }

    fn priors(&self, observation: &Observation) -> Result<Vec<Prior>, JournalError> {
        let (specimen, code) = (&observation.specimen, &observation.test.code);
        let earlier = self.runner.read(|reader| reader.earlier(&self.instrument.id, specimen, code))?;
        Ok(earlier
            .into_iter()
            .filter(|earlier| earlier.message != self.message)
            // Training never repeats or replaces what is meant for a patient, nor the other way about.
            .filter(|earlier| earlier.not_production == self.not_production)
            .map(|it| Prior {
                waits_for_its_end: it.waits_for_its_end,
                is_current: it.is_current,
                ..Prior::of(it.id.0, &self.runner.site.name, &it.observation, it.received_at)
            })
            .collect())
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

pub(super) fn hold(observation: &mut Observation, reason: HoldReason) {
    match &mut observation.standing {
        Standing::Held(reasons) => reasons.push(reason),
        clear @ Standing::Clear => *clear = Standing::Held(vec![reason]),
    }
}
