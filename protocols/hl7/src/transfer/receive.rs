//! The receiving half: complete blocks go to disk one at a time, and what is said about one is said in
//! [`Receiver::on_stored`] or [`Receiver::on_store_failed`] and nowhere else. Never looks at what a message says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use labwire_link::{Action, Admission, Cut, End, Parcel, ParcelId, Receipt, Reply, Transfer};

use super::content::Content;
use super::control::{ACK, NAK, block};
use super::note::Note;
use super::scanner::{Block, Scanner, Token};
use super::settings::{Release, Settings};

type Actions = VecDeque<Action>;

/// A complete block, and whether its storage was welcome when it began.
pub(super) struct Arrived {
    pub(super) block: Block,
    admission: Admission,
}

impl Arrived {
    fn size(&self) -> usize {
        self.block.raw.len() + size_of::<Arrived>()
    }
}

pub(super) struct Receiver {
    settings: Arc<Settings>,
    scanner: Scanner,
    admission: Admission,
    /// Whether storage was welcome when the block that is being received began.
    begun_under: Admission,
    waiting: VecDeque<Arrived>,
    /// What the waiting blocks take, each with what it takes to keep one.
    waiting_size: usize,
    /// On its way to disk: what is said about it is owed and not yet earned.
    storing: Option<ParcelId>,
    next_parcel: u64,
    /// Parcels of this connection were handed over since the last cut.
    in_transfer: bool,
    /// When the last byte came.
    heard: Option<Instant>,
}

impl Receiver {
    pub(super) fn new(settings: Arc<Settings>) -> Receiver {
        Receiver {
            scanner: Scanner::new(settings.max_block),
            admission: Admission::Open,
            begun_under: Admission::Open,
            waiting: VecDeque::new(),
            waiting_size: 0,
            storing: None,
            next_parcel: 0,
            in_transfer: false,
            heard: None,
            settings,
        }
    }

    pub(super) fn on_connected(&mut self) {
        self.scanner.reset();
        self.heard = None;
    }

    /// Takes bytes until a block is complete. Returns the bytes it left.
    pub(super) fn scan<'a>(
        &mut self,
        now: Instant,
        bytes: &'a [u8],
        out: &mut Actions,
    ) -> (&'a [u8], Option<Arrived>) {
        self.heard = Some(now);
        let mut tokens = Vec::new();
        let used = self.scanner.scan(bytes, &mut tokens);
        let mut arrived = None;
        for token in tokens {
            match token {
                Token::Began => self.begun_under = self.admission,
                Token::Block(block) => arrived = Some(Arrived { block, admission: self.begun_under }),
                Token::Restarted => {
                    out.push_back(Note::Restarted.into());
                    self.cut(Cut::Restarted, out);
                }
                Token::Oversize => {
                    out.push_back(Note::Oversize.into());
                    self.cut(Cut::Oversize, out);
                    out.push_back(Action::Close(End::Unusable));
                }
                Token::Odd(note) => out.push_back(note.into()),
            }
        }
        (bytes.get(used..).unwrap_or_default(), arrived)
    }

    /// Takes a block that is the peer's message. It waits for those before it.
    pub(super) fn accept(&mut self, arrived: Arrived, out: &mut Actions) {
        if arrived.block.content().is_empty() {
            out.push_back(Note::EmptyBlock.into());
            return;
        }
        let is_next = self.waiting.is_empty() && self.storing.is_none() && self.may_store(&arrived);
        if !is_next && self.waiting_size + arrived.size() > self.settings.max_waiting {
            out.push_back(Note::Overrun.into());
            self.cut(Cut::Oversize, out);
            out.push_back(Action::Close(End::Unusable));
            return;
        }
        if !self.may_store(&arrived) {
            out.push_back(Note::Busy.into());
        }
        self.waiting_size += arrived.size();
        self.waiting.push_back(arrived);
        self.store_next(out);
    }

    /// The one place that says yes.
    pub(super) fn on_stored(&mut self, receipt: &Receipt, reply: Reply, out: &mut Actions) {
        if self.storing.take_if(|storing| *storing == receipt.parcel()).is_some() {
            self.answer(ACK, reply, out);
            self.store_next(out);
        }
    }

    /// The block counts as never received: sent again, it will be stored.
    pub(super) fn on_store_failed(&mut self, parcel: ParcelId, reply: Reply, out: &mut Actions) {
        if self.storing.take_if(|storing| *storing == parcel).is_some() {
            out.push_back(Note::NotStored.into());
            self.answer(NAK, reply, out);
            self.store_next(out);
        }
    }

    pub(super) fn admit(&mut self, admission: Admission, out: &mut Actions) {
        self.admission = admission;
        self.store_next(out);
    }

    /// Judges a silence. Returns the block that was only lacking its CR.
    pub(super) fn on_tick(&mut self, now: Instant, out: &mut Actions) -> Option<Arrived> {
        self.deadline().filter(|at| *at <= now)?;
        if let Some(block) = self.scanner.complete() {
            out.push_back(Note::MissingCr.into());
            return Some(Arrived { block, admission: self.begun_under });
        }
        if self.scanner.abandon() {
            out.push_back(Note::Silence.into());
            self.cut(Cut::Silence, out);
        }
        None
    }

    /// The block that only lacked its CR when the connection went away: complete all the same.
    pub(super) fn last_block(&mut self, out: &mut Actions) -> Option<Arrived> {
        let block = self.scanner.complete()?;
        out.push_back(Note::MissingCr.into());
        Some(Arrived { block, admission: self.begun_under })
    }

    /// What is complete and welcome is still stored, though nobody can be told any more.
    pub(super) fn on_disconnected(&mut self, out: &mut Actions) {
        self.storing = None;
        let mut lost = false;
        while let Some(arrived) = self.take_waiting() {
            if self.may_store(&arrived) {
                self.store(arrived, out);
            } else {
                lost = true;
            }
        }
        self.storing = None;
        out.extend(lost.then(|| Note::Unstored.into()));
        if self.scanner.abandon() {
            out.push_back(Note::BrokenOff.into());
            lost = true;
        }
        if lost {
            self.cut(Cut::Disconnected, out);
        } else if std::mem::take(&mut self.in_transfer) {
            out.push_back(Action::Transfer(Transfer::Ended));
        }
        self.scanner.reset();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let timing = &self.settings.timing;
        let wait =
            if self.scanner.is_after_end() { timing.grace.min(timing.receive) } else { timing.receive };
        self.heard.filter(|_| self.scanner.is_within()).map(|heard| heard + wait)
    }

    /// Nothing is stored, and nothing welcome is on its way.
    pub(super) fn is_idle(&self) -> bool {
        let is_receiving = self.scanner.is_within()
            && (self.begun_under == Admission::Open || self.admission == Admission::Open);
        self.storing.is_none() && !is_receiving && !self.waiting.iter().any(|waiting| self.may_store(waiting))
    }

    /// Whether nothing is stored, waits, or has begun to arrive.
    pub(super) fn is_fresh(&self) -> bool {
        self.storing.is_none() && self.waiting.is_empty() && !self.scanner.is_within()
    }

    pub(super) fn doing(&self) -> &'static str {
        if self.storing.is_some() {
            "storing a message"
        } else if self.scanner.is_within() {
            "receiving a message"
        } else if !self.waiting.is_empty() {
            "waiting for room to store a message"
        } else {
            "waiting for a message"
        }
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.scanner.buffered() + self.waiting_size
    }

    fn take_waiting(&mut self) -> Option<Arrived> {
        let first = self.waiting.pop_front()?;
        self.waiting_size = self.waiting_size.saturating_sub(first.size());
        Some(first)
    }

    fn may_store(&self, arrived: &Arrived) -> bool {
        arrived.admission == Admission::Open || self.admission == Admission::Open
    }

    fn store_next(&mut self, out: &mut Actions) {
        if self.storing.is_none() && self.waiting.front().is_some_and(|first| self.may_store(first)) {
            let first = self.take_waiting();
            first.into_iter().for_each(|first| self.store(first, out));
        }
    }

    fn store(&mut self, arrived: Arrived, out: &mut Actions) {
        let Block { raw, content } = arrived.block;
        let id = ParcelId(self.next_parcel);
        self.next_parcel += 1;
        let Content { message_ends, has_header } = Content::of(raw.get(content.clone()).unwrap_or_default());
        if !std::mem::replace(&mut self.in_transfer, true) {
            out.push_back(Action::Transfer(Transfer::Began));
        }
        out.extend((!has_header).then(|| Note::NoHeader.into()));
        out.push_back(Action::Store(Parcel { id, raw, content, message_ends }));
        self.storing = Some(id);
    }

    fn answer(&self, commit: u8, reply: Reply, out: &mut Actions) {
        if self.settings.release == Release::Two && reply != Reply::Silent {
            out.push_back(Action::Transmit(block(&[commit])));
        }
        if let Reply::Texts(texts) = reply {
            out.extend(texts.iter().map(|text| Action::Transmit(block(text))));
        }
    }

    fn cut(&mut self, why: Cut, out: &mut Actions) {
        if std::mem::take(&mut self.in_transfer) {
            out.push_back(Action::Transfer(Transfer::Cut(why)));
        }
    }
}
