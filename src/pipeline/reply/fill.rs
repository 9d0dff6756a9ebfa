//! A record of an answer from its templates: what the profile writes, what the query said, and what the LIMS ordered.

use encoding_rs::Encoding;
use labwire_astm::record::{Draft, Kind, Record};

use super::{Target, Work};
use crate::domain::Patient;
use crate::domain::profile::{Piece, QueryStyle, ReplyRecord, Template};
use crate::pipeline::Reading;

/// What is the same for every record of an answer.
pub(super) struct Moment<'a> {
    pub(super) reading: &'a Reading,
    pub(super) header: Record<'a>,
    pub(super) style: &'a QueryStyle,
    pub(super) now: &'a str,
}

impl Moment<'_> {
    pub(super) fn write(
        &self,
        draft: &mut Draft,
        record: &ReplyRecord,
        target: &Target<'_>,
        sequence: usize,
    ) {
        let fields: Vec<(usize, Vec<u8>)> = record
            .fields
            .iter()
            .map(|(number, template)| (*number, self.fill(template, draft, target, sequence)))
            .collect();
        draft.record(record.kind, fields.iter().map(|(number, content)| (*number, content.as_slice())));
    }

    fn fill(&self, template: &Template, draft: &Draft, target: &Target<'_>, sequence: usize) -> Vec<u8> {
        template.0.iter().flat_map(|piece| self.piece(piece, draft, target, sequence)).collect()
    }

    fn piece(&self, piece: &Piece, draft: &Draft, target: &Target<'_>, sequence: usize) -> Vec<u8> {
        let patient = |part: fn(&Patient) -> &str| {
            let text = target.work.map(|work| part(work.patient.reveal())).unwrap_or_default();
            in_parts(text, self.reading, draft)
        };
        let of_work = |part: &dyn Fn(&Work) -> String| {
            target.work.map(|work| encode(&part(work), self.reading, draft)).unwrap_or_default()
        };
        match piece {
            Piece::Text(text) => in_parts(text, self.reading, draft),
            Piece::Echo(path) if path.kind == Kind::Header => self.header.at(path).raw().to_vec(),
            Piece::Echo(path) => target.query.at(path).raw().to_vec(),
            Piece::Specimen => target.specimen.clone(),
            Piece::AfterSpecimen => target.after.join(component(draft).as_slice()),
            Piece::Sequence => sequence.to_string().into_bytes(),
            Piece::Now => self.now.as_bytes().to_vec(),
            Piece::Tests => self.tests(draft, target),
            Piece::Priority => of_work(&|work| work.priority.letter().to_owned()),
            Piece::SpecimenKind => of_work(&|work| work.specimen_kind.clone()),
            Piece::Collected => of_work(&|work| digits(&work.collected, 14)),
            Piece::PatientId => patient(|patient| &patient.id),
            Piece::PatientName => patient(|patient| &patient.name),
            Piece::BirthDate => of_work(&|work| digits(&work.patient.reveal().birth_date, 8)),
            Piece::Sex => of_work(&|work| sex(&work.patient.reveal().sex).to_owned()),
            Piece::Ward => patient(|patient| &patient.location),
        }
    }

    /// Each test in the model's way, one occurrence of the field for each.
    fn tests(&self, draft: &Draft, target: &Target<'_>) -> Vec<u8> {
        let tests = target.work.map(|work| work.tests.as_slice()).unwrap_or_default();
        let (before, after) = &self.style.test;
        let one = |code: &String| {
            [
                in_parts(before, self.reading, draft),
                encode(code, self.reading, draft),
                in_parts(after, self.reading, draft),
            ]
            .concat()
        };
        tests.iter().map(one).collect::<Vec<_>>().join(repeat(draft).as_slice())
    }
}

/// Text in which `^` separates components and `\` occurrences, whatever the query's delimiters are.
fn in_parts(text: &str, reading: &Reading, draft: &Draft) -> Vec<u8> {
    let components = |occurrence: &str| {
        let parts: Vec<Vec<u8>> = occurrence.split('^').map(|part| encode(part, reading, draft)).collect();
        parts.join(component(draft).as_slice())
    };
    text.split('\\').map(components).collect::<Vec<_>>().join(repeat(draft).as_slice())
}

fn component(draft: &Draft) -> Vec<u8> {
    draft.declaration().get(1).copied().into_iter().collect()
}

fn repeat(draft: &Draft) -> Vec<u8> {
    draft.declaration().first().copied().into_iter().collect()
}

fn character_set(reading: &Reading) -> &'static Encoding {
    reading.character_set.unwrap_or(encoding_rs::WINDOWS_1252)
}

pub(super) fn decode(bytes: &[u8], reading: &Reading) -> String {
    character_set(reading).decode_without_bom_handling(bytes).0.into_owned()
}

/// Text as it may stand in a field, in the instrument's character set. What that doesn't hold becomes a question mark,
/// and a control character nothing.
pub(super) fn encode(text: &str, reading: &Reading, draft: &Draft) -> Vec<u8> {
    let set = character_set(reading);
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        let mut buffer = [0; 4];
        let (encoded, _, failed) = set.encode(character.encode_utf8(&mut buffer));
        bytes.extend_from_slice(if failed { b"?" } else { &encoded });
    }
    draft.escape(&bytes)
}

/// A time's digits, without fractions and zone.
fn digits(text: &str, most: usize) -> String {
    text.chars().take_while(char::is_ascii_digit).take(most).collect()
}

/// ASTM knows three letters; what HL7 has beyond them is unknown there.
fn sex(text: &str) -> &str {
    match text {
        "" | "M" | "F" => text,
        _ => "U",
    }
}
