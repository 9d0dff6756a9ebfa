//! How a line is set and what it speaks, by what a port read of it: the pure half of listening. It opens no port, sends nothing,
//! and what it tells holds no word of what the line said but the sender's own name.
//!
//! A port whose setting isn't the line's reads something all the same, and always the same for the same characters:
//! [`forecast`] says what. [`Belief`] compares what was heard with what each line would have made the port read, and says how the
//! port had best be set for the next transmission.

pub mod belief;
pub mod content;
pub mod forecast;
pub mod setting;

mod traffic;

pub use belief::{Belief, Choice, Count, Errors, Verdict};
pub use content::{Content, Frames, Framing};
pub use setting::{Parity, Setting};

/// Undoes what Linux makes of a port's characters with INPCK and PARMRK (termios(3)): `FF 00 x` is an x with an error, `FF FF` a
/// plain FF. It takes the bytes as they come, in pieces of any length.
#[derive(Debug, Default)]
pub struct Unmarked {
    begun: Begun,
}

#[derive(Debug, Default)]
enum Begun {
    #[default]
    Nothing,
    Mark,
    Error,
}

impl Unmarked {
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Heard> {
        bytes.iter().filter_map(|byte| self.one(*byte)).collect()
    }

    /// Whether the rest of a character that was begun is still to come.
    pub fn is_within(&self) -> bool {
        !matches!(self.begun, Begun::Nothing)
    }

    fn one(&mut self, byte: u8) -> Option<Heard> {
        let (begun, heard) = match (std::mem::take(&mut self.begun), byte) {
            (Begun::Nothing, 0xFF) => (Begun::Mark, None),
            (Begun::Mark, 0) => (Begun::Error, None),
            (Begun::Error, byte) => (Begun::Nothing, Some(Heard::marred(byte))),
            (Begun::Nothing | Begun::Mark, byte) => (Begun::Nothing, Some(Heard::good(byte))),
        };
        self.begun = begun;
        heard
    }
}

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
