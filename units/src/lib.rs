//! Units of measure, exactly: UCUM's grammar and table, what may be converted into what, and how. Every number is a
//! fraction of whole numbers; there is no binary floating point, no I/O and no clock in here. What can't be converted
//! exactly and without doubt is refused with its reason, never approximated.
#![deny(clippy::float_arithmetic, clippy::lossy_float_literal)]

mod analyte;
mod analytes;
mod between;
mod convert;
mod essence;
mod exact;
mod refusal;
mod small;
mod table;
mod unit;

pub use analyte::{Aliases, Analyte, Basis, Believed, Bounds, Converted, Fact, Facts, Undecided, Way};
pub use analytes::Analytes;
pub use between::{Between, logarithm};
pub use convert::{Line, line};
pub use exact::{Digits, Exact, Rounding};
pub use refusal::Refusal;
pub use unit::{Unit, display_name};
