//! Drives a link by a script and checks what holds for every protocol: nothing stored that wasn't received, each send
//! settled once. It isn't the gateway's driver: it also does what that
//! never would.
//!
//! A script is the line's bytes, with these among them: F0 ends a read, F1 stores the oldest parcel, F2 fails to, F3 sends
//! a message, F4 says once more that all is written, F5 lets time pass to the deadline, F6 reconnects, F7 turns busy or
//! open.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use labwire_link::{Action, Admission, Input, Link, Parcel, ParcelId, Receipt, Reply, SendId, Sent};

/// The most actions that a script may cause, for each of its bytes.
const MOST: usize = 64;

/// What differs between protocols.
pub trait Rules {
    /// The message that is sent as the so manieth.
    fn message(number: u64) -> Vec<u8>;
    /// Panics unless these bytes may leave now.
    fn may_transmit(bytes: &[u8], so_far: &SoFar);
    /// Panics unless this can be what became of that message.
    fn may_become(number: u64, sent: &Sent);
    /// Whether nothing more follows on this.
    fn is_final(sent: &Sent) -> bool;
}

/// How bytes reach the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Whole,
    OneByOne,
}

/// A parcel that is being stored.
pub struct Storing {
    pub id: ParcelId,
    pub raw: Vec<u8>,
}

/// What happened to parcels.
#[derive(Default)]
pub struct SoFar {
    /// Of this connection.
    pub storing: VecDeque<Storing>,
    pub stored: Vec<ParcelId>,
    pub failed: Vec<ParcelId>,
    /// Of connections that are gone.
    stale: VecDeque<Storing>,
}

struct Driver<'l, L> {
    link: &'l mut L,
    now: Instant,
    actions: Vec<Action>,
    so_far: SoFar,
    /// On this connection.
    received: Vec<u8>,
    next_parcel: u64,
    sends: u64,
    /// Those that aren't settled.
    open: BTreeMap<u64, ()>,
    is_busy: bool,
    most: usize,
}

/// Plays the script to its end; everything that the link did.
pub fn play<R: Rules, L: Link>(link: &mut L, script: &[u8], reads: Reads, now: Instant) -> Vec<Action> {
    let mut driver = Driver {
        link,
        now,
        actions: Vec::new(),
        so_far: SoFar::default(),
        received: Vec::new(),
        next_parcel: 0,
        sends: 0,
        open: BTreeMap::new(),
        is_busy: false,
        most: MOST * (script.len() + 8),
    };
    driver.handle::<R>(Input::Connected);
    for step in script.chunk_by(|before, after| !is_command(*before) && !is_command(*after)) {
        match step {
            [command] if is_command(*command) => driver.obey::<R>(*command),
            bytes => driver.read::<R>(bytes, reads),
        }
    }
    driver.handle::<R>(Input::Disconnected);
    assert!(driver.open.is_empty(), "nobody says what became of {:?}", driver.open.keys());
    driver.actions
}

/// Whether a script sends anything.
pub fn sends(script: &[u8]) -> bool {
    script.contains(&0xF3)
}

fn is_command(byte: u8) -> bool {
    (0xF0..=0xF7).contains(&byte)
}

impl<L: Link> Driver<'_, L> {
    fn read<R: Rules>(&mut self, bytes: &[u8], reads: Reads) {
        self.received.extend_from_slice(bytes);
        let before = self.actions.len();
        let size = if reads == Reads::Whole { bytes.len() } else { 1 };
        for read in bytes.chunks(size) {
            self.handle::<R>(Input::Bytes(read));
        }
        self.tell_written::<R>(before);
    }

    fn obey<R: Rules>(&mut self, command: u8) {
        let before = self.actions.len();
        match command {
            0xF1 => {
                if let Some(id) = self.oldest() {
                    self.so_far.stored.push(id);
                    let reply = Reply::Texts(vec![format!("R{}.", id.0).into_bytes()]);
                    #[expect(clippy::disallowed_methods, reason = "the script is the journal")]
                    let receipt = Receipt::sign(id);
                    self.handle::<R>(Input::Stored(receipt, reply));
                }
            }
            0xF2 => {
                if let Some(id) = self.oldest() {
                    self.so_far.failed.push(id);
                    let reply = Reply::Texts(vec![format!("F{}.", id.0).into_bytes()]);
                    self.handle::<R>(Input::StoreFailed(id, reply));
                }
            }
            0xF3 => {
                let number = self.sends;
                self.sends += 1;
                self.open.insert(number, ());
                let message = R::message(number);
                self.handle::<R>(Input::Send(SendId(number), &message));
            }
            0xF4 => self.handle::<R>(Input::Written),
            0xF5 => {
                if let Some(deadline) = self.link.deadline() {
                    self.now = self.now.max(deadline);
                    self.handle::<R>(Input::Tick);
                }
            }
            0xF6 => {
                self.handle::<R>(Input::Disconnected);
                self.so_far.stale.append(&mut self.so_far.storing);
                self.received.clear();
                self.handle::<R>(Input::Connected);
            }
            0xF7 => {
                self.is_busy = !self.is_busy;
                let admission = if self.is_busy { Admission::Busy } else { Admission::Open };
                self.handle::<R>(Input::Admission(admission));
            }
            _ => {}
        }
        self.tell_written::<R>(before);
    }

    fn oldest(&mut self) -> Option<ParcelId> {
        let oldest = self.so_far.storing.pop_front().or_else(|| self.so_far.stale.pop_front());
        oldest.map(|parcel| parcel.id)
    }

    fn tell_written<R: Rules>(&mut self, before: usize) {
        let left = self.actions.get(before..).unwrap_or_default();
        if left.iter().any(|action| matches!(action, Action::Transmit(_))) {
            self.handle::<R>(Input::Written);
        }
    }

    fn handle<R: Rules>(&mut self, input: Input<'_>) {
        self.link.handle(self.now, input);
        while let Some(action) = self.link.poll() {
            match &action {
                Action::Store(parcel) => self.check_parcel(parcel),
                Action::Transmit(bytes) => R::may_transmit(bytes, &self.so_far),
                Action::Sent(SendId(number), sent) => {
                    assert!(self.open.contains_key(number), "{number} was settled before, or never sent");
                    R::may_become(*number, sent);
                    if R::is_final(sent) {
                        self.open.remove(number);
                    }
                }
                Action::Transfer(_) | Action::Close(_) | Action::Note(_) => {}
            }
            self.actions.push(action);
            assert!(self.actions.len() < self.most, "it finds no end");
        }
        let _ = (self.link.room(), self.link.doing(), self.link.is_idle());
    }

    fn check_parcel(&mut self, parcel: &Parcel) {
        assert!(parcel.id.0 >= self.next_parcel, "a parcel's number is used twice");
        self.next_parcel = parcel.id.0 + 1;
        self.so_far.storing.push_back(Storing { id: parcel.id, raw: parcel.raw.clone() });
        assert!(!parcel.raw.is_empty());
        let mut places = self.received.windows(parcel.raw.len());
        assert!(places.any(|place| place == parcel.raw), "what was never received is stored");
        let content = parcel.raw.get(parcel.content.clone()).expect("the content lies within what came");
        assert!(parcel.message_ends.is_sorted_by(|before, after| before < after));
        assert!(parcel.message_ends.last().is_none_or(|end| *end <= content.len()));
    }
}
