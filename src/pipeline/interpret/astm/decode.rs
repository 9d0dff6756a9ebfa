//! Bytes become text, field by field, in the instrument's character set. What can't be decoded is replaced and
//! reported; it never costs a message.

use std::collections::BTreeSet;

use encoding_rs::Encoding;
use labwire_astm::record::{Field, Record};

use crate::domain::profile::Location;
use crate::domain::{Private, Problem, ProblemKind};

/// Decodes the fields of one message, windows-1252 unless the instrument's file says otherwise, and remembers where it failed.
pub(in crate::pipeline) struct Decoder {
    character_set: &'static Encoding,
    undecodable: BTreeSet<usize>,
}

impl Decoder {
    pub(in crate::pipeline) fn new(character_set: Option<&'static Encoding>) -> Decoder {
        let character_set = character_set.unwrap_or(encoding_rs::WINDOWS_1252);
        Decoder { character_set, undecodable: BTreeSet::new() }
    }

    /// A field's text, with escapes resolved.
    pub(in crate::pipeline) fn field(&mut self, record: &Record<'_>, field: Field<'_>) -> String {
        self.bytes(record, &field.unescape())
    }

    /// Text as sent, escapes and delimiters included.
    pub(in crate::pipeline) fn as_sent(&mut self, record: &Record<'_>, field: Field<'_>) -> String {
        self.bytes(record, field.raw())
    }

    /// A whole record as sent.
    pub(in crate::pipeline) fn record(&mut self, record: &Record<'_>) -> String {
        self.bytes(record, record.raw())
    }

    /// What stands at a location of the profile; empty where nothing does.
    pub(in crate::pipeline) fn at(&mut self, record: &Record<'_>, location: &Location) -> String {
        let text = self.field(record, record.at(&location.path));
        match location.part {
            Some((separator, number)) => text.split(separator).nth(number - 1).unwrap_or_default().to_owned(),
            None => text,
        }
    }

    /// As [`at`](Self::at), without the spaces around it.
    pub(in crate::pipeline) fn trimmed(&mut self, record: &Record<'_>, location: &Location) -> String {
        self.at(record, location).trim().to_owned()
    }

    /// What stands at a location, without the spaces around it; a whole field as sent, so that its parts stay apart.
    pub(in crate::pipeline) fn in_parts(&mut self, record: &Record<'_>, location: &Location) -> String {
        match (location.path.component, location.part) {
            (None, None) => self.as_sent(record, record.at(&location.path)).trim().to_owned(),
            _ => self.trimmed(record, location),
        }
    }

    /// What stands at several locations in each occurrence of their fields, without the empty ones. Parts of one
    /// occurrence stay together.
    pub(in crate::pipeline) fn every(&mut self, record: &Record<'_>, locations: &[Location]) -> Vec<String> {
        let mut texts = Vec::new();
        for fields in locations.chunk_by(|a, b| a.path.field == b.path.field) {
            let Some(first) = fields.first() else { continue };
            for repeat in record.field(first.path.field).repeats() {
                for location in fields {
                    let part =
                        location.path.component.map_or(repeat, |component| repeat.component(component));
                    texts.push(self.field(record, part).trim().to_owned());
                }
            }
        }
        texts.retain(|text| !text.is_empty());
        texts
    }

    /// One problem for each record that holds bytes of another character set.
    pub(in crate::pipeline) fn problems(self) -> impl Iterator<Item = Problem> {
        let name = self.character_set.name();
        self.undecodable.into_iter().map(move |record| Problem {
            kind: ProblemKind::UndecodableText,
            record: u32::try_from(record).ok(),
            specimen: None,
            text: Private::new(format!("bytes that are not {name}; a replacement character stands for them")),
            replaces_result: false,
        })
    }

    fn bytes(&mut self, record: &Record<'_>, bytes: &[u8]) -> String {
        let (text, failed) = self.character_set.decode_without_bom_handling(bytes);
        if failed {
            self.undecodable.insert(record.ordinal());
        }
        text.into_owned()
    }
}
