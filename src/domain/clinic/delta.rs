//! Rules about how far a value may be from an earlier one of the same patient.

use jiff::SignedDuration;
use labwire_units::Exact;

use super::limit::Limits;
use crate::domain::Comparator;

/// How a change is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    pub method: Method,
    /// How long before an earlier value may have been measured.
    pub window: SignedDuration,
    /// Whether a value of another instrument may be compared.
    pub across_instruments: bool,
}

/// What of a change is compared with what. In `Limits`, `low` is for a fall and `high` for a rise, both by how far it went
/// and so above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// In the unit that is reported.
    Absolute(Limits),
    /// In hundredths of the base.
    Percent { limits: Limits, base: Base },
    /// In the unit that is reported, a day.
    Rate(Limits),
    /// The reference change value √2·Z·√(CVa²+CVi²), in hundredths of the earlier value.
    Rcv { operator: Comparator, z: Exact, cva: Exact, cvi: Exact },
    /// The same for values whose logarithms are spread evenly: exp(±Z√2σ) − 1 with σ = √ln(CVt²+1).
    RcvLog { operator: Comparator, z: Exact, cva: Exact, cvi: Exact },
}

/// What a percentage is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The earlier value.
    Previous,
    /// Half the sum of both.
    Mean,
}

/// Several changes at once, which one specimen of another patient makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// The rules, by name.
    pub deltas: Vec<String>,
    /// How many of them must find a rise or a fall.
    pub at_least: usize,
}
