//! What a message shows of its instrument's habits, left out where it is as the profile says. It compares with no
//! other message and decides nothing about a result.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Reading;
use super::interpret::{Interpreted, RawResult};
use crate::domain::profile::ResultType;
use crate::domain::{Comparator, DecimalText, Habit, HabitKind, SampleClass};

/// Each thing once, however many results show it. Empty for a message that isn't production.
pub(super) fn habits(raw: &Interpreted, reading: &Reading) -> BTreeSet<Habit> {
    if raw.not_production {
        return BTreeSet::new();
    }
    let firmware = raw.firmware.iter().map(|version| Habit::new(HabitKind::Firmware, "", version, None));
    let mut habits: BTreeSet<Habit> = firmware.collect();
    habits.extend(raw.columns.as_deref().map(columns));
    for result in &raw.results {
        let code = &result.test.code;
        if !reading.profile.tests.contains_key(code) && !reading.codes.contains_key(code) {
            // Without a code it is one bad result, which is a problem of its own.
            if !code.is_empty() {
                habits.insert(Habit::new(HabitKind::Code, code, "", Some(reading.profile.identity())));
            }
            continue;
        }
        let test = test_name(result);
        habits.extend(unit(result, &test, reading));
        let order = result.order.and_then(|at| raw.orders.get(at));
        // Controls come with the ranges of their lot.
        if let (Some(range), None | Some(Some(SampleClass::Patient))) =
            (&result.range, order.map(|it| it.class))
        {
            habits.insert(Habit::new(HabitKind::Range, &test, range, None));
        }
        if let Some(version) = &result.assay_version {
            habits.insert(Habit::new(HabitKind::AssayVersion, &test, version, None));
        }
    }
    habits
}

/// A header by its names, and by a sum over them where they are many.
fn columns(names: &str) -> Habit {
    let sum = Sha256::digest(names.as_bytes());
    let sum: String = sum.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Habit::columns(&names.split('|').collect::<Vec<_>>(), &sum)
}

/// The sides of one measurement have units and ranges of their own.
fn test_name(result: &RawResult) -> String {
    let test = &result.test;
    let parts = [&test.code, &test.aspect, &test.component];
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// A number's unit, sent or missing. A missing one is no surprise where the site says what it means, nor in an aspect
/// that has no unit of its own.
fn unit(result: &RawResult, test: &str, reading: &Reading) -> Option<Habit> {
    if result.unit.is_none() && !is_number(result, reading) {
        return None;
    }
    let (profile, identity) = (&reading.profile, &result.test);
    let site = reading.codes.get(&identity.code).and_then(|site| site.unit.as_deref());
    let known = || profile.unit(&identity.code, &identity.aspect);
    let own = || profile.aspects.get(&identity.aspect).is_some_and(|aspect| aspect.unit.is_some());
    let pinned = match (&result.unit, site) {
        (None, Some(_)) => None,
        (None, None) => known().filter(|_| identity.aspect.is_empty() || own()),
        (Some(_), site) => site.or_else(known),
    };
    let sent = result.unit.as_deref().unwrap_or_default();
    (pinned != Some(sent)).then(|| Habit::new(HabitKind::Unit, test, sent, pinned.map(str::to_owned)))
}

fn is_number(result: &RawResult, reading: &Reading) -> bool {
    let is_quantity = !matches!(
        reading.profile.result_type(&result.test.code, &result.test.aspect),
        Some(ResultType::Coded(_) | ResultType::Text)
    );
    let (_, digits) = Comparator::split(&result.value);
    is_quantity && DecimalText::parse(digits, reading.decimal_separator).is_some()
}
