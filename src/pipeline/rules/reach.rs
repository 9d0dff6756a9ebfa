//! Which rules no result can come to, as no analyzer's codes are named as what they are about. By what is configured alone.

use std::collections::BTreeSet;

use crate::domain::TestIdentity;
use crate::domain::clinic::{Checks, Index, Rule, RuleKind};
use crate::domain::profile::Dialect;
use crate::pipeline::{Reading, analyte_of};

/// The rules that no configured code leads to.
#[derive(Debug, Default)]
pub struct OutOfReach<'a> {
    /// To these no result can come.
    pub never: Vec<&'a Rule>,
    /// To these come only results that an analyzer names by a LOINC code of its own.
    pub by_loinc_alone: Vec<&'a Rule>,
    /// These look for an index by codes that no analyzer is known to send.
    pub without_index: Vec<(&'a Rule, &'a Index)>,
}

pub fn out_of_reach<'a>(checks: &'a Checks, readings: &[Reading]) -> OutOfReach<'a> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut codes: BTreeSet<&str> = BTreeSet::new();
    let mut loinc_may_come = false;
    for reading in readings {
        for code in codes_of(reading) {
            codes.insert(code);
            match analyte_of_code(code, reading) {
                Some(analyte) => _ = reached.insert(analyte),
                None => loinc_may_come |= may_tell_itself(code, reading),
            }
        }
    }
    let mut out = OutOfReach::default();
    for rule in &checks.rules {
        let is_reached =
            rule.analytes.is_empty() || rule.analytes.iter().any(|it| reached.contains(it.as_str()));
        match &rule.kind {
            _ if !is_reached && loinc_may_come => out.by_loinc_alone.push(rule),
            _ if !is_reached => out.never.push(rule),
            RuleKind::Index(index) if !codes.iter().any(|code| index.is_coded(code)) => {
                out.without_index.push((rule, index));
            }
            _ => {}
        }
    }
    out
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
