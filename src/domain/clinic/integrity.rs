//! Rules about whether a result can be what it is said to be: what the instrument itself said, what else was measured of
//! the specimen, and what stands on its label.

use labwire_units::Exact;

use super::limit::Limit;
use crate::domain::Glob;

/// Flags that the instrument sent with the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flags(pub Vec<Glob>);

/// Haemolysis, icterus or lipaemia: an index that the instrument measures beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The instrument's codes of the index.
    pub codes: Vec<Glob>,
    /// From where on it interferes, as the instrument numbers it.
    pub limit: Limit,
    pub missing: Missing,
}

impl Index {
    /// Whether a test of this code is the index.
    pub fn is_coded(&self, code: &str) -> bool {
        self.codes.iter().any(|glob| glob.matches(code))
    }
}

/// What it means that something else wasn't measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    NotEvaluated,
    /// A person must look.
    Undecided,
}

/// A relation that the values of one specimen keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    pub left: Vec<Term>,
    pub relation: Relation,
    pub right: Vec<Term>,
}

/// A number of times one analyte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub times: Exact,
    pub analyte: String,
    /// A number of the unit in which the analyte is reported, in the unit of the formula: `number × slope + offset`.
    pub slope: Exact,
    pub offset: Exact,
    /// As the rule has it.
    pub written: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// The left is at most so many hundredths of the right away from it.
    Within(Exact),
}

/// Values that together point to one cause, such as potassium up with calcium down after a wrong tube.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub Vec<Sign>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    pub analyte: String,
    pub limit: Limit,
}

impl Sign {
    /// Whether no value of the analyte can show both.
    pub fn excludes(&self, other: &Sign) -> bool {
        self.analyte == other.analyte && self.limit.excludes(&other.limit)
    }
}

/// How a patient's specimen number looks: `9` for a digit, `A` for a capital letter, `X` for either, and everything else
/// for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    pub pattern: String,
    pub check_digit: Option<CheckDigit>,
}

/// Its last sign, by which a misread number is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckDigit {
    /// Modulus 10, every second digit from the right doubled.
    Luhn,
    /// ISO/IEC 7064, MOD 11-2: `X` stands for ten.
    Mod11,
}

/// What must be known of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demographics(pub Vec<Demographic>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demographic {
    Id,
    Name,
    BirthDate,
    Sex,
}

impl Demographic {
    /// Each with its name in rules.
    pub const ALL: [(&str, Demographic); 4] = [
        ("id", Demographic::Id),
        ("name", Demographic::Name),
        ("birth_date", Demographic::BirthDate),
        ("sex", Demographic::Sex),
    ];

    pub fn name(self) -> &'static str {
        Demographic::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// Whether sex, birth date and name are those that came with the same patient ID before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityRule;

/// Whether an acceptable run of controls vouches for the instrument's results of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QcRule {
    /// Where no run was rejected, and none is acceptable.
    pub missing: Missing,
}
