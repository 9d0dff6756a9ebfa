//! When to try again: full-jitter backoff and a circuit breaker. Pure: time and chance are arguments.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::config::settings::{Backoff, Breaker};

/// The longest that an answer's `Retry-After` is honoured.
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// When the attempt after `attempt` (1 for the first) is due: random between now and `min(longest, first × 2ⁿ)`,
/// but not before what the LIMS asked for.
pub fn retry_at(
    backoff: &Backoff,
    attempt: u32,
    now: Timestamp,
    wished: Option<Duration>,
    seed: u64,
) -> Timestamp {
    let doubled =
        2u32.checked_pow(attempt.saturating_sub(1)).and_then(|factor| backoff.first.checked_mul(factor));
    let ceiling = doubled.unwrap_or(backoff.longest).min(backoff.longest);
    let jitter = ceiling.mul_f64(fraction(seed));
    let wait = jitter.max(wished.unwrap_or_default().min(LONGEST_WISH));
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// The longest that a delivery is ever made to wait.
pub fn longest_wait(backoff: &Backoff) -> Duration {
    backoff.longest.max(LONGEST_WISH)
}

/// A seed that differs between deliveries and between attempts.
pub fn seed(delivery: i64, attempt: u32) -> u64 {
    // SplitMix64's finisher: one of its outputs is enough.
    let mut z = delivery.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(attempt));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Between 0 and 1.
fn fraction(seed: u64) -> f64 {
    f64::from(u32::try_from(seed >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

/// Whether a destination may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Deliveries flow; so many failed in a row.
    Closed { failures: u32 },
    /// Nothing is sent until then, by the monotonic clock: who sets the other makes no rest longer or shorter.
    Resting { until: Instant },
    /// One delivery is out to see.
    Trying,
}

impl Circuit {
    /// How many deliveries may be in flight now, of at most `parallel`.
    pub fn room(self, parallel: usize, in_flight: usize, now: Instant) -> usize {
        match self {
            Circuit::Closed { .. } => parallel.saturating_sub(in_flight),
            Circuit::Resting { until } if now >= until && in_flight == 0 => 1,
            Circuit::Resting { .. } | Circuit::Trying => 0,
        }
    }

    /// Whether a rest is over and one delivery is to find out how things are.
    pub fn tries_again(self, in_flight: usize, now: Instant) -> bool {
        matches!(self, Circuit::Resting { .. }) && self.room(1, in_flight, now) > 0
    }

    /// After a delivery was leased.
    pub fn leased(self) -> Circuit {
        match self {
            Circuit::Resting { .. } => Circuit::Trying,
            other => other,
        }
    }

    /// After the LIMS answered, whatever it said of the results.
    pub fn answered(self) -> Circuit {
        Circuit::Closed { failures: 0 }
    }

    /// After an attempt that got no answer, or one that asks for a retry.
    pub fn failed(self, breaker: &Breaker, now: Instant, wished: Option<Duration>) -> Circuit {
        let failures = match self {
            Circuit::Closed { failures } => failures.saturating_add(1),
            Circuit::Resting { .. } | Circuit::Trying => breaker.failures,
        };
        let rest = match wished {
            Some(wished) => wished.min(LONGEST_WISH),
            None if failures >= breaker.failures => breaker.rest,
            None => return Circuit::Closed { failures },
        };
        Circuit::Resting { until: now + rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
    const BREAKER: Breaker = Breaker { failures: 3, rest: Duration::from_secs(30) };
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn wait(attempt: u32, wished: Option<u64>, seed: u64) -> f64 {
        retry_at(&BACKOFF, attempt, NOW, wished.map(Duration::from_secs), seed)
            .duration_since(NOW)
            .as_secs_f64()
    }

    #[test]
    fn the_wait_is_random_below_a_doubling_ceiling() {
        for (attempt, ceiling) in [(1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (40, 60.0), (u32::MAX, 60.0)] {
            let waits: Vec<f64> = (0..200).map(|n| wait(attempt, None, seed(n, attempt))).collect();
            assert!(waits.iter().all(|wait| (0.0..=ceiling).contains(wait)), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait < ceiling / 4.0), "attempt {attempt} is never early");
            assert!(waits.iter().any(|wait| *wait > ceiling * 3.0 / 4.0), "attempt {attempt} is never late");
        }
    }

    #[test]
    fn what_the_lims_asks_for_is_honoured_up_to_an_hour() {
        assert!(wait(1, Some(120), 1) >= 120.0);
        assert!((wait(1, Some(1_000_000), 1) - 3600.0).abs() < 1.0);
    }

    #[test]
    fn a_destination_rests_after_failures_in_a_row_and_one_delivery_tries_again() {
        let now = clock::monotonic();
        let mut circuit = Circuit::Closed { failures: 0 };
        for _ in 0..2 {
            circuit = circuit.failed(&BREAKER, now, None);
            assert_eq!(circuit.room(4, 1, now), 3);
        }
        circuit = circuit.failed(&BREAKER, now, None);
        assert_eq!(circuit.room(4, 0, now), 0);
        let later = now + Duration::from_secs(30);
        assert_eq!(circuit.room(4, 0, later), 1);
        assert!(
            !circuit.tries_again(0, now) && circuit.tries_again(0, later) && !circuit.tries_again(1, later)
        );
        let trying = circuit.leased();
        assert_eq!(trying.room(4, 0, later), 0);
        assert_eq!(trying.failed(&BREAKER, later, None).room(4, 0, later), 0);
        assert!(!trying.tries_again(0, later));
        assert_eq!(trying.answered(), Circuit::Closed { failures: 0 });
    }

    #[test]
    fn a_wish_to_wait_rests_the_whole_destination() {
        let now = clock::monotonic();
        let circuit = Circuit::Closed { failures: 0 }.failed(&BREAKER, now, Some(Duration::from_secs(5)));
        assert_eq!(circuit, Circuit::Resting { until: now + Duration::from_secs(5) });
    }
}
