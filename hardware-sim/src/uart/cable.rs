//! What lies between two ports.

use std::time::Duration;

use super::Wire;
use crate::chance::Chance;

/// A cable, and what may be wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    Right,
    /// Their transmitter meets our transmitter: nothing arrives.
    Swapped,
    /// Their level means nothing here: what arrives is noise.
    NoGround,
    /// Logic levels meet RS-232's.
    Inverted,
    /// Our transmitter meets our receiver.
    LoopedBack,
}

/// From one spike of a wire without ground to the next.
const SPIKES_EVERY_MICROS: (u64, u64) = (20, 20_000);

impl Cable {
    /// What our receiver finds, of what they put on their wire and we on ours.
    pub fn carries(self, theirs: &Wire, ours: &Wire, chance: &mut Chance) -> Wire {
        match self {
            Cable::Right => theirs.clone(),
            Cable::Swapped => Wire::default(),
            Cable::NoGround => noise(theirs.lasts(), chance),
            Cable::Inverted => theirs.clone().inverted(),
            Cable::LoopedBack => ours.clone(),
        }
    }
}

fn noise(lasting: Duration, chance: &mut Chance) -> Wire {
    let mut wire = Wire::default();
    while wire.lasts() < lasting {
        let (least, most) = SPIKES_EVERY_MICROS;
        wire.idle(Duration::from_micros(chance.between(least, most)));
        wire.send_break(Duration::from_micros(chance.between(5, 1500)));
    }
    wire
}
