//! By when a critical value must have been called, and whom to call when.

use jiff::{SignedDuration, Timestamp};

/// What the laboratory's director signs about calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallPolicy {
    pub keeper: Keeper,
    pub clock: ClockStart,
    /// From the clock's start until the call is overdue.
    pub due_minutes: u32,
    /// From an attempt that reached nobody until the next.
    pub again_minutes: u32,
    /// From the value's arrival until its verification is overdue, where the clock starts with that.
    pub verify_minutes: u32,
}

/// Who keeps the log of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    Labwire,
    /// The LIMS does: no call is opened here.
    Lims,
}

/// When a call's clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockStart {
    /// When the value is on disk.
    Found,
    /// When a named person says that the value is verified.
    Verified,
}

/// Whom to call from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// After the clock's start.
    pub after_minutes: u32,
    pub whom: String,
}

impl Default for CallPolicy {
    fn default() -> CallPolicy {
        CallPolicy {
            keeper: Keeper::Labwire,
            clock: ClockStart::Found,
            due_minutes: 30,
            again_minutes: 15,
            verify_minutes: 30,
        }
    }
}

impl ClockStart {
    pub const ALL: [(&str, ClockStart); 2] =
        [("found", ClockStart::Found), ("verified", ClockStart::Verified)];

    pub fn name(self) -> &'static str {
        ClockStart::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }

    pub fn from_name(name: &str) -> Option<ClockStart> {
        ClockStart::ALL.into_iter().find(|(other, _)| *other == name).map(|(_, it)| it)
    }
}

impl Keeper {
    pub const ALL: [(&str, Keeper); 2] = [("labwire", Keeper::Labwire), ("lims", Keeper::Lims)];

    pub fn name(self) -> &'static str {
        Keeper::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// The last step that has come since the clock's start; before the first one, that one.
pub fn whom(steps: &[Step], start: Timestamp, now: Timestamp) -> Option<&Step> {
    let has_come = |step: &&Step| after(start, step.after_minutes) <= now;
    steps.iter().rfind(has_come).or_else(|| steps.first())
}

/// How many steps have come by `now` since the clock's start.
pub fn steps_come(steps: &[Step], start: Timestamp, now: Timestamp) -> usize {
    steps.iter().filter(|step| after(start, step.after_minutes) <= now).count()
}

/// So many minutes later.
pub(super) fn after(start: Timestamp, minutes: u32) -> Timestamp {
    start.saturating_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_counts_from_its_minute_on() {
        let steps = [(0, "the ward"), (30, "the physician on duty"), (45, "the head of the laboratory")]
            .map(|(after_minutes, whom)| Step { after_minutes, whom: whom.to_owned() });
        let start = Timestamp::UNIX_EPOCH;
        for (minute, expected) in [
            (0, "the ward"),
            (29, "the ward"),
            (30, "the physician on duty"),
            (600, "the head of the laboratory"),
        ] {
            assert_eq!(whom(&steps, start, after(start, minute)).unwrap().whom, expected, "{minute}");
        }
        assert_eq!(whom(&steps, after(start, 5), start).unwrap().whom, "the ward", "the clock went back");
        assert_eq!(whom(&[], start, start), None);
    }
}
