//! Several changes at once: a specimen of another patient shows in many analytes, and seldom in one.

use std::collections::BTreeMap;

use super::{Form, Judged, delta};
use crate::domain::clinic::{Answer, Case, Checks, Path, RuleKind, Ruling, Together, Why};

pub(super) fn judge(rule: &Together, case: &Case, checks: &Checks, form: Form) -> Judged {
    // By analyte: whether any of its values has changed, `None` where that couldn't be asked.
    let mut changed: BTreeMap<&str, Option<bool>> = BTreeMap::new();
    for member in checks.rules.iter().filter(|it| rule.deltas.contains(&it.name)) {
        let RuleKind::Delta(delta) = &member.kind else { continue };
        if member.criteria.fit(case) != Answer::Yes {
            continue;
        }
        for measured in std::iter::once(&case.measured).chain(&case.together) {
            let Some(analyte) = measured.analyte.as_deref() else { continue };
            if !member.analytes.iter().any(|it| it == analyte) {
                continue;
            }
            let found = match delta::judge(delta, measured, case, form).ruling {
                Ruling::Decided(path) => Some(path != Path::Clear),
                Ruling::Undecided(_) | Ruling::NotEvaluated(_) => None,
            };
            let known = changed.entry(analyte).or_insert(found);
            *known = match (*known, found) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (None, _) | (_, None) => None,
                (Some(false), Some(false)) => Some(false),
            };
        }
    }
    let count = |wanted: Option<bool>| changed.values().filter(|it| **it == wanted).count();
    let ruling = if count(Some(true)) >= rule.at_least {
        Ruling::Decided(Path::Found)
    } else if count(Some(true)) + count(None) >= rule.at_least || changed.len() < rule.at_least {
        Ruling::NotEvaluated(Why::NothingToCompare)
    } else {
        Ruling::Decided(Path::Clear)
    };
    let told = |(analyte, changed): (&&str, &Option<bool>)| match changed {
        Some(true) => format!("{analyte} changed"),
        Some(false) => format!("{analyte} didn't change"),
        None => format!("{analyte} can't be compared"),
    };
    Judged {
        ruling,
        inputs: changed.iter().map(told).collect(),
        thresholds: vec![format!("{} of {}", rule.at_least, rule.deltas.join(", "))],
    }
}
