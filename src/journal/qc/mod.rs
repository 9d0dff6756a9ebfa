//! Runs of controls: which results belong to one, what was decided of it by which rules, and what people said of it. Rows
//! are written once; a newer decision stands beside the older. Patients' results are only listed here, never touched.

mod judge;
mod keep;
mod replay;
mod rows;
mod view;
mod word;

pub use judge::{Counted, JudgedRun, NewControl, RunPlace};
pub use view::{PatientResult, PointView, RunView, SeriesView};
pub use word::{QcWord, Saying};

pub(super) use keep::write;
