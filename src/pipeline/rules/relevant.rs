//! What of a case its rules may look at: only that is kept beside a decision, which it is enough for. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Glob;
use crate::domain::clinic::{Case, Checks, Measured, Past, RuleKind, Term};

/// What the rules about one value may look at beside it.
#[derive(Default)]
pub struct Wanted<'a> {
    analytes: BTreeSet<&'a str>,
    codes: Vec<&'a Glob>,
    /// Whose earlier values count.
    earlier: BTreeSet<&'a str>,
}

impl<'a> Wanted<'a> {
    /// By the rules about such an analyte.
    pub fn about(measured: Option<&str>, checks: &'a Checks) -> Wanted<'a> {
        let mut wanted = Wanted::default();
        for rule in checks.rules.iter().filter(|rule| rule.concerns(measured)) {
            match &rule.kind {
                RuleKind::Index(index) => wanted.codes.extend(&index.codes),
                RuleKind::Consistency(formula) => {
                    wanted.analytes.extend(formula.left.iter().chain(&formula.right).map(analyte));
                }
                RuleKind::Pattern(pattern) => {
                    wanted.analytes.extend(pattern.0.iter().map(|it| it.analyte.as_str()))
                }
                RuleKind::Together(together) => {
                    let members = checks.rules.iter().filter(|it| together.deltas.contains(&it.name));
                    let analytes: Vec<&str> =
                        members.flat_map(|it| &it.analytes).map(String::as_str).collect();
                    wanted.analytes.extend(&analytes);
                    wanted.earlier.extend(analytes);
                }
                RuleKind::Delta(_) => wanted.earlier.extend(rule.analytes.iter().map(String::as_str)),
                RuleKind::Critical(_)
                | RuleKind::Range(_)
                | RuleKind::Flags(_)
                | RuleKind::Number(_)
                | RuleKind::Demographics(_)
                | RuleKind::Identity(_)
                | RuleKind::Qc(_) => {}
            }
        }
        wanted
    }

    /// What counts of what else was measured of the specimen.
    pub fn together<'b>(&self, all: impl Iterator<Item = &'b Measured>) -> Vec<Measured> {
        let counts = |it: &&Measured| {
            it.analyte.as_deref().is_some_and(|analyte| self.analytes.contains(analyte))
                || self.codes.iter().any(|code| code.matches(&it.code))
        };
        all.filter(counts).cloned().collect()
    }

    /// What counts of what was measured before, for a case that has all else.
    pub fn history(&self, all: &[Past], case: &Case) -> Vec<Past> {
        let measured: BTreeSet<&str> =
            case.together.iter().chain([&case.measured]).filter_map(|it| it.analyte.as_deref()).collect();
        let asked =
            |it: &&Past| self.earlier.contains(it.analyte.as_str()) && measured.contains(it.analyte.as_str());
        let told = all.iter().filter(asked).map(|it| (Told::of(it), it));
        latest(told, case.at).into_iter().cloned().collect()
    }
}

/// The case without what no rule looks at. The rules decide the same of it.
pub fn relevant(case: Case, checks: &Checks) -> Case {
    let wanted = Wanted::about(case.measured.analyte.as_deref(), checks);
    let case = Case { together: wanted.together(case.together.iter()), ..case };
    Case { history: wanted.history(&case.history, &case), ..case }
}

fn analyte(term: &Term) -> &str {
    &term.analyte
}

/// What an earlier value is of, and when it was measured.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub analyte: &'a str,
    pub instrument: &'a str,
    pub at: Option<jiff::Timestamp>,
}

impl<'a> Told<'a> {
    fn of(it: &'a Past) -> Told<'a> {
        Told { analyte: &it.analyte, instrument: &it.instrument, at: it.at }
    }
}

/// What was measured at one moment.
struct Moment<T> {
    at: Option<jiff::Timestamp>,
    values: Vec<T>,
}

/// Of each analyte and instrument the latest values before a moment, and one of those without a time: no rule looks at
/// more of what was before.
pub fn latest<'a, T>(
    history: impl Iterator<Item = (Told<'a>, T)>,
    before: Option<jiff::Timestamp>,
) -> Vec<T> {
    let mut latest: BTreeMap<(&str, &str, bool), Moment<T>> = BTreeMap::new();
    for (told, past) in history {
        let Told { analyte, instrument, at } = told;
        if at.zip(before).is_some_and(|(then, before)| then >= before) {
            continue;
        }
        let of_one = latest.entry((analyte, instrument, at.is_some()));
        let known = of_one.or_insert_with(|| Moment { at, values: Vec::new() });
        if known.values.is_empty() || (at.is_some() && at == known.at) {
            known.values.push(past);
        } else if at > known.at {
            *known = Moment { at, values: vec![past] };
        }
    }
    latest.into_values().flat_map(|it| it.values).collect()
}
