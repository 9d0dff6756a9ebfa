//! What a query of an ASTM model narrows its question to: one patient's tubes, and single tests. An answer is never wider
//! than that. It looks nothing up.

use labwire_astm::record::{Field, Record};

use super::{Only, fill};
use crate::domain::Private;
use crate::domain::profile::AstmDialect;
use crate::pipeline::Reading;

/// Q.3 names a patient before the specimen, for each tube its own; Q.5 the tests.
pub(super) fn only(query: &Record<'_>, dialect: &AstmDialect, reading: &Reading, tubes: &[bool]) -> Only {
    let patients = patients(query, dialect, reading);
    // Of the occurrences only those count that name a tube, where any does.
    let counted = patients.iter().zip(tubes).filter(|(_, names)| **names).map(|(patient, _)| patient.clone());
    let counted: Vec<_> = counted.collect();
    let patients = if counted.is_empty() { patients } else { counted };
    Only { patients, tests: tests(query, dialect, reading) }
}

/// The patient's number of each occurrence; empty where it names none. Where the specimen is the second component, the
/// standard has the patient as the first.
fn patients(query: &Record<'_>, dialect: &AstmDialect, reading: &Reading) -> Vec<Private<String>> {
    let place = dialect.places.query_specimen.path;
    let of = |occurrence: Field<'_>| {
        let is_named = place.component == Some(2) && occurrence.components().count() > 1;
        let first = if is_named { text(occurrence.component(1), reading) } else { String::new() };
        Private::new(if first.eq_ignore_ascii_case("ALL") { String::new() } else { first })
    };
    query.field(place.field).repeats().map(of).collect()
}

/// As the model writes a test where an order names it, else the fourth component, else all of it. None: all are meant.
fn tests(query: &Record<'_>, dialect: &AstmDialect, reading: &Reading) -> Vec<String> {
    let (before, after) = &dialect.query.test;
    let mut tests = Vec::new();
    for occurrence in query.field(5).repeats() {
        let parts: Vec<String> = occurrence.components().map(|part| text(part, reading)).collect();
        if parts.iter().any(|part| part.eq_ignore_ascii_case("ALL")) {
            return Vec::new();
        }
        let whole = parts.join("^");
        let whole = whole.trim_end_matches('^');
        if whole.is_empty() {
            continue;
        }
        let template = whole.strip_prefix(before.as_str());
        let template = template.and_then(|rest| rest.strip_suffix(after.trim_end_matches('^')));
        let fourth = parts.get(3).map(String::as_str).filter(|code| !code.is_empty());
        for code in [template.filter(|code| !code.is_empty()), fourth, Some(whole)].into_iter().flatten() {
            if !tests.iter().any(|known| known == code) {
                tests.push(code.to_owned());
            }
        }
    }
    tests
}

fn text(field: Field<'_>, reading: &Reading) -> String {
    fill::decode(&field.unescape(), reading).trim().to_owned()
}

/// Whether the query is about something that orders don't answer, and why.
pub(super) fn unanswerable(query: &Record<'_>) -> Option<&'static str> {
    (query.field(13).raw().trim_ascii() == b"D").then_some("it asks for a patient's particulars alone")
}

/// Whether the query restricts itself to a span of time.
pub(super) fn names_a_time(query: &Record<'_>) -> bool {
    let is_time =
        |number: usize| query.field(number).raw().trim_ascii().first().is_some_and(u8::is_ascii_digit);
    is_time(7) || is_time(8)
}
