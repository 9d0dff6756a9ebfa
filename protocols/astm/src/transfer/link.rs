//! The two halves on one line: who may speak, and to whom a byte belongs. Decides nothing about frames itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use labwire_link::{Action, Input, Link, Sent};

use super::note::Note;
use super::receive::Receiver;
use super::send::Sender;
use super::settings::Settings;

/// LIS01 on one connection, receiving and sending.
///
/// While a message of ours is on its way every byte is an answer to it; otherwise every byte is the peer's
/// transmission. Messages to send wait until the peer has ended its own, and ask for the line one at a time.
/// When both sides ask at once, we yield, and the peer has [`Timing::contention`](super::Timing::contention)
/// to ask again before we do.
///
/// Time enters as `now` alone. Parcels are numbered through the link's whole life, over every connection.
pub struct AstmLink {
    receiver: Receiver,
    sender: Sender,
    connected: bool,
    actions: VecDeque<Action>,
}

impl AstmLink {
    pub fn new(settings: Settings) -> AstmLink {
        let settings = Arc::new(settings);
        AstmLink {
            receiver: Receiver::new(Arc::clone(&settings)),
            sender: Sender::new(settings),
            connected: false,
            actions: VecDeque::new(),
        }
    }

    fn take_in(&mut self, now: Instant, bytes: &[u8]) {
        let transmission = self.sender.on_bytes(now, bytes, &mut self.actions);
        if !transmission.is_empty() {
            self.receiver.on_bytes(now, transmission, &mut self.actions);
        }
    }

    fn disconnect(&mut self) {
        self.connected = false;
        self.receiver.on_disconnected(&mut self.actions);
        self.sender.on_disconnected(&mut self.actions);
    }

    /// Bytes that the link holds of an unfinished frame and behind a frame being stored.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.receiver.buffered()
    }
}

impl Link for AstmLink {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        let out = &mut self.actions;
        match input {
            Input::Connected => self.connected = true,
            Input::Bytes(bytes) => self.take_in(now, bytes),
            Input::Stored(receipt, _) => self.receiver.on_stored(now, receipt, out),
            Input::StoreFailed(parcel, _) => self.receiver.on_store_failed(now, parcel, out),
            Input::Send(id, content) if self.connected => self.sender.on_send(id, content, out),
            Input::Send(id, _) => out.extend([Note::NotConnected.into(), Action::Sent(id, Sent::Refused)]),
            Input::Written => self.sender.on_written(now),
            Input::Admission(admission) => self.receiver.admit(admission),
            Input::Tick => {
                self.receiver.on_tick(now, out);
                self.sender.on_tick(now, out);
            }
            Input::Disconnected => self.disconnect(),
        }
        if self.receiver.is_neutral() {
            self.sender.start(now, &mut self.actions);
        } else {
            self.sender.on_peers_turn();
        }
    }

    fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        let ours = self.sender.deadline().filter(|_| self.sender.is_engaged() || self.receiver.is_neutral());
        [self.receiver.deadline(), ours].into_iter().flatten().min()
    }

    fn room(&self) -> usize {
        self.receiver.room()
    }

    fn doing(&self) -> &'static str {
        if !self.connected {
            return "waiting for a connection";
        }
        match self.sender.doing() {
            Some(doing) if self.receiver.is_neutral() => doing,
            _ => self.receiver.doing(),
        }
    }
    /// A message of ours that is queued isn't under way.
    fn is_idle(&self) -> bool {
        self.receiver.is_neutral() && !self.sender.is_engaged()
    }

    fn is_fresh(&self) -> bool {
        self.connected && self.receiver.is_neutral() && self.sender.doing().is_none()
    }
}
