//! The one place that reads a clock. Everything else is handed its time.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// The wall clock, for records that people read.
#[expect(clippy::disallowed_methods, reason = "the wall clock has its one home here")]
pub fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX)
}

/// The monotonic clock, for timers.
#[expect(clippy::disallowed_methods, reason = "the monotonic clock has its one home here")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// What the wall clock loses between two looks without having been set: it is made to go a little slower to come right.
const SLACK: Duration = Duration::from_secs(1);

/// Notices that somebody set the wall clock back, by the monotonic one. Pure.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    wall: Timestamp,
    steady: Instant,
}

impl Steps {
    /// From now on.
    pub fn from(wall: Timestamp, steady: Instant) -> Steps {
        Steps { wall, steady }
    }

    /// By how much the wall clock was set back since the last look; zero when it wasn't, or by less than a second. A PC
    /// that slept finds its wall clock ahead, as if it were set forward.
    pub fn set_back(&mut self, wall: Timestamp, steady: Instant) -> Duration {
        let passed = steady.saturating_duration_since(self.steady);
        let expected = self.wall.checked_add(passed).unwrap_or(Timestamp::MAX);
        *self = Steps { wall, steady };
        let lost = Duration::try_from(expected.duration_since(wall)).unwrap_or_default();
        if lost > SLACK { lost } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed_once_and_one_that_is_set_forward_or_slowed_is_not() {
        let (wall, steady) = (now(), monotonic());
        let second = Duration::from_secs(1);
        let day = 24 * 3600 * second;
        let mut steps = Steps::from(wall, steady);
        assert_eq!(steps.set_back(wall + second, steady + second), Duration::ZERO);
        assert_eq!(steps.set_back(wall + 2 * second - day, steady + 2 * second), day);
        assert_eq!(steps.set_back(wall + 3 * second - day, steady + 3 * second), Duration::ZERO);
        assert_eq!(steps.set_back(wall + 3651 * day, steady + 4 * second), Duration::ZERO);
        assert_eq!(steps.set_back(wall + 3651 * day + second / 2, steady + 5 * second), Duration::ZERO);
    }
}
