//! What an analyzer measured: decimal text with a comparator, a code, plain text, or nothing. Never floating point.

use std::fmt;

use labwire_units::Rounding;

use super::Coding;

/// One result's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number, with the comparator of an off-scale result.
    Quantity { comparator: Option<Comparator>, number: DecimalText },
    /// A qualitative value that is known, as sent, with what it is called outside of the analyzer where the site says so.
    Code { code: String, coding: Option<Coding> },
    /// Text that is neither.
    Text(String),
    /// The instrument sent no value, or one that means the run failed; never an answer.
    Absent { reason: String },
}

impl Value {
    /// A qualitative value as the analyzer calls it.
    pub fn code(code: impl Into<String>) -> Value {
        Value::Code { code: code.into(), coding: None }
    }

    /// What a qualitative value is called outside of the analyzer.
    pub fn coding(&self) -> Option<&Coding> {
        match self {
            Value::Code { coding, .. } => coding.as_ref(),
            Value::Quantity { .. } | Value::Text(_) | Value::Absent { .. } => None,
        }
    }

    /// The comparator of an off-scale quantity.
    pub fn comparator(&self) -> Option<Comparator> {
        match self {
            Value::Quantity { comparator, .. } => *comparator,
            Value::Code { .. } | Value::Text(_) | Value::Absent { .. } => None,
        }
    }
}

/// On which side of the number an off-scale result lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    pub fn as_str(self) -> &'static str {
        match self {
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    /// How a number with such a sign, or with none, may be rounded: what lies above 27.754 lies above 27.7, and it may not lie
    /// above 27.8.
    pub fn rounding(comparator: Option<Comparator>) -> Rounding {
        match comparator {
            None => Rounding::Nearest,
            Some(Comparator::Greater | Comparator::GreaterOrEqual) => Rounding::Down,
            Some(Comparator::Less | Comparator::LessOrEqual) => Rounding::Up,
        }
    }

    /// Splits a leading comparator off a value.
    pub fn split(text: &str) -> (Option<Comparator>, &str) {
        let text = text.trim_start();
        let table = [
            ("<=", Comparator::LessOrEqual),
            (">=", Comparator::GreaterOrEqual),
            ("<", Comparator::Less),
            (">", Comparator::Greater),
        ];
        for (sign, comparator) in table {
            if let Some(rest) = text.strip_prefix(sign) {
                return (Some(comparator), rest.trim_start());
            }
        }
        (None, text)
    }
}

/// A decimal number in its own digits: `-`, digits, `.`, digits. Trailing zeros are kept, as they carry precision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DecimalText(String);

impl DecimalText {
    /// Accepts an optional sign, digits, and one `separator` followed by digits. Refuses exponents, grouping and
    /// anything else: those are text with a problem, never a guess. At most 40 digits.
    pub fn parse(text: &str, separator: char) -> Option<DecimalText> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match unsigned.split_once(separator) {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, Some(fraction)),
            Some(_) => return None,
            None => (unsigned, None),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let too_long = unsigned.len() > 41;
        if too_long
            || !digits(whole)
            || !fraction.is_none_or(digits)
            || (whole.is_empty() && fraction.is_none())
        {
            return None;
        }
        let whole = if whole.is_empty() { "0" } else { whole };
        Some(DecimalText(match fraction {
            Some(fraction) => format!("{sign}{whole}.{fraction}"),
            None => format!("{sign}{whole}"),
        }))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_as_they_were_sent() {
        for (text, separator, expected) in [
            ("7.40", '.', Some("7.40")),
            ("007", '.', Some("007")),
            ("-0.5", '.', Some("-0.5")),
            ("+3", '.', Some("3")),
            (".5", '.', Some("0.5")),
            ("7,41", ',', Some("7.41")),
            ("7,41", '.', None),
            ("1,234.5", '.', None),
            ("1e3", '.', None),
            ("5.", '.', None),
            ("", '.', None),
            ("-", '.', None),
            ("٣", '.', None),
            ("12 ", '.', None),
        ] {
            assert_eq!(
                DecimalText::parse(text, separator).as_ref().map(DecimalText::as_str),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_comparator_is_split_off() {
        assert_eq!(Comparator::split("<15"), (Some(Comparator::Less), "15"));
        assert_eq!(Comparator::split(" >= 250.0"), (Some(Comparator::GreaterOrEqual), "250.0"));
        assert_eq!(Comparator::split("15"), (None, "15"));
    }
}
