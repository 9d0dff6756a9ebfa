//! Whether any LIMS that tells orders is connected, and when one was last: how fresh the orders are that are known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    connections: usize,
    last: Option<Timestamp>,
}

impl Presence {
    pub(super) fn arrived(&self) {
        self.lock().connections += 1;
    }

    pub(super) fn left(&self, now: Timestamp) {
        let mut state = self.lock();
        state.connections = state.connections.saturating_sub(1);
        state.last = Some(now);
    }

    /// One told something without a connection that stands.
    pub(super) fn heard(&self, now: Timestamp) {
        self.lock().last = Some(now);
    }

    /// `None` while one is connected; otherwise when the last one left, if any was there since the start.
    pub(super) fn away(&self) -> Option<Option<Timestamp>> {
        let state = self.lock();
        (state.connections == 0).then_some(state.last)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
