//! The acknowledgement of a batch: a batch of acknowledgements, in the envelope that the batch came in.

use super::Stamp;
use crate::message::{Draft, Message, Segment, Value};

/// The headers of a batch.
pub(super) struct Envelope<'a> {
    file: Option<Segment<'a>>,
    batch: Option<Segment<'a>>,
}

impl<'a> Envelope<'a> {
    /// `None` for a block that isn't a batch, though it may hold several messages.
    pub(super) fn of(message: &Message<'a>) -> Option<Envelope<'a>> {
        let first = |name| message.named(name).next();
        let (file, batch) = (first(b"FHS"), first(b"BHS"));
        (file.is_some() || batch.is_some()).then_some(Envelope { file, batch })
    }

    /// The texts within headers that answer those of the batch, and trailers that count.
    pub(super) fn around(&self, texts: &[Vec<u8>], stamp: &mut Stamp<'_>) -> Vec<u8> {
        let header = |name: &[u8; 3], segment: &Segment<'_>, stamp: &mut Stamp<'_>| {
            let own = (stamp.next_control_id)();
            let mut draft = Draft::new(segment.separators(), segment.charset());
            draft.segment(
                name,
                [
                    (3, Value::Field(segment.field(5))),
                    (4, Value::Field(segment.field(6))),
                    (5, Value::Field(segment.field(3))),
                    (6, Value::Field(segment.field(4))),
                    (7, Value::Text(stamp.sent.as_bytes())),
                    (11, Value::Text(own.as_str().as_bytes())),
                    (12, Value::Field(segment.field(11))),
                ],
            );
            draft.finish()
        };
        let trailer = |name: &[u8; 3], count: usize, segment: &Segment<'_>| {
            let mut draft = Draft::new(segment.separators(), segment.charset());
            draft.segment(name, [(1, Value::Text(count.to_string().as_bytes()))]);
            draft.finish()
        };
        let mut text = Vec::new();
        text.extend(self.file.iter().flat_map(|file| header(b"FHS", file, stamp)));
        text.extend(self.batch.iter().flat_map(|batch| header(b"BHS", batch, stamp)));
        text.extend(texts.concat());
        text.extend(self.batch.iter().flat_map(|batch| trailer(b"BTS", texts.len(), batch)));
        text.extend(self.file.iter().flat_map(|file| trailer(b"FTS", 1, file)));
        text
    }
}
