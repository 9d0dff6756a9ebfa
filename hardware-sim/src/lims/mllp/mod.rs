//! A LIMS on this machine's loopback that takes HL7 over MLLP, keeps a ledger of what it took and fails on command. It
//! judges no result and interprets no code.

mod answer;
mod block;
mod ledger;
mod mode;
mod server;
mod taken;

pub use block::{next_block, write_block};
pub use ledger::{Attempt, Ledger};
pub use mode::Mode;
pub use server::{MllpLims, Setup};
pub use taken::Taken;
