//! What rules are asked about: one measured value with everything that may bear on it. It stands for itself, so that it
//! can be kept and asked again.

use jiff::Timestamp;
use jiff::civil::Date;
use labwire_units::Exact;

use super::criteria::Sex;
use super::reach::Reach;
use crate::domain::qc::Stood;
use crate::domain::{Comparator, Private};

/// One value and what is known around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub measured: Measured,
    pub specimen: SpecimenFacts,
    pub person: Person,
    /// The day at which the patient's age counts.
    pub on: Option<Date>,
    /// When it was measured, by an instrument's clock that isn't in doubt.
    pub at: Option<Timestamp>,
    /// What else was measured of the specimen. It has no order.
    pub together: Vec<Measured>,
    /// What was measured earlier of the same patient's other specimens. It has no order.
    pub history: Vec<Past>,
    /// Whether the LIMS was asked for more of that and hasn't told.
    pub history_untold: bool,
    pub identity: Identity,
    /// How its test stood by its controls on the instrument when it was measured; `None` where that wasn't looked for.
    pub qc: Option<Stood>,
}

/// A value with what it is a value of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The instrument's code of the test.
    pub code: String,
    /// By the name of its analyte; `None` where the laboratory doesn't know one.
    pub analyte: Option<String>,
    pub amount: Amount,
    /// As sent, one an element.
    pub flags: Vec<String>,
}

/// How much it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// In the unit that is reported; of what has no analyte, as sent.
    Number {
        comparator: Option<Comparator>,
        exact: Exact,
        /// Rounded as it is reported.
        reported: Exact,
    },
    /// It can't be put into the unit that is reported, and why.
    Unconverted(String),
    /// Another system told it, and no patient can have it: its number, and nothing is compared with it.
    Absurd(String),
    /// A text, a code, or nothing.
    NoNumber,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecimenFacts {
    pub number: Private<String>,
    pub kind: Option<String>,
    pub instrument: String,
}

/// What is known of the patient. `None` is what nobody said, or said so that it can't be understood.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub birth: Option<Date>,
    pub sex: Option<Sex>,
    pub ward: Option<String>,
    pub has_id: bool,
    pub has_name: bool,
}

/// Patient data: shown to nobody who debugs.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(person)")
    }
}

/// An earlier value of the same patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// By the name of its analyte.
    pub analyte: String,
    pub amount: Amount,
    pub at: Option<Timestamp>,
    pub instrument: String,
}

/// Whether the person is who earlier results of this patient ID belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// There is no earlier result, or nothing to compare.
    Unknown,
    Agrees,
    /// What differs: the sex, the birth date, the name.
    Differs(Vec<String>),
}

impl Case {
    /// Whether any number in it is reported rounded to another one.
    pub fn is_rounded(&self) -> bool {
        let beside =
            self.together.iter().map(|it| &it.amount).chain(self.history.iter().map(|it| &it.amount));
        let is_rounded =
            |it: &Amount| matches!(it, Amount::Number { exact, reported, .. } if exact != reported);
        std::iter::once(&self.measured.amount).chain(beside).any(is_rounded)
    }
}

impl Amount {
    /// A number as it stands, which is reported as it is.
    pub fn plain(comparator: Option<Comparator>, exact: Exact) -> Amount {
        Amount::Number { comparator, reported: exact.clone(), exact }
    }

    /// Where the exact value may lie.
    pub fn reach(&self) -> Option<Reach> {
        match self {
            Amount::Number { comparator, exact, .. } => Some(Reach::of(*comparator, exact)),
            Amount::Unconverted(_) | Amount::Absurd(_) | Amount::NoNumber => None,
        }
    }

    /// Where the reported value may lie.
    pub fn reported(&self) -> Option<Reach> {
        match self {
            Amount::Number { comparator, reported, .. } => Some(Reach::of(*comparator, reported)),
            Amount::Unconverted(_) | Amount::Absurd(_) | Amount::NoNumber => None,
        }
    }
}
