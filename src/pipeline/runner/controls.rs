//! Controls: what the site says is one though the analyzer doesn't mark it, and what the controls of a message come to.

use jiff::tz::TimeZone;

use super::compare::Comparison;
use crate::config::settings::Instrument;
use crate::domain::measured_at;
use crate::domain::qc::{By, Control, Identified, Outcome, Scope, Severity, Target, Violation, WhyNot};
use crate::domain::{HoldReason, Observation, Private, Problem, ProblemKind, SampleClass, Standing, Value};
use crate::journal::JournalError;
use crate::journal::qc::{JudgedRun, NewControl, undiluted};
use crate::journal::results::{Entry, Place};

impl Comparison<'_> {
    /// Makes a control of what the site's numbers say is one. A number can be a patient's all the same: with an order or a
    /// patient it stays theirs, and waits.
    pub(super) fn recognise(&self, observation: &mut Observation) -> Result<(), JournalError> {
        let names = names(observation);
        let claims = &self.runner.site.qc.lots;
        let is_claimed = observation.class == SampleClass::Patient
            && claims.iter().any(|lot| lot.claims_unmarked(&self.instrument.id, &names));
        if !is_claimed {
            return Ok(());
        }
        let patient = observation.patient.reveal();
        let has_patient = [&patient.id, &patient.name].iter().any(|text| !text.trim().is_empty());
        let orders = self.runner.read(|reader| reader.orders_on(&observation.specimen))?;
        let sources = &self.runner.site.order_sources;
        if has_patient || orders.iter().any(|it| sources.contains(&it.source)) {
            observation.hold(HoldReason::MaybeControl);
        } else {
            observation.class = SampleClass::Control;
        }
        Ok(())
    }

    /// What the controls among the entries come to, and what a person must see of it. Training counts for nothing, and
    /// what was stored in an earlier reading was judged then.
    pub(super) fn judge(&self, entries: &[Entry]) -> Result<(Vec<JudgedRun>, Vec<Problem>), JournalError> {
        let is_control = |entry: &Entry| entry.observation.class == SampleClass::Control;
        if self.not_production || !entries.iter().any(is_control) {
            return Ok((Vec::new(), Vec::new()));
        }
        let stored = self.runner.read(|reader| reader.stored_of(self.message))?;
        let is_new = |it: &Observation| !stored.contains(&(it.record, it.test.component.clone()));
        let controls: Vec<NewControl> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| is_control(entry) && is_new(&entry.observation))
            .filter_map(|(at, entry)| self.control(at, entry))
            .collect();
        let plan = &self.runner.site.qc;
        let runs = self.runner.read(|reader| reader.judge_controls(&self.instrument.id, &controls, plan))?;
        let problems = runs.iter().filter_map(|run| failed(run, &controls, entries)).collect();
        Ok((runs, problems))
    }

    fn control(&self, at: usize, entry: &Entry) -> Option<NewControl> {
        let observation = &entry.observation;
        let supersedes = match entry.place {
            Place::Own | Place::OfEntry(_) => None,
            Place::Supersedes(earlier) => Some(earlier),
            Place::Repeats(_) => return None,
        };
        let told = measured_at(observation.told_at(), self.received_at);
        let (measured_at, by) = told.map_or((self.received_at, By::Receipt), |at| (at, By::Measurement));
        let unit = observation.unit.as_deref().unwrap_or_default().trim();
        let sign = self.instrument.profile.scale_flags().sign(&observation.value, &observation.flags);
        let (value, number) = match &observation.value {
            Value::Quantity { number, .. } if sign == Ok(None) => (number.as_str(), Ok(())),
            Value::Quantity { .. } => (observation.value_as_sent.as_str(), Err(WhyNot::OffScale)),
            Value::Code { .. } | Value::Text(_) | Value::Absent { .. } => {
                (observation.value_as_sent.as_str(), Err(WhyNot::NoNumber))
            }
        };
        let names = names(observation);
        let day = measured_at.to_zoned(zone(self.instrument)).date();
        let sought = Control { instrument: &self.instrument.id, names, test: &observation.test, unit, day };
        let plan = &self.runner.site.qc;
        let judged_here = plan.multirule.as_ref().map(|_| ()).ok_or(WhyNot::SwitchedOff);
        let (material, target) = match Identified::of(&plan.lots, &sought) {
            Ok(Identified { lot, level, target }) => (Some((lot, level)), target),
            Err(why) => (None, Err(why)),
        };
        let target: Result<Target, WhyNot> = judged_here.and(number).and(believed(observation)).and(target);
        Some(NewControl {
            entry: at,
            test: observation.test.clone(),
            supersedes,
            measured_at,
            by,
            value: value.to_owned(),
            unit: unit.to_owned(),
            material,
            target,
        })
    }
}

fn zone(instrument: &Instrument) -> TimeZone {
    instrument.time_zone.clone()
}

/// For what a patient's result would wait for a person no control vouches for patients.
fn believed(observation: &Observation) -> Result<(), WhyNot> {
    const DOUBTS: [HoldReason; 6] = [
        HoldReason::StatusInDoubt,
        HoldReason::UnknownStatus,
        HoldReason::UnknownFlag,
        HoldReason::OddValue,
        HoldReason::Incomplete,
        HoldReason::UndecodableText,
    ];
    match &observation.standing {
        Standing::Held(reasons) if reasons.iter().any(|it| DOUBTS.contains(it)) => Err(WhyNot::Doubted),
        _ => Ok(()),
    }
}

/// What stands where a specimen's number would: as sent, and by the site's rules.
fn names(observation: &Observation) -> [&str; 2] {
    [observation.specimen_as_sent.reveal(), observation.specimen.reveal()]
}

/// The problem that a run is rejected, where it wasn't by the same rules before. A later run that these controls change is
/// told of them.
fn failed(run: &JudgedRun, controls: &[NewControl], entries: &[Entry]) -> Option<Problem> {
    let rejects = |it: &&Violation| it.severity == Severity::Reject && !run.before.contains(it);
    let broken: Vec<String> = run.violations.iter().filter(rejects).map(said).collect();
    if run.outcome != Outcome::Rejected || broken.is_empty() {
        return None;
    }
    let of_test = || controls.iter().rfind(|it| undiluted(&it.test) == run.test);
    let control = run.controls.last().or_else(of_test)?;
    let observation = &entries.get(control.entry)?.observation;
    Some(Problem {
        kind: ProblemKind::QcFailed,
        record: Some(observation.record),
        specimen: Some(observation.specimen.clone()),
        text: Private::new(format!("controls of {} are out: {}", run.test.code, broken.join("; "))),
        replaces_result: false,
    })
}

fn said(violation: &Violation) -> String {
    let rule = violation.rule.name();
    match &violation.scope {
        Scope::Level { lot, level } => format!("{rule} at level {level} of lot {lot}"),
        Scope::AcrossLevels => format!("{rule} across levels"),
    }
}
