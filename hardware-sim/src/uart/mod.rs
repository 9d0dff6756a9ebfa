//! Characters on a serial line, bit by bit: what a receiver that is set otherwise than its sender reads of them.
//!
//! The pseudo-terminals of tests pass bytes on whatever speed and parity either end is set to, so this model is the only place
//! where a wrong setting shows. It is pure: no device, no clock, and chance comes from a seed.
//!
//! [`Wire`] is the level of a wire over time, [`Cable`] what a plug or a break of it makes of that, [`read`] a receiver, and
//! [`handed_over`] what Linux gives the program that reads the port; [`as_read_at`] is all of it in a row.

mod cable;
mod kernel;
mod receiver;
mod sender;
mod wire;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::chance::Chance;

pub use cable::Cable;
pub use kernel::{Marking, handed_over};
pub use receiver::{Character, Fault, read};
pub use sender::{OtherEnd, Sender, Speaks};
pub use wire::{Level, Wire};

/// How characters are sent, or are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setting {
    /// Bits a second; at least 1.
    pub baud: u32,
    /// 5 to 8.
    pub data_bits: u8,
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parity {
    None,
    /// The ones among the data bits and the parity bit are an even number.
    Even,
    Odd,
}

/// The speeds that analyzers have.
pub const USUAL_BAUDS: [u32; 9] = [1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 115_200];

impl Setting {
    /// What a data byte's parity bit is; `None` without parity. Bits beyond the data bits don't count.
    fn parity_bit(self, byte: u8) -> Option<Level> {
        let ones = (0..self.data_bits).filter(|bit| byte >> bit & 1 == 1).count();
        match self.parity {
            Parity::None => None,
            Parity::Even => Some(Level::of(ones % 2 == 1)),
            Parity::Odd => Some(Level::of(ones.is_multiple_of(2))),
        }
    }

    /// When the bit of this number begins, in nanoseconds from the beginning of the start bit.
    fn bit(self, number: u32) -> u64 {
        u64::from(number) * 1_000_000_000 / u64::from(self.baud.max(1))
    }
}

/// What a program reads at a port with this setting, of a driver that hides errors, while a device says something.
pub fn as_read_at(port: Setting, device: &Sender, bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut wire = Wire::default();
    // What lies before and after isn't part of a character of the port's.
    let pause = Duration::from_secs(20) / port.baud.max(1);
    wire.idle(pause);
    device.say(bytes, OtherEnd { is_ready: true, has_spoken: false }, &mut wire, chance);
    wire.idle(pause);
    handed_over(&read(&wire, port), Marking::Unseen)
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        write!(f, "{},{}{parity}{}", self.baud, self.data_bits, self.stop_bits)
    }
}

impl FromStr for Setting {
    type Err = String;

    /// Reads `9600,8N1`.
    fn from_str(text: &str) -> Result<Setting, String> {
        let setting = || {
            let (baud, rest) = text.split_once(',')?;
            let [data @ b'5'..=b'8', parity, stop @ b'1'..=b'2'] = rest.as_bytes() else { return None };
            let parity = match parity {
                b'N' => Parity::None,
                b'E' => Parity::Even,
                b'O' => Parity::Odd,
                _ => return None,
            };
            let baud = baud.parse().ok().filter(|baud| *baud > 0)?;
            Some(Setting { baud, data_bits: data - b'0', parity, stop_bits: stop - b'0' })
        };
        setting().ok_or_else(|| format!("{text:?} is no line setting; write one as 9600,8N1"))
    }
}

#[cfg(test)]
mod tests;
