//! One OBX, part by part, by the places of the profile and the type that OBX-2 names.

use labwire_hl7::message::{Field, Segment};

use super::{RawResult, Reader, Written, ordinal, some, unit};
use crate::domain::TestIdentity;
use crate::domain::profile::Hl7Places;

/// Reads a result by its places: from an OBX, or from an OBR that is one. Whose it is, and what follows it, is the
/// reader's to say.
pub(super) fn read<'m>(
    reader: &mut Reader<'_, 'm>,
    obx: Segment<'m>,
    scope: usize,
    places: &Hl7Places,
) -> RawResult {
    let test = TestIdentity {
        code: reader.trimmed(&places.code, Some(&obx), scope),
        aspect: reader.trimmed(&places.aspect, Some(&obx), scope),
        component: reader.trimmed(&places.component, Some(&obx), scope),
        dilution: reader.trimmed(&places.dilution, Some(&obx), scope),
    };
    let (value, unread) = match places.value.is_empty() {
        true => typed(reader, &obx),
        false => (reader.trimmed(&places.value, Some(&obx), scope), None),
    };
    let (unit, unread_unit) = unit::read(reader, &obx, scope, &places.unit);
    let identity = [&places.code, &places.aspect, &places.component, &places.dilution];
    let repeated = identity.into_iter().find_map(|at| reader.repeated(at, Some(&obx), scope));
    let several = repeated.map(|(_, field)| format!("{field} is repeated: what was measured can't be told"));
    let value_place = places.value.iter().find(|at| obx.is(&at.path.segment));
    let value_field = value_place.map_or(5, |at| at.path.field);
    let status = (!places.status.is_empty()).then(|| reader.trimmed(&places.status, Some(&obx), scope));
    RawResult {
        record: ordinal(&obx),
        line: None,
        patient: None,
        order: None,
        test,
        replicate: reader.trimmed(&places.replicate, Some(&obx), scope).parse().ok(),
        loinc: some(reader.trimmed(&places.loinc, Some(&obx), scope)),
        value,
        written: if places.value.is_empty() { written(&obx) } else { Written::Open },
        value_as_sent: reader.decoder.as_sent(&obx, obx.field(value_field).raw()),
        unread: unread.or(unread_unit).or(several),
        assay_version: some(reader.trimmed(&places.assay_version, Some(&obx), scope)),
        unit,
        range: some(reader.trimmed(&places.range, Some(&obx), scope)),
        flags: reader.every(&places.flags, Some(&obx), scope),
        status,
        operator: some(reader.trimmed(&places.operator, Some(&obx), scope)),
        started: reader.trimmed(&places.started, Some(&obx), scope),
        completed: reader.trimmed(&places.completed, Some(&obx), scope),
        analyzer_unit: some(reader.trimmed(&places.analyzer_unit, Some(&obx), scope)),
        comments: Vec::new(),
        attachments: Vec::new(),
        cut: false,
    }
}

/// The value in OBX-5 as its type says, and why it can't be read so, if it can't.
fn typed(reader: &mut Reader<'_, '_>, obx: &Segment<'_>) -> (String, Option<String>) {
    let kind = reader.decoder.trimmed(obx, obx.field(2));
    let field = obx.field(5);
    let occurrences = field.repeats().filter(|repeat| !repeat.is_empty()).count();
    match kind.as_str() {
        "TX" | "FT" => {
            let lines: Vec<String> = field.repeats().map(|line| reader.decoder.text(obx, line)).collect();
            (lines.join("\n").trim().to_owned(), None)
        }
        _ if occurrences > 1 => (String::new(), Some("OBX-5 holds several values".to_owned())),
        "SN" => structured(reader, obx, field),
        "CE" | "CF" | "CWE" | "CNE" => {
            let code = reader.decoder.trimmed(obx, field.component(1));
            let name = |reader: &mut Reader<'_, '_>| reader.decoder.trimmed(obx, field.component(2));
            (if code.is_empty() { name(reader) } else { code }, None)
        }
        "" | "NM" | "ST" | "DT" | "TM" | "TS" | "DTM" | "ID" | "IS" | "SI" | "EI" => {
            let more = field.components().skip(1).any(|component| !component.is_empty());
            let unread = more.then(|| format!("OBX-5 has more components than a value of type {kind:?} has"));
            (reader.decoder.trimmed(obx, field.component(1)), unread)
        }
        other => (String::new(), Some(format!("a value of type {other:?} isn't read"))),
    }
}

/// A code, a date and an identifier may be made of digits and are no number.
fn written(obx: &Segment<'_>) -> Written {
    match obx.field(2).raw().trim_ascii() {
        b"CE" | b"CF" | b"CWE" | b"CNE" => Written::Code,
        b"ID" | b"IS" | b"EI" | b"DT" | b"TM" | b"TS" | b"DTM" => Written::NoNumber,
        _ => Written::Open,
    }
}

/// A comparator and a number; or a ratio such as `1:80`, a range such as `5-10` and a grade such as `2+`, which are no
/// numbers and only a table of values or a kind of value makes them known.
fn structured(reader: &mut Reader<'_, '_>, obx: &Segment<'_>, field: Field<'_>) -> (String, Option<String>) {
    let mut component = |number| reader.decoder.trimmed(obx, field.component(number));
    let (comparator, number, separator, second) = (component(1), component(2), component(3), component(4));
    let text = format!("{comparator}{number}{separator}{second}");
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match (separator.as_str(), second.as_str()) {
        ("", "") => (text, None),
        (":" | "/" | "-", _) if is_number && !second.is_empty() => (text, None),
        ("+", "") if is_number => (text, None),
        _ => (text, Some("OBX-5 is a number with more than is understood".to_owned())),
    }
}
