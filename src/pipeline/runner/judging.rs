//! Asks the rules about a message's observations: those in force, and those that are configured and that nobody has signed,
//! which only look on. What is known of a patient comes from the LIMS's orders where there are some, and earlier results by
//! the patient's number and who assigned it (without an authority, which source), never by a specimen number. Nothing in here
//! writes.

mod counting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use self::counting::{counted_by, what_counts};
use super::again::{Before, Found};
use super::history::{self, Standing};
use super::{Site, reading, reading_by};
use crate::clock;
use crate::config::settings::Instrument;
use crate::domain::clinic::{Evaluation, Force, Measured, Past};
use crate::domain::qc::Stood;
use crate::domain::{
    HoldReason, InstrumentId, Observation, OrderDoubt, Panels, Patient, Private, Rules, SampleClass,
    SpecimenId, UnorderedPolicy, measured_at,
};
use crate::journal::decisions::{Earlier, Known, PatientKey};
use crate::journal::orders::{CachedOrder, Link, by_analyzer, distinct, standing, whose};
use crate::journal::qc::{Asked, JudgedRun};
use crate::journal::results::{Entry, Place};
use crate::journal::{JournalError, MessageId, Reader};
use crate::pipeline::rules::{Told, Wanted, evaluate};
use crate::pipeline::{Around, Reading, analyte_of, case_of, fit, ordered_kind, ranged};

/// The most of a specimen's results, and of a patient's earlier ones, that are looked at.
const TOGETHER: usize = 500;
const HISTORY: usize = 1_000;

/// What judging goes by, and where it looks things up.
#[derive(Clone)]
pub(super) struct Bench<'a> {
    pub(super) reader: &'a Mutex<Reader>,
    pub(super) site: &'a Site,
    pub(super) in_force: Option<Arc<Rules>>,
    pub(super) configured: Arc<Rules>,
}

impl Bench<'_> {
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Reader) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        look(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An instrument that is configured.
    pub(super) fn instrument(&self, name: &str) -> Option<&Instrument> {
        self.site.instrument(name)
    }
}

/// One message whose observations are judged.
pub(super) struct Judging<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) message: MessageId,
    pub(super) received_at: Timestamp,
    pub(super) instrument: &'a Instrument,
    pub(super) controls: Controls<'a>,
}

/// Which controls are known beside a result.
pub(super) enum Controls<'a> {
    /// Those that are stored, and what the message's own come to.
    Now(&'a [JudgedRun]),
    /// What a test stood by when the result was first judged, by its place among the entries; else what was known at that
    /// moment.
    Then(&'a [Before], Timestamp),
}

/// Rules that are asked.
struct Set {
    rules: Arc<Rules>,
    force: Force,
    /// How this instrument's results are read by them.
    own: Reading,
    /// And those of others; `None` for one that isn't configured any more.
    others: BTreeMap<String, Option<Reading>>,
}

/// What some rules know of one specimen.
struct Seen {
    /// Of this message, by its index among the entries.
    arrived: Vec<(usize, Measured)>,
    stored: Vec<Measured>,
    history: Vec<Past>,
    patients: Vec<Private<Patient>>,
}

/// What is known of one result's test beside what was measured of the specimen.
#[derive(Clone, Copy)]
struct Beside<'a> {
    /// How it stands by its controls.
    qc: Option<Stood>,
    history: &'a Standing,
}

/// What the journal knows around the observations of one specimen.
#[derive(Default)]
struct Surroundings<'a> {
    orders: Vec<CachedOrder>,
    /// Whose it is; nothing where the orders name several.
    patient: Option<Private<Patient>>,
    stored: Vec<Known>,
    history: Vec<Earlier>,
    /// Whom the message names beside the specimen, where that isn't one and the same.
    otherwise: Vec<Private<Patient>>,
    /// The patient as the LIMS can be asked about them.
    lims: Option<history::Known<'a>>,
}

impl<'a> Judging<'a> {
    pub(super) fn of(
        bench: Bench<'a>,
        message: MessageId,
        received_at: Timestamp,
        instrument: &'a Instrument,
    ) -> Judging<'a> {
        Judging { bench, message, received_at, instrument, controls: Controls::Now(&[]) }
    }

    /// Which order a result belongs to by what the LIMS told last, and what the site does about what speaks against it.
    /// `None` where no LIMS tells orders, for a control, and for a tube without a label, which waits for that.
    pub(super) fn link(&self, observation: &Observation) -> Result<Option<Link>, JournalError> {
        let sources = &self.bench.site.order_sources;
        if sources.is_empty() || observation.class != SampleClass::Patient || observation.specimen.is_blank()
        {
            return Ok(None);
        }
        let mut orders = self.bench.read(|reader| reader.orders_on(&observation.specimen))?;
        orders.retain(|it| sources.contains(&it.source));
        let candidates: Vec<_> = orders.iter().map(|it| (it.state, it.sourced())).collect();
        let mut found = fit(observation, &candidates, self.words());
        let order = found.order.and_then(|place| orders.get(place));
        if found.doubts.contains(&OrderDoubt::OtherPatient) {
            for order in found.whose.iter().filter_map(|place| orders.get(*place)) {
                let earlier = self.bench.read(|reader| reader.earlier_patients(order))?;
                if earlier.iter().any(|told| !observation.patient.reveal().is_other(told)) {
                    found.doubts.retain(|it| *it != OrderDoubt::OtherPatient);
                }
            }
        }
        let rules = &self.instrument.orders;
        let by_rule = |wanted: UnorderedPolicy| -> Vec<OrderDoubt> {
            found.doubts.iter().copied().filter(|doubt| rules.of(*doubt) == wanted).collect()
        };
        let order = order.map(|it| it.id);
        let holds = by_rule(UnorderedPolicy::Hold).into_iter().filter_map(HoldReason::for_order).collect();
        let mut marked = by_rule(UnorderedPolicy::Mark);
        // What a person lets go goes with its doubt.
        marked.extend(by_rule(UnorderedPolicy::Hold));
        Ok(Some(Link { order, doubts: found.doubts, marked, holds }))
    }

    /// Gives each entry what the rules make of it. An observation that repeats a stored one was judged when that came.
    pub(super) fn judge(&self, entries: &mut [Entry], is_production: bool) -> Result<(), JournalError> {
        let in_force = self.bench.in_force.clone();
        let mut sets = self.sets(in_force.clone());
        if !is_production {
            sets.clear();
        }
        let own = Reading { rules: in_force.clone(), ..reading(self.instrument) };
        let specimens: BTreeSet<SpecimenId> =
            entries.iter().filter(|it| is_judged(it)).map(|it| it.observation.specimen.clone()).collect();
        for specimen in specimens {
            let around = self.surroundings(&specimen, entries, &sets)?;
            let seen = sets.iter_mut().map(|set| self.seen(&specimen, entries, &around, set));
            let seen: Vec<Seen> = seen.collect::<Result<_, _>>()?;
            for (index, entry) in entries.iter_mut().enumerate() {
                if is_judged(entry) && entry.observation.specimen == specimen {
                    let history = self.history(&specimen, &entry.observation, &around, &sets);
                    let qc = self.qc(index, &entry.observation, &sets)?;
                    let beside = Beside { qc, history: &history };
                    let ask = |(set, seen): (&Set, &Seen)| {
                        self.ask(index, (&entry.observation, beside), &around, set, seen)
                    };
                    let evaluations = sets.iter().zip(&seen).map(ask).collect();
                    entry.observation.site_range =
                        ranged(&entry.observation, &own, around.patient.as_ref(), self.received_at);
                    entry.judged = {
                        let known = (history.awaits, in_force.is_some());
                        let asked = (evaluations, self.found(index));
                        self.judged(&entry.observation, asked, &around.orders, known)
                    };
                    entry.judged.asks.extend(history.asks);
                }
            }
        }
        Ok(())
    }

    /// What the instrument calls kinds of specimens, and which tests are a panel's.
    fn words(&self) -> (&BTreeMap<String, String>, &Panels) {
        (&self.instrument.specimen_kinds, &self.instrument.panels)
    }

    fn ordered_kind(&self, observation: &Observation, orders: &[CachedOrder]) -> Option<String> {
        let orders: Vec<_> = orders.iter().map(|it| (it.state, it.sourced())).collect();
        ordered_kind(observation, &orders, self.words()).map(str::to_owned)
    }

    fn sets(&self, in_force: Option<Arc<Rules>>) -> Vec<Set> {
        let configured = &self.bench.configured;
        let is_signed = in_force.as_ref().is_some_and(|rules| rules.sha256 == configured.sha256);
        let shadow = (!is_signed).then(|| (Arc::clone(configured), Force::Shadow));
        let in_force = in_force.map(|rules| (rules, Force::InForce));
        in_force
            .into_iter()
            .chain(shadow)
            .filter(|(rules, _)| !rules.checks.rules.is_empty())
            .map(|(rules, force)| {
                let own = reading_by(self.instrument, &rules);
                Set { rules, force, own, others: BTreeMap::new() }
            })
            .collect()
    }

    /// How an observation stands to what the LIMS has of its patient, where a rule asks for that.
    fn history(
        &self,
        specimen: &SpecimenId,
        observation: &Observation,
        around: &Surroundings<'_>,
        sets: &[Set],
    ) -> Standing {
        let is_compared = |set: &Set| history::is_compared(observation, &set.own, &set.rules.checks);
        let Some(lims) = around.lims.as_ref().filter(|_| sets.iter().any(is_compared)) else {
            return Standing::default();
        };
        lims.standing(specimen, observation, matches!(self.controls, Controls::Now(_)))
    }

    /// Everything around a specimen, each value once, by a set of rules.
    fn seen(
        &self,
        specimen: &SpecimenId,
        entries: &[Entry],
        around: &Surroundings<'_>,
        set: &mut Set,
    ) -> Result<Seen, JournalError> {
        let beside = around.stored.iter().map(|it| &it.observation.reveal().instrument);
        for instrument in beside.chain(around.history.iter().map(Earlier::instrument)) {
            let instrument = instrument.as_str();
            if !set.others.contains_key(instrument) {
                let reading = self.reading(instrument, &set.rules);
                set.others.insert(instrument.to_owned(), reading);
            }
        }
        let reading_of = |instrument: &InstrumentId| match *instrument == set.own.instrument {
            true => Some(&set.own),
            false => set.others.get(instrument.as_str()).and_then(Option::as_ref),
        };
        let counted = counted_by(set.force);
        let is_of_it = |it: &Entry| is_judged(it) && it.observation.specimen == *specimen;
        let arrived = entries.iter().enumerate().filter(|(_, it)| is_of_it(it));
        let stored = around.stored.iter().map(|it| it.observation.reveal());
        let moments: BTreeSet<Option<Timestamp>> =
            arrived.clone().map(|(_, it)| measured_at(it.observation.told_at(), self.received_at)).collect();
        let arrived: Vec<(usize, Measured)> =
            arrived.map(|(index, it)| (index, counted(&it.observation, &set.own))).collect();
        let stored: Vec<Measured> =
            stored.filter_map(|it| Some(counted(it, reading_of(&it.instrument)?))).collect();
        let here = arrived.iter().map(|(_, it)| it).chain(&stored);
        let asked: BTreeSet<&str> = here.filter_map(|it| it.analyte.as_deref()).collect();
        let history = around.history.iter().filter_map(|it| {
            let reading = reading_of(it.instrument())?;
            let analyte = analyte_of(it.test(), it.loinc(), reading)?.id.as_str();
            let (instrument, at) = (it.instrument().as_str(), measured_at(it.told_at(), it.received_at));
            asked.contains(analyte).then_some((Told { analyte, instrument, at }, (it, reading)))
        });
        let history: Vec<(Told<'_>, (&Earlier, &Reading))> = history.collect();
        let mut patients: Vec<Private<Patient>> = Vec::new();
        for it in &around.history {
            if !patients.contains(it.patient()) && self.bench.read(|reader| it.identifies(reader))? {
                patients.push(it.patient().clone());
            }
        }
        let mut history = self.bench.read(|reader| what_counts(history, (moments, counted), reader))?;
        if let Some(lims) = &around.lims {
            let of_it = entries.iter().filter(|it| is_of_it(it)).map(|it| &it.observation);
            let beside = around.stored.iter().map(|it| it.observation.reveal());
            let here = of_it.chain(beside).filter_map(|it| Some((it, reading_of(&it.instrument)?)));
            history.extend(lims.past(&set.rules, &here.collect::<Vec<_>>(), self.received_at));
        }
        Ok(Seen { history, patients, arrived, stored })
    }

    /// How an observation's test stood by its controls when it was measured. Looked for only where a rule asks.
    fn qc(
        &self,
        index: usize,
        observation: &Observation,
        sets: &[Set],
    ) -> Result<Option<Stood>, JournalError> {
        if !sets.iter().any(|set| set.rules.checks.look_at_controls()) {
            return Ok(None);
        }
        let test = &observation.test;
        let (runs, at) = match self.controls {
            Controls::Now(runs) => (runs, clock::now()),
            Controls::Then(stood, then) => match stood.get(index) {
                Some(Before { qc: Some(stood), .. }) => return Ok(Some(*stood)),
                _ => (&[][..], then),
            },
        };
        let measured_at = measured_at(observation.told_at(), self.received_at);
        let asked = Asked { measured_at, at, runs, valid_for: self.bench.site.qc.valid_for };
        self.bench.read(|reader| reader.qc_state(&self.instrument.id, test, asked)).map(Some)
    }

    /// What rules found of a stored result, by its place among the entries.
    fn found(&self, index: usize) -> &[Found] {
        match self.controls {
            Controls::Now(_) => &[],
            Controls::Then(before, _) => before.get(index).map_or(&[], |it| &it.found),
        }
    }

    fn ask(
        &self,
        index: usize,
        (observation, known): (&Observation, Beside<'_>),
        around: &Surroundings<'_>,
        set: &Set,
        seen: &Seen,
    ) -> Evaluation {
        let checks = &set.rules.checks;
        let (own, beside): (Vec<_>, Vec<_>) = seen.arrived.iter().partition(|(other, _)| *other == index);
        let own = own.first().map(|(_, it)| it.clone());
        let measured = own.unwrap_or_else(|| counted_by(set.force)(observation, &set.own));
        let wanted = Wanted::about(measured.analyte.as_deref(), checks);
        let around = Around {
            patient: around.patient.clone(),
            otherwise: around.otherwise.clone(),
            ordered_kind: self.ordered_kind(observation, &around.orders),
            together: wanted.together(beside.into_iter().map(|(_, it)| it).chain(&seen.stored)),
            history: Vec::new(),
            history_untold: known.history.is_untold,
            patients: seen.patients.clone(),
            qc: known.qc,
        };
        let mut case = case_of(measured, observation, &set.own, self.received_at, around);
        case.history = wanted.history(&seen.history, &case);
        let decisions = evaluate(&case, checks);
        Evaluation { rules: Arc::clone(&set.rules), force: set.force, case, decisions }
    }

    fn reading(&self, instrument: &str, rules: &Arc<Rules>) -> Option<Reading> {
        Some(reading_by(self.bench.instrument(instrument)?, rules))
    }

    fn surroundings(
        &self,
        specimen: &SpecimenId,
        entries: &[Entry],
        sets: &[Set],
    ) -> Result<Surroundings<'a>, JournalError> {
        let of_it = entries.iter().map(|it| &it.observation).filter(|it| it.specimen == *specimen);
        let told = distinct(of_it.map(|it| &it.patient));
        let otherwise = if told.len() > 1 { told.clone() } else { Vec::new() };
        if specimen.is_blank() {
            let patient = by_analyzer(&told);
            return Ok(Surroundings { patient, otherwise, ..Surroundings::default() });
        }
        let orders = self.bench.read(|reader| reader.orders_on(specimen))?;
        let orders = standing(orders, &self.bench.site.order_sources);
        let owner = whose(&orders, &told);
        let replaced: BTreeSet<_> = entries
            .iter()
            .filter_map(|entry| match entry.place {
                Place::Supersedes(earlier) => Some(earlier),
                Place::Own | Place::OfEntry(_) | Place::Repeats(_) => None,
            })
            .collect();
        let mut stored = match sets.iter().any(|set| set.rules.checks.look_beside()) {
            true => self.bench.read(|reader| reader.of_specimen(specimen, TOGETHER))?,
            false => Vec::new(),
        };
        stored.retain(|it| it.message != self.message && !replaced.contains(&it.id));
        let looks_back = sets.iter().any(|set| set.rules.checks.look_back());
        let history = match &owner {
            Some(owner) if looks_back && !owner.patient.reveal().id.trim().is_empty() => {
                let mut labels: BTreeSet<&str> =
                    orders.iter().flat_map(|it| &it.order.labels).map(SpecimenId::reveal).collect();
                labels.insert(specimen.reveal());
                let except: Vec<&str> = labels.into_iter().collect();
                let sources = &self.bench.site.order_sources;
                let key =
                    PatientKey { patient: owner.patient.reveal(), source: owner.source.as_deref(), sources };
                let mut known = self.bench.read(|reader| reader.history(key, &except, HISTORY))?;
                known.retain(|it| it.message != self.message);
                known
            }
            _ => Vec::new(),
        };
        let asked_about = owner.as_ref().filter(|_| looks_back);
        let lims = history::Known::of(&self.bench, specimen, &orders, asked_about)?;
        let patient = owner.map(|owner| owner.patient);
        Ok(Surroundings { orders, patient, stored, history, otherwise, lims })
    }
}

/// Rules are about patients, and ask once about each result.
fn is_judged(entry: &Entry) -> bool {
    entry.observation.class == SampleClass::Patient && !matches!(entry.place, Place::Repeats(_))
}
