//! Whether the peer is answered now, later or not at all.
//!
//! One frame, one answer: an answer carries no number, so one too many would be credited to another frame.
//! Copies of a frame that arrive before its answer share that answer, and an answer that the peer can't be
//! waiting for any more isn't sent: who asks for the line again waits for the answer to that alone.
//!
//! An answer may also cross what the peer says because none came in time, and then counts for that. So what is
//! asked again behind an ACK that nobody has gone on from is acknowledged a moment later, and only if the peer
//! doesn't go on by itself; asked once more, it is acknowledged at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use labwire_link::Action;

use super::control::{ACK, NAK};
use super::note::Note;

pub(super) struct Answers {
    /// How long an owed ACK waits.
    moment: Duration,
    /// What is being scanned arrived before the last answer went out.
    pub(super) before_answer: bool,
    /// Behind what is being scanned the peer asks for the line again.
    pub(super) asked_anew: bool,
    /// An ACK went out, and nothing came since that shows that the peer has heard it in time.
    unheeded: bool,
    /// It was held up by the disk.
    is_late: bool,
    /// When an ACK goes out that the peer may have already.
    owed: Option<Instant>,
}

impl Answers {
    pub(super) fn new(moment: Duration) -> Answers {
        Answers {
            moment,
            before_answer: false,
            asked_anew: false,
            unheeded: false,
            is_late: false,
            owed: None,
        }
    }

    /// Lets the peer transmit, who asked for that.
    pub(super) fn welcome(&mut self, now: Instant, out: &mut VecDeque<Action>) {
        if self.asked_anew {
            out.push_back(Note::AnsweredTooLate.into());
        } else if self.unheeded && !self.before_answer {
            self.owe(now, out);
        } else {
            self.acknowledge(out);
        }
    }

    /// Says again that a frame is stored, unless the copy came before that was said first.
    pub(super) fn confirm(&mut self, now: Instant, out: &mut VecDeque<Action>) {
        if self.before_answer {
            return;
        }
        if self.asked_anew {
            out.push_back(Note::AnsweredTooLate.into());
        } else {
            self.owe(now, out);
        }
    }

    /// Refuses what isn't stored.
    pub(super) fn refuse(&mut self, out: &mut VecDeque<Action>) {
        self.owed = None;
        out.push_back(match self.asked_anew {
            true => Note::AnsweredTooLate.into(),
            false => Action::Transmit(vec![NAK]),
        });
    }

    /// Says what became of a frame after so long, if anybody waits for that.
    pub(super) fn settle(&mut self, answer: Option<u8>, after: Duration, out: &mut VecDeque<Action>) {
        self.is_late = after >= self.moment;
        match answer {
            Some(ACK) => self.acknowledge(out),
            Some(other) => out.push_back(Action::Transmit(vec![other])),
            None => out.push_back(Note::AnsweredTooLate.into()),
        }
    }

    fn acknowledge(&mut self, out: &mut VecDeque<Action>) {
        self.owed = None;
        self.unheeded = true;
        out.push_back(Action::Transmit(vec![ACK]));
    }

    /// The peer sends what it may send only once it has an answer.
    pub(super) fn went_on(&mut self, out: &mut VecDeque<Action>) {
        self.unheeded = false;
        if self.owed.take().is_some() {
            out.push_back(Note::AnsweredBefore.into());
        }
    }

    /// The peer ends its transfer. Who ends what is complete has its answers, unless the last one was late or not yet sent.
    pub(super) fn ended(&mut self, complete: bool) {
        self.unheeded &= !complete || self.is_late || self.before_answer;
    }

    /// No transfer runs.
    pub(super) fn forget_owed(&mut self) {
        self.owed = None;
    }

    /// Nothing of an older connection counts on this one.
    pub(super) fn forget(&mut self) {
        (self.owed, self.unheeded) = (None, false);
    }

    /// When something is owed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.owed
    }

    /// Pays what is due. A peer that is sending a frame has its answer already, or will show that it hasn't.
    pub(super) fn on_tick(&mut self, now: Instant, is_sending: bool, out: &mut VecDeque<Action>) -> bool {
        let is_due = self.owed.is_some_and(|at| at <= now);
        if is_due && is_sending {
            self.owed = Some(now + self.moment);
        } else if is_due {
            self.acknowledge(out);
        }
        is_due && !is_sending
    }

    fn owe(&mut self, now: Instant, out: &mut VecDeque<Action>) {
        if self.owed.is_some() {
            return self.acknowledge(out);
        }
        self.unheeded = false;
        self.owed = Some(now + self.moment);
    }
}
