//! Several changes at once: a specimen of another patient shows in many analytes, and seldom in one.

use std::collections::BTreeMap;

use super::{Asked, Form, Judged, delta};
use crate::domain::clinic::{Answer, Path, Program, RuleKind, Ruling, Together, Why};

pub(super) fn judge(rule: &Together, about: &Asked<'_>, form: Form) -> Judged {
    let case = about.case;
    // By analyte: whether any of its values has changed, `None` where that couldn't be asked.
    let mut changed: BTreeMap<&str, Option<bool>> = BTreeMap::new();
    let mut may_not_fit = false;
    for member in about.checks.rules.iter().filter(|it| rule.deltas.contains(&it.name)) {
        let RuleKind::Delta(delta) = &member.kind else { continue };
        let fit = match (member.criteria.fit(case), about.program) {
            (Answer::No, _) | (Answer::Unknown, Program::First) => continue,
            (fit, _) => fit,
        };
        for measured in std::iter::once(&case.measured).chain(&case.together) {
            let Some(analyte) = measured.analyte.as_deref() else { continue };
            if !member.analytes.iter().any(|it| it == analyte) {
                continue;
            }
            let found = match delta::judge(delta, measured, case, form).ruling {
                Ruling::Decided(Path::Clear) => Some(false),
                Ruling::Decided(_) if fit == Answer::Yes => Some(true),
                // A change by a rule that may be for others.
                Ruling::Decided(_) => {
                    may_not_fit = true;
                    None
                }
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
        Ruling::NotEvaluated(if may_not_fit { Why::MayNotFit } else { Why::NothingToCompare })
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
