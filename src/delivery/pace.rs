//! How fast deliveries may begin, so that a LIMS that returns isn't run over by what has waited for it. Pure: time is an
//! argument.

use std::time::Duration;

use jiff::Timestamp;

/// Lets deliveries begin at even distances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    gap: Duration,
    next: Timestamp,
}

impl Pace {
    /// At most so many in one second; none counts as one.
    pub(super) fn new(per_second: u32) -> Pace {
        Pace { gap: Duration::from_secs(1) / per_second.max(1), next: Timestamp::MIN }
    }

    /// How long the next one must wait; zero once it may begin. A clock that was set back makes nothing wait longer.
    pub(super) fn wait(self, now: Timestamp) -> Duration {
        Duration::try_from(self.next.duration_since(now)).unwrap_or_default().min(self.gap)
    }

    /// After one began.
    pub(super) fn begun(self, now: Timestamp) -> Pace {
        Pace { next: now.checked_add(self.gap).unwrap_or(now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_than_its_number() {
        let mut pace = Pace::new(4);
        let mut now = Timestamp::UNIX_EPOCH;
        let mut begun = 0;
        while now.duration_since(Timestamp::UNIX_EPOCH).as_secs() < 10 {
            if pace.wait(now).is_zero() {
                pace = pace.begun(now);
                begun += 1;
            }
            now = now.checked_add(Duration::from_millis(1)).unwrap();
        }
        assert_eq!(begun, 40);
    }

    #[test]
    fn a_clock_that_is_set_back_delays_by_one_gap_at_most() {
        let pace = Pace::new(1).begun(Timestamp::from_second(7_200).unwrap());
        for (second, wait) in [(7_200, 1), (7_201, 0), (9_999, 0), (3_600, 1)] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(pace.wait(now), Duration::from_secs(wait), "{second}");
        }
    }
}
