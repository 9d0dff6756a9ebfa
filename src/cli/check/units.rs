//! What a check says of units that an analyzer's file gives another meaning: a unit that stands for itself elsewhere is read as
//! another one without anybody's conversion.

use super::{about, file_of};
use crate::config::{Finding, Settings};

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for instrument in &settings.instruments {
        for (sent, meant) in instrument.units.iter() {
            let stands_for_itself = settings.rules.analytes.iter().find(|analyte| {
                let comes = std::iter::once(&analyte.unit).chain(analyte.ways.iter().map(|way| &way.from));
                comes.into_iter().any(|unit| unit.code() == sent && unit != meant)
            });
            findings.extend(stands_for_itself.map(|analyte| {
                about(
                    &file_of(instrument),
                    format!(
                        "[units] takes {sent:?} for {meant}, and it is a unit in which {} comes: every test's number stays as it \
                         is and its unit changes; write so only if the analyzer means {meant} wherever it says {sent}",
                        analyte.id
                    ),
                )
            }));
        }
    }
    findings
}
