//! From the text of a value to a typed one. A number that carries anything unknown stays text, and is said to be odd.

use std::borrow::Cow;

use crate::domain::profile::ResultType;
use crate::domain::{Comparator, DecimalText, Value};

/// Whether a value is of a kind that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Expected,
    Odd,
}

/// How a model writes its numbers, at this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numerals {
    pub(super) decimal: char,
    /// What stands between thousands, if anything does.
    pub(super) thousands: Option<char>,
}

/// Reads a value that is neither empty nor a sign of failure. Without a known type only a plain number is expected.
/// Without numerals, the message itself says that this is no number, however it looks.
pub(super) fn read(text: &str, expected: Option<&ResultType>, numerals: Option<Numerals>) -> (Value, Fit) {
    let text = text.trim();
    match expected {
        Some(ResultType::Text) => (Value::Text(text.to_owned()), Fit::Expected),
        Some(ResultType::Coded(known) | ResultType::QuantityOrCall(known)) if known.contains_key(text) => {
            (Value::code(text), Fit::Expected)
        }
        Some(ResultType::Coded(_)) => (Value::Text(text.to_owned()), Fit::Odd),
        Some(ResultType::Quantity | ResultType::QuantityOrCall(_)) | None => match quantity(text, numerals) {
            Some(value) => (value, Fit::Expected),
            None => (Value::Text(text.to_owned()), Fit::Odd),
        },
    }
}

/// A number as an analyzer writes it, with its sign before it; `decimal` and `thousands` as its file and its profile say.
pub fn number(
    text: &str,
    decimal: char,
    thousands: Option<char>,
) -> Option<(Option<Comparator>, DecimalText)> {
    match quantity(text.trim(), Some(Numerals { decimal, thousands }))? {
        Value::Quantity { comparator, number } => Some((comparator, number)),
        Value::Code { .. } | Value::Text(_) | Value::Absent { .. } => None,
    }
}

fn quantity(text: &str, numerals: Option<Numerals>) -> Option<Value> {
    let numerals = numerals?;
    let (comparator, digits) = Comparator::split(text);
    let number = DecimalText::parse(&ungrouped(digits, numerals)?, numerals.decimal)?;
    Some(Value::Quantity { comparator, number })
}

/// The digits without what stands between thousands. `None` where it stands anywhere else, or where this site says that
/// it is the decimal separator: then nobody can say which of the two it is.
fn ungrouped(text: &str, Numerals { decimal, thousands }: Numerals) -> Option<Cow<'_, str>> {
    let Some(separator) = thousands.filter(|separator| text.contains(*separator)) else {
        return Some(Cow::Borrowed(text));
    };
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default().trim_start_matches(['-', '+']);
    let in_threes = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    let elsewhere = decimal == separator || fraction.is_some_and(|fraction| fraction.contains(separator));
    (in_threes && !elsewhere).then(|| Cow::Owned(text.replace(separator, "")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PLAIN: Numerals = Numerals { decimal: '.', thousands: None };

    fn shown(value: &Value) -> String {
        match value {
            Value::Quantity { comparator, number } => {
                format!("{}{number}", comparator.map_or("", Comparator::as_str))
            }
            Value::Code { code, .. } => format!("code {code}"),
            Value::Text(text) => format!("text {text}"),
            Value::Absent { reason } => format!("absent {reason}"),
        }
    }

    #[test]
    fn a_quantity_is_a_plain_number_or_odd_text() {
        for (text, separator, expected, fit) in [
            ("33.86", '.', "33.86", Fit::Expected),
            (" 51 ", '.', "51", Fit::Expected),
            ("<15", '.', "<15", Fit::Expected),
            ("> 250.0", '.', ">250.0", Fit::Expected),
            (">=8", '.', ">=8", Fit::Expected),
            ("7,41", ',', "7.41", Fit::Expected),
            ("-11.7", '.', "-11.7", Fit::Expected),
            ("7,41", '.', "text 7,41", Fit::Odd),
            ("1,234.5", '.', "text 1,234.5", Fit::Odd),
            ("7.41", ',', "text 7.41", Fit::Odd),
            ("-----", '.', "text -----", Fit::Odd),
            ("146 H", '.', "text 146 H", Fit::Odd),
            ("1e3", '.', "text 1e3", Fit::Odd),
            ("<>5", '.', "text <>5", Fit::Odd),
            ("5 6", '.', "text 5 6", Fit::Odd),
            ("3+", '.', "text 3+", Fit::Odd),
            ("<", '.', "text <", Fit::Odd),
        ] {
            for expected_type in [Some(&ResultType::Quantity), None] {
                let numerals = Numerals { decimal: separator, thousands: None };
                let (value, read) = read(text, expected_type, Some(numerals));
                assert_eq!((shown(&value).as_str(), read), (expected, fit), "{text:?}");
            }
        }
    }

    #[test]
    fn a_coded_value_is_one_of_the_known_or_odd_text() {
        let known = ResultType::Coded(BTreeMap::from([("NR".to_owned(), "nonreactive".to_owned())]));
        let read = |text, expected| read(text, Some(expected), Some(PLAIN));
        assert_eq!(read(" NR", &known), (Value::code("NR"), Fit::Expected));
        assert_eq!(read("nr", &known), (Value::Text("nr".into()), Fit::Odd));
        assert_eq!(read("B Pos", &ResultType::Text), (Value::Text("B Pos".into()), Fit::Expected));
    }

    #[test]
    fn a_call_in_place_of_a_number_is_a_code_and_any_other_word_is_odd() {
        let calls = BTreeMap::from([("Not Detected".to_owned(), "no target".to_owned())]);
        let expected = ResultType::QuantityOrCall(calls);
        for (text, value, fit) in [
            ("Not Detected", "code Not Detected", Fit::Expected),
            ("< 20", "<20", Fit::Expected),
            ("0", "0", Fit::Expected),
            ("Detected", "text Detected", Fit::Odd),
        ] {
            let (read, odd) = read(text, Some(&expected), Some(PLAIN));
            assert_eq!((shown(&read).as_str(), odd), (value, fit), "{text:?}");
        }
    }

    #[test]
    fn thousands_are_read_only_where_the_profile_says_so_and_in_groups_of_three() {
        for (text, decimal, thousands, expected) in [
            ("161,152", '.', None, "text 161,152"),
            ("161,152", '.', Some(','), "161152"),
            ("1,234,567.80", '.', Some(','), "1234567.80"),
            ("> 10,000,000", '.', Some(','), ">10000000"),
            ("-1,000", '.', Some(','), "-1000"),
            ("32", '.', Some(','), "32"),
            ("161.152", ',', Some('.'), "161152"),
            ("1'234,5", ',', Some('\''), "1234.5"),
            ("161,15", '.', Some(','), "text 161,15"),
            ("1611,152", '.', Some(','), "text 1611,152"),
            ("161,1520", '.', Some(','), "text 161,1520"),
            (",152", '.', Some(','), "text ,152"),
            ("161,", '.', Some(','), "text 161,"),
            ("1.234,567", '.', Some(','), "text 1.234,567"),
            // The site says that a comma is the decimal separator: one of the two is wrong.
            ("161,152", ',', Some(','), "text 161,152"),
        ] {
            let numerals = Numerals { decimal, thousands };
            let (value, fit) = read(text, Some(&ResultType::Quantity), Some(numerals));
            assert_eq!(shown(&value), expected, "{text:?} {numerals:?}");
            assert_eq!(fit == Fit::Odd, expected.starts_with("text"), "{text:?} {numerals:?}");
        }
    }

    #[test]
    fn what_the_message_says_is_no_number_is_none_however_it_looks() {
        for expected in [None, Some(&ResultType::Quantity)] {
            assert_eq!(read("260415000", expected, None), (Value::Text("260415000".into()), Fit::Odd));
        }
    }
}
