//! The tests of a profile: each with its kind of value and the document it was written from.

use std::collections::BTreeMap;

use serde_spanned::Spanned;

use super::{Faults, raw};
use crate::domain::is_loinc;
use crate::domain::profile::{ResultType, Test};

pub(super) fn tests(
    raw: BTreeMap<String, raw::Test>,
    sources: &BTreeMap<String, String>,
    faults: &mut Faults,
) -> BTreeMap<String, Test> {
    raw.into_iter().map(|(code, raw)| (code, test(raw, sources, faults))).collect()
}

fn test(raw: raw::Test, sources: &BTreeMap<String, String>, faults: &mut Faults) -> Test {
    let source = sources.get(raw.source.get_ref());
    if source.is_none_or(|source| source.trim().is_empty()) {
        let known = sources.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        faults.add(raw.source.span(), format!("no such source; [sources] has: {known}"));
    }
    if let Some(loinc) = raw.loinc.as_ref().filter(|loinc| !is_loinc(loinc.get_ref())) {
        faults.add(loinc.span(), "not a LOINC code: its check digit doesn't fit");
    }
    Test {
        name: raw.name,
        loinc: raw.loinc.map(Spanned::into_inner),
        result: result_type(raw.result, raw.values, faults),
        unit: raw.unit,
        source: source.cloned().unwrap_or_default(),
    }
}

pub(super) fn result_type(
    kind: Spanned<raw::ResultKind>,
    values: BTreeMap<String, String>,
    faults: &mut Faults,
) -> ResultType {
    match (kind.get_ref(), values.is_empty()) {
        (raw::ResultKind::Coded, true) => {
            faults
                .add(kind.span(), "a coded result needs its values, each exactly as sent, with its meaning");
        }
        (raw::ResultKind::Text, false) => faults.add(kind.span(), "a text has no list of values"),
        _ => {}
    }
    match kind.into_inner() {
        raw::ResultKind::Quantity if values.is_empty() => ResultType::Quantity,
        raw::ResultKind::Quantity => ResultType::QuantityOrCall(values),
        raw::ResultKind::Text => ResultType::Text,
        raw::ResultKind::Coded => ResultType::Coded(values),
    }
}
