//! What of a tube's orders is one instrument's work, in its own codes. Pure. A test that the instrument could know by
//! several codes isn't told: nobody said which.

use std::collections::BTreeSet;

use crate::domain::{FinishedTests, OrderState, Sourced, SpecimenId};
use crate::journal::orders::CachedOrder;
use crate::journal::{JournalError, Reader};
use crate::pipeline::{Reading, Work};

/// What was found for one tube.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tube {
    Work(Box<Work>),
    /// No order was ever told for such a label.
    Unknown,
    /// Its orders are held, cancelled or done.
    NoneActive,
    /// Other instruments have work with it.
    NotOurs,
    /// Its orders name this many tests that the instrument knows by several codes.
    Ambiguous(usize),
    /// The orders on this label are of different patients: nobody can say whose tube it is.
    SeveralPatients,
}

/// What a test of the LIMS is on an instrument.
enum Code<'a> {
    Is(&'a str),
    Several,
    None,
}

/// By the site's mapping; a code that the site maps to nothing else is the LIMS's too.
fn code<'a>(test: &'a str, reading: &'a Reading) -> Code<'a> {
    let mut mapped = reading
        .codes
        .iter()
        .filter(|(_, mapping)| mapping.lims_code.as_deref() == Some(test))
        .map(|(code, _)| code.as_str());
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => return Code::Is(one),
        (Some(_), Some(_)) => return Code::Several,
        (None, _) => {}
    }
    let own = match reading.codes.get(test) {
        Some(mapping) => mapping.lims_code.is_none(),
        None => reading.profile.tests.contains_key(test),
    };
    if own { Code::Is(test) } else { Code::None }
}

/// The instrument's code of a test of the LIMS, where it does that test and nothing is in doubt.
pub(super) fn does(test: &str, reading: &Reading) -> Option<String> {
    match code(test, reading) {
        Code::Is(code) => Some(code.to_owned()),
        Code::Several | Code::None => None,
    }
}

/// Without what this instrument's results have answered since the LIMS asked for it last, unless the site wants that told
/// again.
pub(super) fn still_to_do(
    reader: &Reader,
    orders: Vec<CachedOrder>,
    reading: &Reading,
    finished: FinishedTests,
) -> Result<Vec<CachedOrder>, JournalError> {
    let mut left = Vec::with_capacity(orders.len());
    for mut it in orders {
        if let (FinishedTests::Leave, OrderState::Active, Some(code)) =
            (finished, it.state, does(&it.order.key.test, reading))
            && reader.is_finished(it.id, &code)?
        {
            it.state = OrderState::Completed;
        }
        left.push(it);
    }
    Ok(left)
}

/// `orders` are all that the label has, the soonest first.
pub(super) fn tube(label: &SpecimenId, orders: &[CachedOrder], reading: &Reading) -> Tube {
    if orders.is_empty() {
        return Tube::Unknown;
    }
    let active: Vec<&CachedOrder> = orders.iter().filter(|it| it.state == OrderState::Active).collect();
    if active.is_empty() {
        return Tube::NoneActive;
    }
    let open = orders.iter().filter(|it| matches!(it.state, OrderState::Active | OrderState::Held));
    if Sourced::are_of_several(open.map(CachedOrder::sourced)) {
        return Tube::SeveralPatients;
    }
    let mut tests: Vec<String> = Vec::new();
    let mut kinds = BTreeSet::new();
    let (mut soonest, mut ambiguous) = (None, BTreeSet::new());
    for it in &active {
        match code(&it.order.key.test, reading) {
            Code::Is(code) => {
                kinds.insert(it.order.specimen_kind.as_str());
                soonest = soonest.or(Some(*it));
                if !tests.iter().any(|known| known == code) {
                    tests.push(code.to_owned());
                }
            }
            Code::Several => drop(ambiguous.insert(&it.order.key.test)),
            Code::None => {}
        }
    }
    let Some(soonest) = soonest else {
        return if ambiguous.is_empty() { Tube::NotOurs } else { Tube::Ambiguous(ambiguous.len()) };
    };
    let kind = match kinds.iter().collect::<Vec<_>>().as_slice() {
        [one] => reading.specimen_kinds.get(**one).cloned().unwrap_or_default(),
        _ => String::new(),
    };
    Tube::Work(Box::new(Work {
        specimen: label.clone(),
        tests,
        priority: soonest.order.priority,
        patient: soonest.order.patient.clone(),
        specimen_kind: kind,
        collected: soonest.order.collected.clone(),
        numbers: Vec::new(),
        withdrawn: Vec::new(),
        is_known: false,
    }))
}

#[cfg(test)]
mod tests;
