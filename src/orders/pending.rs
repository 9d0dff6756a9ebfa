//! What is to be done by which analyzer, and what none of them can do: for people who look, by the orders that are known. It
//! tells no analyzer anything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::work::does;
use crate::domain::{OrderState, Priority, Sourced, SpecimenId, Words, words};
use crate::journal::orders::{CachedOrder, source_name};
use crate::journal::{JournalError, Reader};
use crate::pipeline::Reading;

/// The most orders that are looked through.
const ORDERS: usize = 5_000;

/// A tube's work on one analyzer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub specimen: SpecimenId,
    /// By the LIMS's codes; without those that have a result of this analyzer.
    pub tests: Vec<String>,
    pub priority: Priority,
    /// When its oldest order was placed.
    pub since: Timestamp,
}

/// Everything that is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    /// By analyzer, in the order that was asked for; the soonest tubes first.
    pub analyzers: Vec<(String, Vec<Pending>)>,
    /// What no analyzer here does.
    pub nobodys: Vec<Pending>,
    /// Labels with open orders of several patients: no analyzer is told of them, and nobody's work names them.
    pub contested: Vec<Contested>,
    /// There may be more orders than were looked through.
    pub is_partial: bool,
}

/// A label whose open orders are of several patients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    pub specimen: SpecimenId,
    /// Each order's number and test, and who told it; nothing of the patients.
    pub orders: Vec<(String, String, String)>,
    pub since: Timestamp,
}

impl Contested {
    /// What a person can do about it.
    pub const REMEDY: &'static str = "compare the tube's label with the orders, and cancel or correct in the LIMS all but \
         the right patient's; until then no analyzer is told of it and its results wait";

    /// The orders in words. They name no patient.
    pub fn orders_in_words(&self) -> Words {
        let one = |(number, test, source): &(String, String, String)| {
            let number = if number.is_empty() { words!("without number") } else { number.into() };
            words!("{number} for {test} ({source})", number, test, source)
        };
        Words::row(self.orders.iter().map(one), ", ")
    }
}

impl Board {
    /// `sources` are the configured names of those whose orders count.
    pub fn read<'a>(
        reader: &Reader,
        sources: impl Iterator<Item = &'a str>,
        readings: &[(String, Reading)],
    ) -> Result<Board, JournalError> {
        let sources: BTreeSet<String> = sources.map(source_name).collect();
        let mut orders = reader.active_orders(ORDERS)?;
        let is_partial = orders.len() == ORDERS;
        orders.retain(|it| sources.contains(&it.source));
        let mut held = reader.held_orders(ORDERS)?;
        held.retain(|it| sources.contains(&it.source));
        let contested = contested(&orders, &held);
        let is_contested = |label: &SpecimenId| contested.iter().any(|it: &Contested| it.specimen == *label);
        orders.retain(|it| !it.order.labels.iter().any(is_contested));
        let mut analyzers = Vec::new();
        for (name, reading) in readings {
            let mut tubes = Vec::new();
            for order in &orders {
                let Some(codes) = does(&order.order.key.test, reading) else { continue };
                if !are_resulted(reader, order, &codes)? {
                    add(&mut tubes, order);
                }
            }
            analyzers.push((name.clone(), tubes));
        }
        let mut nobodys = Vec::new();
        let is_somebodys = |it: &CachedOrder| {
            readings.iter().any(|(_, reading)| does(&it.order.key.test, reading).is_some())
        };
        orders.iter().filter(|it| !is_somebodys(it)).for_each(|it| add(&mut nobodys, it));
        Ok(Board { analyzers, nobodys, contested, is_partial })
    }
}

/// The labels of active orders that bear open ones of several patients.
fn contested(active: &[CachedOrder], held: &[CachedOrder]) -> Vec<Contested> {
    let mut by_label: BTreeMap<&SpecimenId, Vec<&CachedOrder>> = BTreeMap::new();
    for it in active.iter().chain(held) {
        for label in &it.order.labels {
            by_label.entry(label).or_default().push(it);
        }
    }
    let several = by_label.into_iter().filter(|(_, orders)| {
        let is_active = orders.iter().any(|it| it.state == OrderState::Active);
        is_active && Sourced::are_of_several(orders.iter().map(|it| it.sourced()))
    });
    several
        .map(|(label, orders)| Contested {
            specimen: label.clone(),
            orders: orders
                .iter()
                .map(|it| (it.order.key.number.clone(), it.order.key.test.clone(), it.source.clone()))
                .collect(),
            since: orders.iter().map(|it| it.changed_at).max().unwrap_or_default(),
        })
        .collect()
}

/// Each under any of the labels that its tubes bear.
fn are_resulted(reader: &Reader, order: &CachedOrder, codes: &[String]) -> Result<bool, JournalError> {
    for code in codes {
        let mut is_resulted = false;
        for label in &order.order.labels {
            is_resulted = is_resulted || reader.all_resulted(label, std::slice::from_ref(code))?;
        }
        if !is_resulted {
            return Ok(false);
        }
    }
    Ok(true)
}

fn add(tubes: &mut Vec<Pending>, order: &CachedOrder) {
    let key = &order.order.key;
    match tubes.iter_mut().find(|it| it.specimen == key.specimen) {
        Some(tube) => {
            tube.since = tube.since.min(order.placed_at);
            if !tube.tests.contains(&key.test) {
                tube.tests.push(key.test.clone());
            }
        }
        None => tubes.push(Pending {
            specimen: key.specimen.clone(),
            tests: vec![key.test.clone()],
            priority: order.order.priority,
            since: order.placed_at,
        }),
    }
}
