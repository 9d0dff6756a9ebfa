//! One frame of LIS01: [`Frame::parse`] and its twin [`Frame::emit`]. Judges a frame by itself; whether its
//! number is the one that was due is the receiver's business.

use std::fmt;

use super::control::{CR, ETB, ETX, LF, STX, is_forbidden};
use super::note::Note;
use super::settings::Tolerances;

/// The bytes of a frame that aren't text: STX, number, ETB or ETX, two digits of checksum, CR, LF.
pub const FRAMING: usize = 7;

/// `STX number text (ETB|ETX) checksum CR LF`, borrowed from the bytes that carry it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub number: FrameNumber,
    /// At most [`Settings::max_frame_text`](super::Settings::max_frame_text) bytes, none of them forbidden.
    pub text: &'a [u8],
    pub end: FrameEnd,
}

/// What the frame says about its place in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameEnd {
    /// ETB: the record goes on in the next frame.
    Continued,
    /// ETX: the record, or the message, ends here.
    Complete,
}

/// 0 to 7. Starts at 1 in each transfer and comes round from 7 to 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameNumber(u8);

impl<'a> Frame<'a> {
    /// Reads one frame, from its STX to the last byte that belongs to it.
    ///
    /// Returns the frame with the tolerance it made use of, if any, or why it must be refused.
    pub fn parse(raw: &'a [u8], tolerances: &Tolerances) -> Result<(Frame<'a>, Option<Note>), Note> {
        let body = raw.strip_prefix(&[STX]).ok_or(Note::BadFrameEnd)?;
        let length = body.iter().position(|&byte| byte == ETX || byte == ETB).ok_or(Note::BadFrameEnd)?;
        let (head, tail) = body.split_at_checked(length + 1).ok_or(Note::BadFrameEnd)?;
        let used = check_tail(tail, checksum(head), tolerances)?;

        let [number, text @ .., end] = head else { return Err(Note::BadFrameNumber) };
        let number = FrameNumber::from_digit(*number).ok_or(Note::BadFrameNumber)?;
        if let Some(&byte) = text.iter().find(|&&byte| is_forbidden(byte)) {
            return Err(Note::ForbiddenByte(byte));
        }
        let end = if *end == ETX { FrameEnd::Complete } else { FrameEnd::Continued };
        Ok((Frame { number, text, end }, used))
    }

    /// The frame as the standard has it on the line, its checksum in upper case.
    pub fn emit(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(self.text.len() + FRAMING);
        raw.extend([STX, self.number.digit()]);
        raw.extend_from_slice(self.text);
        raw.push(match self.end {
            FrameEnd::Continued => ETB,
            FrameEnd::Complete => ETX,
        });
        let sum = checksum(raw.get(1..).unwrap_or_default());
        raw.extend([hex_digit(sum >> 4), hex_digit(sum & 0x0F), CR, LF]);
        raw
    }
}

/// Says how long the text is, never what it is: it may name a patient.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({}, {} bytes, {:?})", self.number.0, self.text.len(), self.end)
    }
}

impl FrameNumber {
    /// The number of a transfer's first frame.
    pub const FIRST: FrameNumber = FrameNumber(1);

    /// The number after this one.
    #[must_use]
    pub fn next(self) -> FrameNumber {
        FrameNumber((self.0 + 1) % 8)
    }

    /// From the digit on the line, `0` to `7`.
    pub fn from_digit(digit: u8) -> Option<FrameNumber> {
        matches!(digit, b'0'..=b'7').then(|| FrameNumber(digit - b'0'))
    }

    /// The digit on the line.
    pub fn digit(self) -> u8 {
        b'0' + self.0
    }
}

impl fmt::Display for FrameNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The sum of the bytes from the frame number to ETB or ETX inclusive, modulo 256.
fn checksum(head: &[u8]) -> u8 {
    head.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

/// Checks what follows ETB or ETX. Returns the tolerance that was needed.
fn check_tail(tail: &[u8], sum: u8, tolerances: &Tolerances) -> Result<Option<Note>, Note> {
    let (high, low) = match *tail {
        [CR, LF] | [] if tolerances.missing_checksum => return Ok(Some(Note::MissingChecksum)),
        [high, low, CR, LF] => (high, low),
        [high, low] if tolerances.missing_cr_lf => (high, low),
        _ => return Err(Note::BadFrameEnd),
    };
    let sent = digit_value(high).zip(digit_value(low)).map(|(high, low)| high << 4 | low);
    let lower_case = high.is_ascii_lowercase() || low.is_ascii_lowercase();
    match (sent == Some(sum), lower_case) {
        (true, false) => Ok(None),
        (true, true) if tolerances.lower_case_checksum => Ok(Some(Note::LowerCaseChecksum)),
        _ => Err(Note::BadChecksum),
    }
}

pub(super) fn digit_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'A' + (value - 10),
    }
}
