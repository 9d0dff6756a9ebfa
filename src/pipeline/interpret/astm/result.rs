//! One result record, part by part, by the places of the profile.

use labwire_astm::record::{Field, Path, Record};

use super::{Decoder, RawResult, Written, ordinal, some};
use crate::domain::TestIdentity;
use crate::domain::profile::{AstmDialect, Location, Pin, Places};

/// Reads a result. Whose it is, and what follows it, is the walk's to say.
pub(super) fn read(record: &Record<'_>, dialect: &AstmDialect, decoder: &mut Decoder) -> RawResult {
    let places = &dialect.places;
    let optional = |decoder: &mut Decoder, place: &Option<Location>| {
        place.map(|place| decoder.trimmed(record, &place)).unwrap_or_default()
    };
    let test = TestIdentity {
        code: decoder.trimmed(record, &places.code),
        aspect: optional(decoder, &places.aspect),
        component: optional(decoder, &places.component),
        dilution: optional(decoder, &places.dilution),
    };
    RawResult {
        record: ordinal(record),
        line: None,
        patient: None,
        order: None,
        test,
        replicate: optional(decoder, &places.replicate).parse().ok(),
        loinc: some(optional(decoder, &places.loinc)),
        value: decoder.trimmed(record, &places.value),
        written: Written::Open,
        value_as_sent: decoder.as_sent(record, record.field(places.value.path.field)),
        unread: unread(record, places)
            .or_else(|| unread_flags(record, places))
            .or_else(|| several_tests(record, places))
            .or_else(|| unpinned(record, &dialect.pins, decoder)),
        assay_version: some(optional(decoder, &places.assay_version)),
        unit: some(decoder.trimmed(record, &places.unit)),
        range: some(decoder.trimmed(record, &places.range)),
        flags: decoder.every(record, &places.flags),
        status: Some(decoder.trimmed(record, &places.status)),
        operator: some(decoder.trimmed(record, &places.operator)),
        started: decoder.trimmed(record, &places.started),
        completed: decoder.trimmed(record, &places.completed),
        analyzer_unit: some(decoder.trimmed(record, &places.analyzer_unit)),
        comments: Vec::new(),
        attachments: Vec::new(),
        cut: false,
    }
}

/// Whether the value's field holds parts for which the profile names no place.
fn unread(record: &Record<'_>, places: &Places) -> Option<String> {
    let number = places.value.path.field;
    let field = record.field(number);
    let named = |component: usize| {
        let mut known = std::iter::once(&places.value).chain(&places.flags);
        known.any(|place| place.path.field == number && place.path.component == Some(component))
    };
    let unnamed = |(index, part): (usize, Field<'_>)| !part.is_empty() && !named(index + 1);
    let more_components = match places.value.path.component {
        Some(_) => field.components().enumerate().any(unnamed),
        None => field.components().count() > 1,
    };
    let more = field.repeats().count() > 1 || more_components;
    more.then(|| "the value's field holds more than the profile knows".to_owned())
}

/// Whether a field that says what was measured says it more than once.
fn several_tests(record: &Record<'_>, places: &Places) -> Option<String> {
    let parts = [&places.aspect, &places.component, &places.dilution].into_iter().flatten();
    std::iter::once(&places.code).chain(parts).find_map(|place| {
        Some(format!("{} is repeated: what was measured can't be told", repeated(record, place)?))
    })
}

/// The field in which one thing is looked for, where it is repeated: which of them counts can't be told.
pub(super) fn repeated(record: &Record<'_>, place: &Location) -> Option<Path> {
    let path = Path { component: None, ..place.path };
    let says = |repeat: &Field<'_>| repeat.components().any(|component| !component.is_empty());
    let times = record.field(path.field).repeats().filter(says).count();
    (path.repeat.is_none() && times > 1).then_some(path)
}

/// Whether a flag's field holds parts for which the profile names no place.
fn unread_flags(record: &Record<'_>, places: &Places) -> Option<String> {
    let named = |field: usize, component: usize| {
        places.flags.iter().any(|place| place.path.field == field && place.path.component == Some(component))
    };
    let in_parts = places.flags.iter().filter(|place| place.path.component.is_some());
    let mut fields = in_parts.map(|place| place.path.field).filter(|field| *field != places.value.path.field);
    let more = fields.any(|number| {
        let parts = record.field(number).repeats().flat_map(|repeat| repeat.components().enumerate());
        parts.into_iter().any(|(index, part)| !part.is_empty() && !named(number, index + 1))
    });
    more.then(|| "the flags' field holds more than the profile knows".to_owned())
}

/// Whether a part that must have one content has another.
fn unpinned(record: &Record<'_>, pins: &[Pin], decoder: &mut Decoder) -> Option<String> {
    pins.iter().find_map(|pin| {
        let text = decoder.trimmed(record, &pin.at);
        (text != pin.is).then(|| format!("{} is {text:?}, and only {:?} is understood", pin.meaning, pin.is))
    })
}
