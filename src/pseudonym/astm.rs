//! Records of ASTM, by the profile's places and by what the standard says of each field.

use std::ops::Range;

use labwire_astm::record::Kind;

use super::{Keep, Pseudonyms, fits, pieces};
use crate::domain::SampleClass;
use crate::domain::profile::{AstmDialect, Location, Profile};

const CR: u8 = 0x0d;
const LF: u8 = 0x0a;

/// As the last header declared them.
#[derive(Clone, Copy)]
struct Delimiters {
    field: u8,
    repeat: Option<u8>,
    component: Option<u8>,
}

/// Where a piece stands.
struct Place {
    kind: Option<Kind>,
    field: usize,
    component: usize,
}

pub(super) fn disguise(
    message: &mut [u8],
    dialect: &AstmDialect,
    profile: &Profile,
    pseudonyms: &mut Pseudonyms,
) {
    let mut delimiters = Delimiters { field: b'|', repeat: Some(b'\\'), component: Some(b'^') };
    let mut lines = Vec::new();
    let mut start = 0;
    for line in message.split(|byte| [CR, LF].contains(byte)) {
        lines.push(start..start + line.len());
        start += line.len() + 1;
    }
    for line in lines {
        let Some(record) = message.get(line.clone()) else { continue };
        if let [b'H', field, repeat, component, ..] = *record
            && [field, repeat, component].iter().all(u8::is_ascii_punctuation)
        {
            delimiters = Delimiters { field, repeat: Some(repeat), component: Some(component) };
        }
        let kind = record.first().filter(|_| record.get(1) == Some(&delimiters.field));
        let kind = kind.map(|letter| Kind::of_letter(*letter));
        // What a line is goes by it alone, whatever stands behind it.
        let letter = record.first().copied();
        for (place, range) in atoms(record, line.start, delimiters, kind) {
            let Some(piece) = message.get_mut(range) else { continue };
            let keep = keep(&place, piece, dialect);
            pseudonyms.judge(piece, keep, profile);
        }
        if let (Some(first), Some(letter)) = (message.get_mut(line.start), letter) {
            *first = letter;
        }
    }
}

fn atoms(record: &[u8], start: usize, by: Delimiters, kind: Option<Kind>) -> Vec<(Place, Range<usize>)> {
    let mut atoms = Vec::new();
    let within =
        |range: &Range<usize>| record.get(range.start - start..range.end - start).unwrap_or_default();
    for (field, at) in (1..).zip(pieces(record, start, Some(by.field))) {
        if kind == Some(Kind::Header) && field == 2 && at.len() <= 4 {
            continue;
        }
        for repeat in pieces(within(&at), at.start, by.repeat) {
            for (component, range) in (1..).zip(pieces(within(&repeat), repeat.start, by.component)) {
                atoms.push((Place { kind, field, component }, range));
            }
        }
    }
    atoms
}

fn keep(place: &Place, piece: &[u8], dialect: &AstmDialect) -> Keep {
    let Some(kind) = place.kind else { return Keep::No };
    let at = |location: &Location| {
        let path = location.path;
        path.kind == kind
            && path.field == place.field
            && path.component.is_none_or(|it| it == place.component)
    };
    let any = |locations: &[Location]| locations.iter().any(at);
    let places = &dialect.places;
    let mut controls = dialect.classes.iter().filter(|rule| {
        matches!(rule.class, Some(SampleClass::Control | SampleClass::Calibration)) && at(&rule.at)
    });
    if place.field == 1 || controls.any(|rule| fits(&rule.is, piece)) {
        return Keep::Yes;
    }
    let is_number = piece.len() <= 5 && piece.iter().all(u8::is_ascii_digit);
    // Who it is: never, whatever else the same place may be.
    let private = [
        places.specimen,
        places.patient_id,
        places.patient_name,
        places.birth_date,
        places.patient_location,
        places.operator,
        places.query_specimen,
    ];
    // The family's name, the given and the middle one: what stands behind them are titles.
    let is_name = any(&[places.patient_name]) || kind == Kind::Patient && matches!(place.field, 6 | 7);
    if is_name && place.component <= 3 {
        return Keep::Called;
    }
    if any(&private) {
        return Keep::Names;
    }
    if at(&places.value) {
        return Keep::AsValue;
    }
    if dialect.sender.as_ref().is_some_and(|rule| at(&rule.at)) || dialect.pins.iter().any(|pin| at(&pin.at))
    {
        return Keep::Yes;
    }
    if at(&places.range) {
        return Keep::AsRange;
    }
    if any(&[places.started, places.completed]) {
        return Keep::AsTime;
    }
    if at(&places.status) || any(&places.flags) {
        return Keep::AsStatus;
    }
    let codes = [places.priority, places.specimen_type, places.code, places.unit, places.analyzer_unit];
    let sometimes = [
        places.aspect,
        places.component,
        places.dilution,
        places.replicate,
        places.loinc,
        places.firmware,
        places.assay_version,
    ];
    if any(&codes) || any(&places.position) || sometimes.iter().flatten().any(at) {
        return Keep::AsCode;
    }
    match (kind, place.field) {
        (_, 2) if is_number => Keep::Yes,
        (Kind::Patient, _) if at(&places.sex) => Keep::IfOne,
        (Kind::Patient, _) => Keep::Names,
        // The analyzer's name, its mode, its version and the time; the test that was ordered.
        (Kind::Header, 14) => Keep::AsTime,
        (Kind::Header, 5 | 12 | 13) => Keep::Yes,
        (Kind::Order | Kind::Query, 5) => Keep::AsCode,
        _ => Keep::IfOne,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that begins with another letter than it did may begin a message, or end one.
    #[test]
    fn no_pseudonym_makes_another_record_of_a_line() {
        let profile =
            crate::config::profile::parse(include_str!("../../config/profiles.d/erba-xl.toml")).unwrap();
        let said = b"H|\\^&\rP|1||X-77\rPlanted without a record\rL|1|N\r";
        for key in 0..=u8::MAX {
            let mut message = said.to_vec();
            Pseudonyms::new([key; 32]).disguise(&mut message, &profile).unwrap();
            let told = message.escape_ascii().to_string();
            let letters: Vec<u8> =
                message.split(|byte| *byte == CR).filter_map(|it| it.first().copied()).collect();
            assert_eq!(letters, b"HPPL", "{told}");
            assert!(!told.contains("lanted") && !told.contains("X-77"), "{told}");
        }
    }
}
