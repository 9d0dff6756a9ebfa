//! Every oddity of a transfer that is worth counting, with its stable code and its one sentence. A note never
//! carries a byte of content; control bytes and frame numbers are no content.

use std::fmt;

use super::frame::FrameNumber;

/// Something odd on the line. Never fatal; it converts into a [`labwire_link::Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    // While receiving: refused with NAK.
    BadChecksum,
    BadFrameNumber,
    BadFrameEnd,
    ForbiddenByte(u8),
    OversizeFrame,
    NoiseBeforeFrame,
    WrongFrameNumber { due: FrameNumber, came: FrameNumber },
    ChangedRepeat(FrameNumber),
    NotStored,
    Busy,
    RestartRefused,
    OversizeTransfer,
    // While receiving: answered as the standard or a tolerance says.
    RepeatedFrame(FrameNumber),
    Restarted,
    KeepAlive,
    EmptyTransfer,
    MissingEot,
    MissingCrLf,
    MissingChecksum,
    LowerCaseChecksum,
    MissingRecordEnd,
    RawRecords,
    // While receiving: not answered.
    Noise,
    BrokenFrame,
    Overrun,
    AnsweredTooLate,
    AnsweredBefore,
    RawRefused,
    RawNotStored,
    // While sending.
    Contention,
    PeerBusy,
    NoAnswer,
    GarbledAnswer,
    StrayAnswer,
    FrameRefused(FrameNumber),
    Interrupted,
    Unsendable,
    NotConnected,
}

impl Note {
    /// The stable name to count by.
    pub fn code(self) -> &'static str {
        match self {
            Note::BadChecksum => "bad-checksum",
            Note::BadFrameNumber => "bad-frame-number",
            Note::BadFrameEnd => "bad-frame-end",
            Note::ForbiddenByte(_) => "forbidden-byte",
            Note::OversizeFrame => "oversize-frame",
            Note::NoiseBeforeFrame => "noise-before-frame",
            Note::WrongFrameNumber { .. } => "wrong-frame-number",
            Note::ChangedRepeat(_) => "changed-repeat",
            Note::NotStored => "not-stored",
            Note::Busy => "busy",
            Note::RestartRefused => "restart-refused",
            Note::OversizeTransfer => "oversize-transfer",
            Note::RepeatedFrame(_) => "repeated-frame",
            Note::Restarted => "restarted",
            Note::KeepAlive => "keep-alive",
            Note::EmptyTransfer => "empty-transfer",
            Note::MissingEot => "missing-eot",
            Note::MissingCrLf => "missing-cr-lf",
            Note::MissingChecksum => "missing-checksum",
            Note::LowerCaseChecksum => "lower-case-checksum",
            Note::MissingRecordEnd => "missing-record-end",
            Note::RawRecords => "raw-records",
            Note::Noise => "noise",
            Note::BrokenFrame => "broken-frame",
            Note::Overrun => "overrun",
            Note::AnsweredTooLate => "answered-too-late",
            Note::AnsweredBefore => "answered-before",
            Note::RawRefused => "raw-refused",
            Note::RawNotStored => "raw-not-stored",
            Note::Contention => "contention",
            Note::PeerBusy => "peer-busy",
            Note::NoAnswer => "no-answer",
            Note::GarbledAnswer => "garbled-answer",
            Note::StrayAnswer => "stray-answer",
            Note::FrameRefused(_) => "frame-refused",
            Note::Interrupted => "interrupted",
            Note::Unsendable => "unsendable",
            Note::NotConnected => "not-connected",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Note::ForbiddenByte(byte) => {
                return write!(f, "the text of a frame held the control byte {byte:02X} and was refused");
            }
            Note::WrongFrameNumber { due, came } => {
                return write!(f, "frame {came} came where frame {due} was due and was refused");
            }
            Note::ChangedRepeat(number) => {
                return write!(f, "frame {number} came again with other content and was refused");
            }
            Note::RepeatedFrame(number) => {
                return write!(f, "frame {number} came again; it was acknowledged and not stored twice");
            }
            Note::FrameRefused(number) => return write!(f, "the analyzer refused frame {number} of ours"),
            Note::BadChecksum => "a frame with a wrong checksum was refused",
            Note::BadFrameNumber => "a frame without a number from 0 to 7 was refused",
            Note::BadFrameEnd => "a frame that didn't end as a frame must was refused",
            Note::OversizeFrame => "a frame longer than the limit was refused",
            Note::NoiseBeforeFrame => "a frame with stray bytes before it was refused",
            Note::NotStored => "a frame could not be stored and was refused",
            Note::Busy => "a transmission was put off: nothing more can be stored at present",
            Note::RestartRefused => "a request to transmit in mid-transmission was refused",
            Note::OversizeTransfer => {
                "a transmission larger than the limit was cut and its last frame refused"
            }
            Note::Restarted => "the analyzer began anew in mid-transmission",
            Note::KeepAlive => "the analyzer asked whether anybody is there",
            Note::EmptyTransfer => "a transmission ended without a frame",
            Note::MissingEot => "a new transmission began without the end of the one before",
            Note::MissingCrLf => "a frame without CR LF at its end was accepted",
            Note::MissingChecksum => "a frame was accepted without a checksum",
            Note::LowerCaseChecksum => "a checksum in lower case was accepted",
            Note::MissingRecordEnd => "the last record of a frame lacked its CR",
            Note::RawRecords => "records came without frames; none of them is acknowledged",
            Note::Noise => "bytes outside a frame were ignored",
            Note::BrokenFrame => "a frame broke off",
            Note::Overrun => "the analyzer didn't wait for an answer; what was too much was dropped",
            Note::AnsweredTooLate => {
                "the analyzer stopped waiting before it was answered; the answer wasn't sent"
            }
            Note::AnsweredBefore => {
                "the analyzer asked again as an answer was on its way, and went on with that; it wasn't sent twice"
            }
            Note::RawRefused => "records without frames were refused by closing: nothing more can be stored",
            Note::RawNotStored => "a record without a frame could not be stored; the connection was closed",
            Note::Contention => "both sides asked to transmit at once; the analyzer goes first",
            Note::PeerBusy => "the analyzer is busy and was asked again later",
            Note::NoAnswer => "the analyzer didn't answer in time",
            Note::GarbledAnswer => "the analyzer's answer to a frame could not be understood",
            Note::StrayAnswer => "an answer came that nothing had been sent for",
            Note::Interrupted => "the analyzer asked us to stop",
            Note::Unsendable => "a message of ours can't be framed and wasn't sent",
            Note::NotConnected => "a message of ours wasn't sent: the analyzer isn't connected",
        };
        f.write_str(sentence)
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
