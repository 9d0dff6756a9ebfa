//! A value against its limits: critical ones, those of what the instrument can measure, and the indices of haemolysis,
//! icterus and lipaemia that stand beside it.

use super::{Form, Judged};
use crate::domain::clinic::{Amount, Answer, Case, Index, Limit, Limits, Missing, Path, Ruling, Why};

pub(super) fn judge(limits: &Limits, case: &Case, form: Form) -> Judged {
    let thresholds = [&limits.low, &limits.high].into_iter().flatten().map(|limit| limit.written.clone());
    let ruling = match (&case.measured.amount, form.reach(&case.measured.amount)) {
        (Amount::Unconverted(why), _) => Ruling::Undecided(Why::Unconverted(why.clone())),
        (_, None) => Ruling::NotEvaluated(Why::NoNumber),
        (_, Some(value)) => {
            let met = |limit: &Option<Limit>| limit.as_ref().map_or(Answer::No, |limit| limit.is_met(&value));
            match (met(&limits.low), met(&limits.high)) {
                (Answer::Yes, _) => Ruling::Decided(Path::Low),
                (_, Answer::Yes) => Ruling::Decided(Path::High),
                (Answer::No, Answer::No) => Ruling::Decided(Path::Clear),
                _ => Ruling::Undecided(Why::Comparator),
            }
        }
    };
    Judged { ruling, inputs: Vec::new(), thresholds: thresholds.collect() }
}

/// Any index at the limit counts, whichever came first.
pub(super) fn index(rule: &Index, case: &Case, form: Form) -> Judged {
    let measured: Vec<_> = case.together.iter().filter(|it| rule.is_coded(&it.code)).collect();
    let mut inputs: Vec<String> = measured.iter().map(|it| super::consistency::shown(it)).collect();
    inputs.sort();
    let answers: Vec<Answer> = measured
        .iter()
        .filter_map(|it| form.reach(&it.amount))
        .map(|value| rule.limit.is_met(&value))
        .collect();
    let ruling = if answers.contains(&Answer::Yes) {
        Ruling::Decided(Path::Found)
    } else if answers.contains(&Answer::Unknown) {
        Ruling::Undecided(Why::Comparator)
    } else if answers.len() < measured.len() {
        // It was measured, and what came of it can't be read.
        Ruling::Undecided(Why::NoNumber)
    } else if answers.is_empty() {
        let names: Vec<&str> = rule.codes.iter().map(|code| code.as_str()).collect();
        let why = Why::NotMeasured(format!("the index {}", names.join(" or ")));
        match rule.missing {
            Missing::NotEvaluated => Ruling::NotEvaluated(why),
            Missing::Undecided => Ruling::Undecided(why),
        }
    } else {
        Ruling::Decided(Path::Clear)
    };
    Judged { ruling, inputs, thresholds: vec![rule.limit.written.clone()] }
}
