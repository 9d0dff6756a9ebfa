//! One direction of a connection: in order, but late, split anywhere, and with what peers do to blocks.

use std::time::{Duration, Instant};

use labwire_stage::Chance;

/// How often in a hundred transmissions something happens to one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// The block is framed otherwise than the standard says, or comes with something else.
    pub(crate) odd: usize,
    pub(crate) late: usize,
    /// The block comes twice.
    pub(crate) doubled: usize,
}

/// The bytes of one transmission as they arrive.
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Line {
    faults: Faults,
    arrived: Instant,
}

impl Line {
    pub(crate) fn new(faults: Faults, now: Instant) -> Line {
        Line { faults, arrived: now }
    }

    /// Carries one transmission, in one to three reads.
    pub(crate) fn carry(&mut self, now: Instant, block: Vec<u8>, chance: &mut Chance) -> Vec<Arrival> {
        let late = if chance.percent(self.faults.late) { chance.millis(500, 40_000) } else { Duration::ZERO };
        let mut at = self.arrived.max(now) + Duration::from_millis(1) + late;
        let doubled = chance.percent(self.faults.doubled);
        let mut bytes = if chance.percent(self.faults.odd) { oddly(&block, chance) } else { block.clone() };
        if doubled {
            bytes.extend(block);
        }
        let mut arrivals = Vec::new();
        for _ in 0..2 {
            let rest = bytes.split_off(chance.below(bytes.len() + 1));
            arrivals.push(Arrival { at, bytes: std::mem::replace(&mut bytes, rest) });
            at += chance.millis(0, 20);
        }
        arrivals.push(Arrival { at, bytes });
        self.arrived = at;
        arrivals.retain(|arrival| !arrival.bytes.is_empty());
        arrivals
    }
}

/// A block as some peer or something between sends it. Nothing here makes a message look complete that isn't, and no
/// message is altered: TCP has its checks.
fn oddly(block: &[u8], chance: &mut Chance) -> Vec<u8> {
    let half = &block[..1 + chance.below(block.len() - 3)];
    let stray: [&[u8]; 6] = [
        b"\x0BMSH|^~\\&|X\rMSA|AA|M999\r\x1C\r",
        b"\x0BMSH|^~\\&|X\rMSA|AAX|M1\r\x1C\r",
        b"\x0B\x06\x1C\r",
        b"\x0B\x1C\r",
        b"\r\n",
        b"\x00HTTP/1.1 400\r\n",
    ];
    match chance.below(6) {
        0 => block[1..].to_vec(),
        1 => block[..block.len() - 1].to_vec(),
        2 => [block, b"\n"].concat(),
        3 => [half, block].concat(),
        _ => [stray[chance.below(stray.len())], block].concat(),
    }
}
