//! What a port reads of a line that is set otherwise: each bit where the port looks for it, by the port's own idea of its length.

use crate::{Heard, Setting};

/// Bits on a line, each as long as its setting says; `true` is mark.
#[derive(Debug, Clone, Default)]
pub struct Line {
    bits: Vec<bool>,
    baud: u32,
    is_inverted: bool,
}

impl Line {
    /// A line of this speed, at rest.
    pub fn of(setting: Setting) -> Line {
        Line { bits: vec![true; 4], baud: setting.baud, is_inverted: false }
    }

    pub fn send(&mut self, setting: Setting, byte: u8) {
        self.bits.push(false);
        self.bits.extend((0..setting.data_bits).map(|bit| byte >> bit & 1 == 1));
        self.bits.extend(setting.parity_bit(byte));
        self.rest(setting.stop_bits.into());
    }

    /// So many bits of silence.
    pub fn rest(&mut self, bits: u32) {
        self.bits.extend((0..bits).map(|_| true));
    }

    /// The same with mark for space.
    pub fn inverted(mut self) -> Line {
        self.bits.iter_mut().for_each(|bit| *bit = !*bit);
        self.is_inverted = true;
        self
    }

    /// What a port with this setting reads, whose clock runs against the line's by so many per cent, and that sees an edge by
    /// this share of its own bit late.
    pub fn read(&self, port: Setting, fast: f64, late: f64) -> Vec<Heard> {
        // One of the port's bits in the line's.
        let bit = f64::from(self.baud) / f64::from(port.baud) * (1.0 - fast / 100.0);
        let data: u32 = port.data_bits.into();
        let mut heard = Vec::new();
        let mut from = 0;
        while let Some(edge) = self.falls(from) {
            let at = |number: u32| {
                let place = edge as f64 + (f64::from(number) + 0.5 + late) * bit;
                (place as usize, self.bits.get(place as usize).copied().unwrap_or(!self.is_inverted))
            };
            let (middle, is_mark) = at(0);
            if is_mark {
                from = middle;
                continue;
            }
            let byte =
                (0..data).filter(|number| at(number + 1).1).fold(0_u8, |byte, number| byte | 1 << number);
            let wanted = port.parity_bit(byte);
            let is_wrong = wanted.is_some_and(|wanted| at(data + 1).1 != wanted);
            let (stop, is_stopped) = at(data + 1 + u32::from(wanted.is_some()));
            heard.push(Heard { byte, is_marred: is_wrong || !is_stopped });
            from = stop;
        }
        heard
    }

    /// The next bit after this one that is space after mark.
    fn falls(&self, after: usize) -> Option<usize> {
        let rest = self.bits.get(after..)?;
        rest.windows(2).position(|pair| matches!(pair, [true, false])).map(|at| after + at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parity;

    const PLAIN: Setting = Setting::FIRST;

    fn heard(line: Setting, bytes: &[u8], port: Setting) -> Vec<Heard> {
        let mut wire = Line::of(line);
        for byte in bytes {
            wire.send(line, *byte);
            wire.rest(50);
        }
        wire.read(port, 0.0, 0.02)
    }

    #[test]
    fn enq_is_read_as_worked_out_by_hand() {
        let at = |baud| Setting { baud, ..PLAIN };
        for (port, expected) in [
            (PLAIN, vec![Heard::good(0x05)]),
            (at(19_200), vec![Heard::marred(0x66)]),
            (at(38_400), vec![Heard::marred(0x78), Heard::marred(0x00)]),
            (at(4800), vec![Heard::good(0xFE)]),
        ] {
            assert_eq!(heard(PLAIN, &[0x05], port), expected, "{port}");
        }
    }

    #[test]
    fn parity_is_the_eighth_bit_or_an_error() {
        let with = |data_bits, parity| Setting { data_bits, parity, ..PLAIN };
        let even = with(7, Parity::Even);
        assert_eq!(heard(even, &[0x05, 0x04], PLAIN), [Heard::good(0x05), Heard::good(0x84)]);
        assert_eq!(heard(even, &[0x05], with(7, Parity::Odd)), [Heard::marred(0x05)]);
        assert_eq!(heard(with(8, Parity::Even), &[0x05], PLAIN), [Heard::marred(0x05)]);
        for line in Setting::usual().into_iter().map(|(setting, _)| setting) {
            assert_eq!(heard(line, b"Az09|", line), b"Az09|".map(Heard::good), "{line}");
        }
    }
}
