//! Which rules no result can come to, as no analyzer's codes are named as what they are about. By what is configured alone.

use std::collections::BTreeSet;

use crate::domain::TestIdentity;
use crate::domain::clinic::{Checks, Rule};
use crate::domain::profile::Dialect;
use crate::pipeline::{Reading, analyte_of};

/// The rules about analytes of which none is that of any code. Where an analyzer may send LOINC codes itself, any may come.
pub fn out_of_reach<'a>(checks: &'a Checks, readings: &[Reading]) -> Vec<&'a Rule> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    for reading in readings {
        let codes: BTreeSet<&String> = reading.codes.keys().chain(reading.profile.tests.keys()).collect();
        for code in codes {
            match analyte_of_code(code, reading) {
                Some(analyte) => _ = reached.insert(analyte),
                None if may_tell_itself(code, reading) => return Vec::new(),
                None => {}
            }
        }
    }
    let is_out = |rule: &&Rule| {
        !rule.analytes.is_empty() && !rule.analytes.iter().any(|it| reached.contains(it.as_str()))
    };
    checks.rules.iter().filter(is_out).collect()
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
