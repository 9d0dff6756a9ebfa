//! Runs of controls: which results belong to one, what was decided of it by which rules, and what people said of it. Rows
//! are written once; a newer decision stands beside the older. Patients' results are only listed here, never touched.

mod again;
mod judge;
mod keep;
mod replay;
mod rows;
mod standing;
mod view;
mod word;

pub use judge::{Counted, Course, JudgedRun, NewControl, RunPlace, undiluted};
pub use standing::Asked;
pub use view::{PatientResult, PointView, RunView, SeriesView};
pub use word::{QcWord, Saying};

pub(super) use keep::write;
