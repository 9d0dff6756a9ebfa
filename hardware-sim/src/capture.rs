//! Files of ASTM: captures with their framing, and plain records.
//!
//! A framed capture keeps its own cuts between frames; numbers and checksums are made anew, because a logged
//! single frame often carries those of another place. Files of records are cut by the caller's framing.

use crate::frame::{self, CR, ENQ, EOT, ETB, ETX, FrameEnd, Framing, LF, Part, STX};

/// What goes out between one ENQ and its EOT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transfer {
    /// For each message its parts.
    pub messages: Vec<Vec<Part>>,
}

/// Reads a file. Empty where it holds neither a frame nor a record.
pub fn read(bytes: &[u8], framing: Framing) -> Vec<Transfer> {
    if bytes.iter().any(|byte| [STX, ENQ, EOT].contains(byte)) {
        read_frames(bytes)
    } else {
        let messages: Vec<_> = messages(bytes).iter().map(|message| frame::cut(message, framing)).collect();
        if messages.is_empty() { Vec::new() } else { vec![Transfer { messages }] }
    }
}

/// Splits plain records, whatever ends their lines, into messages that begin with H. Lines that begin with `#`
/// are comments.
pub fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let lines = bytes.split(|byte| [CR, LF].contains(byte));
    for line in lines.filter(|line| !line.is_empty() && line.first() != Some(&b'#')) {
        if messages.is_empty() || line.first() == Some(&b'H') {
            messages.push(Vec::new());
        }
        if let Some(message) = messages.last_mut() {
            message.extend_from_slice(line);
            message.push(CR);
        }
    }
    messages
}

fn read_frames(bytes: &[u8]) -> Vec<Transfer> {
    let mut transfers = Vec::new();
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match *byte {
            ENQ | EOT => transfers.extend(transfer(std::mem::take(&mut parts))),
            STX => {
                let Some(length) = after.iter().position(|byte| [ETB, ETX].contains(byte)) else { break };
                let Some((numbered, tail)) = after.split_at_checked(length) else { break };
                let end = if tail.first() == Some(&ETB) { FrameEnd::Etb } else { FrameEnd::Etx };
                let text = numbered.split_first().map(|(_, text)| text).unwrap_or_default();
                parts.push(Part { text: without_line_feeds(text), end, ends_message: false });
                rest = tail;
            }
            _ => {}
        }
    }
    transfers.extend(transfer(parts));
    transfers
}

/// Sorts frames into messages. The last frame ends a message even where its L record is missing.
fn transfer(parts: Vec<Part>) -> Option<Transfer> {
    let last = parts.len().checked_sub(1)?;
    let mut messages = vec![Vec::new()];
    let mut text = Vec::new();
    for (at, mut part) in parts.into_iter().enumerate() {
        text.extend_from_slice(&part.text);
        part.ends_message = at == last || frame::ends_message(&text);
        let ends = part.ends_message;
        if let Some(message) = messages.last_mut() {
            message.push(part);
        }
        if ends && at != last {
            messages.push(Vec::new());
            text.clear();
        }
    }
    Some(Transfer { messages })
}

/// A log may have written CR as LF or as CR LF; LF itself can't occur in a frame's text.
fn without_line_feeds(text: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    for byte in text {
        match (*byte, clean.last()) {
            (LF, Some(&CR)) => {}
            (LF, _) => clean.push(CR),
            (byte, _) => clean.push(byte),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(transfer: &Transfer) -> Vec<Vec<String>> {
        let text = |part: &Part| String::from_utf8(part.text.clone()).unwrap();
        transfer.messages.iter().map(|parts| parts.iter().map(text).collect()).collect()
    }

    #[test]
    fn a_framed_capture_keeps_its_cuts_and_is_sorted_into_messages() {
        let capture =
            b"\x05\x021H|\\^&\r\x03E5\r\n\x022L|1\r\x03xx\r\n\x023H|a\x17yy\r\n\x024b\rL|1\r\x03zz\r\n\x04";
        let transfers = read(capture, Framing::default());
        assert_eq!(transfers.len(), 1);
        assert_eq!(
            texts(&transfers[0]),
            [vec!["H|\\^&\r".to_owned(), "L|1\r".into()], vec!["H|a".into(), "b\rL|1\r".into()]]
        );
        let ends: Vec<bool> = transfers[0].messages.iter().flatten().map(|part| part.ends_message).collect();
        assert_eq!(ends, [false, true, false, true]);
    }

    #[test]
    fn each_enq_begins_a_transfer_and_a_lone_frame_is_one() {
        let two = b"\x05\x021H\r\x03..\r\n\x04\x05\x021H\rL|1\r\x03..\r\n\x04";
        assert_eq!(read(two, Framing::default()).len(), 2);
        assert_eq!(read(b"\x021H\nL|1\n\x03..", Framing::default()).len(), 1);
        assert!(read(b"", Framing::default()).is_empty());
        assert!(read(b"\x05\x04", Framing::default()).is_empty());
    }

    #[test]
    fn plain_records_are_framed_whatever_ends_their_lines() {
        for text in ["# log\nH|1\nL|1\n", "H|1\r\nL|1", "H|1\rL|1\r\r"] {
            let transfers = read(text.as_bytes(), Framing::default());
            assert_eq!(texts(&transfers[0]), [["H|1\r", "L|1\r"]], "{text:?}");
        }
        assert_eq!(messages(b"H|1\rL|1\rH|2\rL|1\r").len(), 2);
    }

    #[test]
    fn line_feeds_in_a_frame_become_record_ends() {
        assert_eq!(without_line_feeds(b"H\nQ\r\nL\n"), b"H\rQ\rL\r");
    }
}
