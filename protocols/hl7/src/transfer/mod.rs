//! MLLP: [`MllpLink`], a [`Link`](labwire_link::Link) that receives and sends blocks, and the acknowledgements that
//! travel in them. Never looks inside a message beyond what cuts a block into messages; holds no clock, socket, disk
//! or log.
//!
//! In the order a byte visits them: `scanner` finds blocks, `content` their messages, `receive` has them stored and
//! answers; `send` is the way back, `answer` reads what the peer says to it, `acknowledge` writes what is
//! said to the peer, and `link` joins the two halves on one line.

mod acknowledge;
mod answer;
mod content;
pub mod control;
mod link;
mod note;
mod receive;
mod scanner;
mod send;
mod settings;
#[cfg(test)]
mod tests;

pub use acknowledge::{
    Acknowledging, Condition, ControlId, ControlIdForm, Mode, MsaForm, Stamp, Verdict, acknowledge,
};
pub use answer::{Answer, Code, Complaint, NoAnswer};
pub use link::MllpLink;
pub use note::Note;
pub use settings::{Release, Settings, SettledBy, Timing, Unasked};
