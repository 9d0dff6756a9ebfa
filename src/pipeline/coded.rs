//! A value by the site's table of its test's values; where the site says nothing, as the profile expects it. What isn't in
//! the table stays as it was sent and is never likened to what is.

use super::interpret::{RawResult, Written};
use super::value::{self, Fit, Numerals};
use crate::domain::profile::ResultType;
use crate::domain::{CodeMapping, Comparator, UnknownValue, Value, ValueKind};

/// Reads a value that is neither empty nor a sign of failure.
pub(super) fn read(
    raw: &RawResult,
    expected: Option<&ResultType>,
    numerals: Option<Numerals>,
    site: Option<&CodeMapping>,
) -> (Value, Fit) {
    let Some(site) = site.filter(|site| site.reads_values()) else {
        return value::read(&raw.value, expected, numerals);
    };
    let text = raw.value.trim();
    if let Some(coding) = site.values.get(text) {
        return (Value::Code { code: text.to_owned(), coding: Some(coding.clone()) }, Fit::Expected);
    }
    let known = match kind(raw, expected, site) {
        None => fitting(value::read(text, expected, numerals)),
        Some(ValueKind::Quantity) => fitting(value::read(text, Some(&ResultType::Quantity), numerals)),
        Some(ValueKind::Titre) => is_titre(text).then(|| Value::Text(text.to_owned())),
        Some(ValueKind::Text) => Some(Value::Text(text.to_owned())),
        Some(ValueKind::Coded) => None,
    };
    match (known, site.unknown_value, raw.written) {
        (Some(value), ..) => (value, Fit::Expected),
        (None, UnknownValue::Show, Written::Code) => (Value::code(text), Fit::Expected),
        (None, UnknownValue::Show, _) => (Value::Text(text.to_owned()), Fit::Expected),
        (None, UnknownValue::Hold, _) => (Value::Text(text.to_owned()), Fit::Odd),
    }
}

/// The site's word is about a test's own value; another side of the measurement is as the profile says. `None`: all of it
/// is as the profile says, for the site lists no values.
fn kind(raw: &RawResult, expected: Option<&ResultType>, site: &CodeMapping) -> Option<ValueKind> {
    let own = site.kind.filter(|_| raw.test.aspect.is_empty());
    own.or_else(|| {
        (!site.values.is_empty()).then_some(match expected {
            Some(ResultType::Coded(_) | ResultType::Text) => ValueKind::Coded,
            Some(ResultType::Quantity | ResultType::QuantityOrCall(_)) | None => ValueKind::Quantity,
        })
    })
}

fn fitting((value, fit): (Value, Fit)) -> Option<Value> {
    (fit == Fit::Expected).then_some(value)
}

/// `1:80`, also with a comparator before it.
fn is_titre(text: &str) -> bool {
    let (_, ratio) = Comparator::split(text);
    ratio.split_once(':').is_some_and(|(one, dilution)| {
        let dilution = dilution.trim_start();
        one.trim_end() == "1"
            && !dilution.is_empty()
            && !dilution.starts_with('0')
            && dilution.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_titre_is_one_part_in_a_whole_number() {
        for (text, right) in [
            ("1:80", true),
            (">1:640", true),
            ("<= 1 : 20", true),
            ("1:0", false),
            ("1:", false),
            ("2:80", false),
            ("80", false),
            ("1:80 H", false),
            ("1:80.5", false),
            ("", false),
        ] {
            assert_eq!(is_titre(text), right, "{text:?}");
        }
    }
}
