//! Segments of HL7 v2, by the profile's places and by what the standard says of each field.

use std::ops::Range;

use super::{Keep, Pseudonyms, fits, pieces};
use crate::domain::SampleClass;
use crate::domain::profile::{Hl7Dialect, Hl7Location, Hl7Places, Hl7Rule, Pattern, Profile};

/// Segments by the names that the standard gives them.
const SEGMENTS: [&[u8]; 40] = [
    b"MSH", b"MSA", b"ERR", b"SFT", b"EVN", b"PID", b"PD1", b"NK1", b"PV1", b"PV2", b"GT1", b"IN1", b"IN2",
    b"AL1", b"DG1", b"ORC", b"OBR", b"OBX", b"NTE", b"SPM", b"SAC", b"INV", b"TQ1", b"TQ2", b"QPD", b"QAK",
    b"QRD", b"QRF", b"RCP", b"DSP", b"DSC", b"EQU", b"ECD", b"ECR", b"TCD", b"TCC", b"SID", b"CTD", b"BLG",
    b"FT1",
];
/// Segments about a person: a single letter may be a part of a name there.
const PERSONAL: [&[u8]; 8] = [b"PID", b"PD1", b"PV1", b"PV2", b"NK1", b"GT1", b"IN1", b"IN2"];

#[derive(Clone, Copy)]
struct Separators {
    field: u8,
    component: Option<u8>,
    repeat: Option<u8>,
    subcomponent: Option<u8>,
}

struct Place {
    segment: [u8; 3],
    field: usize,
    component: usize,
    subcomponent: usize,
}

pub(super) fn disguise(
    message: &mut [u8],
    dialect: &Hl7Dialect,
    profile: &Profile,
    pseudonyms: &mut Pseudonyms,
) {
    let atoms = taken_apart(message);
    // Some models write a result into the order itself, and say so in the message.
    let has = |rule: &Hl7Rule| {
        atoms.iter().any(|(place, range)| {
            let piece = message.get(range.clone()).unwrap_or_default();
            place.as_ref().is_some_and(|place| place.is(&rule.at)) && fits(&rule.is, piece)
        })
    };
    let places = match &dialect.order_results {
        Some(it) if has(&it.rule) => &it.places,
        _ => &dialect.places,
    };
    for (place, range) in atoms {
        let Some(piece) = message.get_mut(range) else { continue };
        let keep = place.map_or(Keep::No, |place| keep(&place, piece, dialect, places));
        pseudonyms.judge(piece, keep, profile);
    }
}

/// Every piece of every segment.
fn taken_apart(message: &[u8]) -> Vec<(Option<Place>, Range<usize>)> {
    let mut by =
        Separators { field: b'|', component: Some(b'^'), repeat: Some(b'~'), subcomponent: Some(b'&') };
    let mut all = Vec::new();
    let mut start = 0;
    for line in message.split(|byte| [b'\r', b'\n'].contains(byte)) {
        if let [b'M', b'S', b'H', field, component, repeat, _, subcomponent, ..] = *line
            && [field, component, repeat].iter().all(u8::is_ascii_punctuation)
        {
            let subcomponent = Some(subcomponent).filter(|it| *it != field);
            by = Separators { field, component: Some(component), repeat: Some(repeat), subcomponent };
        }
        all.extend(atoms(line, start, by));
        start += line.len() + 1;
    }
    all
}

/// Every piece with its place; none where the line is no segment.
fn atoms(record: &[u8], start: usize, by: Separators) -> Vec<(Option<Place>, Range<usize>)> {
    let within =
        |range: &Range<usize>| record.get(range.start - start..range.end - start).unwrap_or_default();
    let mut fields = pieces(record, start, Some(by.field)).into_iter();
    let name = fields.next().unwrap_or(start..start);
    let segment = <[u8; 3]>::try_from(within(&name)).ok().filter(is_segment);
    let Some(segment) = segment else {
        return vec![(None, start..start + record.len())];
    };
    // The separator itself is the header's first field.
    let first = if segment == *b"MSH" { 2 } else { 1 };
    let mut atoms = Vec::new();
    for (field, at) in (first..).zip(fields) {
        if segment == *b"MSH" && field == 2 && at.len() <= 5 {
            continue;
        }
        for repeat in pieces(within(&at), at.start, by.repeat) {
            for (component, part) in (1..).zip(pieces(within(&repeat), repeat.start, by.component)) {
                for (subcomponent, range) in (1..).zip(pieces(within(&part), part.start, by.subcomponent)) {
                    atoms.push((Some(Place { segment, field, component, subcomponent }), range));
                }
            }
        }
    }
    atoms
}

/// Whether a line begins as a segment does, a site's own with a Z. A note that was broken into lines may begin with a name.
fn is_segment(name: &[u8; 3]) -> bool {
    let is_written_so = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    SEGMENTS.contains(&name.as_slice()) || name.starts_with(b"Z") && name.iter().all(is_written_so)
}

impl Place {
    fn is(&self, location: &Hl7Location) -> bool {
        let path = location.path;
        path.segment == self.segment
            && path.field == self.field
            && path.component.is_none_or(|it| it == self.component)
            && path.subcomponent.is_none_or(|it| it == self.subcomponent)
    }
}

fn keep(place: &Place, piece: &[u8], dialect: &Hl7Dialect, places: &Hl7Places) -> Keep {
    let any = |locations: &[Hl7Location]| locations.iter().any(|it| place.is(it));
    let mut controls = dialect.classes.iter().filter(|(rule, class)| {
        matches!(class, Some(SampleClass::Control | SampleClass::Calibration)) && place.is(&rule.at)
    });
    if controls.any(|(rule, _)| !piece.is_empty() && fits(&rule.is, piece)) {
        return Keep::Yes;
    }
    // Who it is: never, whatever else the same place may be.
    let private = [
        &places.specimen,
        &places.patient_id,
        &places.patient_name,
        &places.birth_date,
        &places.patient_location,
        &places.operator,
        &places.query_specimen,
    ];
    // The family's name, the given and the middle one: what stands behind them are titles and kinds of names.
    let is_name = any(&places.patient_name)
        || matches!((&place.segment, place.field), (b"PID", 5 | 6 | 9) | (b"NK1", 2));
    if is_name && place.component <= 3 {
        return Keep::Called;
    }
    if private.iter().any(|locations| any(locations)) {
        return Keep::Names;
    }
    if any(&places.value) {
        return Keep::AsValue;
    }
    let mut rules = (dialect.sender.iter().chain(&dialect.supplements))
        .chain(dialect.classes.iter().map(|it| &it.0))
        .chain(dialect.order_results.iter().map(|it| &it.rule));
    // A rule that takes anything looks for nothing.
    let is_told = |pattern: &Pattern| fits(pattern, piece) && !fits(pattern, b"whatever it is");
    // One about a whole field tells its components.
    let looks_for =
        |rule: &Hl7Rule| rule.is.as_str().split(['^', '&']).any(|part| is_told(&Pattern::new(part)));
    if rules.any(|rule| place.is(&rule.at) && place.segment != *b"PID" && looks_for(rule)) {
        return Keep::Ruled;
    }
    let codes = [
        &places.position,
        &places.priority,
        &places.specimen_type,
        &places.code,
        &places.aspect,
        &places.component,
        &places.dilution,
        &places.replicate,
        &places.loinc,
        &places.firmware,
        &places.assay_version,
        &places.unit,
        &places.analyzer_unit,
    ];
    if any(&places.range) {
        Keep::AsRange
    } else if any(&places.started) || any(&places.completed) {
        Keep::AsTime
    } else if any(&places.status) || any(&places.flags) {
        Keep::AsStatus
    } else if codes.iter().any(|locations| any(locations)) {
        Keep::AsCode
    } else {
        standard(place, piece, places)
    }
}

/// What the standard itself says of a field of which the profile says nothing.
fn standard(place: &Place, piece: &[u8], places: &Hl7Places) -> Keep {
    let is_number = piece.len() <= 5 && piece.iter().all(u8::is_ascii_digit);
    let is_code = piece.len() <= 2 && piece.iter().all(u8::is_ascii_uppercase);
    match (&place.segment, place.field) {
        (b"PID" | b"PV1" | b"OBR" | b"OBX" | b"NTE" | b"SPM" | b"ORC" | b"TQ1", 1) if is_number => Keep::Yes,
        (b"PID", 8) => Keep::IfOne,
        (segment, _) if PERSONAL.contains(&segment.as_slice()) => Keep::Names,
        (b"MSH", 9 | 11 | 12 | 15..=19 | 21) | (b"MSA", 1) | (b"QPD" | b"RCP", 1) => Keep::Yes,
        (b"MSH", 7) | (b"OBR", 7 | 22) | (b"OBX", 14 | 19) => Keep::AsTime,
        (b"ORC", 1 | 5) if is_code => Keep::AsCode,
        (b"OBR", 4) | (b"SPM", 4) | (b"TQ1", 9) | (b"OBX", 2 | 3 | 6) => Keep::AsCode,
        (b"OBR", 25) | (b"SPM", 11) | (b"OBX", 8 | 11) => Keep::AsStatus,
        // Where the profile names places of the value, this isn't one.
        (b"OBX", 5) if places.value.is_empty() => Keep::AsValue,
        (b"OBX", 7) => Keep::AsRange,
        (b"OBX", 4) if piece.len() <= 4 => Keep::AsCode,
        _ => Keep::IfOne,
    }
}
