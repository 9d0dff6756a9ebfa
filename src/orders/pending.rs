//! What is to be done by which analyzer, and what none of them can do: for people who look, by the orders that are known. It
//! tells no analyzer anything.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::work::does;
use crate::domain::{Priority, SpecimenId};
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
    /// There may be more orders than were looked through.
    pub is_partial: bool,
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
        let mut analyzers = Vec::new();
        for (name, reading) in readings {
            let mut tubes = Vec::new();
            for order in &orders {
                let Some(code) = does(&order.order.key.test, reading) else { continue };
                if !is_resulted(reader, order, &code)? {
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
        Ok(Board { analyzers, nobodys, is_partial })
    }
}

/// Under any of the labels that its tubes bear.
fn is_resulted(reader: &Reader, order: &CachedOrder, code: &str) -> Result<bool, JournalError> {
    let code = [code.to_owned()];
    for label in &order.order.labels {
        if reader.all_resulted(label, &code)? {
            return Ok(true);
        }
    }
    Ok(false)
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
