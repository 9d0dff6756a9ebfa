//! How fast deliveries may begin, so that a LIMS that returns isn't run over by what has waited for it. Pure: time is an
//! argument.

use std::time::{Duration, Instant};

/// Lets deliveries begin at even distances, by the monotonic clock: setting the other neither hastens nor stops them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    gap: Duration,
    /// Nothing before the first.
    next: Option<Instant>,
}

impl Pace {
    /// At most so many in one second; none counts as one.
    pub(super) fn new(per_second: u32) -> Pace {
        Pace { gap: Duration::from_secs(1) / per_second.max(1), next: None }
    }

    /// How long the next one must wait; zero once it may begin.
    pub(super) fn wait(self, now: Instant) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    /// After one began.
    pub(super) fn begun(self, now: Instant) -> Pace {
        Pace { next: Some(now + self.gap), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn no_second_sees_more_than_its_number() {
        let mut pace = Pace::new(4);
        let start = clock::monotonic();
        let mut now = start;
        let mut begun = 0;
        while now.duration_since(start).as_secs() < 10 {
            if pace.wait(now).is_zero() {
                pace = pace.begun(now);
                begun += 1;
            }
            now += Duration::from_millis(1);
        }
        assert_eq!(begun, 40);
    }
}
