//! What a check says of rules and suspensions: that some result can come to each. One that none comes to is a warning and no
//! error: an analyzer may be away or still to come, and that must not keep the others from being received.

use std::collections::BTreeSet;

use crate::config::settings::Suspension;
use crate::config::{Finding, Settings};
use crate::domain::clinic::{Index, Rule};
use crate::pipeline::Reading;
use crate::pipeline::rules::{OutOfReach, codes_of, out_of_reach};
use crate::pipeline::runner::reading_by;

/// Without any analyzer nothing is said.
pub(in crate::cli) fn findings(settings: &Settings) -> Vec<Finding> {
    let readings: Vec<_> = settings.instruments.iter().map(|it| reading_by(it, &settings.rules)).collect();
    if readings.is_empty() {
        return Vec::new();
    }
    let OutOfReach { never, by_loinc_alone, without_index } = out_of_reach(&settings.rules.checks, &readings);
    let never = never.into_iter().map(|rule| {
        let analytes = rule.analytes.join(" or ");
        about(rule, format!(
            "no result comes to {:?}: no analyzer's code is named as {analytes}; write analyte = … under its [codes], or a LOINC code of it",
            rule.name,
        ))
    });
    let without_index =
        without_index.into_iter().map(|(rule, index)| about(rule, unknown_index(rule, index)));
    let suspended = settings.suspended.iter().filter(|it| suspends_nothing_known(it, &readings)).map(|it| Finding {
        file: "labwire.toml".to_owned(),
        place: None,
        message: format!(
            "[[suspend]] for {:?}: no code of these analyzers that is known here is one of its tests, by lims_code or by their own",
            it.reason
        ),
    });
    never.chain(by_loinc(&by_loinc_alone)).chain(without_index).chain(suspended).collect()
}

fn about(rule: &Rule, message: String) -> Finding {
    Finding { file: rule.place.clone(), place: None, message }
}

/// One finding for all of them: where analyzers do send LOINC codes there is nothing to be done.
fn by_loinc(rules: &[&Rule]) -> Option<Finding> {
    let first = rules.first()?;
    let analytes: BTreeSet<&str> = rules.iter().flat_map(|it| &it.analytes).map(String::as_str).collect();
    let analytes = analytes.into_iter().collect::<Vec<_>>().join(", ");
    let (which, come) = match rules.len() {
        1 => (format!("{:?}", first.name), "comes"),
        several => (format!("{several} rules, {:?} the first,", first.name), "come"),
    };
    Some(about(
        first,
        format!(
            "{which} {come} only to results that an analyzer names by a LOINC code itself, as no code is named as {analytes}; labwire codes says what those that came are called"
        ),
    ))
}

fn unknown_index(rule: &Rule, index: &Index) -> String {
    let codes: Vec<&str> = index.codes.iter().map(|it| it.as_str()).collect();
    format!(
        "{:?} looks for an index by {}, which no profile or [codes] of an analyzer has; labwire codes says which codes have come",
        rule.name,
        codes.join(" or ")
    )
}

fn suspends_nothing_known(suspension: &Suspension, readings: &[Reading]) -> bool {
    let takes = |reading: &Reading| {
        codes_of(reading).into_iter().any(|code| {
            let lims_code = reading.codes.get(code).and_then(|it| it.lims_code.as_deref());
            suspension.takes(reading.instrument.as_str(), code, lims_code)
        })
    };
    !suspension.tests.only.is_empty() && !readings.iter().any(takes)
}
