//! The sending half: one message at a time, and an answer counts only for the message whose control ID it names. Never
//! sends a message twice; what got no answer is unknown, not failed.

use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use labwire_link::{Action, End, SendId, Sent};

use super::answer::{self, Answer, Code, NoAnswer};
use super::content::Content;
use super::control::{ACK, FS, NAK, VT, block};
use super::note::Note;
use super::settings::{Release, Settings, SettledBy, Unasked};

type Actions = VecDeque<Action>;

enum State {
    Ready,
    Awaiting(Awaited),
    /// An answer may still be under way: nothing more is sent on this connection.
    Closing,
}

struct Awaited {
    id: SendId,
    control_id: Vec<u8>,
    stage: Stage,
    /// None until the message is on the line.
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sent,
    /// The peer has it in safe storage; the final answer is due.
    Staged,
}

struct Queued {
    id: SendId,
    text: Vec<u8>,
    control_id: Vec<u8>,
}

/// How many messages of a connection are remembered, so that a control ID isn't given to another one while an answer
/// to the first could still arrive.
const REMEMBERED: usize = 64;

pub(super) struct Sender {
    settings: Arc<Settings>,
    state: State,
    waiting: VecDeque<Queued>,
    /// The control ID and the digest of the last messages sent on this connection.
    sent: VecDeque<(Vec<u8>, u64)>,
    /// The control ID of the last answer of ours. The peer may acknowledge it, and needn't.
    answered: Option<Vec<u8>>,
}

impl Sender {
    pub(super) fn new(settings: Arc<Settings>) -> Sender {
        Sender {
            settings,
            state: State::Ready,
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
            answered: None,
        }
    }

    pub(super) fn on_send(&mut self, id: SendId, text: &[u8], out: &mut Actions) {
        let one_message = Content::of(text).message_ends.len() == 1;
        let fits = one_message && !text.iter().any(|byte| [VT, FS].contains(byte));
        match answer::control_id(text).filter(|_| fits) {
            Some(control_id) => self.waiting.push_back(Queued { id, text: text.to_vec(), control_id }),
            None => out.extend([Note::Unsendable.into(), Action::Sent(id, Sent::Refused)]),
        }
    }

    /// Sends the next message, if none is awaited.
    pub(super) fn start(&mut self, out: &mut Actions) {
        while matches!(self.state, State::Ready)
            && let Some(Queued { id, text, control_id }) = self.waiting.pop_front()
        {
            if answer::is_answer(&text) {
                out.extend([Action::Transmit(block(&text)), Action::Sent(id, Sent::Delivered)]);
                self.answered = Some(control_id);
                continue;
            }
            if !self.remember(&control_id, &text) {
                out.extend([Note::ReusedControlId.into(), Action::Sent(id, Sent::Refused)]);
                continue;
            }
            out.push_back(Action::Transmit(block(&text)));
            self.state = State::Awaiting(Awaited { id, control_id, stage: Stage::Sent, deadline: None });
        }
    }

    pub(super) fn on_written(&mut self, now: Instant) {
        if let State::Awaiting(awaited) = &mut self.state {
            awaited.deadline = awaited.deadline.or(Some(now + self.settings.timing.reply));
        }
    }

    /// Whether a block is an answer to a message of ours, or no message of the peer's at all. Then it is dealt with.
    pub(super) fn takes(&mut self, now: Instant, content: &[u8], out: &mut Actions) -> bool {
        if let [commit @ (ACK | NAK)] = content {
            self.take_commit(now, *commit, out);
            return true;
        }
        match Answer::parse(content) {
            Ok(answer) => self.take_answer(now, answer, content, out),
            Err(why) => {
                let nobodys = why != NoAnswer::NotAnAnswer && answer::is_bare_acknowledgement(content);
                let is_discarded = nobodys || self.settings.unasked == Unasked::Discard;
                if is_discarded {
                    self.discard(Note::GarbledAnswer, out);
                }
                is_discarded
            }
        }
    }

    pub(super) fn on_tick(&mut self, now: Instant, out: &mut Actions) {
        if self.deadline().is_none_or(|at| at > now) {
            return;
        }
        if let State::Awaiting(awaited) = std::mem::replace(&mut self.state, State::Closing) {
            let note = match awaited.stage {
                Stage::Sent => Note::NoAnswer,
                Stage::Staged => Note::NoFinalAnswer,
            };
            out.extend([note.into(), Action::Sent(awaited.id, Sent::Unknown), Action::Close(End::Unusable)]);
        }
    }

    pub(super) fn on_disconnected(&mut self, out: &mut Actions) {
        if let State::Awaiting(awaited) = std::mem::replace(&mut self.state, State::Ready) {
            out.push_back(Action::Sent(awaited.id, Sent::Unknown));
        }
        out.extend(self.waiting.drain(..).map(|queued| Action::Sent(queued.id, Sent::Refused)));
        self.sent.clear();
        self.answered = None;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Awaiting(awaited) => awaited.deadline,
            State::Ready | State::Closing => None,
        }
    }

    /// What is still to be learned of a message of ours.
    pub(super) fn doing(&self) -> Option<&'static str> {
        match &self.state {
            State::Awaiting(Awaited { stage: Stage::Sent, .. }) => Some("waiting for an answer"),
            State::Awaiting(Awaited { stage: Stage::Staged, .. }) => Some("waiting for the final answer"),
            State::Ready | State::Closing => None,
        }
    }

    /// A commit block names no message: it is for the one that is awaited, or for none. One that comes twice can be
    /// taken for the next message's; where that matters, the final answer settles.
    fn take_commit(&mut self, now: Instant, commit: u8, out: &mut Actions) {
        match (&self.state, commit) {
            _ if self.settings.release == Release::One => out.push_back(Note::StrayCommit.into()),
            (State::Awaiting(_), ACK) => self.stage(now, &[commit], out),
            (State::Awaiting(awaited), _) if awaited.stage == Stage::Sent => {
                out.extend([Note::NotCommitted.into(), Action::Sent(awaited.id, Sent::Refused)]);
                self.state = State::Ready;
            }
            _ => out.push_back(Note::StrayCommit.into()),
        }
    }

    fn take_answer(&mut self, now: Instant, answer: Answer, content: &[u8], out: &mut Actions) -> bool {
        let awaited = match &self.state {
            State::Awaiting(awaited) if awaited.control_id == answer.control_id => awaited,
            _ if answer.has_content() && self.settings.unasked == Unasked::Store => return false,
            _ if self.answered.take_if(|ours| *ours == answer.control_id).is_some() => return true,
            _ => {
                self.discard(Note::MismatchedAnswer, out);
                return true;
            }
        };
        if answer.code == Code::CommitAccept {
            self.stage(now, content, out);
        } else {
            out.push_back(Action::Sent(awaited.id, Sent::Answered(content.to_vec())));
            self.state = State::Ready;
        }
        true
    }

    /// The peer has the awaited message in safe storage.
    fn stage(&mut self, now: Instant, content: &[u8], out: &mut Actions) {
        let State::Awaiting(awaited) = &mut self.state else { return };
        if awaited.stage == Stage::Staged {
            out.push_back(Note::RepeatedAnswer.into());
            return;
        }
        out.push_back(Action::Sent(awaited.id, Sent::Staged(content.to_vec())));
        awaited.stage = Stage::Staged;
        awaited.deadline = Some(now + self.settings.timing.application);
        if self.settings.settled_by == SettledBy::FirstAnswer {
            self.state = State::Ready;
        }
    }

    fn discard(&self, why: Note, out: &mut Actions) {
        let awaits = matches!(self.state, State::Awaiting(_));
        out.push_back(if awaits { why } else { Note::StrayAnswer }.into());
    }

    /// False where this connection gave the control ID to another message already.
    fn remember(&mut self, control_id: &[u8], text: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let digest = hasher.finish();
        let known = self.sent.iter().find(|(id, _)| id == control_id);
        if let Some((_, before)) = known {
            return *before == digest;
        }
        self.sent.push_back((control_id.to_vec(), digest));
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
        true
    }
}
