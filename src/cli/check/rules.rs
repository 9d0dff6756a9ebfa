//! What a check says of rules: that some result can come to each. A rule that none comes to is a warning and no error: an
//! analyzer may be away or still to come, and that must not keep the others from being received.

use crate::config::{Finding, Settings};
use crate::pipeline::rules::out_of_reach;
use crate::pipeline::runner::reading_by;

/// Without any analyzer nothing is said.
pub(in crate::cli) fn findings(settings: &Settings) -> Vec<Finding> {
    let readings: Vec<_> = settings.instruments.iter().map(|it| reading_by(it, &settings.rules)).collect();
    if readings.is_empty() {
        return Vec::new();
    }
    let finding = |rule: &crate::domain::clinic::Rule| Finding {
        file: rule.place.clone(),
        place: None,
        message: format!(
            "no result comes to {:?}: no analyzer's code is named as {}; write analyte = … under its [codes], or a LOINC code of it",
            rule.name,
            rule.analytes.join(" or "),
        ),
    };
    out_of_reach(&settings.rules.checks, &readings).into_iter().map(finding).collect()
}
