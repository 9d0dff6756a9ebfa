//! Decides byte by byte what the line does to one direction. Pure: it moves no bytes and waits for nothing.

use super::LineFaults;
use crate::chance::Chance;
use crate::frame::{ACK, ENQ, EOT, LF, NAK, STX};

/// What the line does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Byte(u8),
    Pause,
    Cut,
}

/// Whose bytes these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToHost,
    ToAnalyzer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Flip,
    Lose,
    Repeat,
    Noise,
    Delay,
    Cut,
}

#[derive(Debug)]
pub(super) struct Injector {
    rates: LineFaults,
    direction: Direction,
    chance: Chance,
    in_frame: bool,
    /// The fault that this frame still has before it, and after how many more bytes.
    planned: Option<(Fault, u64)>,
}

/// A planned fault strikes within this many bytes of the frame's beginning; a shorter frame may escape it.
const REACH: u64 = 40;

impl Injector {
    pub(super) fn new(rates: LineFaults, direction: Direction, chance: Chance) -> Self {
        Injector { rates, direction, chance, in_frame: false, planned: None }
    }

    /// What becomes of one byte.
    pub(super) fn pass(&mut self, byte: u8, steps: &mut impl Extend<Step>) {
        if byte == STX && !self.in_frame {
            self.in_frame = true;
            self.planned = self.draw().map(|fault| (fault, self.chance.below(REACH)));
        }
        if self.in_frame {
            self.pass_in_frame(byte, steps);
        } else {
            self.pass_alone(byte, steps);
        }
    }

    fn pass_in_frame(&mut self, byte: u8, steps: &mut impl Extend<Step>) {
        let strikes = match self.planned.take() {
            Some((fault, 0)) => Some(fault),
            Some((fault, wait)) => {
                self.planned = Some((fault, wait - 1));
                None
            }
            None => None,
        };
        if byte == LF {
            self.in_frame = false;
            self.planned = None;
        }
        let noise = self.printable();
        match strikes {
            None => steps.extend([Step::Byte(byte)]),
            Some(Fault::Flip) => steps.extend([Step::Byte(byte ^ (1 << self.chance.below(8)))]),
            Some(Fault::Lose) => {}
            Some(Fault::Repeat) => steps.extend([Step::Byte(byte), Step::Byte(byte)]),
            Some(Fault::Noise) => steps.extend([Step::Byte(noise), Step::Byte(byte)]),
            Some(Fault::Delay) => steps.extend([Step::Pause, Step::Byte(byte)]),
            Some(Fault::Cut) => steps.extend([Step::Cut]),
        }
    }

    /// A byte outside a frame: ENQ, EOT or a reply, which may be lost or garbled but never become another.
    fn pass_alone(&mut self, byte: u8, steps: &mut impl Extend<Step>) {
        let strikes = if [ENQ, EOT, ACK, NAK].contains(&byte) { self.draw() } else { None };
        match strikes {
            Some(Fault::Flip) => {
                let bit = self.chance.pick(&[0x20, 0x40, 0x80]);
                steps.extend([Step::Byte(byte ^ bit)]);
            }
            Some(Fault::Lose) => {}
            Some(Fault::Noise) if self.direction == Direction::ToHost => {
                let noise = self.printable();
                steps.extend([Step::Byte(noise), Step::Byte(byte)]);
            }
            Some(Fault::Delay) => steps.extend([Step::Pause, Step::Byte(byte)]),
            Some(Fault::Cut) => steps.extend([Step::Cut]),
            None | Some(Fault::Repeat | Fault::Noise) => steps.extend([Step::Byte(byte)]),
        }
    }

    fn draw(&mut self) -> Option<Fault> {
        let rates = &self.rates;
        let table = [
            (Fault::Flip, rates.flip),
            (Fault::Lose, rates.lose),
            (Fault::Repeat, rates.repeat),
            (Fault::Noise, rates.noise),
            (Fault::Delay, rates.delay),
            (Fault::Cut, rates.cut),
        ];
        table.into_iter().find(|(_, rate)| self.chance.hits(*rate)).map(|(fault, _)| fault)
    }

    fn printable(&mut self) -> u8 {
        self.chance.between(0x21, 0x7E).try_into().unwrap_or(b'~')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Faults;
    use crate::frame::{FrameEnd, Part, Reader, Token, emit};

    fn injector(direction: Direction, seed: u64, rate: f64) -> Injector {
        let mut rates = Faults::at_rate(seed, rate).line;
        (rates.lose, rates.cut) = (rate, rate / 4.0);
        Injector::new(rates, direction, Chance::seeded(seed))
    }

    fn passed(injector: &mut Injector, bytes: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        bytes.iter().for_each(|byte| injector.pass(*byte, &mut steps));
        steps
    }

    #[test]
    fn without_faults_every_byte_passes_unchanged() {
        let bytes = b"\x05\x021H|\\^&\r\x03E5\r\n\x04\x06";
        let steps = passed(&mut injector(Direction::ToHost, 1, 0.0), bytes);
        assert_eq!(steps, bytes.map(Step::Byte));
    }

    #[test]
    fn a_lone_control_byte_never_becomes_another_and_never_comes_twice() {
        const MEANING: [u8; 5] = [STX, EOT, ENQ, ACK, NAK];
        for direction in [Direction::ToHost, Direction::ToAnalyzer] {
            let mut injector = injector(direction, 5, 0.3);
            for byte in [ENQ, EOT, ACK, NAK].repeat(500) {
                let steps = passed(&mut injector, &[byte]);
                let meaning: Vec<u8> = steps
                    .iter()
                    .filter_map(|step| match step {
                        Step::Byte(byte) => Some(*byte).filter(|byte| MEANING.contains(byte)),
                        Step::Pause | Step::Cut => None,
                    })
                    .collect();
                assert!(meaning.is_empty() || meaning == [byte], "{byte:02x} became {steps:?}");
            }
        }
    }

    #[test]
    fn a_frame_hit_by_a_fault_is_never_read_as_a_different_frame() {
        let part =
            Part { text: b"R|1|^^^WBC|7.4|10^9/L\r".to_vec(), end: FrameEnd::Etx, ends_message: false };
        let frame = emit(4, &part);
        let mut hit = 0;
        for seed in 0..3000 {
            let steps = passed(&mut injector(Direction::ToHost, seed, 0.5), &frame);
            let clean: Vec<Step> = frame.iter().copied().map(Step::Byte).collect();
            hit += usize::from(steps != clean);
            let mut reader = Reader::default();
            for step in steps {
                let Step::Byte(byte) = step else { continue };
                if let Token::Frame(read) = reader.push(byte) {
                    assert_eq!(read.text, part.text, "seed {seed}");
                }
            }
        }
        assert!(hit > 1000, "only {hit} frames were hit");
    }
}
