//! This simulator's own idea of ASTM frames: cutting messages, numbering, checksums, reading frames back.
//!
//! It never looks into records beyond their ends and takes nothing from the gateway's framing.

pub const STX: u8 = 0x02;
pub const ETX: u8 = 0x03;
pub const EOT: u8 = 0x04;
pub const ENQ: u8 = 0x05;
pub const ACK: u8 = 0x06;
pub const LF: u8 = 0x0A;
pub const CR: u8 = 0x0D;
pub const NAK: u8 = 0x15;
pub const ETB: u8 = 0x17;

/// How an instrument cuts its messages into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    pub style: FrameStyle,
    /// The most text in one frame, in bytes: 240 of old, up to 64000. Less than 1 counts as 1.
    pub max_text: usize,
}

impl Default for Framing {
    fn default() -> Self {
        Framing { style: FrameStyle::RecordPerFrame, max_text: 240 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStyle {
    /// Each record is a frame that ends in ETX; a longer record goes on after ETB.
    RecordPerFrame,
    /// Each record is a frame, and only the message's last frame ends in ETX.
    RecordPerFrameEtb,
    /// The records follow one another in as few frames as possible.
    Packed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameEnd {
    /// More follows.
    Etb,
    Etx,
}

impl FrameEnd {
    fn byte(self) -> u8 {
        match self {
            FrameEnd::Etb => ETB,
            FrameEnd::Etx => ETX,
        }
    }
}

/// One frame before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: Vec<u8>,
    pub end: FrameEnd,
    /// The message is complete once this part is acknowledged.
    pub ends_message: bool,
}

/// Two upper-case hex digits: the sum, modulo 256, of everything from the frame number to ETB or ETX.
pub fn checksum(from_number_to_end: &[u8]) -> [u8; 2] {
    let sum = from_number_to_end.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 };
    [digit(sum >> 4), digit(sum & 0x0F)]
}

/// The bytes of a frame. Of the number only the last three bits count.
pub fn emit(number: u8, part: &Part) -> Vec<u8> {
    let mut covered = Vec::with_capacity(part.text.len() + 2);
    covered.push(b'0' + (number & 7));
    covered.extend_from_slice(&part.text);
    covered.push(part.end.byte());
    let mut frame = vec![STX];
    frame.extend_from_slice(&covered);
    frame.extend_from_slice(&checksum(&covered));
    frame.extend_from_slice(&[CR, LF]);
    frame
}

/// Cuts a message, whose records each end in CR, into parts.
pub fn cut(message: &[u8], framing: Framing) -> Vec<Part> {
    let max_text = framing.max_text.max(1);
    let units: Vec<&[u8]> = match framing.style {
        FrameStyle::Packed => vec![message],
        FrameStyle::RecordPerFrame | FrameStyle::RecordPerFrameEtb => {
            message.split_inclusive(|byte| *byte == CR).collect()
        }
    };
    let mut parts = Vec::new();
    for unit in units {
        let pieces = unit.chunks(max_text);
        let last = pieces.len().saturating_sub(1);
        parts.extend(pieces.enumerate().map(|(at, piece)| Part {
            text: piece.to_vec(),
            end: if at == last && framing.style != FrameStyle::RecordPerFrameEtb {
                FrameEnd::Etx
            } else {
                FrameEnd::Etb
            },
            ends_message: false,
        }));
    }
    if let Some(part) = parts.last_mut() {
        part.end = FrameEnd::Etx;
        part.ends_message = true;
    }
    parts
}

/// A frame as read from the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// 0 to 7.
    pub number: u8,
    pub text: Vec<u8>,
    pub end: FrameEnd,
}

/// What one more byte made of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A frame with the right checksum.
    Frame(Received),
    /// Something that began as a frame and isn't one.
    Broken,
    Enq,
    Eot,
    /// Nothing yet, or nothing of importance.
    Pending,
}

/// Reads frames byte by byte. LF can't occur in text, so a frame is what lies between STX and LF.
#[derive(Debug, Default)]
pub struct Reader {
    frame: Option<Vec<u8>>,
}

/// More than any frame may hold.
const LONGEST: usize = 64_100;

impl Reader {
    pub fn push(&mut self, byte: u8) -> Token {
        match (byte, &mut self.frame) {
            (STX, _) => {
                self.frame = Some(Vec::new());
                Token::Pending
            }
            (EOT, _) => {
                self.frame = None;
                Token::Eot
            }
            (ENQ, None) => Token::Enq,
            (_, None) => Token::Pending,
            (LF, Some(frame)) => {
                let token = read(frame).map_or(Token::Broken, Token::Frame);
                self.frame = None;
                token
            }
            (_, Some(frame)) if frame.len() > LONGEST => {
                self.frame = None;
                Token::Broken
            }
            (_, Some(frame)) => {
                frame.push(byte);
                Token::Pending
            }
        }
    }
}

/// Reads what stands between STX and LF.
fn read(frame: &[u8]) -> Option<Received> {
    let covered = frame.strip_suffix(&[CR])?;
    let (covered, sent) = covered.split_at_checked(covered.len().checked_sub(2)?)?;
    if !checksum(covered).eq_ignore_ascii_case(sent) {
        return None;
    }
    let (number, text) = covered.split_first()?;
    let (end, text) = text.split_last()?;
    let end = match *end {
        ETB => FrameEnd::Etb,
        ETX => FrameEnd::Etx,
        _ => return None,
    };
    let number = number.checked_sub(b'0').filter(|number| *number < 8)?;
    Some(Received { number, text: text.to_vec(), end })
}

/// Whether the text up to here ends a message: its last record is complete and is an L record.
pub fn ends_message(text_so_far: &[u8]) -> bool {
    let Some(body) = text_so_far.strip_suffix(&[CR]) else { return false };
    body.rsplit(|byte| *byte == CR).next().is_some_and(|record| record.first() == Some(&b'L'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str, end: FrameEnd) -> Part {
        Part { text: text.into(), end, ends_message: false }
    }

    fn texts(message: &str, style: FrameStyle, max_text: usize) -> Vec<(String, FrameEnd, bool)> {
        cut(message.as_bytes(), Framing { style, max_text })
            .into_iter()
            .map(|part| (String::from_utf8(part.text).unwrap(), part.end, part.ends_message))
            .collect()
    }

    /// Sums worked out by hand: `3` + `L` + `|` + `1` + `|` + `N` + CR + ETX is 0x33 + 0x4C + 0x7C + 0x31 +
    /// 0x7C + 0x4E + 0x0D + 0x03 = 0x206.
    #[test]
    fn the_checksum_is_the_sum_from_the_number_to_the_end() {
        assert_eq!(emit(3, &part("L|1|N\r", FrameEnd::Etx)), b"\x023L|1|N\r\x0306\r\n");
        // 0x32 + 0x41 + 0x17 = 0x8A
        assert_eq!(emit(2, &part("A", FrameEnd::Etb)), b"\x022A\x178A\r\n");
        // 0x30 + 0x03 = 0x33
        assert_eq!(emit(8, &part("", FrameEnd::Etx)), b"\x020\x0333\r\n");
        // 0x31 + 2 × 0xFF + 0x03 = 0x232
        assert_eq!(
            emit(1, &Part { text: vec![0xFF, 0xFF], end: FrameEnd::Etx, ends_message: false }),
            b"\x021\xFF\xFF\x0332\r\n"
        );
    }

    #[test]
    fn a_record_longer_than_a_frame_goes_on_after_etb() {
        use FrameEnd::{Etb, Etx};
        let cases = texts("H|12345\rL|1\r", FrameStyle::RecordPerFrame, 5);
        assert_eq!(
            cases,
            [("H|123".into(), Etb, false), ("45\r".into(), Etx, false), ("L|1\r".into(), Etx, true)]
        );
    }

    #[test]
    fn each_style_ends_its_frames_in_its_own_way() {
        use FrameEnd::{Etb, Etx};
        assert_eq!(
            texts("H|1\rL|1\r", FrameStyle::RecordPerFrameEtb, 240),
            [("H|1\r".into(), Etb, false), ("L|1\r".into(), Etx, true)]
        );
        assert_eq!(
            texts("H|1\rL|1\r", FrameStyle::Packed, 6),
            [("H|1\rL|".into(), Etb, false), ("1\r".into(), Etx, true)]
        );
        assert!(texts("", FrameStyle::Packed, 6).is_empty());
    }

    fn tokens(bytes: &[u8]) -> Vec<Token> {
        let mut reader = Reader::default();
        bytes.iter().map(|byte| reader.push(*byte)).filter(|token| *token != Token::Pending).collect()
    }

    #[test]
    fn what_was_emitted_is_read_back() {
        for number in 0..8 {
            let sent = part("R|1|^^^WBC|7.4\r", FrameEnd::Etb);
            let received = Received { number, text: sent.text.clone(), end: sent.end };
            assert_eq!(tokens(&emit(number, &sent)), [Token::Frame(received)]);
        }
    }

    #[test]
    fn any_single_wrong_byte_breaks_the_frame() {
        let good = emit(1, &part("P|1\r", FrameEnd::Etx));
        for at in 1..good.len() - 1 {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            let read = tokens(&bad);
            assert!(!read.iter().any(|token| matches!(token, Token::Frame(_))), "byte {at}: {read:?}");
        }
    }

    #[test]
    fn a_new_stx_begins_anew_and_eot_is_heard_within_a_frame() {
        let mut bytes = b"\x021H|broken".to_vec();
        bytes.extend(emit(1, &part("P|1\r", FrameEnd::Etx)));
        bytes.extend(b"\x02oops\x04\x05");
        let read = tokens(&bytes);
        assert!(matches!(&read[..], [Token::Frame(_), Token::Eot, Token::Enq]), "{read:?}");
    }

    #[test]
    fn only_a_complete_l_record_ends_a_message() {
        assert!(ends_message(b"H|\\^&\rL|1|N\r"));
        assert!(ends_message(b"L\r"));
        assert!(!ends_message(b"H|\\^&\rL|1|N"));
        assert!(!ends_message(b"H|L\r"));
        assert!(!ends_message(b""));
    }
}
