//! Which frame is due: numbers, repetitions, message ends and the size of one transfer. Decides, and leaves the
//! answering to the receiver.

use std::ops::Range;
use std::sync::Arc;

use super::completes::MessageEnds;
use super::control::CR;
use super::frame::{Frame, FrameEnd, FrameNumber};
use super::note::Note;
use super::settings::{EndMark, Settings};

/// What a sound frame means at this point of the transfer.
pub(super) enum Judgement {
    /// It is the one that was due.
    Due(Candidate),
    /// It is frame 1 of a new transfer, although no EOT ended the one before.
    DueAnew(Candidate),
    /// It is on disk already: the peer missed our answer.
    Repeated(FrameNumber),
    Refused(Note),
    /// The transfer would grow beyond its limit.
    TooMuch,
}

/// A frame that becomes the last accepted one if it is stored.
pub(super) struct Candidate {
    number: FrameNumber,
    text: Vec<u8>,
    end: FrameEnd,
    /// Where the transfer stands after this frame.
    ends: MessageEnds,
    carried: usize,
    /// Offsets into the text at which a message ends.
    pub(super) message_ends: Vec<usize>,
}

impl Candidate {
    /// Where the text lies within the frame's bytes: after STX and the number.
    pub(super) fn content_range(&self) -> Range<usize> {
        2..2 + self.text.len()
    }

    /// Whether nothing follows the end of a message.
    pub(super) fn completes(&self) -> bool {
        self.message_ends.last() == Some(&self.text.len())
    }

    /// Whether a record ends here without its CR and isn't the message's last.
    pub(super) fn lacks_record_end(&self) -> bool {
        self.end == FrameEnd::Complete && self.text.last() != Some(&CR) && !self.completes()
    }

    fn is_same(&self, frame: &Frame<'_>) -> bool {
        self.number == frame.number && self.end == frame.end && self.text == frame.text
    }
}

/// The frames accepted in one transfer, of which only the last matters.
pub(super) struct Sequence {
    settings: Arc<Settings>,
    /// None until the first frame is stored, so that no number can pass for a repetition.
    last: Option<Candidate>,
}

impl Sequence {
    pub(super) fn new(settings: Arc<Settings>) -> Sequence {
        Sequence { settings, last: None }
    }

    /// A new transfer begins.
    pub(super) fn restart(&mut self) {
        self.last = None;
    }

    /// The candidate is on disk.
    pub(super) fn accept(&mut self, candidate: Candidate) {
        self.last = Some(candidate);
    }

    /// Whether a message ends with the last frame.
    pub(super) fn is_complete(&self) -> bool {
        let by_end = self.settings.end_mark == EndMark::EndOfTransfer;
        self.last.as_ref().is_some_and(|last| by_end || last.completes())
    }

    pub(super) fn judge(&self, frame: &Frame<'_>) -> Judgement {
        let came = frame.number;
        let due = self.last.as_ref().map_or(FrameNumber::FIRST, |last| last.number.next());
        let begins_anew = came == FrameNumber::FIRST
            && self.settings.tolerances.missing_eot
            && self.last.as_ref().is_some_and(Candidate::completes);
        match &self.last {
            last if came == due => self.due(last.as_ref(), frame, Judgement::Due),
            Some(last) if last.is_same(frame) => Judgement::Repeated(came),
            _ if begins_anew => self.due(None, frame, Judgement::DueAnew),
            Some(last) if last.number == came => Judgement::Refused(Note::ChangedRepeat(came)),
            _ => Judgement::Refused(Note::WrongFrameNumber { due, came }),
        }
    }

    fn due(
        &self,
        last: Option<&Candidate>,
        frame: &Frame<'_>,
        judgement: fn(Candidate) -> Judgement,
    ) -> Judgement {
        let carried = last.map_or(0, |last| last.carried).saturating_add(frame.text.len());
        if carried > self.settings.max_transfer {
            return Judgement::TooMuch;
        }
        let mut ends = last.map_or_else(MessageEnds::new, |last| last.ends);
        let message_ends = ends.follow(self.settings.end_mark, frame.text, frame.end);
        judgement(Candidate {
            number: frame.number,
            text: frame.text.to_vec(),
            end: frame.end,
            ends,
            carried,
            message_ends,
        })
    }
}
