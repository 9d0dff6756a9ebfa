//! What the other end says, in units, and whether one says the same as another did. What a gateway makes anew each time
//! isn't compared: the time and the number of a message of its own (MSH-7 and MSH-10; in an ASTM header fields 3 and 14,
//! and the frame's checksum with them).

use crate::frame::{CR, ETB, ETX, LF, STX};

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    /// A frame or a block, with other content.
    SameKind,
    Other,
}

/// The length of the first unit: a block, a frame, or a single byte. None while it has no end.
pub(super) fn unit(bytes: &[u8]) -> Option<usize> {
    match *bytes.first()? {
        VT => bytes.windows(2).position(|pair| pair == [FS, CR]).map(|at| at + 2),
        STX => {
            let end = bytes.iter().position(|byte| [ETX, ETB].contains(byte))?;
            let line_feed = bytes.iter().skip(end).position(|byte| *byte == LF)?;
            Some(end + line_feed + 1)
        }
        _ => Some(1),
    }
}

pub(super) fn compare(then: &[u8], now: &[u8]) -> Likeness {
    let opening = then.first().copied();
    if then == now {
        return Likeness::Same;
    }
    match opening {
        Some(VT | STX) if now.first().copied() == opening => {}
        _ => return Likeness::Other,
    }
    if lasting(then) == lasting(now) { Likeness::Same } else { Likeness::SameKind }
}

/// The records or segments, without what is made anew.
fn lasting(unit: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let is_block = unit.first() == Some(&VT);
    let end = unit.iter().rposition(|byte| [ETX, ETB, FS].contains(byte)).unwrap_or(unit.len());
    let records = unit.get(1..end).unwrap_or_default().split(|byte| *byte == CR);
    let fields = |record: &[u8]| {
        let separator = separator(record, is_block);
        let mut fields: Vec<Vec<u8>> = record.split(|byte| *byte == separator).map(<[u8]>::to_vec).collect();
        let first = fields.first().map(Vec::as_slice);
        // Field 1 of MSH, and of an H record, is the separator itself; a frame's number stands before the H.
        let made_anew: &[usize] = match (is_block, first) {
            (true, Some(b"MSH")) => &[6, 9],
            (false, Some(b"H" | [_, b'H'])) => &[2, 13],
            _ => &[],
        };
        for at in made_anew {
            if let Some(field) = fields.get_mut(*at) {
                field.clear();
            }
        }
        fields
    };
    let mut all: Vec<Vec<Vec<u8>>> = records.map(fields).collect();
    // What remains is what the checksum is about, but for what was cleared.
    all.retain(|record| record.iter().any(|field| !field.is_empty()));
    all
}

/// What stands between a header's fields: it says so itself, after its name. Of another record it doesn't matter.
fn separator(record: &[u8], is_block: bool) -> u8 {
    match record {
        [b'M', b'S', b'H', separator, ..] if is_block => *separator,
        [b'H', separator, ..] | [_, b'H', separator, ..] if !is_block => *separator,
        _ => b'|',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_anew_each_time_is_the_same_and_anything_else_isnt() {
        let block = |time: &str, number: &str, code: &str| {
            format!("\u{b}MSH|^~\\&|a||b||{time}||ACK|{number}|P|2.5\rMSA|{code}|7\r\u{1c}\r").into_bytes()
        };
        let then = block("20261122071403", "k1", "AA");
        assert_eq!(compare(&then, &block("20261122080000", "k22", "AA")), Likeness::Same);
        assert_eq!(compare(&then, &block("20261122080000", "k22", "AE")), Likeness::SameKind);
        let frame = |time: &str, test: &str, sum: &str| {
            format!("\u{2}1H|\\^&|x|||||||||||{time}\rO|1|EX1||{test}\r\u{3}{sum}\r\n").into_bytes()
        };
        let then = frame("20261122071403", "^^^GLU", "A0");
        assert_eq!(compare(&then, &frame("20261122080000", "^^^GLU", "B1")), Likeness::Same);
        assert_eq!(compare(&then, &frame("20261122080000", "^^^K", "B1")), Likeness::SameKind);
        // Whatever separates them.
        let with_marks = |bytes: Vec<u8>| -> Vec<u8> {
            bytes.into_iter().map(|byte| if byte == b'|' { b'!' } else { byte }).collect()
        };
        let then = with_marks(block("20261122071403", "k1", "AA"));
        assert_eq!(compare(&then, &with_marks(block("20261122080000", "k22", "AA"))), Likeness::Same);
        assert_eq!(compare(&then, &with_marks(block("20261122080000", "k22", "AE"))), Likeness::SameKind);
        assert_eq!(compare(&then, &block("20261122080000", "k22", "AA")), Likeness::SameKind);
        let then = with_marks(frame("20261122071403", "^^^GLU", "A0"));
        assert_eq!(compare(&then, &with_marks(frame("20261122080000", "^^^GLU", "B1"))), Likeness::Same);
        assert_eq!(compare(&then, &with_marks(frame("20261122080000", "^^^K", "B1"))), Likeness::SameKind);
        for (then, now) in [(b"\x06", b"\x15"), (b"\x06", b"\x02"), (b"\x02", b"\x0b")] {
            assert_eq!(compare(then, now), Likeness::Other);
        }
        assert_eq!(compare(b"\x06", b"\x06"), Likeness::Same);
    }

    #[test]
    fn units_end_where_they_must() {
        assert_eq!(unit(b""), None);
        assert_eq!(unit(b"\x06\x06"), Some(1));
        assert_eq!(unit(b"\x021L\r\x033C\r"), None);
        assert_eq!(unit(b"\x021L\r\x033C\r\n\x04"), Some(9));
        assert_eq!(unit(b"\x0bMSH\r\x1c"), None);
        assert_eq!(unit(b"\x0bMSH\r\x1c\rX"), Some(7));
    }
}
