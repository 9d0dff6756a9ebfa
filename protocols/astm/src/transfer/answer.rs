//! Whether the peer is answered now, later or not at all.
//!
//! One frame, one answer: an answer carries no number, so one too many would be credited to another frame.
//! Copies of a frame that arrive before its answer share that answer, and an answer that the peer can't be
//! waiting for any more isn't sent: who asks for the line again waits for the answer to that alone.
//!
//! An answer may also cross what the peer says because none came in time, and then counts for that. So what is
//! asked again behind an ACK that nobody has gone on from is acknowledged a moment later, and only if the peer
//! doesn't go on by itself.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use labwire_link::Action;

use super::control::{ACK, NAK};
use super::note::Note;

/// Who has the answer to its last frame says EOT sooner than this after the frame. No analyzer's timer is so short.
const PROMPT: Duration = Duration::from_millis(500);

pub(super) struct Answers {
    /// How long an owed ACK waits.
    moment: Duration,
    /// What is being scanned arrived before the last answer went out.
    pub(super) before_answer: bool,
    /// Behind what is being scanned the peer asks for the line again.
    pub(super) asked_anew: bool,
    /// Since when the peer waited for an ACK that went out; none once something shows that it had that in time.
    unheeded: Option<Instant>,
    /// Until when an answer to what the peer asks again may be on its way to it already.
    until: Option<Instant>,
    /// When an ACK goes out that the peer may have already.
    owed: Option<Instant>,
}

impl Answers {
    pub(super) fn new(moment: Duration) -> Answers {
        Answers { moment, before_answer: false, asked_anew: false, unheeded: None, until: None, owed: None }
    }

    /// Lets the peer transmit, who asked for that.
    pub(super) fn welcome(&mut self, now: Instant, out: &mut VecDeque<Action>) {
        if self.asked_anew {
            out.push_back(Note::AnsweredTooLate.into());
        } else if self.unheeded.is_some() && !self.before_answer {
            self.owe(now, out);
        } else {
            self.acknowledge(now, out);
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

    /// Says what became of a frame that came at `since`, if anybody waits for that.
    pub(super) fn settle(&mut self, answer: Option<u8>, since: Instant, out: &mut VecDeque<Action>) {
        match answer {
            Some(ACK) => self.acknowledge(since, out),
            Some(other) => out.push_back(Action::Transmit(vec![other])),
            None => out.push_back(Note::AnsweredTooLate.into()),
        }
    }

    fn acknowledge(&mut self, since: Instant, out: &mut VecDeque<Action>) {
        (self.unheeded, self.until, self.owed) = (Some(since), None, None);
        out.push_back(Action::Transmit(vec![ACK]));
    }

    /// The peer sends what it may send only once it has an answer.
    pub(super) fn went_on(&mut self, out: &mut VecDeque<Action>) {
        (self.unheeded, self.until) = (None, None);
        if self.owed.take().is_some() {
            out.push_back(Note::AnsweredBefore.into());
        }
    }

    /// The peer ends its transfer. Who ends what is complete has its answers, unless the last one was sent later or EOT came
    /// late, as from somebody who has waited in vain.
    pub(super) fn ended(&mut self, now: Instant, complete: bool) {
        let in_time = |since: Instant| now.duration_since(since) < PROMPT && !self.before_answer;
        self.unheeded = self.unheeded.filter(|since| !complete || !in_time(*since));
    }

    /// No transfer runs.
    pub(super) fn forget_owed(&mut self) {
        self.owed = None;
    }

    /// Nothing of an older connection counts on this one.
    pub(super) fn forget(&mut self) {
        (self.unheeded, self.until, self.owed) = (None, None, None);
    }

    /// When something is owed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.owed
    }

    /// Pays what is due, and tells whether anything was. A peer that is sending a frame has its answer already, or will show that
    /// it hasn't; and where we come late, what it says meanwhile may wait to be read.
    pub(super) fn on_tick(&mut self, now: Instant, is_sending: bool, out: &mut VecDeque<Action>) -> bool {
        let Some(at) = self.owed.filter(|at| *at <= now) else { return false };
        let is_clear = !is_sending && now.duration_since(at) < PROMPT;
        if is_clear {
            self.acknowledge(now, out);
        } else {
            (self.until, self.owed) = (Some(now + self.moment), Some(now + self.moment));
        }
        is_clear
    }

    /// The moment runs from the first time that it is asked: who has asked in vain for so long has no answer.
    fn owe(&mut self, now: Instant, out: &mut VecDeque<Action>) {
        let until = *self.until.get_or_insert(now + self.moment);
        if until <= now {
            return self.acknowledge(now, out);
        }
        self.owed = Some(until);
    }
}
