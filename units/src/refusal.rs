//! Why a unit or a conversion is refused, in words for the person who must mend it. Holds no patient data: units and
//! factors only.

use std::fmt;

/// Why there is no converted value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The text is no UCUM unit: empty, ill-formed, or with a part that the table doesn't know.
    NotAUnit { unit: String, reason: String },
    /// The two don't measure the same, or only by a leap that UCUM makes and a laboratory must not: an amount of
    /// substance as a number, an equivalent as a mole, one arbitrary unit as another.
    Incommensurable { from: String, to: String },
    /// They measure the same of different things, such as `{FEU}` and `{DDU}`.
    Annotations { from: String, to: String },
    /// Units of an assay's own making, which only an analyte can put side by side.
    Arbitrary { from: String, to: String },
    /// Between them stands a fact that the analyte doesn't have.
    FactMissing { from: String, to: String, fact: &'static str },
    /// The analyte doesn't list the unit.
    NotAllowed { analyte: String, unit: String, allowed: Vec<String> },
    /// Two conventions are in use, and the laboratory hasn't chosen.
    Undecided { analyte: String, unit: String, because: String },
    /// A logarithm, a tangent or a square root, which has no exact decimal value.
    NotExact { from: String, to: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotAUnit { unit, reason } => write!(f, "{unit:?} is no UCUM unit: {reason}"),
            Refusal::Incommensurable { from, to } => write!(f, "{from} and {to} don't measure the same"),
            Refusal::Annotations { from, to } => {
                write!(f, "{from} and {to} carry different annotations and may mean different things")
            }
            Refusal::Arbitrary { from, to } => {
                write!(f, "{from} and {to} are arbitrary: only within one analyte can one become the other")
            }
            Refusal::FactMissing { from, to, fact } => write!(f, "from {from} to {to} needs the {fact}"),
            Refusal::NotAllowed { analyte, unit, allowed } => {
                write!(f, "{analyte} isn't converted from {unit}; it allows {}", allowed.join(", "))
            }
            Refusal::Undecided { analyte, unit, because } => {
                write!(f, "{unit} is undecided for {analyte}: {because}")
            }
            Refusal::NotExact { from, to } => write!(f, "from {from} to {to} there is no exact factor"),
        }
    }
}

impl std::error::Error for Refusal {}
