//! What a value comes to in the unit that the laboratory reports. It stands beside what was sent, never in its place.

use std::fmt;

use labwire_units::Analytes;

use super::DecimalText;
use super::call::CallPolicy;
use super::clinic::Checks;

/// What the rules in force made of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// By name.
    pub analyte: String,
    /// The SHA-256 of the rules, in hexadecimal.
    pub rules: String,
    pub outcome: Result<Reported, String>,
}

/// A value in the reported unit. Its comparator is that of the value as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Rounded as the analyte says; a bound to the side on which it stays true.
    pub number: DecimalText,
    /// A UCUM code.
    pub unit: String,
    /// The LOINC code of what is reported, where it isn't the result's own.
    pub loinc: Option<String>,
    /// Not rounded: all decimals, or a fraction where they never end.
    pub exact: String,
    /// `exact = sent × factor + offset`, as `exact` is written.
    pub factor: String,
    pub offset: String,
    /// Where the factor is from.
    pub basis: String,
}

/// A set of rules by which values are converted and judged, and the text it was read from.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// All its files, each with its name.
    pub text: String,
    /// Of `text`, in hexadecimal.
    pub sha256: String,
    pub analytes: Analytes,
    pub checks: Checks,
    pub calls: CallPolicy,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({})", self.sha256)
    }
}
