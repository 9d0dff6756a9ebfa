//! What a line speaks, by the bytes that were heard well. Of what it says it keeps the messages, for who asks which model sends
//! such, and tells none of it but the sender's own name.

use labwire_astm::transfer::control::{CR, ENQ, EOT, ETB, ETX, LF, STX};
use labwire_astm::transfer::{Frame, Tolerances};
use labwire_hl7::transfer::control::{FS, VT};

use crate::{Heard, Setting};

/// The longest name of a sender that is told, in characters.
const LONGEST_NAME: usize = 40;

/// What was found among the bytes, each thing counted. It holds patient data, and so has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Content {
    pub characters: u64,
    /// Letters, digits, signs and what belongs to a protocol or to lines.
    pub printable: u64,
    pub enqs: u64,
    pub eots: u64,
    pub frames: Frames,
    /// MLLP blocks.
    pub blocks: u64,
    /// Records of ASTM and segments of HL7 that stood in no frame and in no block.
    pub bare_records: u64,
    pub bare_segments: u64,
    messages: Vec<Vec<u8>>,
}

/// LIS01 frames, by their checksum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frames {
    pub right: u64,
    pub without: u64,
    pub wrong: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Nothing that is known.
    Unknown,
    /// It asked whether it may send, and got no answer.
    Asking,
    Frames,
    FramesWithoutChecksum,
    /// Records of ASTM, one a line.
    BareRecords,
    Blocks,
    /// Segments of HL7, one a line.
    BareSegments,
    /// Lines for people, or of a protocol that isn't known.
    Text,
}

impl Content {
    /// Looks through what a port with the line's own setting heard, or one with 8N1 at its speed.
    pub fn of(line: Setting, heard: &[Heard]) -> Content {
        let mask = if line.data_bits == 7 { 0x7F } else { 0xFF };
        let bytes: Vec<u8> = heard.iter().map(|it| it.byte & mask).collect();
        Content::in_bytes(&bytes)
    }

    pub fn in_bytes(bytes: &[u8]) -> Content {
        let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count() as u64;
        let mut content = Content {
            characters: bytes.len() as u64,
            printable: count(|byte| is_usual(*byte)),
            enqs: count(|byte| *byte == ENQ),
            eots: count(|byte| *byte == EOT),
            ..Content::default()
        };
        let mut bare = Vec::new();
        let mut transfer = Vec::new();
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            rest = match *first {
                STX => content.frame(rest, &mut transfer),
                VT => content.block(after),
                ENQ | EOT => {
                    content.keep(std::mem::take(&mut transfer));
                    after
                }
                byte => {
                    bare.push(byte);
                    after
                }
            };
        }
        content.keep(transfer);
        content.lines(&bare);
        content
    }

    pub fn framing(&self) -> Framing {
        let Frames { right, without, .. } = self.frames;
        if right > 0 {
            Framing::Frames
        } else if without > 0 {
            Framing::FramesWithoutChecksum
        } else if self.blocks > 0 {
            Framing::Blocks
        } else if self.bare_segments > 0 {
            Framing::BareSegments
        } else if self.bare_records > 0 {
            Framing::BareRecords
        } else if self.enqs > 0 && self.enqs + self.eots == self.characters {
            Framing::Asking
        } else if self.characters > 20 && self.printable * 10 >= self.characters * 9 {
            Framing::Text
        } else {
            Framing::Unknown
        }
    }

    /// Whether somebody may have meant this: a few characters, or mostly text and control characters of a protocol.
    pub fn is_meant(&self) -> bool {
        self.characters <= 20 || self.printable * 10 >= self.characters * 8
    }

    /// Each message that was heard, records or segments without framing.
    pub fn messages(&self) -> &[Vec<u8>] {
        &self.messages
    }

    /// What the sender calls itself: the first component of H.5 or MSH-3. That is an instrument's name.
    pub fn sender(&self) -> Option<String> {
        self.messages.iter().find_map(|message| name(message))
    }

    /// Reads the frame at the beginning; returns what follows it.
    fn frame<'a>(&mut self, bytes: &'a [u8], transfer: &mut Vec<u8>) -> &'a [u8] {
        let inner = bytes.get(1..).unwrap_or_default();
        let end = inner.iter().position(|byte| [LF, STX, ENQ, EOT].contains(byte));
        let length = match end {
            Some(at) if inner.get(at) == Some(&LF) => at + 2,
            Some(at) => at + 1,
            None => bytes.len(),
        };
        let (raw, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        let strict = Tolerances { missing_cr_lf: true, ..Tolerances::default() };
        let lax = Tolerances { missing_checksum: true, ..Tolerances::default() };
        if let Ok((frame, _)) = Frame::parse(raw, &strict) {
            self.frames.right += 1;
            transfer.extend_from_slice(frame.text);
        } else if let Ok((frame, _)) = Frame::parse(raw, &lax) {
            self.frames.without += 1;
            transfer.extend_from_slice(frame.text);
        } else if raw.contains(&ETX) || raw.contains(&ETB) {
            self.frames.wrong += 1;
        }
        rest
    }

    fn block<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        // A block without its end is none.
        let Some(length) = after.iter().position(|byte| *byte == FS) else { return after };
        let (inner, rest) = after.split_at_checked(length).unwrap_or((after, &[]));
        self.blocks += 1;
        self.keep(inner.to_vec());
        rest.strip_prefix(&[FS, CR]).or(rest.strip_prefix(&[FS])).unwrap_or(rest)
    }

    /// Counts records and segments that stand by themselves.
    fn lines(&mut self, bytes: &[u8]) {
        let mut message = Vec::new();
        let mut kind = None;
        for line in bytes.split(|byte| [CR, LF].contains(byte)).filter(|line| !line.is_empty()) {
            if let Some(begins) = header(line) {
                self.keep(std::mem::take(&mut message));
                kind = Some(begins);
            }
            let Some(kind) = kind else { continue };
            match kind {
                Header::Record => self.bare_records += 1,
                Header::Segment => self.bare_segments += 1,
            }
            message.extend_from_slice(line);
            message.push(CR);
        }
        self.keep(message);
    }

    fn keep(&mut self, message: Vec<u8>) {
        if header(&message).is_some() {
            self.messages.push(message);
        }
    }
}

fn is_usual(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | STX..=0x06 | b'\t'..=CR | 0x15 | ETB | FS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Record,
    Segment,
}

/// The header that a message begins with: its name and then delimiters, none of which is a letter or a digit.
fn header(message: &[u8]) -> Option<Header> {
    let are_signs = |signs: &[u8]| signs.len() == 3 && signs.iter().all(u8::is_ascii_punctuation);
    match message {
        [b'M', b'S', b'H', signs @ ..] if signs.get(..3).is_some_and(are_signs) => Some(Header::Segment),
        [b'H', signs @ ..] if signs.get(..3).is_some_and(are_signs) => Some(Header::Record),
        _ => None,
    }
}

/// The first component of the sender in a message's header.
fn name(message: &[u8]) -> Option<String> {
    let (delimiter, component, field) = match header(message)? {
        Header::Record => (*message.get(1)?, *message.get(3)?, 4),
        Header::Segment => (*message.get(3)?, *message.get(4)?, 2),
    };
    let line = message.split(|byte| *byte == CR).next()?;
    let sender = line.split(|byte| *byte == delimiter).nth(field)?;
    let first = sender.split(|byte| *byte == component).next()?;
    let told: String = String::from_utf8_lossy(first)
        .chars()
        .filter(|letter| !letter.is_control())
        .take(LONGEST_NAME)
        .collect();
    let told = told.trim().to_owned();
    (!told.is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> (Framing, Option<String>, usize) {
        let content = Content::in_bytes(bytes);
        (content.framing(), content.sender(), content.messages().len())
    }

    #[test]
    fn each_framing_is_told_with_who_sends() {
        let abc = || Some("ABC".to_owned());
        for (bytes, expected) in [
            (&b"\x05"[..], (Framing::Asking, None, 0)),
            (b"\x05\x04\x05", (Framing::Asking, None, 0)),
            (b"\x05\x021H|\\^&|||ABC^1\r\x03AE\r\n\x022L|1\r\x033B\r\n\x04", (Framing::Frames, abc(), 1)),
            (b"\x021H|\\^&|||ABC^1\r\x03\r\n", (Framing::FramesWithoutChecksum, abc(), 1)),
            (b"\x0bMSH|^~\\&|ABC^x|Lab\rPID|1\r\x1c\r", (Framing::Blocks, abc(), 1)),
            (b"MSH|^~\\&|ABC|Lab\rPID|1\rMSH|^~\\&|ABC\r", (Framing::BareSegments, abc(), 2)),
            (b"H|\\^&|||ABC\r\nP|1\r\nL|1\r\n", (Framing::BareRecords, abc(), 1)),
            (b"H`@^\\```ABC\rL`1\r", (Framing::BareRecords, abc(), 1)),
            (b"\r\n  WBC   7.41  10^9/L   RBC  4.86\r\n", (Framing::Text, None, 0)),
            (b"\x80\xfe\x00\x12", (Framing::Unknown, None, 0)),
            (b"", (Framing::Unknown, None, 0)),
            // Cut short: no frame, no block.
            (b"\x05\x021H|\\^&|||AB", (Framing::Unknown, None, 0)),
            (b"Have a look\r", (Framing::Unknown, None, 0)),
        ] {
            assert_eq!(told(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn noise_that_looks_like_a_setting_is_no_talk() {
        let noise: Vec<u8> = (0..64_u8).map(|byte| byte.wrapping_mul(37)).collect();
        assert!(!Content::in_bytes(&noise).is_meant());
        assert!(Content::in_bytes(b"\x021H|\\^&|||ABC^1.0|||||||P|1\r\x03AE\r\n").is_meant());
        assert!(Content::in_bytes(b"\x05\x04").is_meant());
    }

    #[test]
    fn a_wrong_checksum_is_counted_and_its_frame_is_no_message() {
        let content = Content::in_bytes(b"\x021H|\\^&|||ABC^1\r\x0300\r\n");
        assert_eq!(content.frames, Frames { right: 0, without: 0, wrong: 1 });
        assert_eq!(content.sender(), None);
    }

    #[test]
    fn the_eighth_bit_of_a_line_with_seven_is_its_parity() {
        let line = Setting { data_bits: 7, ..Setting::FIRST };
        let heard: Vec<Heard> = b"MSH|^~\\&|ABC\r".iter().map(|byte| Heard::good(byte | 0x80)).collect();
        assert_eq!(Content::of(line, &heard).sender().as_deref(), Some("ABC"));
        assert_eq!(Content::of(Setting::FIRST, &heard).sender(), None);
    }
}
