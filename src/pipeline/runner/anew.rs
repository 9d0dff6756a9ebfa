//! Results read anew for a person who asks: the bytes they came in, by the configuration that runs now and the rules in
//! force, judged as of the time when they came. It may be looked at before anything is written. Nothing becomes another
//! result by it: specimen, patient, times and replicate stay as they were read first.

use std::collections::BTreeMap;

use super::again::{Before, Review, before};
use super::judging::{Bench, Controls, Judging};
use super::route::routes;
use super::{Runner, understand};
use crate::clock;
use crate::domain::clinic::Force;
use crate::domain::{
    DestinationId, HoldReason, Observation, Private, Reported, SampleClass, SpecimenId, Standing,
};
use crate::journal::decisions::{Judged, kept};
use crate::journal::read::Pending;
use crate::journal::reevaluate::{Asked, Became, Looked, Reevaluated, TOGETHER, ToRead};
use crate::journal::results::{Entry, Place, Route};
use crate::journal::{JournalError, MessageId, ObservationId};

/// Why other results are judged again.
const REEVALUATED: &str = "a result was re-evaluated";

/// What one result would become: what is told of it, and what is written.
struct Found {
    looked: Looked,
    written: Option<Reevaluated>,
}

impl Runner {
    /// Answers who asks what results would become, and writes that where a named person has it done.
    pub(super) async fn read_anew(&self, asked: Asked, review: &mut Review) {
        let answer = match self.reevaluated(&asked.results) {
            Ok(found) => {
                let (looked, written): (Vec<_>, Vec<_>) =
                    found.into_iter().map(|it| (it.looked, it.written)).unzip();
                let written: Vec<Reevaluated> = written.into_iter().flatten().collect();
                let mut specimens: Vec<SpecimenId> =
                    written.iter().map(|it| it.entry.observation.specimen.clone()).collect();
                match asked.said.filter(|_| !written.is_empty()) {
                    None => Ok(looked),
                    Some(said) => match self.journal.reevaluate(written, said, clock::now()).await {
                        Ok(()) => {
                            specimens.sort();
                            specimens.dedup();
                            specimens.retain(|it| !it.is_blank());
                            review.look_at(specimens, REEVALUATED);
                            if self.rules.borrow().as_ref().is_some_and(|rules| rules.checks.look_back()) {
                                review.look_at_held(self, REEVALUATED);
                            }
                            self.due.notify_one();
                            self.wanted.notify_one();
                            Ok(looked)
                        }
                        Err(error) => Err(error.to_string()),
                    },
                }
            }
            Err(error) => Err(error.to_string()),
        };
        // Who asked may have hung up; what was written stands all the same.
        let _ = asked.answer.send(answer);
    }

    fn reevaluated(&self, ids: &[ObservationId]) -> Result<Vec<Found>, JournalError> {
        if ids.is_empty() || ids.len() > TOGETHER {
            let why = format!("name the results that are to be read anew, at most {TOGETHER} at once");
            return Err(JournalError::Refused(why));
        }
        let mut ids = ids.to_vec();
        ids.sort();
        ids.dedup();
        let mut found = Vec::new();
        let mut together: BTreeMap<(MessageId, SpecimenId), Vec<ToRead>> = BTreeMap::new();
        for id in ids {
            match self.read(|reader| reader.to_read_anew(id))? {
                Ok(it) => {
                    let of = (it.known.message, it.known.observation.reveal().specimen.clone());
                    together.entry(of).or_default().push(it);
                }
                Err(why) => {
                    let was = self.read(|reader| reader.as_stored(id))?;
                    found.push(Found { looked: Looked { id, was, became: Err(why) }, written: None });
                }
            }
        }
        for ((message, specimen), results) in together {
            found.extend(self.read_together(message, &specimen, results)?);
        }
        found.sort_by_key(|it| it.looked.id);
        Ok(found)
    }

    /// The results of one message that are one specimen's.
    fn read_together(
        &self,
        message: MessageId,
        specimen: &SpecimenId,
        results: Vec<ToRead>,
    ) -> Result<Vec<Found>, JournalError> {
        let bench = self.bench();
        let pending = match self.read(|reader| reader.with_content(message)) {
            Err(JournalError::Elsewhere(why)) => {
                return Ok(results.into_iter().map(|it| stays(it, why.clone())).collect());
            }
            pending => pending?,
        };
        let name = results.first().map(|it| it.known.observation.reveal().instrument.clone());
        let Some(instrument) = name.and_then(|name| self.site.instrument(name.as_str())) else {
            let why = "its analyzer isn't configured any more";
            return Ok(results.into_iter().map(|it| stays(it, why.to_owned())).collect());
        };
        let read = understand(&pending, instrument, bench.in_force.clone()).observations;
        let not_production = self.read(|reader| reader.is_not_production(message))?;
        let then = self.read(|reader| reader.read_at(message))?.unwrap_or(pending.received_at);
        let (mut found, mut anew, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        let judging = |controls| Judging {
            bench: bench.clone(),
            message,
            received_at: pending.received_at,
            instrument,
            controls,
        };
        for it in results {
            let again = match again(&it, &read, &pending) {
                Ok(again) => again,
                Err(why) => {
                    found.push(stays(it, why));
                    continue;
                }
            };
            let link = judging(Controls::Then(&[], then)).link(&again)?;
            let mut observation = again;
            link.iter().flat_map(|link| &link.holds).for_each(|reason| observation.hold(*reason));
            let routes = routes(&self.site.destinations, &observation, not_production);
            let place = Place::Supersedes(it.known.id);
            entries.push(Entry { observation, place, routes, judged: Judged::default(), link });
            anew.push(it);
        }
        // What came with them is around them as it was.
        let beside = self.read(|reader| reader.of_specimen(specimen, super::again::RESULTS))?;
        let is_beside = |id| !anew.iter().any(|it| it.known.id == id);
        let beside = beside.into_iter().filter(|known| known.message == message && is_beside(known.id));
        entries.extend(beside.map(|known| Entry {
            observation: known.observation.into_inner(),
            place: Place::Own,
            routes: Vec::new(),
            judged: Judged::default(),
            link: None,
        }));
        // As it is another value now, what was found of the one before says nothing of it.
        let stood = anew.iter().map(|it| Ok(Before { found: Vec::new(), ..before(&bench, it.known.id)? }));
        let stood = stood.collect::<Result<Vec<_>, JournalError>>()?;
        judging(Controls::Then(&stood, then)).judge(&mut entries, !not_production)?;
        for (it, entry) in anew.into_iter().zip(entries) {
            found.push(became(&bench, it, entry)?);
        }
        Ok(found)
    }
}

fn stays(it: ToRead, why: String) -> Found {
    let looked = Looked { id: it.known.id, was: Some(it.known.observation), became: Err(why) };
    Found { looked, written: None }
}

/// The result as its message is read now; or why it stays as it is.
fn again(it: &ToRead, read: &[Observation], message: &Pending) -> Result<Observation, String> {
    let was = it.known.observation.reveal();
    let is_it = |now: &&Observation| now.record == was.record && now.test == was.test;
    let Some(now) = read.iter().find(is_it) else {
        return Err(format!("message {} holds no such result by the present configuration", message.message));
    };
    // A code that is mended would leave what went by the wrong one there for good.
    if was.held_by_reading().next().is_none() && !now.goes_by_another_code(was) {
        return Err(
            "nothing of it was odd when it was read: another configuration is for what comes from now on"
                .to_owned(),
        );
    }
    if now.class != SampleClass::Patient {
        return Err("by the present configuration it is no patient's: reject it".to_owned());
    }
    if now.specimen_as_sent != was.specimen_as_sent || now.value_as_sent != was.value_as_sent {
        return Err("the present configuration finds another specimen or value in its bytes".to_owned());
    }
    let standing = standing(it, now);
    let again = Observation {
        specimen: was.specimen.clone(),
        specimen_as_sent: was.specimen_as_sent.clone(),
        patient: was.patient.clone(),
        replicate: was.replicate,
        started: was.started.clone(),
        completed: was.completed.clone(),
        standing,
        ..now.clone()
    };
    match says_otherwise(was, &again, &it.let_go) {
        true => Ok(again),
        false => Err(again.not_converted().map_or_else(
            || "it comes out as it is".to_owned(),
            |why| format!("it comes out as it is, not converted: {why}"),
        )),
    }
}

/// What holds it by the present configuration, and what of the stored results around it held it before. What a person has
/// let go stays so, but for a value that can't be believed or converted: it is another one now.
fn standing(it: &ToRead, now: &Observation) -> Standing {
    let reasons = |standing: &Standing| match standing {
        Standing::Held(reasons) => reasons.clone(),
        Standing::Clear => Vec::new(),
    };
    let of_value = |it: &HoldReason| matches!(it, HoldReason::NotConverted | HoldReason::AbsurdValue);
    let before = reasons(&it.known.observation.reveal().standing).into_iter();
    let of_others = before.filter(|it| !it.is_by_reading() && !it.is_by_rules());
    let by_reading = reasons(&now.standing).into_iter().filter(|it| it.is_by_reading());
    let all = of_others.chain(by_reading).filter(|why| of_value(why) || !it.let_go.contains(why));
    let all: Vec<HoldReason> = all.collect();
    if all.is_empty() { Standing::Clear } else { Standing::Held(all) }
}

/// Whether a person or a rule would see another result. What a person has let go holds nothing, then as now.
fn says_otherwise(was: &Observation, now: &Observation, let_go: &[HoldReason]) -> bool {
    let value = |it: &Observation| {
        let reported = it.reported().map(|Reported { number, unit, .. }| (number.clone(), unit.clone()));
        (it.value.clone(), it.unit.clone(), reported, it.dilution.clone())
    };
    let reasons =
        |it: &Observation| it.held_by_reading().filter(|why| !let_go.contains(why)).collect::<Vec<_>>();
    value(was) != value(now) || reasons(was) != reasons(now) || now.goes_by_another_code(was)
}

fn became(bench: &Bench<'_>, it: ToRead, entry: Entry) -> Result<Found, JournalError> {
    let meant_for = bench.read(|reader| reader.meant_for(it.known.id))?;
    let goes = |(destination, route): &&(_, Route)| match route {
        Route::Deliver => true,
        Route::Follow => meant_for.contains(destination),
        Route::Control | Route::Never => false,
    };
    let to: Vec<_> = entry.routes.iter().filter(goes).map(|(destination, _)| destination).collect();
    let (waits, goes_on): (Vec<&DestinationId>, Vec<&DestinationId>) =
        to.into_iter().partition(|it| entry.judged.waits_at.contains(it));
    let mut holds = match &entry.observation.standing {
        Standing::Held(reasons) => reasons.clone(),
        Standing::Clear => Vec::new(),
    };
    let leaves = if holds.is_empty() { goes_on.into_iter().cloned().collect() } else { Vec::new() };
    if !waits.is_empty() {
        holds.extend(&entry.judged.reasons);
    }
    let in_force = entry.judged.evaluations.iter().filter(|it| it.force == Force::InForce);
    let decisions = in_force.flat_map(|it| kept(&it.decisions)).collect();
    let observation = Private::new(entry.observation.clone());
    let is_recoded = entry.observation.goes_by_another_code(it.known.observation.reveal());
    let became = Ok(Became { observation, decisions, holds, leaves, there: it.there.clone(), is_recoded });
    let (id, message) = (it.known.id, it.known.message);
    let looked = Looked { id, was: Some(it.known.observation), became };
    Ok(Found { looked, written: Some(Reevaluated { from: id, message, entry, there: it.there }) })
}
