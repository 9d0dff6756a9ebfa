//! Which order a result belongs to, and what speaks against it. Pure: it compares what the analyzer said with what the
//! LIMS told, chooses between no two orders that both fit, and changes neither.

use std::collections::BTreeMap;

use crate::domain::{Observation, OrderDoubt, OrderState, Panels, Sourced};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fit {
    /// Which of the orders, by its place among them.
    pub order: Option<usize>,
    /// Those that say whose the tube is, by their places: of one patient.
    pub whose: Vec<usize>,
    pub doubts: Vec<OrderDoubt>,
}

/// `orders` are all that the label has; `kinds` is what the instrument calls a kind of specimen, by the LIMS's name for it.
pub fn fit(
    observation: &Observation,
    orders: &[(OrderState, Sourced<'_>)],
    (kinds, panels): (&BTreeMap<String, String>, &Panels),
) -> Fit {
    let doubtful = |doubt| Fit { doubts: vec![doubt], ..Fit::default() };
    let open = || orders.iter().enumerate().filter(|(_, (state, _))| distance(*state) == 0);
    if Sourced::are_of_several(open().map(|(_, (_, it))| *it)) {
        return doubtful(OrderDoubt::SeveralPatients);
    }
    let mut whose: Vec<usize> = open().map(|(place, _)| place).collect();
    let names_another = |whose: &[usize]| {
        let mut told = whose.iter().filter_map(|place| orders.get(*place)).peekable();
        let is_told = told.peek().is_some();
        let sent = observation.patient.reveal();
        is_told && told.all(|(_, it)| sent.is_other(it.order.patient.reveal()))
    };
    let without_order = |doubt, whose: Vec<usize>| {
        let doubts = [(true, doubt), (names_another(&whose), OrderDoubt::OtherPatient)];
        Fit { order: None, doubts: those(&doubts), whose }
    };
    // Of two that stand alike, the order of the test itself is nearer than one of a panel.
    let far = |(state, it): &(OrderState, Sourced<'_>)| {
        Some((distance(*state), asked(observation, &it.order.key.test, panels)?))
    };
    let Some(nearest) = orders.iter().filter_map(far).min() else {
        return without_order(OrderDoubt::NotOrdered, whose);
    };
    let nearest: Vec<_> = orders.iter().enumerate().filter(|(_, it)| far(it) == Some(nearest)).collect();
    let [(place, (state, found))] = nearest.as_slice() else {
        return match Sourced::are_of_several(nearest.iter().map(|(_, (_, it))| *it)) {
            true => doubtful(OrderDoubt::SeveralPatients),
            false => without_order(OrderDoubt::SeveralOrders, whose),
        };
    };
    // The tube is somebody else's by now.
    if open().any(|(_, (_, it))| it.is_of_another(found)) {
        return doubtful(OrderDoubt::SeveralPatients);
    }
    if !whose.contains(place) {
        whose.push(*place);
    }
    let kind = kinds.get(&found.order.specimen_kind);
    let measured = observation.specimen_type.as_ref();
    let other_kind = kind.zip(measured).is_some_and(|(kind, measured)| kind.trim() != measured.trim());
    let doubts = [
        (distance(*state) == 2, OrderDoubt::Cancelled),
        (distance(*state) == 1, OrderDoubt::Final),
        (other_kind, OrderDoubt::OtherKind),
        (names_another(&whose), OrderDoubt::OtherPatient),
    ];
    Fit { order: Some(*place), doubts: those(&doubts), whose }
}

/// The kind of specimen that a result's order is for, as the instrument calls it; `orders` are those that count.
pub fn ordered_kind<'a>(
    observation: &Observation,
    orders: &[(OrderState, Sourced<'_>)],
    (kinds, panels): (&'a BTreeMap<String, String>, &Panels),
) -> Option<&'a str> {
    let (_, found) = orders.get(fit(observation, orders, (kinds, panels)).order?)?;
    kinds.get(&found.order.specimen_kind).map(String::as_str)
}

/// How an order asks for a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AskedAs {
    Itself,
    OfPanel,
}

/// How an order of this test asks for a result; `None` where it doesn't.
pub fn asked(observation: &Observation, ordered: &str, panels: &Panels) -> Option<AskedAs> {
    let code = &observation.test.code;
    if observation.lims_code.as_ref().unwrap_or(code) == ordered {
        return Some(AskedAs::Itself);
    }
    panels.get(ordered).filter(|panel| panel.holds(code)).map(|_| AskedAs::OfPanel)
}

fn those(doubts: &[(bool, OrderDoubt)]) -> Vec<OrderDoubt> {
    doubts.iter().filter_map(|(speaks, doubt)| speaks.then_some(*doubt)).collect()
}

/// How far an order is from being done now: of several the nearest counts.
fn distance(state: OrderState) -> u8 {
    match state {
        OrderState::Active | OrderState::Held => 0,
        OrderState::Completed => 1,
        OrderState::Cancelled | OrderState::Discontinued | OrderState::Replaced => 2,
    }
}
