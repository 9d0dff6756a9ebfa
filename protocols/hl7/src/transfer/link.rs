//! The two halves on one line: to whom a block belongs. Decides nothing about messages itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use labwire_link::{Action, Input, Link, Sent};

use super::note::Note;
use super::receive::{Arrived, Receiver};
use super::send::Sender;
use super::settings::Settings;

/// MLLP on one connection, receiving and sending.
///
/// A block that acknowledges something is an answer to a message of ours or to none; every other block is the peer's
/// message. Both directions run side by side. Time enters as `now` alone. Parcels are numbered through the link's
/// whole life, over every connection.
pub struct MllpLink {
    receiver: Receiver,
    sender: Sender,
    line: Line,
    actions: VecDeque<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Down,
    Up,
    /// We asked for it to be closed: what it brings isn't looked at any more.
    Closing,
}

impl MllpLink {
    pub fn new(settings: Settings) -> MllpLink {
        let settings = Arc::new(settings);
        MllpLink {
            receiver: Receiver::new(Arc::clone(&settings)),
            sender: Sender::new(settings),
            line: Line::Down,
            actions: VecDeque::new(),
        }
    }

    fn take_in(&mut self, now: Instant, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.line != Line::Closing {
            let (rest, arrived) = self.receiver.scan(now, bytes, &mut self.actions);
            bytes = rest;
            self.sort(now, arrived);
        }
    }

    /// Gives a block to the half that it belongs to.
    fn sort(&mut self, now: Instant, arrived: Option<Arrived>) {
        if let Some(arrived) = arrived
            && !self.sender.takes(now, arrived.block.content(), &mut self.actions)
        {
            self.receiver.accept(arrived, &mut self.actions);
        }
        self.notice_close();
    }

    fn tick(&mut self, now: Instant) {
        let arrived = self.receiver.on_tick(now, &mut self.actions);
        self.sort(now, arrived);
        self.sender.on_tick(now, &mut self.actions);
        self.notice_close();
    }

    fn disconnect(&mut self, now: Instant) {
        let arrived = self.receiver.last_block(&mut self.actions);
        self.sort(now, arrived);
        self.line = Line::Down;
        self.receiver.on_disconnected(&mut self.actions);
        self.sender.on_disconnected(&mut self.actions);
    }

    fn notice_close(&mut self) {
        if self.actions.iter().any(|action| matches!(action, Action::Close(_))) {
            self.line = Line::Closing;
        }
    }

    /// Bytes that the link holds of an unfinished block and of blocks that wait.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.receiver.buffered()
    }
}

impl Link for MllpLink {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        let out = &mut self.actions;
        match input {
            Input::Connected => {
                self.line = Line::Up;
                self.receiver.on_connected();
            }
            Input::Bytes(bytes) => self.take_in(now, bytes),
            Input::Stored(receipt, reply) => self.receiver.on_stored(&receipt, reply, out),
            Input::StoreFailed(parcel, reply) => self.receiver.on_store_failed(parcel, reply, out),
            Input::Send(id, text) if self.line == Line::Up => self.sender.on_send(id, text, out),
            Input::Send(id, _) => out.extend([Note::NotConnected.into(), Action::Sent(id, Sent::Refused)]),
            Input::Written => {
                // It speaks of what was transmitted, and perhaps not of what is still to be.
                if !out.iter().any(|action| matches!(action, Action::Transmit(_))) {
                    self.sender.on_written(now);
                }
            }
            Input::Admission(admission) => self.receiver.admit(admission, out),
            Input::Tick => self.tick(now),
            Input::Disconnected => self.disconnect(now),
        }
        if self.line == Line::Up {
            self.sender.start(&mut self.actions);
        }
    }

    fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        match self.line {
            Line::Up => [self.receiver.deadline(), self.sender.deadline()].into_iter().flatten().min(),
            Line::Down | Line::Closing => None,
        }
    }

    /// An answer names its message, so nothing that comes meanwhile could change it: the line holds it back.
    fn room(&self) -> usize {
        0
    }

    fn doing(&self) -> &'static str {
        match self.line {
            Line::Down => "waiting for a connection",
            Line::Closing => "closing the connection",
            Line::Up => self.sender.doing().unwrap_or_else(|| self.receiver.doing()),
        }
    }

    fn is_idle(&self) -> bool {
        self.receiver.is_idle() && self.sender.doing().is_none()
    }

    fn is_fresh(&self) -> bool {
        self.line == Line::Up && self.receiver.is_fresh() && self.sender.doing().is_none()
    }
}
