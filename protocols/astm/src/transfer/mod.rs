//! LIS01 transfer: [`AstmLink`], a [`Link`](labwire_link::Link) that receives and sends frames. Never looks
//! inside a record beyond what completes a message; holds no clock, socket, disk or log.
//!
//! In the order a byte visits them: `scanner` finds frames, `frame` judges one by itself, `accept` by its place
//! in the transfer, `completes` finds where messages end, `receive` answers. `raw` takes records that come
//! without frames. `cut`, `message` and `send` are the way back, and `link` joins the two halves on one line.

mod accept;
mod answer;
mod completes;
pub mod control;
mod cut;
mod frame;
mod held_back;
mod link;
mod message;
mod note;
mod raw;
mod receive;
mod scanner;
mod send;
mod settings;
#[cfg(test)]
mod tests;

pub use frame::{FRAMING, Frame, FrameEnd, FrameNumber};
pub use link::AstmLink;
pub use note::Note;
pub use settings::{Emit, EndMark, RecordEnd, Settings, Timing, Tolerances};
