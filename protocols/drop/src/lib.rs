//! Files as analyzers drop them: where a file's parts end, and whether the file is whole. A part is what is read by
//! itself: a message, or some rows beside their header. Reads no disk and no clock, keeps no content, and never says
//! what a part means.

mod contents;
mod cutter;
mod verdict;

pub use contents::{
    Contents, Ending, Head, LONGEST_HEAD, LONGEST_MESSAGE, LONGEST_ROWS, LONGEST_WORKBOOK, MOST_ROWS, Rows,
    Trailer, Units,
};
pub use cutter::{Cutter, Part};
pub use verdict::{Missing, Refusal, Verdict};
