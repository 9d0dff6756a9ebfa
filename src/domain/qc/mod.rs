//! Quality control: which control material is which, what it should give, and the control rules by which a run is judged.
//! Every number is exact. Knows no clock and no journal, and nothing of a patient.

mod lot;
mod rule;
mod run;
#[cfg(test)]
mod tests;
mod westgard;

pub use lot::{Control, Identified, Level, Lot, Target, Unmarked, WhyNot};
pub use rule::{Across, AtLimit, Multirule, Plan, RangeOf, Rule, Severity};
pub use run::{By, Outcome, QcState, Stood, conclude, names};
pub use westgard::{Point, Program, Scope, Violation, violations};
