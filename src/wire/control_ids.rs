//! MSH-10 of what labwire says by itself: answers, and what it says of orders. Deliveries have their ledger's keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use labwire_hl7::transfer::ControlId;

/// The journal's epoch, new at each start, and a number: none is used twice, not even after a restart. Clones share the
/// number.
#[derive(Debug, Clone)]
pub struct ControlIds {
    epoch: Arc<str>,
    next: Arc<AtomicU64>,
}

impl ControlIds {
    pub fn new(epoch: &str) -> ControlIds {
        ControlIds { epoch: epoch.into(), next: Arc::new(AtomicU64::new(1)) }
    }

    /// Eight characters of epoch, a letter, which no key of the ledger has there, and up to eleven digits.
    pub fn take(&self) -> ControlId {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if let Some(id) = ControlId::new(&format!("{}A{number}", self.epoch)) {
                return id;
            }
        }
    }
}
