//! The level of a wire over time.

use std::time::Duration;

use super::Setting;
use crate::chance::Chance;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// 1, and idle.
    Mark,
    /// 0, and a start bit.
    Space,
}

impl Level {
    pub(super) fn of(one: bool) -> Level {
        if one { Level::Mark } else { Level::Space }
    }

    fn other(self) -> Level {
        Level::of(self == Level::Space)
    }
}

/// A wire from its beginning, in nanoseconds. Before and after what was put on it, it rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The level at rest.
    rest: Level,
    /// The moments at which the level changes, ascending.
    changes: Vec<u64>,
    end: u64,
}

impl Default for Wire {
    fn default() -> Self {
        Wire { rest: Level::Mark, changes: Vec::new(), end: 0 }
    }
}

impl Wire {
    /// How long what was put on it lasts.
    pub fn lasts(&self) -> Duration {
        Duration::from_nanos(self.end)
    }

    /// Lets it rest.
    pub fn idle(&mut self, pause: Duration) {
        let until = self.end.saturating_add(nanos(pause));
        self.hold(self.rest, until);
    }

    /// Puts one character on it.
    pub fn send(&mut self, setting: Setting, byte: u8) {
        let start = self.end;
        let mut bits = vec![Level::Space];
        bits.extend((0..setting.data_bits).map(|bit| Level::of(byte >> bit & 1 == 1)));
        bits.extend(setting.parity_bit(byte));
        bits.extend((0..setting.stop_bits).map(|_| Level::Mark));
        for (number, level) in (1..).zip(bits) {
            self.hold(level, start + setting.bit(number));
        }
    }

    /// Holds it at space, as a program does that sends a break.
    pub fn send_break(&mut self, lasting: Duration) {
        let until = self.end.saturating_add(nanos(lasting));
        self.hold(Level::Space, until);
    }

    /// Turns the level over for a while, as a spark nearby does.
    pub fn strike(&mut self, at: Duration, lasting: Duration) {
        let from = nanos(at);
        let until = from.saturating_add(nanos(lasting));
        self.changes.extend([from, until]);
        self.changes.sort_unstable();
        self.end = self.end.max(until);
    }

    /// Strikes on average this often a second, each for 5 to 200 µs.
    pub fn strike_often(&mut self, a_second: f64, chance: &mut Chance) {
        let seconds = self.lasts().as_secs_f64();
        let strikes = (seconds * a_second).floor() as u64
            + u64::from(chance.hits((seconds * a_second).fract().clamp(0.0, 1.0)));
        for _ in 0..strikes {
            let at = Duration::from_nanos(chance.below(self.end.max(1)));
            self.strike(at, Duration::from_micros(chance.between(5, 200)));
        }
    }

    /// The same with mark for space, as between a port with logic levels and one with RS-232's.
    pub fn inverted(mut self) -> Wire {
        self.rest = self.rest.other();
        self
    }

    /// The level at a moment.
    pub(super) fn level(&self, at: u64) -> Level {
        let changes = self.changes.partition_point(|change| *change <= at);
        if changes.is_multiple_of(2) { self.rest } else { self.rest.other() }
    }

    /// When it next falls from mark to space, at this moment or later. Resting at space, it has fallen at its beginning.
    pub(super) fn falls(&self, from: u64) -> Option<u64> {
        if from == 0 && self.level(0) == Level::Space {
            return Some(0);
        }
        let first = self.changes.partition_point(|change| *change < from);
        let falls =
            |at: &u64| self.level(*at) == Level::Space && (*at == 0 || self.level(at - 1) == Level::Mark);
        self.changes.get(first..).unwrap_or_default().iter().copied().find(falls)
    }

    fn hold(&mut self, level: Level, until: u64) {
        if self.level(self.end) != level {
            self.changes.push(self.end);
        }
        // It rests once nothing holds it any more.
        if level != self.rest {
            self.changes.push(until);
        }
        self.end = until;
        self.merge();
    }

    /// A change back at the moment of a change is none.
    fn merge(&mut self) {
        if let [.., before, last] = self.changes.as_slice()
            && before == last
        {
            self.changes.truncate(self.changes.len() - 2);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
