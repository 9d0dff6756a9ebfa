//! What arrives while a frame is being stored waits here, within bounds. Never reorders and never looks inside.

use std::collections::VecDeque;
use std::time::Instant;

/// Bytes that wait for the answer to the frame before them.
///
/// A peer that waits for its answers sends nothing meanwhile, or its frame once more when its timer ran out.
/// Beyond `limit` bytes everything is dropped until the rest was taken: a gap in the middle could join two
/// halves into a frame that nobody sent.
pub(super) struct HeldBack {
    bytes: VecDeque<u8>,
    limit: usize,
    overrun: bool,
    /// When the first of them came; meaningless without any.
    since: Option<Instant>,
}

impl HeldBack {
    pub(super) fn new(limit: usize) -> HeldBack {
        HeldBack { bytes: VecDeque::new(), limit, overrun: false, since: None }
    }

    /// Keeps what there is room for. Returns whether bytes were lost for the first time.
    pub(super) fn keep(&mut self, now: Instant, bytes: &[u8]) -> bool {
        if self.bytes.is_empty() {
            self.since = Some(now);
        }
        let was = self.overrun;
        let room = self.room();
        self.overrun |= bytes.len() > room;
        self.bytes.extend(bytes.iter().take(room));
        self.overrun && !was
    }

    /// For how many bytes more there is room.
    pub(super) fn room(&self) -> usize {
        if self.overrun { 0 } else { self.limit.saturating_sub(self.bytes.len()) }
    }

    /// The byte that arrived first, and when.
    pub(super) fn first(&self) -> Option<(u8, Instant)> {
        self.bytes.front().copied().zip(self.since)
    }

    /// Some of the bytes that arrived first; empty only when none is left.
    pub(super) fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// How often the same bytes, at least one, stand at the front, one copy behind the other.
    pub(super) fn copies(&self, of: &[u8]) -> usize {
        let mut rest = self.bytes.iter();
        std::iter::from_fn(|| of.iter().all(|byte| rest.next() == Some(byte)).then_some(())).count()
    }

    /// All of them, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &u8> {
        self.bytes.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first `used` bytes were taken.
    pub(super) fn advance(&mut self, used: usize) {
        self.bytes.drain(..used.min(self.bytes.len()));
    }

    /// Whether bytes were lost after the last one that was taken. Asked once everything was taken.
    pub(super) fn take_overrun(&mut self) -> bool {
        std::mem::take(&mut self.overrun)
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.overrun = false;
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.bytes.len()
    }
}
