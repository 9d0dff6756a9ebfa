//! How long frames waited for their receipt, counted by bounds since the gateway started. It keeps counts alone, in memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The bounds in microseconds: from what a good disk needs to what makes analyzers give up.
const BOUNDS: [u64; 13] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// Counts that go on.
#[derive(Debug, Default)]
pub struct Counting {
    within: [AtomicU64; BOUNDS.len()],
    beyond: AtomicU64,
    micros: AtomicU64,
}

/// The counts of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays {
    /// Each bound, and how many frames took no longer, those of the bounds before among them.
    pub within: Vec<(Duration, u64)>,
    /// All frames.
    pub count: u64,
    /// How long all took together.
    pub sum: Duration,
}

impl Counting {
    pub(super) fn count(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let slots = BOUNDS.iter().zip(&self.within);
        let slot = slots.filter(|(bound, _)| micros <= **bound).map(|(_, slot)| slot).next();
        slot.unwrap_or(&self.beyond).fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    pub fn delays(&self) -> Delays {
        let mut count = 0;
        let within = BOUNDS.iter().zip(&self.within).map(|(bound, slot)| {
            count += slot.load(Relaxed);
            (Duration::from_micros(*bound), count)
        });
        let within = within.collect();
        let sum = Duration::from_micros(self.micros.load(Relaxed));
        Delays { within, count: count + self.beyond.load(Relaxed), sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_delay_counts_within_every_bound_that_it_keeps() {
        let counting = Counting::default();
        for micros in [0, 1_000, 1_001, 99_999, 10_000_000, 10_000_001] {
            counting.count(Duration::from_micros(micros));
        }
        let delays = counting.delays();
        let within = |millis| {
            let bound = Duration::from_millis(millis);
            delays.within.iter().find(|(at, _)| *at == bound).map(|(_, count)| *count).unwrap()
        };
        assert_eq!([within(1), within(2_500), within(50), within(100), within(10_000)], [2, 4, 3, 4, 5]);
        assert_eq!((delays.count, delays.sum), (6, Duration::from_micros(20_102_001)));
    }
}
