//! LIS01 transfer: a [`Link`](labwire_link::Link) that receives and sends frames.

mod settings;

pub use settings::{Emit, EndMark, RecordEnd, Settings, Timing, Tolerances};
