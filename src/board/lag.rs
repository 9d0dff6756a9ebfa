//! How long results took from the disk until a LIMS had them, since the start, by the analyzer that they came from.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Board;

const BOUNDS_SECS: [u64; 9] = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];

/// One analyzer's results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lag {
    slots: [u64; BOUNDS_SECS.len()],
    /// All of them.
    pub count: u64,
    /// How long all took together.
    pub sum: Duration,
}

impl Lag {
    fn add(&mut self, took: Duration) {
        let mut slots = BOUNDS_SECS.iter().zip(&mut self.slots);
        if let Some((_, slot)) = slots.find(|(bound, _)| took <= Duration::from_secs(**bound)) {
            *slot += 1;
        }
        self.count += 1;
        self.sum += took;
    }

    /// Each bound in seconds, and how many took no longer, those of the bounds before among them.
    pub fn within(&self) -> impl Iterator<Item = (u64, u64)> {
        let sums = self.slots.iter().scan(0, |sum, slot| {
            *sum += slot;
            Some(*sum)
        });
        BOUNDS_SECS.into_iter().zip(sums)
    }
}

impl Board {
    /// A result of this analyzer is with a LIMS, so long after it was on disk.
    pub fn arrived(&self, instrument: &str, took: Duration) {
        self.lock().lags.entry(instrument.to_owned()).or_default().add(took);
    }

    pub fn lags(&self) -> BTreeMap<String, Lag> {
        self.lock().lags.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_by_analyzer_and_how_long_they_took() {
        let board = Board::default();
        for (instrument, secs) in [("a", 0), ("a", 5), ("a", 6), ("a", 90_000), ("b", 3_600)] {
            board.arrived(instrument, Duration::from_secs(secs));
        }
        let lags = board.lags();
        let within: Vec<u64> = lags["a"].within().map(|(_, count)| count).collect();
        assert_eq!(within, [1, 2, 3, 3, 3, 3, 3, 3, 3]);
        assert_eq!((lags["a"].count, lags["a"].sum), (4, Duration::from_secs(90_011)));
        assert_eq!(lags["b"].within().find(|(bound, _)| *bound == 3_600), Some((3_600, 1)));
    }
}
