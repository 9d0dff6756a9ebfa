//! From the text of a value to a typed one. A number that carries anything unknown stays text, and is said to be odd.

use crate::domain::profile::ResultType;
use crate::domain::{Comparator, DecimalText, Value};

/// Whether a value is of a kind that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Expected,
    Odd,
}

/// Reads a value that is neither empty nor a sign of failure. Without a known type only a plain number is expected.
pub(super) fn read(text: &str, expected: Option<&ResultType>, separator: char) -> (Value, Fit) {
    let text = text.trim();
    match expected {
        Some(ResultType::Text) => (Value::Text(text.to_owned()), Fit::Expected),
        Some(ResultType::Coded(known)) if known.contains_key(text) => {
            (Value::Code { code: text.to_owned() }, Fit::Expected)
        }
        Some(ResultType::Coded(_)) => (Value::Text(text.to_owned()), Fit::Odd),
        Some(ResultType::Quantity) | None => match quantity(text, separator) {
            Some(value) => (value, Fit::Expected),
            None => (Value::Text(text.to_owned()), Fit::Odd),
        },
    }
}

fn quantity(text: &str, separator: char) -> Option<Value> {
    let (comparator, digits) = Comparator::split(text);
    let number = DecimalText::parse(digits, separator)?;
    Some(Value::Quantity { comparator, number })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shown(value: &Value) -> String {
        match value {
            Value::Quantity { comparator, number } => {
                format!("{}{number}", comparator.map_or("", Comparator::as_str))
            }
            Value::Code { code } => format!("code {code}"),
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
                let (value, read) = read(text, expected_type, separator);
                assert_eq!((shown(&value).as_str(), read), (expected, fit), "{text:?}");
            }
        }
    }

    #[test]
    fn a_coded_value_is_one_of_the_known_or_odd_text() {
        let known = ResultType::Coded(BTreeMap::from([("NR".to_owned(), "nonreactive".to_owned())]));
        assert_eq!(read(" NR", Some(&known), '.'), (Value::Code { code: "NR".into() }, Fit::Expected));
        assert_eq!(read("nr", Some(&known), '.'), (Value::Text("nr".into()), Fit::Odd));
        assert_eq!(read("B Pos", Some(&ResultType::Text), '.'), (Value::Text("B Pos".into()), Fit::Expected));
    }
}
