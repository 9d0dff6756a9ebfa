//! Fields become text in the character set in force for them. What can't be decoded is replaced and reported; it never
//! costs a message.

use std::collections::BTreeMap;

use labwire_hl7::message::{Field, Segment, Text};

use crate::domain::{Private, Problem, ProblemKind};

/// Decodes the fields of one message and remembers where it failed.
#[derive(Default)]
pub(super) struct Decoder {
    /// The character set, by the segment's ordinal.
    undecodable: BTreeMap<usize, &'static str>,
}

impl Decoder {
    /// A field's text with escapes resolved; the null `""` is no text.
    pub(super) fn text(&mut self, segment: &Segment<'_>, field: Field<'_>) -> String {
        if field.is_null() { String::new() } else { self.keep(segment, field.text()) }
    }

    /// As [`text`](Self::text), without the spaces around it.
    pub(super) fn trimmed(&mut self, segment: &Segment<'_>, field: Field<'_>) -> String {
        self.text(segment, field).trim().to_owned()
    }

    /// Bytes of a segment as sent, escapes and separators included.
    pub(super) fn as_sent(&mut self, segment: &Segment<'_>, bytes: &[u8]) -> String {
        let text = segment.charset().decode(bytes);
        self.keep(segment, text)
    }

    /// One problem for each segment that holds bytes of another character set.
    pub(super) fn problems(self) -> impl Iterator<Item = Problem> {
        self.undecodable.into_iter().map(|(ordinal, name)| Problem {
            kind: ProblemKind::UndecodableText,
            record: u32::try_from(ordinal).ok(),
            specimen: None,
            text: Private::new(format!("bytes that are not {name}; a replacement character stands for them")),
            replaces_result: false,
        })
    }

    fn keep(&mut self, segment: &Segment<'_>, text: Text<'_>) -> String {
        if !text.undecodable.is_empty() {
            self.undecodable.insert(segment.ordinal(), segment.charset().name());
        }
        text.text.into_owned()
    }
}
