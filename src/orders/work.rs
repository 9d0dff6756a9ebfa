//! What of a tube's orders is one instrument's work, in its own codes. Pure. A test that the instrument could know by
//! several codes isn't told: nobody said which.

use std::collections::BTreeSet;

use crate::domain::{FinishedTests, OrderState, Panel, Sourced, SpecimenId};
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
    /// The analyzer asked for another patient's tube than the LIMS's, or the LIMS names none.
    NotThePatients,
    /// Several patients have the number of which all tubes were asked for.
    NumberOfSeveral,
    /// There is work, and none of it is a test that was asked for.
    OtherTests,
}

/// What a test of the LIMS is on an instrument.
enum Code<'a> {
    Is(&'a str),
    Panel(&'a Panel),
    Several,
    None,
}

/// An order, and those of its tests by the instrument's codes that have their results.
#[derive(Debug, Clone)]
pub(super) struct Todo {
    pub(super) order: CachedOrder,
    pub(super) done: BTreeSet<String>,
    /// Whether the LIMS still wants it, though this instrument may have done its part.
    is_open: bool,
}

impl From<CachedOrder> for Todo {
    fn from(order: CachedOrder) -> Todo {
        let is_open = matches!(order.state, OrderState::Active | OrderState::Held);
        Todo { order, done: BTreeSet::new(), is_open }
    }
}

/// By the site's mapping; a code that the site maps to nothing else is the LIMS's too.
fn code<'a>(test: &'a str, reading: &'a Reading) -> Code<'a> {
    if let Some(panel) = reading.panels.get(test) {
        return Code::Panel(panel);
    }
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

/// The instrument's codes whose results answer a test of the LIMS, where it does that test and nothing is in doubt.
pub(super) fn does(test: &str, reading: &Reading) -> Option<Vec<String>> {
    match code(test, reading) {
        Code::Is(code) => Some(vec![code.to_owned()]),
        Code::Panel(panel) => Some(panel.components.clone()),
        Code::Several | Code::None => None,
    }
}

/// The codes whose results answer what an instrument was told: of a panel's name its components.
pub(super) fn reported(told: &[String], reading: &Reading) -> Vec<String> {
    let mut reported: Vec<String> = Vec::new();
    for code in told {
        let panels = reading.panels.values().filter(|panel| panel.told_as.as_ref() == Some(code));
        let mut codes: Vec<&String> = panels.flat_map(|panel| &panel.components).collect();
        if codes.is_empty() {
            codes.push(code);
        }
        for code in codes {
            if !reported.contains(code) {
                reported.push(code.clone());
            }
        }
    }
    reported
}

/// Without what this instrument's results have answered since the LIMS asked for it last, unless the site wants that told
/// again.
pub(super) fn still_to_do(
    reader: &Reader,
    orders: Vec<CachedOrder>,
    reading: &Reading,
    finished: FinishedTests,
) -> Result<Vec<Todo>, JournalError> {
    let mut left = Vec::with_capacity(orders.len());
    for mut it in orders.into_iter().map(Todo::from) {
        if let (FinishedTests::Leave, OrderState::Active, Some(codes)) =
            (finished, it.order.state, does(&it.order.order.key.test, reading))
        {
            for code in &codes {
                if reader.is_finished(it.order.id, code)? {
                    it.done.insert(code.clone());
                }
            }
            if it.done.len() == codes.len() {
                it.order.state = OrderState::Completed;
            }
        }
        left.push(it);
    }
    Ok(left)
}

/// `orders` are all that the label has, the soonest first.
pub(super) fn tube(label: &SpecimenId, orders: &[Todo], reading: &Reading) -> Tube {
    if orders.is_empty() {
        return Tube::Unknown;
    }
    let active: Vec<&Todo> = orders.iter().filter(|it| it.order.state == OrderState::Active).collect();
    if active.is_empty() {
        return Tube::NoneActive;
    }
    let open = orders.iter().filter(|it| it.is_open);
    if Sourced::are_of_several(open.map(|it| it.order.sourced())) {
        return Tube::SeveralPatients;
    }
    let mut tests: Vec<String> = Vec::new();
    let mut kinds = BTreeSet::new();
    let (mut soonest, mut ambiguous) = (None, BTreeSet::new());
    for Todo { order: it, done, .. } in active {
        let told: Vec<&str> = match code(&it.order.key.test, reading) {
            Code::Is(code) => vec![code],
            Code::Panel(panel) => {
                panel.told().iter().filter(|code| !done.contains(*code)).map(String::as_str).collect()
            }
            Code::Several => {
                ambiguous.insert(&it.order.key.test);
                continue;
            }
            Code::None => continue,
        };
        kinds.insert(it.order.specimen_kind.as_str());
        soonest = soonest.or(Some(it));
        for code in told {
            if !tests.iter().any(|known| known == code) {
                tests.push(code.to_owned());
            }
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
