//! A specimen that was measured diluted: by how much, and who multiplied the value by it. A factor is applied once, by one.

use super::DecimalText;

/// What a profile says of its model's values of diluted specimens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dilutions {
    /// They are of the undiluted specimen: the analyzer has multiplied.
    Applied,
    /// They are of what was measured: they are multiplied here.
    ToApply,
}

/// By how much a specimen was diluted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dilution {
    /// More than 1.
    pub factor: DecimalText,
    pub applied_by: AppliedBy,
}

/// Who multiplied the value by the factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliedBy {
    Analyzer,
    /// The value as sent is what was measured.
    Gateway,
}

impl AppliedBy {
    pub const ALL: [AppliedBy; 2] = [AppliedBy::Analyzer, AppliedBy::Gateway];

    /// The stable name, as stored and sent.
    pub fn name(self) -> &'static str {
        match self {
            AppliedBy::Analyzer => "analyzer",
            AppliedBy::Gateway => "gateway",
        }
    }

    pub fn from_name(name: &str) -> Option<AppliedBy> {
        AppliedBy::ALL.into_iter().find(|by| by.name() == name)
    }
}

impl Dilution {
    /// What is told of it beside the value. `measured` is the value as sent.
    pub fn told(&self, measured: &str) -> String {
        match self.applied_by {
            AppliedBy::Analyzer => format!("diluted {} times; the analyzer has multiplied", self.factor),
            AppliedBy::Gateway => {
                format!(
                    "diluted {} times: {} was measured, and multiplied here",
                    self.factor,
                    measured.trim()
                )
            }
        }
    }
}
