//! Where the messages of a block end: just enough of the grammar to recognise a header. Looks at the first bytes of
//! each line; never at what a field says.

use super::control::{CR, FS, LF};

/// What a block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// The offset behind each message, ascending; the last is the end of the block.
    pub(super) message_ends: Vec<usize>,
    /// Whether there is an MSH at all.
    pub(super) has_header: bool,
}

impl Content {
    /// A block is cut before each further message; the FHS and BHS of a batch belong to the message behind them, and
    /// what closes a batch to the message before it. A block without MSH is one message that can't be read.
    pub(super) fn of(content: &[u8]) -> Content {
        let mut ends = Vec::new();
        let mut has_header = false;
        // Where a batch began of which no message was seen yet.
        let mut batch = None;
        for at in line_starts(content) {
            let line = content.get(at..).unwrap_or_default();
            match segment(line) {
                Some(Segment::Message) => {
                    if has_header {
                        ends.push(batch.unwrap_or(at));
                    }
                    has_header = true;
                    batch = None;
                }
                Some(Segment::Batch) => batch = batch.or(Some(at)),
                None => {}
            }
        }
        ends.push(content.len());
        Content { message_ends: ends, has_header }
    }
}

enum Segment {
    Message,
    /// FHS or BHS.
    Batch,
}

/// A line that declares its separators plainly. Text that merely begins like a header is none.
fn segment(line: &[u8]) -> Option<Segment> {
    let (name, declaration) = line.split_at_checked(3)?;
    let plain = declaration.iter().take(3).filter(|byte| byte.is_ascii_punctuation()).count() == 3;
    match name {
        b"MSH" if plain => Some(Segment::Message),
        b"FHS" | b"BHS" if plain => Some(Segment::Batch),
        _ => None,
    }
}

/// The offsets at which lines start. An FS that was no end is taken for one: a peer that leaves out the end of a block
/// and the start of the next one must not lose a message.
fn line_starts(content: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mark = content.starts_with(b"\xEF\xBB\xBF");
    let first = if mark { 3 } else { 0 };
    std::iter::once(first).chain(memchr::memchr3_iter(CR, LF, FS, content).map(|at| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(content: &str) -> Vec<usize> {
        Content::of(content.as_bytes()).message_ends
    }

    #[test]
    fn a_message_ends_with_its_block() {
        assert_eq!(ends("MSH|^~\\&|\rPID|1\r"), [16]);
        assert_eq!(ends("\r\nMSH|^~\\&|\rPID|1"), [17]);
        assert_eq!(ends("\u{FEFF}MSH|^~\\&|"), [12]);
    }

    #[test]
    fn a_block_is_cut_before_each_further_message() {
        assert_eq!(ends("MSH|^~\\&|\rMSH|^~\\&|\nMSH|^~\\&|"), [10, 20, 29]);
        assert_eq!(ends("MSH|^~\\&|\x1CMSH|^~\\&|"), [10, 19]);
    }

    #[test]
    fn a_batch_keeps_its_header_with_its_first_message_and_its_trailer_with_its_last() {
        assert_eq!(ends("FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|\rMSH|^~\\&|\rBTS|2\rFTS|1\r"), [28, 50]);
        assert_eq!(ends("BHS|^~\\&\rMSH|^~\\&|\rBTS|1\rBHS|^~\\&\rMSH|^~\\&|\rBTS|1\r"), [25, 50]);
    }

    #[test]
    fn text_that_begins_like_a_header_cuts_nothing() {
        assert_eq!(ends("MSH|^~\\&|\rMSH: as said\rMSHX|^~\r"), [31]);
    }

    #[test]
    fn a_block_without_a_header_is_one_that_nobody_can_read() {
        assert_eq!(Content::of(b"PID|1\r"), Content { message_ends: vec![6], has_header: false });
        assert!(!Content::of(b"BHS|^~\\&\rBTS|0").has_header);
    }
}
