//! A receiver: it waits for a falling edge, looks at the middle of each bit by its own idea of a bit's length, and begins anew at
//! the next falling edge after the middle of the first stop bit. It never looks at a second stop bit, as chips don't.

use std::time::Duration;

use super::{Level, Setting, Wire};

/// A chip counts in sixteenths of a bit.
const TICKS: u64 = 16;

/// What a receiver made of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Character {
    /// When it was complete.
    pub at: Duration,
    pub byte: u8,
    pub fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Parity,
    /// Space where the stop bit should be. It counts before a wrong parity.
    Framing,
    /// A framing error with nothing but space before it.
    Break,
}

/// What a receiver with this setting reads.
pub fn read(wire: &Wire, setting: Setting) -> Vec<Character> {
    let mut characters = Vec::new();
    let mut from = 0;
    while let Some(edge) = wire.falls(from) {
        let seen = tick_from(edge, setting);
        let middle = |bit: u64| seen + (bit * TICKS + TICKS / 2) * 1_000_000_000 / rate(setting);
        if wire.level(middle(0)) != Level::Space {
            // Too short for a start bit.
            from = middle(0);
            continue;
        }
        let data: u64 = setting.data_bits.into();
        let ones = |bit: u64| wire.level(middle(bit)) == Level::Mark;
        let byte = (0..data).filter(|bit| ones(bit + 1)).fold(0_u8, |byte, bit| byte | 1 << bit);
        let wanted = setting.parity_bit(byte);
        let parity = wanted.map(|_| wire.level(middle(data + 1)));
        let stop = middle(data + 1 + u64::from(wanted.is_some()));
        let fault = if wire.level(stop) == Level::Space {
            let silent = byte == 0 && parity.is_none_or(|level| level == Level::Space);
            Some(if silent { Fault::Break } else { Fault::Framing })
        } else {
            (parity != wanted).then_some(Fault::Parity)
        };
        characters.push(Character { at: Duration::from_nanos(stop), byte, fault });
        from = stop;
    }
    characters
}

/// Ticks a second.
fn rate(setting: Setting) -> u64 {
    u64::from(setting.baud.max(1)) * TICKS
}

/// The receiver's first tick at this moment or later.
fn tick_from(at: u64, setting: Setting) -> u64 {
    let rate = u128::from(rate(setting));
    let tick = (u128::from(at) * rate).div_ceil(1_000_000_000);
    u64::try_from((tick * 1_000_000_000).div_ceil(rate)).unwrap_or(u64::MAX)
}
