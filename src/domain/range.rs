//! A site's reference ranges of a test, by sex and age, and what they say of one result. What isn't known of a patient gives
//! no range: never another patient's.

use super::clinic::{Age, Sex};
use super::{DecimalText, Private};

/// The ranges of one test. No two of them are for one patient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeTable {
    /// The unit that they are in; `None` where the result has none.
    pub unit: Option<String>,
    pub bands: Vec<RangeBand>,
    pub flags: RangeFlags,
}

/// Whether results are flagged by the site's ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RangeFlags {
    /// The instrument's own flags are all there are.
    #[default]
    None,
    /// A flag stands beside the instrument's own.
    Computed,
}

/// A range and whom it is for. What is left out restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeBand {
    pub sex: Option<Sex>,
    /// From this age on.
    pub from: Option<Age>,
    /// Up to this age, and no longer at it.
    pub below: Option<Age>,
    pub range: Range,
}

/// What is usual, both ends included; or what is, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub low: Option<DecimalText>,
    pub high: Option<DecimalText>,
    pub text: Option<String>,
}

/// The range that is this patient's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRange {
    pub range: Range,
    pub unit: Option<String>,
    /// Whom it is for: `female, from 18 y`; empty where it is for all. It says something of the patient.
    pub band: Private<String>,
    pub flag: Option<RangeFlag>,
}

/// On which side of its range a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeFlag {
    Low,
    Normal,
    High,
}

impl RangeFlag {
    pub const ALL: [RangeFlag; 3] = [RangeFlag::Low, RangeFlag::Normal, RangeFlag::High];

    /// As both protocols write it.
    pub fn letter(self) -> &'static str {
        match self {
            RangeFlag::Low => "L",
            RangeFlag::Normal => "N",
            RangeFlag::High => "H",
        }
    }

    pub fn from_letter(letter: &str) -> Option<RangeFlag> {
        RangeFlag::ALL.into_iter().find(|flag| flag.letter() == letter)
    }
}

impl RangeBand {
    /// Whom it is for; empty where it is for all.
    pub fn whom(&self) -> String {
        let parts = [
            self.sex.map(|sex| sex.name().to_owned()),
            self.from.map(|age| format!("from {age}")),
            self.below.map(|age| format!("below {age}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Range {
    /// `4.1-5.9`, `>=4.1`, `<=5.9`, or its words.
    pub fn shown(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        match (&self.low, &self.high) {
            (Some(low), Some(high)) if low.as_str().starts_with('-') => format!("{low} - {high}"),
            (Some(low), Some(high)) => format!("{low}-{high}"),
            (Some(low), None) => format!(">={low}"),
            (None, Some(high)) => format!("<={high}"),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_shown_as_both_its_ends_or_as_one() {
        let end = |text: &str| DecimalText::parse(text, '.');
        for (low, high, expected) in
            [("4.10", "5.9", "4.10-5.9"), ("4.1", "", ">=4.1"), ("", "5.9", "<=5.9"), ("-3", "3", "-3 - 3")]
        {
            assert_eq!(Range { low: end(low), high: end(high), text: None }.shown(), expected);
        }
        let words = Range { low: None, high: None, text: Some("negative".to_owned()) };
        assert_eq!(words.shown(), "negative");
    }
}
