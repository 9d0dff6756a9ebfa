//! An analyzer's port: what it puts on its wire, when it does so at all.

use std::time::Duration;

use super::{Setting, Wire};
use crate::chance::Chance;

/// When a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    ByItself,
    /// Only once it was spoken to: its silence proves nothing of the cable.
    WhenSpokenTo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    pub setting: Setting,
    pub speaks: Speaks,
    /// RTS/CTS: it holds back while the other end doesn't say that it is ready.
    pub waits_for_ready: bool,
    /// By how many millionths its clock is fast; slow where negative. Chips of both ends together stay within ±20,000.
    pub fast: i32,
    /// The longest pause from one character to the next.
    pub longest_gap: Duration,
}

/// What it finds at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherEnd {
    pub is_ready: bool,
    pub has_spoken: bool,
}

impl Sender {
    /// One that sends character after character without a pause, as soon as it has something.
    pub fn plain(setting: Setting) -> Sender {
        let longest_gap = Duration::ZERO;
        Sender { setting, speaks: Speaks::ByItself, waits_for_ready: false, fast: 0, longest_gap }
    }

    /// Puts these bytes on the wire, unless something holds it back.
    pub fn say(&self, bytes: &[u8], other: OtherEnd, wire: &mut Wire, chance: &mut Chance) {
        let is_held = self.waits_for_ready && !other.is_ready;
        let is_unasked = self.speaks == Speaks::WhenSpokenTo && !other.has_spoken;
        if is_held || is_unasked {
            return;
        }
        let baud = i64::from(self.setting.baud);
        let true_baud = baud + baud * i64::from(self.fast) / 1_000_000;
        let setting = Setting { baud: u32::try_from(true_baud).unwrap_or(1).max(1), ..self.setting };
        let longest_gap = u64::try_from(self.longest_gap.as_nanos()).unwrap_or(u64::MAX);
        for byte in bytes {
            wire.idle(Duration::from_nanos(chance.between(0, longest_gap)));
            wire.send(setting, *byte);
        }
    }
}
