//! What a spreadsheet does to a text that it takes for a number or a date. What was there before can't be told from
//! what is there now, so nothing is guessed back.

use super::{Cell, CellKind};
use crate::domain::profile::Told;

/// The longest number of which a spreadsheet keeps every digit.
const DIGITS: usize = 15;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Why a cell can't be taken for what the profile says that it tells, if it can't.
pub(super) fn spoilt(told: Told, cell: Cell<'_>) -> Option<&'static str> {
    match (told, cell.kind) {
        (_, CellKind::Spoilt(why)) => Some(why),
        (Told::Started | Told::Completed | Told::BirthDate, CellKind::Error) => Some(ERROR),
        (Told::Started | Told::Completed | Told::BirthDate, _) => None,
        // What a value in error means is the profile's to say, or a person's.
        (Told::Value, CellKind::Error) => None,
        (_, CellKind::Error) => Some(ERROR),
        (_, CellKind::Date) => Some("a spreadsheet made a date of it"),
        (Told::Specimen | Told::PatientId, CellKind::Number) => {
            let whole = cell.text.len() <= DIGITS && cell.text.bytes().all(|byte| byte.is_ascii_digit());
            (!whole).then_some("a spreadsheet made a number of it and may have lost digits")
        }
        (Told::Specimen | Told::PatientId, CellKind::Text) => mangled(cell.text.trim()),
        _ => None,
    }
}

const ERROR: &str = "a spreadsheet shows an error in it";

/// Text that a spreadsheet writes where it was given another.
fn mangled(text: &str) -> Option<&'static str> {
    if is_scientific(text) {
        return Some("a spreadsheet shortened a number there");
    }
    if is_day_and_month(text) {
        return Some("a spreadsheet seems to have made a date of it");
    }
    None
}

/// `1E+05`, `1.23457E+11`, `1,23E+05`.
fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number_is = match number.split_once(['.', ',']) {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    };
    number_is && exponent.strip_prefix(['+', '-']).is_some_and(digits)
}

/// `3-Mar`, `03-Mar`, `Mar-03`, `Mar-2026`.
fn is_day_and_month(text: &str) -> bool {
    let Some((one, other)) = text.split_once('-') else { return false };
    let month = |text: &str| MONTHS.contains(&text.to_ascii_lowercase().as_str());
    let number =
        |text: &str| matches!(text.len(), 1 | 2 | 4) && text.bytes().all(|byte| byte.is_ascii_digit());
    (month(one) && number(other)) || (number(one) && month(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specimen_number_that_a_spreadsheet_touched_is_none() {
        for (text, kind, is_spoilt) in [
            ("0012345", CellKind::Text, false),
            ("12345", CellKind::Number, false),
            ("1234567890123456", CellKind::Number, true),
            ("100.5", CellKind::Number, true),
            ("-5", CellKind::Number, true),
            ("2026-03-03", CellKind::Date, true),
            ("#N/A", CellKind::Error, true),
            ("1E+05", CellKind::Text, true),
            ("1.23457E+11", CellKind::Text, true),
            ("1,23457e+11", CellKind::Text, true),
            ("1E05", CellKind::Text, false),
            ("E12+3", CellKind::Text, false),
            ("3-Mar", CellKind::Text, true),
            ("Mar-03", CellKind::Text, true),
            ("MARS-03", CellKind::Text, false),
            ("2026-001", CellKind::Text, false),
            ("", CellKind::Text, false),
        ] {
            let found = spoilt(Told::Specimen, Cell { text, kind });
            assert_eq!(found.is_some(), is_spoilt, "{text}: {found:?}");
        }
    }

    #[test]
    fn a_date_is_one_where_a_time_belongs_and_nowhere_else() {
        let date = Cell { text: "2026-03-03", kind: CellKind::Date };
        assert_eq!(spoilt(Told::Completed, date), None);
        assert!(spoilt(Told::Value, date).is_some());
        assert!(spoilt(Told::Code, date).is_some());
    }
}
