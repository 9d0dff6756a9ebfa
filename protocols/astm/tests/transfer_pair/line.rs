//! One direction of a serial line: slow, in order, and sometimes damaged.
//!
//! What the line never does, because no protocol with an 8-bit sum and unnumbered answers could notice it:
//! damage one transmission twice, drop a run of bytes from the middle of a frame, make an ENQ, NAK, EOT or the end
//! of a frame out of nothing or an ACK out of anything, or deliver an answer seconds late around the time it
//! damages another.

use std::time::{Duration, Instant};

use labwire_stage::Chance;

/// What one world's line does to what it carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// How many transmissions in a hundred are damaged.
    pub(crate) damaged: usize,
    /// How many in a hundred are late.
    pub(crate) late: usize,
}

/// When the line last did harm, in either direction.
#[derive(Default)]
pub(crate) struct Harm {
    damage: Option<Instant>,
    delay: Option<Instant>,
}

/// An answer that is later than this would be taken for another one, even by a sender that pauses.
const HARM_PASSES: Duration = Duration::from_secs(30);

impl Harm {
    pub(crate) fn may_damage(&self, now: Instant) -> bool {
        self.delay.is_none_or(|at| now > at + HARM_PASSES)
    }

    /// Whether something may be seconds late now; if so, it counts as late.
    pub(crate) fn may_delay(&mut self, now: Instant) -> bool {
        let may = [self.delay, self.damage].into_iter().flatten().all(|at| now > at + HARM_PASSES);
        self.delay = if may { Some(now) } else { self.delay };
        may
    }
}

/// The bytes of one transmission as they arrive.
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Line {
    faults: Faults,
    /// When the sender's side has nothing more to write.
    pub(crate) written: Instant,
    arrived: Instant,
}

impl Line {
    pub(crate) fn new(faults: Faults, now: Instant) -> Line {
        Line { faults, written: now, arrived: now }
    }

    /// Carries one transmission at 9600 baud, in one or two reads.
    pub(crate) fn carry(
        &mut self,
        now: Instant,
        bytes: Vec<u8>,
        harm: &mut Harm,
        chance: &mut Chance,
    ) -> Vec<Arrival> {
        self.written = self.written.max(now) + Duration::from_millis(bytes.len() as u64);
        let mut at = self.arrived.max(self.written) + Duration::from_millis(2);
        if chance.percent(self.faults.late) && harm.may_delay(now) {
            at += chance.millis(500, 5_000);
        }
        let bytes = if chance.percent(self.faults.damaged) && harm.may_damage(now) {
            harm.damage = Some(now);
            damage(bytes, chance)
        } else {
            bytes
        };
        let (head, tail) = bytes.split_at(chance.below(bytes.len() + 1));
        let later = at + chance.millis(0, 20);
        self.arrived = later;
        let arrivals = [Arrival { at, bytes: head.to_vec() }, Arrival { at: later, bytes: tail.to_vec() }];
        arrivals.into_iter().filter(|arrival| !arrival.bytes.is_empty()).collect()
    }
}

const ACK: u8 = 0x06;

/// Does one kind of harm to one transmission.
fn damage(mut bytes: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    let at = chance.below(bytes.len());
    match chance.below(10) {
        0 => bytes.clear(),
        1 => bytes.truncate(at),
        2 => drop(bytes.remove(at)),
        3 => bytes = [noise(chance), bytes].concat(),
        4 => bytes.extend(noise(chance)),
        _ => bytes[at] ^= 1 << chance.below(8),
    }
    if bytes == [ACK] { Vec::new() } else { bytes }
}

fn noise(chance: &mut Chance) -> Vec<u8> {
    let any = *b"\x00\x02\x0D\x11 017AEz\x7F\x86\xFF";
    (0..=chance.below(3)).map(|_| any[chance.below(any.len())]).collect()
}
