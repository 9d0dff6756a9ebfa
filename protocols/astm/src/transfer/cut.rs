//! How a message is cut into frames: every record starts one, and a record that is too long for one goes on in
//! the next. Knows nothing of numbers, answers or time.

use std::ops::Range;

use super::control::{CR, is_forbidden};
use super::frame::FrameEnd;
use super::settings::{Emit, RecordEnd};

/// The text of one frame, as a range of the message, and how the frame ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: Range<usize>,
    pub(super) end: FrameEnd,
}

/// Cuts a message whose records each end in CR. A message that frames can't carry is cut into nothing.
pub(super) fn cut(message: &[u8], emit: &Emit) -> Vec<Piece> {
    if message.iter().any(|&byte| is_forbidden(byte)) {
        return Vec::new();
    }
    let most = emit.max_text.max(1);
    let record_end = match emit.record_end {
        RecordEnd::Etx => FrameEnd::Complete,
        RecordEnd::Etb => FrameEnd::Continued,
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    for record in message.split_inclusive(|&byte| byte == CR) {
        let end = start + record.len();
        while end - start > most {
            pieces.push(Piece { text: start..start + most, end: FrameEnd::Continued });
            start += most;
        }
        pieces.push(Piece { text: start..end, end: record_end });
        start = end;
    }
    if let Some(last) = pieces.last_mut() {
        last.end = FrameEnd::Complete;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(message: &str, max_text: usize, record_end: RecordEnd) -> Vec<(String, FrameEnd)> {
        let text =
            |piece: &Piece| String::from_utf8_lossy(&message.as_bytes()[piece.text.clone()]).into_owned();
        let pieces = cut(message.as_bytes(), &Emit { max_text, record_end });
        pieces.iter().map(|piece| (text(piece), piece.end)).collect()
    }

    fn expected(pieces: &[(&str, FrameEnd)]) -> Vec<(String, FrameEnd)> {
        pieces.iter().map(|(text, end)| ((*text).to_owned(), *end)).collect()
    }

    #[test]
    fn every_record_starts_a_frame_and_a_long_one_goes_on_in_the_next() {
        use FrameEnd::{Complete, Continued};
        assert_eq!(
            texts("H|\\^&\rC|1|long text\rL|1\r", 8, RecordEnd::Etx),
            expected(&[
                ("H|\\^&\r", Complete),
                ("C|1|long", Continued),
                (" text\r", Complete),
                ("L|1\r", Complete)
            ])
        );
        assert_eq!(
            texts("H|\\^&\rL|1\r", 240, RecordEnd::Etb),
            expected(&[("H|\\^&\r", Continued), ("L|1\r", Complete)])
        );
    }

    #[test]
    fn a_record_that_just_fits_is_not_split() {
        assert_eq!(texts("1234567\r", 8, RecordEnd::Etx).len(), 1);
        assert_eq!(texts("12345678\r", 8, RecordEnd::Etx).len(), 2);
    }

    #[test]
    fn text_that_frames_can_not_carry_is_not_cut_at_all() {
        assert_eq!(texts("H|\\^&\nL|1\r", 240, RecordEnd::Etx), []);
        assert_eq!(texts("", 240, RecordEnd::Etx), []);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_frame_is_too_long(
            message in "([HPORL|\\^]{0,40}\r){1,8}", max_text in 1_usize..50
        ) {
            let pieces = texts(&message, max_text, RecordEnd::Etx);
            prop_assert!(pieces.iter().all(|(text, _)| (1..=max_text).contains(&text.len())));
            prop_assert_eq!(pieces.iter().map(|(text, _)| text.as_str()).collect::<String>(), message);
        }
    }
}
