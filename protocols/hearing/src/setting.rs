//! How a serial line can be set, and how analyzers usually are.

use std::fmt;

/// A line's setting. Whether there are one or two stop bits no receiver can tell, since none looks at the second: see
/// [`Setting::usual`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setting {
    /// Bits a second.
    pub baud: u32,
    /// 7 or 8.
    pub data_bits: u8,
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parity {
    None,
    Even,
    Odd,
}

/// How many analyzers in a thousand have this speed, about.
const BAUDS: [(u32, u32); 9] = [
    (9600, 520),
    (19_200, 120),
    (115_200, 90),
    (4800, 80),
    (38_400, 60),
    (2400, 50),
    (57_600, 40),
    (1200, 30),
    (14_400, 10),
];

/// How many in a thousand send characters of this form, about.
const FORMS: [((u8, Parity, u8), u32); 6] = [
    ((8, Parity::None, 1), 620),
    ((7, Parity::Even, 1), 140),
    ((8, Parity::Even, 1), 90),
    ((7, Parity::Odd, 1), 60),
    ((8, Parity::Odd, 1), 50),
    ((7, Parity::None, 2), 40),
];

impl Setting {
    /// Where listening begins.
    pub const FIRST: Setting = Setting { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 };

    /// Every setting that is told, with how usual it is (the sum is about a million). By convention a line has one stop bit,
    /// except that seven data bits without parity have two: nobody could tell otherwise, and either end then understands the other.
    pub fn usual() -> Vec<(Setting, u32)> {
        let of = |(baud, many): (u32, u32)| {
            FORMS.map(|((data_bits, parity, stop_bits), share)| {
                (Setting { baud, data_bits, parity, stop_bits }, many * share)
            })
        };
        BAUDS.into_iter().flat_map(of).collect()
    }

    /// What this setting is told as.
    pub fn by_convention(self) -> Setting {
        let stop_bits = if (self.data_bits, self.parity) == (7, Parity::None) { 2 } else { 1 };
        Setting { stop_bits, ..self }
    }

    /// From the beginning of a character to the beginning of the next one that follows at once, in bits.
    pub fn bits_a_character(self) -> u32 {
        1 + u32::from(self.data_bits) + u32::from(self.parity != Parity::None) + u32::from(self.stop_bits)
    }

    /// The parity bit of a byte, of which only the data bits count; `None` without parity.
    pub(crate) fn parity_bit(self, byte: u8) -> Option<bool> {
        let counted = u16::from(byte) & ((1_u16 << self.data_bits.min(8)) - 1);
        let is_odd = counted.count_ones() % 2 == 1;
        match self.parity {
            Parity::None => None,
            Parity::Even => Some(is_odd),
            Parity::Odd => Some(!is_odd),
        }
    }
}

impl fmt::Display for Setting {
    /// Such as `9600 baud, 8 data bits, no parity, 1 stop bit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { baud, data_bits, stop_bits, .. } = self;
        let parity = match self.parity {
            Parity::None => "no",
            Parity::Even => "even",
            Parity::Odd => "odd",
        };
        let plural = if *stop_bits == 1 { "" } else { "s" };
        write!(f, "{baud} baud, {data_bits} data bits, {parity} parity, {stop_bits} stop bit{plural}")
    }
}
