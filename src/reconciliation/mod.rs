//! Reconciliation: what came in on one day against what became of it, for a person to sign off, and a report of it as a
//! file. It reads the journal and writes reports; it settles nothing.

mod csv;
mod day;
mod exception;
mod folder;
mod gathering;
mod json;
pub mod remedy;
mod report;
mod schedule;

pub use csv::csv;
pub use day::{Day, Wanted};
pub use exception::{Exception, Kind};
pub use folder::digest;
pub use gathering::{Gathering, gather};
pub use json::json;
pub use report::{Intake, Lag, Outgo, Report, Rules, Verdict, brief};
pub use schedule::{ReportError, Schedule, Scheduled};
