//! Where messages end: just enough of the record grammar to recognise an L record. Looks at a record's first
//! byte, at the byte after it, and at CR; never at what a field says.

use super::control::CR;
use super::frame::FrameEnd;
use super::settings::EndMark;

/// Follows a transfer's content from frame to frame.
///
/// An L record ends its message by its CR, or by the ETX of its frame where the CR is missing. Text after it
/// belongs to whatever follows. The field delimiter is the second byte of the last H record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageEnds {
    delimiter: u8,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    RecordStart,
    /// After a record's first byte.
    Type(u8),
    WithinRecord,
    /// Within a record that is known to be L.
    WithinLast,
}

impl MessageEnds {
    /// For the start of a transfer.
    pub(super) fn new() -> MessageEnds {
        MessageEnds { delimiter: b'|', place: Place::RecordStart }
    }

    /// Takes in the next frame's text. Returns the offsets into it at which a message ends.
    pub(super) fn follow(&mut self, mark: EndMark, text: &[u8], end: FrameEnd) -> Vec<usize> {
        if mark == EndMark::EndOfTransfer {
            return Vec::new();
        }
        let mut ends = Vec::new();
        let mut at = 0;
        while let Some((&byte, rest)) = text.get(at..).and_then(<[u8]>::split_first) {
            if byte == CR {
                if self.is_last_record() {
                    ends.push(at + 1);
                }
                self.place = Place::RecordStart;
                at += 1;
                continue;
            }
            self.place = self.place_after(byte);
            at += 1;
            if matches!(self.place, Place::WithinRecord | Place::WithinLast) {
                at += rest.iter().position(|&next| next == CR).unwrap_or(rest.len());
            }
        }
        if end == FrameEnd::Complete {
            if self.is_last_record() {
                ends.push(text.len());
            }
            self.place = Place::RecordStart;
        }
        ends
    }

    fn place_after(&mut self, byte: u8) -> Place {
        match self.place {
            Place::RecordStart => Place::Type(byte),
            Place::Type(b'H') => {
                self.delimiter = byte;
                Place::WithinRecord
            }
            Place::Type(b'L') if byte == self.delimiter => Place::WithinLast,
            Place::Type(_) => Place::WithinRecord,
            within => within,
        }
    }

    fn is_last_record(self) -> bool {
        matches!(self.place, Place::Type(b'L') | Place::WithinLast)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows frames written as `text+` (ETB) or `text.` (ETX) and answers with the ends in each.
    fn ends(frames: &[&str]) -> Vec<Vec<usize>> {
        let mut ends = MessageEnds::new();
        let follow = |frame: &&str| {
            let (text, mark) = frame.split_at(frame.len() - 1);
            let end = if mark == "+" { FrameEnd::Continued } else { FrameEnd::Complete };
            ends.follow(EndMark::LastRecord, text.as_bytes(), end)
        };
        frames.iter().map(follow).collect()
    }

    #[test]
    fn an_l_record_ends_the_message_by_its_cr() {
        assert_eq!(ends(&["H|\\^&\rP|1\rL|1|N\r."]), [vec![16]]);
        assert_eq!(ends(&["H|\\^&\r.", "L|1\r."]), [vec![], vec![4]]);
        assert_eq!(ends(&["H|\\^&\r.", "L\r."]), [vec![], vec![2]]);
    }

    #[test]
    fn an_l_record_without_cr_ends_by_the_etx_of_its_frame() {
        assert_eq!(ends(&["H|\\^&\rL|1|N."]), [vec![11]]);
        assert_eq!(ends(&["H|\\^&\rL."]), [vec![7]]);
        assert_eq!(ends(&["H|\\^&\rL|1+", "|N."]), [vec![], vec![2]]);
        assert_eq!(ends(&["H|\\^&.", "L|1."]), [vec![], vec![3]]);
    }

    #[test]
    fn an_l_record_may_be_split_anywhere() {
        assert_eq!(ends(&["H|\\^&\rL+", "|1\r."]), [vec![], vec![3]]);
        assert_eq!(ends(&["H|\\^&\rL|1|N+", "\r."]), [vec![], vec![1]]);
        assert_eq!(ends(&["H+", "!\\^&\rL+", "!1\r."]), [vec![], vec![], vec![3]]);
    }

    #[test]
    fn the_delimiter_is_read_again_at_every_h() {
        assert_eq!(ends(&["H!\\^&\rL!1\r."]), [vec![10]]);
        assert_eq!(ends(&["H!\\^&\rL|1\r."]), [vec![]]);
        assert_eq!(ends(&["H!\\^&\rL!1\rH|\\^&\rL!1\rL|1\r."]), [vec![10, 24]]);
    }

    #[test]
    fn several_messages_in_one_frame_each_end_and_what_follows_stays_open() {
        assert_eq!(ends(&["H|\\^&\rL|1\rH|\\^&\rL|1\rM|1\r."]), [vec![10, 20]]);
    }

    #[test]
    fn a_field_or_another_record_that_begins_with_l_ends_nothing() {
        assert_eq!(ends(&["H|\\^&|L|1\rLX|1\rC|1|L|1\r."]), [vec![]]);
        assert_eq!(ends(&["H|\\^&\rC|1|some text th+", "L|1|N\r."]), [vec![], vec![]]);
    }

    #[test]
    fn where_eot_is_the_end_mark_no_record_ends_a_message() {
        let mut ends = MessageEnds::new();
        assert!(ends.follow(EndMark::EndOfTransfer, b"H|\\^&\rL|1\r", FrameEnd::Complete).is_empty());
    }
}
