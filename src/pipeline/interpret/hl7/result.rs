//! One OBX, part by part, by the places of the profile and the type that OBX-2 names.

use labwire_hl7::message::{Field, Segment};

use super::{Found, RawResult, Reader, ordinal, some};
use crate::domain::TestIdentity;

/// Reads a result. Whose it is, and what follows it, is the reader's to say.
pub(super) fn read<'m>(reader: &mut Reader<'_, 'm>, found: &Found<'m>) -> RawResult {
    let (obx, scope) = (found.obx, found.scope);
    let dialect = reader.dialect;
    let places = &dialect.places;
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
    RawResult {
        record: ordinal(&obx),
        patient: None,
        order: None,
        test,
        replicate: reader.trimmed(&places.replicate, Some(&obx), scope).parse().ok(),
        loinc: some(reader.trimmed(&places.loinc, Some(&obx), scope)),
        value,
        value_as_sent: reader.decoder.as_sent(&obx, obx.field(5).raw()),
        unread,
        assay_version: some(reader.trimmed(&places.assay_version, Some(&obx), scope)),
        unit: some(reader.trimmed(&places.unit, Some(&obx), scope)),
        range: some(reader.trimmed(&places.range, Some(&obx), scope)),
        flags: reader.every(&places.flags, &obx, scope),
        status: reader.trimmed(&places.status, Some(&obx), scope),
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

/// A comparator and a number. A range or a ratio is no number.
fn structured(reader: &mut Reader<'_, '_>, obx: &Segment<'_>, field: Field<'_>) -> (String, Option<String>) {
    let mut component = |number| reader.decoder.trimmed(obx, field.component(number));
    let (comparator, number, separator, second) = (component(1), component(2), component(3), component(4));
    match (separator.as_str(), second.as_str()) {
        ("", "") => (format!("{comparator}{number}"), None),
        _ => (
            format!("{comparator}{number}{separator}{second}"),
            Some("OBX-5 is a range or a ratio".to_owned()),
        ),
    }
}
