//! What rules in force found of a stored result when they were asked before. That a rule can't be asked any more is no
//! answer: what it found stands until rules decide otherwise, until it isn't in force any more or for other tests or patients, or
//! until a person decides. Writes nothing.

use crate::domain::HoldReason;
use crate::domain::clinic::{Answer, Band, Check, Evaluation, Force, Rule, Ruling};
use crate::domain::qc::Stood;
use crate::journal::decisions::{Kept, standing};

/// What rules made of a stored result when they were asked before.
pub(in crate::pipeline::runner) struct Before {
    /// How its test stood by its controls when it was first judged.
    pub(in crate::pipeline::runner) qc: Option<Stood>,
    /// By which rules it had to wait, and none has decided otherwise since.
    pub(in crate::pipeline::runner) found: Vec<Found>,
}

/// A rule by which a result had to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline::runner) struct Found {
    check: Check,
    rule: String,
}

impl Found {
    /// By what is kept of a result, oldest first.
    pub(in crate::pipeline::runner) fn of(kept: &[Kept]) -> Vec<Found> {
        let in_force = kept.iter().filter(|it| it.force == Force::InForce);
        let holding = standing(in_force.flat_map(|it| &it.decisions)).into_iter().filter(|it| it.holds);
        let of_each = holding.filter_map(|it| Some((Check::from_name(&it.check)?, &it.rules)));
        of_each
            .flat_map(|(check, rules)| rules.iter().map(move |rule| Found { check, rule: rule.clone() }))
            .collect()
    }

    /// Whether it is left without an answer by what the rules in force say now.
    pub(in crate::pipeline::runner) fn stands(&self, now: &Evaluation) -> bool {
        let analyte = now.case.measured.analyte.as_deref();
        let is_it =
            |it: &&Rule| it.name == self.rule && it.kind.check() == self.check && it.concerns(analyte);
        let rule = now.rules.checks.rules.iter().find(is_it);
        let may_be_the_patients = rule.is_some_and(|it| it.criteria.fit(&now.case) != Answer::No);
        let mut decided = now.decisions.iter().filter(|it| !matches!(it.ruling, Ruling::NotEvaluated(_)));
        may_be_the_patients && !decided.any(|it| self.is_answered(it.check, &it.rules))
    }

    pub(in crate::pipeline::runner) fn reason(&self) -> HoldReason {
        self.check.reason()
    }

    /// Whether a decision by these rules is about it. Of rules in bands the first that fits speaks for all.
    fn is_answered(&self, check: Check, by: &[String]) -> bool {
        self.check == check && (check.band() == Band::First || by.contains(&self.rule))
    }
}
