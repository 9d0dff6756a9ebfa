//! What of a case its rules may look at: only that is kept beside a decision, which it is enough for. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::concerns;
use crate::domain::Glob;
use crate::domain::clinic::{Case, Checks, Measured, Past, RuleKind, Term};

/// What the rules about one value may look at beside it.
#[derive(Default)]
struct Beside<'a> {
    analytes: BTreeSet<&'a str>,
    codes: Vec<&'a Glob>,
    /// Whose earlier values count.
    earlier: BTreeSet<&'a str>,
}

/// The case without what no rule looks at. The rules decide the same of it.
pub fn relevant(mut case: Case, checks: &Checks) -> Case {
    let mut beside = Beside::default();
    for rule in checks.rules.iter().filter(|rule| concerns(rule, &case)) {
        match &rule.kind {
            RuleKind::Index(index) => beside.codes.extend(&index.codes),
            RuleKind::Consistency(formula) => {
                beside.analytes.extend(formula.left.iter().chain(&formula.right).map(analyte));
            }
            RuleKind::Pattern(pattern) => {
                beside.analytes.extend(pattern.0.iter().map(|it| it.analyte.as_str()))
            }
            RuleKind::Together(together) => {
                let members = checks.rules.iter().filter(|it| together.deltas.contains(&it.name));
                let analytes: Vec<&str> = members.flat_map(|it| &it.analytes).map(String::as_str).collect();
                beside.analytes.extend(&analytes);
                beside.earlier.extend(analytes);
            }
            RuleKind::Delta(_) => beside.earlier.extend(rule.analytes.iter().map(String::as_str)),
            RuleKind::Critical(_)
            | RuleKind::Range(_)
            | RuleKind::Flags(_)
            | RuleKind::Number(_)
            | RuleKind::Demographics(_)
            | RuleKind::Identity(_)
            | RuleKind::Qc(_) => {}
        }
    }
    let counts = |it: &Measured| {
        it.analyte.as_deref().is_some_and(|analyte| beside.analytes.contains(analyte))
            || beside.codes.iter().any(|code| code.matches(&it.code))
    };
    case.together.retain(counts);
    let measured: BTreeSet<&str> =
        case.together.iter().chain([&case.measured]).filter_map(|it| it.analyte.as_deref()).collect();
    let asked =
        |it: &&Past| beside.earlier.contains(it.analyte.as_str()) && measured.contains(it.analyte.as_str());
    case.history = latest(case.history.iter().filter(asked), case.at);
    case
}

fn analyte(term: &Term) -> &str {
    &term.analyte
}

/// Of each analyte and instrument the latest values before a moment, and one of those without a time.
fn latest<'a>(history: impl Iterator<Item = &'a Past>, at: Option<jiff::Timestamp>) -> Vec<Past> {
    let mut latest: BTreeMap<(&str, &str, bool), Vec<&Past>> = BTreeMap::new();
    for past in history.filter(|past| past.at.zip(at).is_none_or(|(then, at)| then < at)) {
        let of_one = latest.entry((&past.analyte, &past.instrument, past.at.is_some())).or_default();
        match of_one.first().map(|it| it.at) {
            Some(known) if known > past.at || known.is_none() => {}
            Some(known) if known == past.at => of_one.push(past),
            _ => *of_one = vec![past],
        }
    }
    latest.into_values().flatten().cloned().collect()
}
