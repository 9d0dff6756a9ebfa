//! What the decisions about a result come to: why it waits for a person, where, and where it is told as preliminary
//! meanwhile. It asks no rule.

use super::again::Found;
use super::judging::Judging;
use crate::config::settings::{Mode, Release, WhileHeld};
use crate::domain::clinic::{Evaluation, Force};
use crate::domain::{DestinationId, HoldReason, Observation, Panels, Priority};
use crate::journal::decisions::Judged;
use crate::journal::orders::CachedOrder;
use crate::pipeline::asked;

impl Judging<'_> {
    /// `before`: what rules found of it when they were asked before. `awaits_history`: the LIMS is still to tell of the patient. `some_are_signed`: there are rules in force.
    pub(super) fn judged(
        &self,
        observation: &Observation,
        (evaluations, before): (Vec<Evaluation>, &[Found]),
        orders: &[CachedOrder],
        (awaits_history, some_are_signed): (bool, bool),
    ) -> Judged {
        let mut reasons: Vec<HoldReason> = evaluations.iter().flat_map(Evaluation::holds).collect();
        let in_force = evaluations.iter().find(|it| it.force == Force::InForce);
        let stands = before.iter().filter(|it| in_force.is_some_and(|now| it.stands(now)));
        reasons.extend(stands.map(Found::reason));
        if awaits_history && evaluations.iter().any(|it| it.force == Force::InForce) {
            reasons.push(HoldReason::AwaitsHistory);
        }
        if self.is_suspended(observation) {
            reasons.push(HoldReason::Suspended);
        }
        reasons.sort();
        reasons.dedup();
        let waits_at = self.waits_at(&reasons, some_are_signed);
        if reasons.is_empty() && !waits_at.is_empty() {
            reasons.push(HoldReason::NotReleased);
        }
        let announced_at = self.announced_at(&evaluations, &reasons, &waits_at);
        let wanted = wanted(orders, observation, &self.instrument.panels);
        let leaves_to = self.leaves_to();
        Judged { evaluations, reasons, waits_at, announced_at, leaves_to, wanted, asks: Vec::new() }
    }

    /// Whether the site wants nothing of its kind to leave by itself.
    fn is_suspended(&self, observation: &Observation) -> bool {
        let (instrument, code) = (observation.instrument.as_str(), observation.test.code.as_str());
        let lims_code = observation.lims_code.as_deref();
        self.bench.site.suspended.iter().any(|it| it.takes(instrument, code, lims_code))
    }

    /// Where a result waits for a person, by who verifies there.
    fn waits_at(&self, reasons: &[HoldReason], some_are_signed: bool) -> Vec<DestinationId> {
        let waits = |release| match release {
            Release::PassThrough => false,
            Release::HoldExceptions => !some_are_signed || !reasons.is_empty(),
            Release::Full => true,
        };
        let all = self.bench.site.destinations.iter();
        all.filter(|it| waits(it.release)).map(|it| it.id.clone()).collect()
    }

    /// The live destinations whose own people verify.
    fn leaves_to(&self) -> Vec<DestinationId> {
        let all = self.bench.site.destinations.iter();
        let theirs = all.filter(|it| it.release == Release::PassThrough && it.mode != Mode::Test);
        theirs.map(|it| it.id.clone()).collect()
    }

    /// Where it is told as preliminary while it waits: where the site wants that, and nothing puts the value in doubt.
    fn announced_at(
        &self,
        evaluations: &[Evaluation],
        reasons: &[HoldReason],
        waits_at: &[DestinationId],
    ) -> Vec<DestinationId> {
        let by_rules = [
            HoldReason::Critical,
            HoldReason::Delta,
            HoldReason::Together,
            HoldReason::Doubted,
            HoldReason::NotReleased,
        ];
        if !reasons.iter().all(|it| by_rules.contains(it))
            || !evaluations.iter().all(Evaluation::allows_preliminary)
        {
            return Vec::new();
        }
        let wants = |it: &&DestinationId| {
            let mut all = self.bench.site.destinations.iter();
            all.any(|to| to.id == **it && to.held == WhileHeld::Preliminary)
        };
        waits_at.iter().filter(wants).cloned().collect()
    }
}

/// How soon the LIMS wants it: by the orders of its test, else by those of its specimen.
fn wanted(orders: &[CachedOrder], observation: &Observation, panels: &Panels) -> Option<Priority> {
    let is_its = |it: &CachedOrder| asked(observation, &it.order.key.test, panels).is_some();
    let soonest =
        |only: bool| orders.iter().filter(|it| !only || is_its(it)).map(|it| it.order.priority).min();
    soonest(true).or_else(|| soonest(false))
}
