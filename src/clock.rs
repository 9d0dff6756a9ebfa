//! The one place that reads a clock. Everything else is handed its time.

use std::time::{Instant, SystemTime};

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
