//! Every oddity of a transfer that is worth counting, with its stable code and its one sentence. A note never carries
//! a byte of content.

use std::fmt;

/// Something odd on the line. Never fatal; it converts into a [`labwire_link::Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    // While receiving: the block is complete all the same.
    MissingStart,
    MissingCr,
    SeparatorInData,
    NoHeader,
    // While receiving: no block.
    StrayLineEnd,
    Noise,
    EmptyBlock,
    Restarted,
    Silence,
    BrokenOff,
    Unstored,
    Oversize,
    Overrun,
    // While receiving: said about a complete block.
    NotStored,
    Busy,
    // While sending.
    Unsendable,
    NotConnected,
    NoAnswer,
    NoFinalAnswer,
    MismatchedAnswer,
    GarbledAnswer,
    RepeatedAnswer,
    StrayAnswer,
    StrayCommit,
    NotCommitted,
    ReusedControlId,
}

impl Note {
    /// The stable name to count by.
    pub fn code(self) -> &'static str {
        match self {
            Note::MissingStart => "missing-vt",
            Note::MissingCr => "missing-cr",
            Note::SeparatorInData => "fs-in-data",
            Note::NoHeader => "no-header",
            Note::StrayLineEnd => "stray-line-end",
            Note::Noise => "noise",
            Note::EmptyBlock => "empty-block",
            Note::Restarted => "restarted",
            Note::Silence => "silence",
            Note::BrokenOff => "broken-off",
            Note::Unstored => "unstored",
            Note::Oversize => "oversize-block",
            Note::Overrun => "overrun",
            Note::NotStored => "not-stored",
            Note::Busy => "busy",
            Note::Unsendable => "unsendable",
            Note::NotConnected => "not-connected",
            Note::NoAnswer => "no-answer",
            Note::NoFinalAnswer => "no-final-answer",
            Note::MismatchedAnswer => "mismatched-answer",
            Note::GarbledAnswer => "garbled-answer",
            Note::RepeatedAnswer => "repeated-answer",
            Note::StrayAnswer => "stray-answer",
            Note::StrayCommit => "stray-commit",
            Note::NotCommitted => "not-committed",
            Note::ReusedControlId => "reused-control-id",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Note::MissingStart => "a block began without its VT and was accepted",
            Note::MissingCr => "a block ended without its CR and was accepted",
            Note::SeparatorInData => "a block held an FS that wasn't its end",
            Note::NoHeader => "a block without a message header was stored; nobody can answer it",
            Note::StrayLineEnd => "line ends between blocks were ignored",
            Note::Noise => "bytes outside a block were ignored",
            Note::EmptyBlock => "a block without content was ignored",
            Note::Restarted => "a new block began in the middle of one; the first half was dropped",
            Note::Silence => "the peer fell silent in the middle of a block; what had come of it was dropped",
            Note::BrokenOff => {
                "the connection was lost in the middle of a block; what had come of it was dropped"
            }
            Note::Unstored => {
                "the connection was lost before complete blocks were stored; none of them was answered"
            }
            Note::Oversize => "a block larger than the limit was dropped and the connection closed",
            Note::Overrun => {
                "the peer sent more than can wait while a block is stored; the connection was closed"
            }
            Note::NotStored => "a block could not be stored and was not accepted",
            Note::Busy => "a block waits: nothing more can be stored at present",
            Note::Unsendable => {
                "a message of ours can't be sent: it has no control ID or can't stand in a block"
            }
            Note::NotConnected => "a message of ours wasn't sent: the peer isn't connected",
            Note::NoAnswer => "the peer didn't answer in time; the connection was closed",
            Note::NoFinalAnswer => "the peer stored a message and didn't say in time what became of it",
            Note::MismatchedAnswer => "an answer to another message came and was discarded",
            Note::GarbledAnswer => "an answer that can't be understood came and was discarded",
            Note::RepeatedAnswer => "an answer came again and was discarded",
            Note::StrayAnswer => "an answer came that nothing was waiting for, and was discarded",
            Note::StrayCommit => "a commit block came that nothing was waiting for, and was discarded",
            Note::NotCommitted => "the peer said that it didn't store a message of ours",
            Note::ReusedControlId => {
                "a message of ours wasn't sent: another one had its control ID on this connection"
            }
        })
    }
}

impl From<Note> for labwire_link::Note {
    fn from(note: Note) -> labwire_link::Note {
        labwire_link::Note { code: note.code(), text: note.to_string() }
    }
}

impl From<Note> for labwire_link::Action {
    fn from(note: Note) -> labwire_link::Action {
        labwire_link::Action::Note(note.into())
    }
}
