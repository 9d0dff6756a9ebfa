//! How a line is set and what it speaks, by what a port read of it: the pure half of listening. It opens no port, sends nothing,
//! and what it tells holds no word of what the line said but the sender's own name.
//!
//! A port whose setting isn't the line's reads something all the same, and always the same for the same characters:
//! [`forecast`] says what. [`Belief`] compares what was heard with what each line would have made the port read, and says how the
//! port had best be set for the next transmission.

pub mod belief;
pub mod forecast;
pub mod setting;

mod traffic;

pub use belief::{Belief, Choice, Count, Errors, Verdict};
pub use setting::{Parity, Setting};

/// One character as a port handed it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Heard {
    pub byte: u8,
    /// It came with a framing or a parity error, or is a break.
    pub is_marred: bool,
}

impl Heard {
    pub fn good(byte: u8) -> Heard {
        Heard { byte, is_marred: false }
    }

    pub fn marred(byte: u8) -> Heard {
        Heard { byte, is_marred: true }
    }
}
