//! A message of ours on its way: cut into frames, with what is known of the one that was sent last. Decides
//! nothing: what an answer means is the sender's business.

use std::collections::VecDeque;
use std::time::Instant;

use labwire_link::{Action, SendId, Sent};

use super::control::ENQ;
use super::cut::Piece;
use super::frame::{Frame, FrameNumber};

/// A message on its way.
pub(super) struct Message {
    pub(super) id: SendId,
    content: Vec<u8>,
    pieces: Vec<Piece>,
    /// Index of the piece that is being sent.
    at: usize,
    pub(super) number: FrameNumber,
    /// How often this piece was sent.
    pub(super) tries: u8,
    /// How often ENQ was sent and put off.
    pub(super) asked: u8,
    /// The last frame was sent at least once without a clear answer.
    pub(super) in_doubt: bool,
    /// This piece was repeated without a clear answer to the copy before: two answers may come.
    pub(super) repeated_blindly: bool,
    /// One of those two answers has come.
    pub(super) acknowledged: bool,
    /// When the answer is overdue; none before it has been handed to the line.
    pub(super) overdue: Option<Instant>,
    /// When what came instead of an answer is judged.
    pub(super) quiet: Option<Instant>,
}

impl Message {
    pub(super) fn new(id: SendId, content: Vec<u8>, pieces: Vec<Piece>) -> Message {
        Message {
            id,
            content,
            pieces,
            at: 0,
            number: FrameNumber::FIRST,
            tries: 0,
            asked: 0,
            in_doubt: false,
            repeated_blindly: false,
            acknowledged: false,
            overdue: None,
            quiet: None,
        }
    }

    /// Asks for the line.
    pub(super) fn ask(&mut self, out: &mut VecDeque<Action>) {
        out.push_back(Action::Transmit(vec![ENQ]));
        self.await_answer();
    }

    /// Sends the frame that is due, for the first time or again.
    pub(super) fn transmit(&mut self, out: &mut VecDeque<Action>) {
        let Some(piece) = self.pieces.get(self.at) else { return };
        let text = self.content.get(piece.text.clone()).unwrap_or_default();
        out.push_back(Action::Transmit(Frame { number: self.number, text, end: piece.end }.emit()));
        self.tries = self.tries.saturating_add(1);
        self.await_answer();
    }

    /// Makes the next frame the one that is due.
    pub(super) fn go_on(&mut self) {
        self.at += 1;
        self.number = self.number.next();
        self.tries = 0;
        self.repeated_blindly = false;
        self.acknowledged = false;
    }

    pub(super) fn is_last(&self) -> bool {
        self.at + 1 >= self.pieces.len()
    }

    /// The frame that was sent may have been taken.
    pub(super) fn doubt(&mut self) {
        self.in_doubt |= self.is_last();
    }

    /// What became of a message whose last frame wasn't acknowledged.
    pub(super) fn failed(&self) -> Sent {
        if self.in_doubt { Sent::Unknown } else { Sent::Refused }
    }

    fn await_answer(&mut self) {
        self.overdue = None;
        self.quiet = None;
    }
}
