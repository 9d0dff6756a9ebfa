//! Which order a result belongs to, and what speaks against it. Pure: it compares what the analyzer said with what the
//! LIMS told, chooses between no two orders that both fit, and changes neither.

use std::collections::BTreeMap;

use crate::domain::{Observation, Order, OrderDoubt, OrderState, Patient};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fit {
    /// Which of the orders, by its place among them.
    pub order: Option<usize>,
    pub doubts: Vec<OrderDoubt>,
}

/// `orders` are all that the label has; `kinds` is what the instrument calls a kind of specimen, by the LIMS's name for it.
pub fn fit(
    observation: &Observation,
    orders: &[(OrderState, &Order)],
    kinds: &BTreeMap<String, String>,
) -> Fit {
    let test = observation.lims_code.as_deref().unwrap_or(&observation.test.code);
    let open = orders.iter().filter(|(state, _)| distance(*state) == 0).map(|(_, order)| *order);
    if Order::are_of_several(open) {
        return Fit { order: None, doubts: vec![OrderDoubt::SeveralPatients] };
    }
    let ours = || orders.iter().enumerate().filter(|(_, (_, order))| order.key.test == test);
    let Some(nearest) = ours().map(|(_, (state, _))| distance(*state)).min() else {
        return Fit { order: None, doubts: vec![OrderDoubt::NotOrdered] };
    };
    let nearest: Vec<_> = ours().filter(|(_, (state, _))| distance(*state) == nearest).collect();
    let [(place, (state, order))] = nearest.as_slice() else {
        let are_several = Order::are_of_several(nearest.iter().map(|(_, (_, order))| *order));
        let doubt = if are_several { OrderDoubt::SeveralPatients } else { OrderDoubt::SeveralOrders };
        return Fit { order: None, doubts: vec![doubt] };
    };
    // The tube is somebody else's by now.
    let mut open = orders.iter().filter(|(state, _)| distance(*state) == 0);
    if open.any(|(_, it)| it.is_of_another(order)) {
        return Fit { order: None, doubts: vec![OrderDoubt::SeveralPatients] };
    }
    let kind = kinds.get(&order.specimen_kind);
    let measured = observation.specimen_type.as_ref();
    let other_kind = kind.zip(measured).is_some_and(|(kind, measured)| kind.trim() != measured.trim());
    let doubts = [
        (distance(*state) == 2, OrderDoubt::Cancelled),
        (distance(*state) == 1, OrderDoubt::Final),
        (other_kind, OrderDoubt::OtherKind),
        (is_other(observation.patient.reveal(), order.patient.reveal()), OrderDoubt::OtherPatient),
    ];
    let doubts = doubts.into_iter().filter_map(|(speaks, doubt)| speaks.then_some(doubt)).collect();
    Fit { order: Some(*place), doubts }
}

/// How far an order is from being done now: of several the nearest counts.
fn distance(state: OrderState) -> u8 {
    match state {
        OrderState::Active | OrderState::Held => 0,
        OrderState::Completed => 1,
        OrderState::Cancelled | OrderState::Discontinued | OrderState::Replaced => 2,
    }
}

/// Whether both say something of a patient that can't be said of one. Analyzers cut names and change their case, so of
/// the name only a family name that neither begins nor continues the other's is another.
pub fn is_other(sent: &Patient, told: &Patient) -> bool {
    let differ = |sent: &str, told: &str| !sent.is_empty() && !told.is_empty() && sent != told;
    let family = |name: &str| {
        let end = name.find(['^', ',', ' ']).unwrap_or(name.len());
        name.get(..end).unwrap_or_default().to_lowercase()
    };
    let (one, other) = (family(sent.name.trim()), family(told.name.trim()));
    let renamed = differ(&one, &other) && !one.starts_with(&other) && !other.starts_with(&one);
    differ(sent.id.trim(), told.id.trim()) || sent.contradicts(told) || renamed
}
