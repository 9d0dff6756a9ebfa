//! Bytes to tokens, however they were split on the way. Finds where a frame begins and ends and keeps at most
//! one; never judges a frame and never looks at a byte twice.
//!
//! A frame that has begun swallows everything up to its end, control bytes included: on a serial line an `E`
//! with one bit flipped is an ENQ. So one frame on the line is one token and earns one answer. Only when the
//! line falls quiet right after an ENQ or EOT was it meant as one ([`Scanner::break_off`]).

use std::mem;
use std::sync::Arc;

use super::control::{CR, ENQ, EOT, ETB, ETX, LF, STX};
use super::frame::{FRAMING, digit_value};
use super::settings::Settings;

/// One thing that the peer said.
#[derive(PartialEq, Eq)]
pub(super) enum Token {
    Enq,
    Eot,
    /// From STX to the last byte that belongs to the frame. May be damaged.
    Frame(Vec<u8>),
    /// A frame or record that was too long to keep.
    Oversize,
    /// A record without framing, the CR or LF that ends it included.
    Record(Vec<u8>),
    /// Bytes that belong to nothing. Told once for a run of them.
    Noise,
    /// The frame before this token was complete, but CR LF didn't follow.
    MissingCrLf,
}

/// Where the last byte left us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between transfers: only ENQ counts, or a record's first letter where records come raw.
    Neutral,
    /// In a transfer, outside a frame.
    Between,
    /// After STX, before ETX or ETB.
    Text,
    /// After ETX or ETB, with so many bytes since.
    Tail(usize),
    /// After a frame that was complete before its last bytes: so many of its four tail bytes are behind us.
    Leftover(usize),
    /// Within a record without framing.
    Record,
}

pub(super) struct Scanner {
    settings: Arc<Settings>,
    place: Place,
    /// The frame or record so far; empty once it is longer than it may be.
    buffer: Vec<u8>,
    too_long: bool,
    /// It became too long since that was asked last.
    outgrown: bool,
    last: u8,
    noise_told: bool,
}

impl Scanner {
    pub(super) fn new(settings: Arc<Settings>) -> Scanner {
        Scanner {
            settings,
            place: Place::Neutral,
            buffer: Vec::new(),
            too_long: false,
            outgrown: false,
            last: 0,
            noise_told: false,
        }
    }

    /// A transfer begins: frames count from here on.
    pub(super) fn open(&mut self) {
        self.start_at(Place::Between);
    }

    /// No transfer is running: only ENQ counts. Forgets a frame that wasn't finished.
    pub(super) fn close(&mut self) {
        self.start_at(Place::Neutral);
    }

    /// Takes in bytes up to the end of the first token. Returns how many it used; all of them if no token ends.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> (usize, Option<Token>) {
        let mut used = 0;
        while let Some((&byte, rest)) = bytes.get(used..).and_then(<[u8]>::split_first) {
            let (more, token) = match self.place {
                Place::Neutral => self.neutral(byte),
                Place::Between => self.between(byte),
                Place::Text => self.text(byte, rest),
                Place::Tail(behind) => self.tail(byte, behind + 1),
                Place::Leftover(behind) => self.leftover(byte, behind),
                Place::Record => self.record(byte, rest),
            };
            used += more;
            if token.is_some() {
                return (used, token);
            }
        }
        (used, None)
    }

    /// Whether a frame or record has begun and may still be a good one.
    pub(super) fn is_within(&self) -> bool {
        matches!(self.place, Place::Text | Place::Tail(_) | Place::Record) && !self.too_long
    }

    /// Whether the frame or record that has begun is longer than it may be.
    pub(super) fn is_oversize(&self) -> bool {
        self.too_long
    }

    /// Whether it has become so since this was asked last: until then it could still have been a good one.
    pub(super) fn take_outgrown(&mut self) -> bool {
        mem::take(&mut self.outgrown)
    }

    /// Whether the last byte is an ENQ or EOT that a frame has swallowed.
    pub(super) fn is_in_doubt(&self) -> bool {
        matches!(self.place, Place::Text | Place::Tail(_)) && matches!(self.last, ENQ | EOT)
    }

    /// Gives up the frame that has begun: what it swallowed last was meant as a control byte.
    pub(super) fn break_off(&mut self) -> Option<Token> {
        let token = match self.last {
            _ if !self.is_in_doubt() => return None,
            ENQ => Token::Enq,
            _ => Token::Eot,
        };
        self.start_at(Place::Between);
        Some(token)
    }

    /// Bytes were lost here: a frame that has begun can't be good any more.
    pub(super) fn spoil(&mut self) {
        if self.is_within() {
            self.too_long = true;
            self.buffer.clear();
        }
    }

    fn start_at(&mut self, place: Place) {
        self.place = place;
        self.buffer.clear();
        self.too_long = false;
        self.outgrown = false;
        self.noise_told = false;
        self.last = 0;
    }

    fn neutral(&mut self, byte: u8) -> (usize, Option<Token>) {
        let raw_records = self.settings.tolerances.raw_records;
        match byte {
            ENQ => self.control(Token::Enq),
            CR | LF if raw_records => (1, None),
            letter if raw_records && letter.is_ascii_alphabetic() => {
                self.start_at(Place::Record);
                (0, None)
            }
            _ => self.noise(),
        }
    }

    fn between(&mut self, byte: u8) -> (usize, Option<Token>) {
        match byte {
            ENQ => self.control(Token::Enq),
            EOT => self.control(Token::Eot),
            STX => {
                self.start_at(Place::Text);
                self.keep(&[byte]);
                (1, None)
            }
            _ => self.noise(),
        }
    }

    /// Frame text. A frame whose ETX was lost or damaged still ends with CR LF: no text may hold an LF.
    fn text(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Token>) {
        match byte {
            ETX | ETB => {
                self.keep(&[byte]);
                self.place = Place::Tail(0);
                let tolerances = &self.settings.tolerances;
                if tolerances.missing_checksum && tolerances.missing_cr_lf {
                    return (1, Some(self.finish(Place::Leftover(0))));
                }
                (1, None)
            }
            LF if self.last == CR => {
                self.keep(&[byte]);
                (1, Some(self.finish(Place::Between)))
            }
            _ => {
                let more = rest.iter().position(|byte| matches!(*byte, ETX | ETB | LF)).unwrap_or(rest.len());
                self.keep(&[byte]);
                self.keep(rest.get(..more).unwrap_or_default());
                (1 + more, None)
            }
        }
    }

    /// What follows ETX or ETB, this byte being the `nth`: it ends at the LF, or where the LF should have been.
    fn tail(&mut self, byte: u8, nth: usize) -> (usize, Option<Token>) {
        let before = mem::replace(&mut self.last, byte);
        self.keep(&[byte]);
        self.place = Place::Tail(nth);
        let is_checksum = nth == 2 && digit_value(before).is_some() && digit_value(byte).is_some();
        if is_checksum && self.settings.tolerances.missing_cr_lf {
            return (1, Some(self.finish(Place::Leftover(2))));
        }
        if byte == LF || nth == 4 {
            return (1, Some(self.finish(Place::Between)));
        }
        (1, None)
    }

    /// What may still follow a frame that was taken as complete early: checksum digits, CR, LF.
    fn leftover(&mut self, byte: u8, behind: usize) -> (usize, Option<Token>) {
        match (byte, behind) {
            (digit, 0 | 1) if digit_value(digit).is_some() => self.place = Place::Leftover(behind + 1),
            (CR, 0 | 2) => self.place = Place::Leftover(3),
            (LF, 3) => self.place = Place::Between,
            _ => {
                self.place = Place::Between;
                return (0, Some(Token::MissingCrLf));
            }
        }
        (1, None)
    }

    fn record(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Token>) {
        if matches!(byte, CR | LF) {
            self.keep(&[byte]);
            return (1, Some(self.finish_record()));
        }
        let more = rest.iter().position(|byte| matches!(*byte, CR | LF)).unwrap_or(rest.len());
        self.keep(&[byte]);
        self.keep(rest.get(..more).unwrap_or_default());
        (1 + more, None)
    }

    fn control(&mut self, token: Token) -> (usize, Option<Token>) {
        self.noise_told = false;
        (1, Some(token))
    }

    fn noise(&mut self) -> (usize, Option<Token>) {
        let told = mem::replace(&mut self.noise_told, true);
        (1, (!told).then_some(Token::Noise))
    }

    /// Adds to the frame or record, or drops it all once it is longer than it may be.
    fn keep(&mut self, bytes: &[u8]) {
        self.last = bytes.last().copied().unwrap_or(self.last);
        if self.buffer.len() + bytes.len() > self.settings.max_frame_text + FRAMING {
            self.outgrown |= !self.too_long;
            self.too_long = true;
            self.buffer.clear();
        }
        if !self.too_long {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, next: Place) -> Token {
        let raw = mem::take(&mut self.buffer);
        let too_long = self.too_long;
        self.start_at(next);
        if too_long { Token::Oversize } else { Token::Frame(raw) }
    }

    fn finish_record(&mut self) -> Token {
        match self.finish(Place::Neutral) {
            Token::Frame(raw) => Token::Record(raw),
            oversize => oversize,
        }
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.buffer.len()
    }
}

/// Whether the next thing in what has arrived is that the peer asks for the line again: it waits for the answer to
/// that. One that sends a frame right behind doesn't wait at all.
pub(super) fn asks_anew<'a>(arrived: impl Iterator<Item = &'a u8>) -> bool {
    let mut next = arrived.skip_while(|byte| ![ENQ, STX].contains(*byte));
    next.next() == Some(&ENQ) && next.next() != Some(&STX)
}
