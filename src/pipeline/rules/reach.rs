//! Which rules no result can come to, as no analyzer's codes are named as what they are about. By what is configured alone.

use std::collections::BTreeSet;

use crate::domain::TestIdentity;
use crate::domain::clinic::{Checks, Index, Rule, RuleKind};
use crate::domain::profile::Dialect;
use crate::domain::qc::Plan;
use crate::pipeline::{Reading, analyte_of};

/// The rules that no configured code leads to, or not as they mean it.
#[derive(Debug, Default)]
pub struct OutOfReach<'a> {
    /// To these no result can come.
    pub never: Vec<&'a Rule>,
    /// To these come only results that an analyzer names by a LOINC code of its own.
    pub by_loinc_alone: Vec<&'a Rule>,
    /// These look for an index by codes that no analyzer is known to send.
    pub without_index: Vec<(&'a Rule, &'a Index)>,
    /// These compare several analytes, and no code is named as one of them.
    pub incomplete: Vec<(&'a Rule, BTreeSet<&'a str>)>,
    /// These ask how controls stand, and these analytes have no target; none is named where nothing has one.
    pub without_target: Vec<(&'a Rule, BTreeSet<&'a str>)>,
}

/// A code that isn't named as an analyte, so that no rule about one is asked of its results, though a rule is about what another
/// analyzer's code of the same test is named as.
#[derive(Debug)]
pub struct Overlooked<'a> {
    pub instrument: &'a str,
    pub code: &'a str,
    pub analyte: &'a str,
    /// Whose code is named, and which.
    pub other: (&'a str, &'a str),
}

/// What an analyzer's codes lead to.
struct Reached<'a> {
    reading: &'a Reading,
    analytes: BTreeSet<&'a str>,
    /// Whether it may name more by LOINC codes of its own.
    more_may_come: bool,
}

pub fn out_of_reach<'a>(checks: &'a Checks, plan: &Plan, readings: &'a [Reading]) -> OutOfReach<'a> {
    let all: Vec<Reached<'a>> = readings.iter().map(Reached::of).collect();
    let codes: BTreeSet<&str> = readings.iter().flat_map(codes_of).collect();
    let mut out = OutOfReach::default();
    for rule in &checks.rules {
        let of_it: Vec<&Reached<'_>> = all.iter().filter(|it| it.is_meant(rule)).collect();
        let names = || rule.analytes.iter().map(String::as_str);
        let is_reached = rule.analytes.is_empty() || of_it.iter().any(|it| names().any(|name| it.has(name)));
        match &rule.kind {
            _ if !is_reached && of_it.iter().any(|it| it.more_may_come) => out.by_loinc_alone.push(rule),
            _ if !is_reached => out.never.push(rule),
            RuleKind::Index(index) if !codes.iter().any(|code| index.is_coded(code)) => {
                out.without_index.push((rule, index));
            }
            // What is compared may be measured by several analyzers.
            RuleKind::Consistency(_) | RuleKind::Pattern(_) if !all.iter().any(|it| it.more_may_come) => {
                let missing: BTreeSet<&str> =
                    names().filter(|name| !all.iter().any(|it| it.has(name))).collect();
                out.incomplete.extend((!missing.is_empty()).then_some((rule, missing)));
            }
            RuleKind::Qc(_) => {
                let has_target = |name: Option<&str>| of_it.iter().any(|it| it.has_target(name, plan));
                let missing: BTreeSet<&str> = names().filter(|name| !has_target(Some(*name))).collect();
                let none = rule.analytes.is_empty() && !has_target(None);
                out.without_target.extend((none || !missing.is_empty()).then_some((rule, missing)));
            }
            _ => {}
        }
    }
    out
}

/// The codes that rules overlook, each once.
pub fn overlooked<'a>(checks: &Checks, readings: &'a [Reading]) -> Vec<Overlooked<'a>> {
    let all: Vec<(&Reading, &str)> =
        readings.iter().flat_map(|it| codes_of(it).into_iter().map(move |code| (it, code))).collect();
    let named: Vec<((&Reading, &str), &str)> =
        all.iter().filter_map(|&(it, code)| Some(((it, code), analyte_of_code(code, it)?))).collect();
    let is_asked = |of: &Reading, analyte: &str| {
        let is_about = |rule: &Rule| rule.analytes.iter().any(|it| it == analyte);
        checks.rules.iter().any(|rule| rule.criteria.may_be_of(of.instrument.as_str()) && is_about(rule))
    };
    let nameless = |&(it, code): &(&'a Reading, &'a str)| {
        analyte_of_code(code, it).is_none() && !may_tell_itself(code, it)
    };
    let overlooked = |one: (&'a Reading, &'a str)| {
        let is_meant = |(other, analyte): &(_, &str)| is_one_test(one, *other) && is_asked(one.0, analyte);
        let ((other, theirs), analyte) = *named.iter().find(|it| is_meant(it))?;
        let (instrument, code) = (one.0.instrument.as_str(), one.1);
        Some(Overlooked { instrument, code, analyte, other: (other.instrument.as_str(), theirs) })
    };
    all.iter().copied().filter(nameless).filter_map(overlooked).collect()
}

/// Whether the LIMS calls both alike, or the same model does.
fn is_one_test((one, code): (&Reading, &str), (other, theirs): (&Reading, &str)) -> bool {
    let by_lims = lims_code(one, code).is_some_and(|it| lims_code(other, theirs) == Some(it));
    by_lims || (code == theirs && one.profile.name == other.profile.name)
}

fn lims_code<'a>(reading: &'a Reading, code: &str) -> Option<&'a str> {
    reading.codes.get(code)?.lims_code.as_deref()
}

impl<'a> Reached<'a> {
    fn of(reading: &'a Reading) -> Reached<'a> {
        let mut reached = Reached { reading, analytes: BTreeSet::new(), more_may_come: false };
        for code in codes_of(reading) {
            match analyte_of_code(code, reading) {
                Some(analyte) => _ = reached.analytes.insert(analyte),
                None => reached.more_may_come |= may_tell_itself(code, reading),
            }
        }
        reached
    }

    /// Whether a rule is for this analyzer's results.
    fn is_meant(&self, rule: &Rule) -> bool {
        rule.criteria.may_be_of(self.reading.instrument.as_str())
    }

    fn has(&self, analyte: &str) -> bool {
        self.analytes.contains(analyte)
    }

    /// Whether some level has a target here for a test of this analyte, or for any.
    fn has_target(&self, analyte: Option<&str>, plan: &Plan) -> bool {
        let lots = plan.lots.iter().filter(|lot| lot.is_measured_on(&self.reading.instrument));
        let mut targets = lots.flat_map(|lot| &lot.levels).flat_map(|level| &level.targets);
        targets.any(|target| {
            analyte.is_none_or(|name| analyte_of_code(&target.test.code, self.reading) == Some(name))
        })
    }
}

/// What an analyzer is known to send, by its profile and the site.
pub fn codes_of(reading: &Reading) -> BTreeSet<&str> {
    reading.codes.keys().chain(reading.profile.tests.keys()).map(String::as_str).collect()
}

/// The analyte that a code of an analyzer is named as, by itself or by the LOINC code that is configured for it.
pub fn analyte_of_code<'a>(code: &str, reading: &'a Reading) -> Option<&'a str> {
    let test = TestIdentity { code: code.to_owned(), ..TestIdentity::default() };
    let by_site = reading.codes.get(code).and_then(|it| it.loinc.as_deref());
    let loinc = by_site.or_else(|| reading.profile.tests.get(code).and_then(|it| it.loinc.as_deref()));
    analyte_of(&test, loinc, reading).map(|analyte| analyte.id.as_str())
}

/// Whether a result of this code may come with a LOINC code of the analyzer's, which then counts.
fn may_tell_itself(code: &str, reading: &Reading) -> bool {
    let site = reading.codes.get(code);
    let is_named = site.is_some_and(|it| it.analyte.is_some() || it.loinc.is_some());
    matches!(reading.profile.dialect, Dialect::Hl7(_)) && !is_named
}
