//! MSH-10 of what is said to a LIMS or an instrument about orders: never used twice, not even after a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use labwire_hl7::transfer::ControlId;

/// The journal's epoch, new at each start, and a number. Clones share the number.
#[derive(Debug, Clone)]
pub struct ControlIds {
    epoch: Arc<str>,
    next: Arc<AtomicU64>,
}

impl ControlIds {
    pub fn new(epoch: &str) -> ControlIds {
        ControlIds { epoch: epoch.into(), next: Arc::new(AtomicU64::new(1)) }
    }

    /// Eight characters of epoch, a letter that no other of our IDs has, and up to eleven digits.
    pub(super) fn take(&self) -> ControlId {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if let Some(id) = ControlId::new(&format!("{}Q{number}", self.epoch)) {
                return id;
            }
        }
    }
}
