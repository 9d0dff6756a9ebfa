//! What differs between peers in the transfer of blocks.

use std::time::Duration;

/// One peer's line behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub timing: Timing,
    /// The longest content of a block, in bytes.
    pub max_block: usize,
    /// The most memory, in bytes, that blocks may take which wait while one before them is being stored.
    pub max_waiting: usize,
    pub release: Release,
    pub unasked: Unasked,
    pub settled_by: SettledBy,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timing: Timing::default(),
            max_block: 16 * 1024 * 1024,
            max_waiting: 32 * 1024 * 1024,
            release: Release::One,
            unasked: Unasked::Store,
            settled_by: SettledBy::FirstAnswer,
        }
    }
}

/// HL7 fixes no times; these are what is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Receiver: how long a peer may be silent in the middle of a block (30 s).
    pub receive: Duration,
    /// Receiver: how long to wait for the CR behind FS before the block counts as complete without it (1 s).
    pub grace: Duration,
    /// Sender: how long to wait for the first answer (30 s).
    pub reply: Duration,
    /// Sender: how long to wait for the final answer once the peer has the message in safe storage (60 s).
    pub application: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            receive: Duration::from_secs(30),
            grace: Duration::from_secs(1),
            reply: Duration::from_secs(30),
            application: Duration::from_secs(60),
        }
    }
}

/// Which release of MLLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    One,
    /// Each block is answered with a commit block, which says that it is in safe storage or that it isn't.
    Two,
}

/// What to do with a block that answers nothing of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// It is the peer's message.
    Store,
    /// This connection only sends: note it and go on waiting.
    Discard,
}

/// What settles a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledBy {
    /// Any answer, safe storage included.
    FirstAnswer,
    /// The final answer: AA, AE or AR, or a refusal to store.
    FinalAnswer,
}
