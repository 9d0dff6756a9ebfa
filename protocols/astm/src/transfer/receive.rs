//! The receiving half: one table of state and token. A new frame's ACK arises in [`Receiver::on_stored`] and
//! nowhere else. Never sends a message and never looks at what a record says.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use labwire_link::{Action, Admission, Cut, End, Parcel, ParcelId, Receipt, Transfer};

use super::accept::{Candidate, Judgement, Sequence};
use super::answer::Answers;
use super::control::{ACK, ENQ, EOT, NAK, STX};
use super::frame::{FRAMING, Frame};
use super::held_back::HeldBack;
use super::note::Note;
use super::raw::RawRecords;
use super::scanner::{Scanner, Token, asks_anew};
use super::settings::{EndMark, Settings};

type Actions = VecDeque<Action>;

/// A peer that says EOT sooner than this after its frame never waits for an answer. No analyzer's timer is so short.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Where the peer's transmission stands.
enum State {
    /// No transfer is running.
    Neutral,
    /// The peer was answered last; a frame or EOT is due.
    Receiving,
    /// A frame is on its way to disk: its ACK is owed and not yet earned.
    Storing(Storing),
    /// Records come without framing.
    Raw,
}

struct Storing {
    parcel: ParcelId,
    frame: Candidate,
    since: Instant,
    /// As it came: what follows may be copies of it.
    raw: Vec<u8>,
    /// It came before the answer to what was before it: this peer doesn't wait.
    before_answer: bool,
}

pub(super) struct Receiver {
    settings: Arc<Settings>,
    state: State,
    scanner: Scanner,
    sequence: Sequence,
    raw: RawRecords,
    admission: Admission,
    next_parcel: u64,
    held_back: HeldBack,
    answers: Answers,
    /// Nothing but ENQ came in this transfer.
    bare: bool,
    /// Noise came since the last frame.
    noisy: bool,
    /// When the peer's silence cuts the transfer. None while a frame is being stored: that wait is ours.
    deadline: Option<Instant>,
    /// When the last byte came.
    heard: Option<Instant>,
}

impl Receiver {
    pub(super) fn new(settings: Arc<Settings>) -> Receiver {
        Receiver {
            state: State::Neutral,
            scanner: Scanner::new(Arc::clone(&settings)),
            sequence: Sequence::new(Arc::clone(&settings)),
            raw: RawRecords::new(Arc::clone(&settings)),
            admission: Admission::Open,
            next_parcel: 0,
            held_back: HeldBack::new(settings.max_frame_text + FRAMING),
            answers: Answers::new(settings.timing.quiet),
            bare: false,
            noisy: false,
            deadline: None,
            heard: None,
            settings,
        }
    }

    /// The table. Bytes wait while a frame is being stored, so no token meets [`State::Storing`].
    fn on_token(&mut self, now: Instant, token: Token, out: &mut Actions) {
        self.state = match (mem::replace(&mut self.state, State::Neutral), token) {
            (State::Neutral, Token::Enq) => self.establish(now, out),
            (State::Neutral, Token::Record(raw)) => self.establish_raw(now, raw, out),
            (State::Receiving, Token::Frame(raw)) => self.take_frame(now, raw, out),
            (State::Receiving, Token::Oversize) => self.refuse_frame(now, Note::OversizeFrame, out),
            (State::Receiving, Token::Eot) => self.end(now, out),
            (State::Receiving | State::Raw, Token::Enq) => self.restart(now, out),
            (State::Raw, Token::Record(raw)) => self.take_record(now, raw, out),
            (state, Token::Noise) => self.ignore_noise(state, out),
            (state, Token::MissingCrLf) => remark(state, Note::MissingCrLf, out),
            (state, Token::Oversize) => remark(state, Note::OversizeFrame, out),
            (state, Token::Enq | Token::Eot | Token::Frame(_) | Token::Record(_)) => state,
        };
    }

    pub(super) fn on_bytes(&mut self, now: Instant, mut bytes: &[u8], out: &mut Actions) {
        self.heard = Some(now);
        while !bytes.is_empty() && !self.is_storing() {
            let (used, token) = self.scanner.scan(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
            if let Some(token) = token {
                self.answers.asked_anew = asks_anew(bytes.iter());
                self.on_token(now, token, out);
            }
        }
        self.answers.asked_anew = false;
        if self.held_back.keep(now, bytes) {
            out.push_back(Note::Overrun.into());
        }
        self.wait_for_frame_end(now);
    }

    /// The one place that acknowledges a new frame.
    pub(super) fn on_stored(&mut self, now: Instant, receipt: Receipt, out: &mut Actions) {
        if self.raw.settle(receipt.parcel()) {
            return;
        }
        let Some(storing) = self.take_storing(receipt.parcel()) else { return };
        let awaited = self.is_awaited(&storing);
        self.sequence.accept(storing.frame);
        self.answers.settle(awaited.then_some(ACK), storing.since, out);
        self.go_on(now, awaited, out);
    }

    /// The frame counts as never received: sent again, it will be stored.
    pub(super) fn on_store_failed(&mut self, now: Instant, parcel: ParcelId, out: &mut Actions) {
        if self.raw.settle(parcel) {
            out.extend([Note::RawNotStored.into(), Action::Close(End::Unusable)]);
            return;
        }
        let Some(storing) = self.take_storing(parcel) else { return };
        out.push_back(Note::NotStored.into());
        let copy_follows = self.held_back.first().is_some_and(|(byte, _)| byte == STX);
        let awaited = self.is_awaited(&storing) && !copy_follows;
        self.answers.settle(awaited.then_some(NAK), storing.since, out);
        self.go_on(now, awaited, out);
    }

    pub(super) fn admit(&mut self, admission: Admission) {
        self.admission = admission;
    }

    pub(super) fn on_tick(&mut self, now: Instant, out: &mut Actions) {
        if self.quiet_deadline().is_some_and(|at| at <= now)
            && let Some(token) = self.scanner.break_off()
        {
            out.push_back(Note::BrokenFrame.into());
            self.on_token(now, token, out);
        }
        if self.answers.on_tick(now, self.scanner.is_within(), out) {
            self.await_peer(now);
        }
        if self.deadline.is_some_and(|at| at <= now) {
            self.fall_silent(out);
        }
    }

    pub(super) fn on_disconnected(&mut self, out: &mut Actions) {
        if !matches!(self.state, State::Neutral) {
            out.push_back(Action::Transfer(Transfer::Cut(Cut::Disconnected)));
        }
        self.raw.forget();
        self.held_back.clear();
        self.state = self.neutral();
        self.answers.forget();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.deadline, self.quiet_deadline(), self.answers.deadline()].into_iter().flatten().min()
    }

    /// Whether the line is free for a transmission of ours.
    pub(super) fn is_neutral(&self) -> bool {
        matches!(self.state, State::Neutral) && !self.scanner.is_within()
    }

    /// How many more bytes can wait for the answer to the frame being stored.
    pub(super) fn room(&self) -> usize {
        self.held_back.room()
    }

    pub(super) fn doing(&self) -> &'static str {
        match self.state {
            State::Neutral => "waiting for a transmission",
            State::Receiving => "receiving a transmission",
            State::Storing(_) => "storing a frame",
            State::Raw => "receiving records without frames",
        }
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.scanner.buffered() + self.held_back.buffered()
    }

    fn is_storing(&self) -> bool {
        matches!(self.state, State::Storing(_))
    }

    /// When a control byte that a frame has swallowed turns out to be one.
    fn quiet_deadline(&self) -> Option<Instant> {
        self.heard.filter(|_| self.scanner.is_in_doubt()).map(|heard| heard + self.settings.timing.quiet)
    }

    /// A long frame may take longer than the timer: a peer that is sending one isn't silent.
    fn wait_for_frame_end(&mut self, now: Instant) {
        if self.scanner.take_outgrown() || self.scanner.is_within() {
            self.await_peer(now);
        } else if matches!(self.state, State::Neutral) && !self.scanner.is_oversize() {
            self.deadline = None;
        }
    }

    fn await_peer(&mut self, now: Instant) {
        self.deadline = Some(now + self.settings.timing.receive);
    }

    fn refuse(&mut self, now: Instant, out: &mut Actions) -> State {
        self.answers.refuse(out);
        self.receiving(now)
    }

    fn receiving(&mut self, now: Instant) -> State {
        self.await_peer(now);
        State::Receiving
    }

    fn neutral(&mut self) -> State {
        self.scanner.close();
        self.answers.forget_owed();
        self.deadline = None;
        self.noisy = false;
        State::Neutral
    }

    fn establish(&mut self, now: Instant, out: &mut Actions) -> State {
        if self.admission == Admission::Busy {
            out.push_back(Note::Busy.into());
            self.answers.refuse(out);
            return self.neutral();
        }
        out.push_back(Action::Transfer(Transfer::Began));
        self.scanner.open();
        self.sequence.restart();
        self.bare = true;
        self.noisy = false;
        self.answers.welcome(now, out);
        self.receiving(now)
    }

    fn restart(&mut self, now: Instant, out: &mut Actions) -> State {
        if !self.settings.tolerances.restart_by_enq {
            out.push_back(Note::RestartRefused.into());
            return self.refuse(now, out);
        }
        out.extend([Note::Restarted.into(), Action::Transfer(Transfer::Cut(Cut::Restarted))]);
        self.answers.ended(now, self.sequence.is_complete());
        self.establish(now, out)
    }

    fn end(&mut self, now: Instant, out: &mut Actions) -> State {
        match (self.bare, self.settings.tolerances.keep_alive) {
            (true, true) => out.push_back(Note::KeepAlive.into()),
            (true, false) => out.push_back(Note::EmptyTransfer.into()),
            (false, _) => {}
        }
        out.push_back(Action::Transfer(Transfer::Ended));
        self.answers.ended(now, self.sequence.is_complete());
        self.neutral()
    }

    fn take_frame(&mut self, now: Instant, raw: Vec<u8>, out: &mut Actions) -> State {
        let noisy = mem::take(&mut self.noisy);
        if noisy && !self.settings.tolerances.noise_before_frame {
            return self.refuse_frame(now, Note::NoiseBeforeFrame, out);
        }
        let (frame, used_tolerance) = match Frame::parse(&raw, &self.settings.tolerances) {
            Ok(parsed) => parsed,
            Err(why) => return self.refuse_frame(now, why, out),
        };
        if frame.text.len() > self.settings.max_frame_text {
            return self.refuse_frame(now, Note::OversizeFrame, out);
        }
        self.bare = false;
        out.extend(used_tolerance.map(Action::from));
        match self.sequence.judge(&frame) {
            Judgement::Due(frame) => self.store(now, raw, frame, out),
            Judgement::DueAnew(_) if self.admission == Admission::Busy => {
                self.refuse_frame(now, Note::Busy, out)
            }
            Judgement::DueAnew(frame) => {
                out.extend([Note::MissingEot.into(), Action::Transfer(Transfer::Ended)]);
                out.push_back(Action::Transfer(Transfer::Began));
                self.store(now, raw, frame, out)
            }
            Judgement::Repeated(number) => {
                out.push_back(Note::RepeatedFrame(number).into());
                self.answers.confirm(now, out);
                self.receiving(now)
            }
            Judgement::Refused(why) => self.refuse_frame(now, why, out),
            Judgement::TooMuch => self.cut_oversize(out),
        }
    }

    fn refuse_frame(&mut self, now: Instant, why: Note, out: &mut Actions) -> State {
        self.bare = false;
        self.noisy = false;
        self.answers.went_on(out);
        out.push_back(why.into());
        self.refuse(now, out)
    }

    fn store(&mut self, now: Instant, raw: Vec<u8>, frame: Candidate, out: &mut Actions) -> State {
        if frame.lacks_record_end() {
            out.push_back(Note::MissingRecordEnd.into());
        }
        let id = self.take_parcel_id();
        let content = frame.content_range();
        let message_ends = frame.message_ends.clone();
        self.answers.went_on(out);
        out.push_back(Action::Store(Parcel { id, raw: raw.clone(), content, message_ends }));
        self.deadline = None;
        let before_answer = self.answers.before_answer;
        State::Storing(Storing { parcel: id, frame, since: now, raw, before_answer })
    }

    fn take_storing(&mut self, parcel: ParcelId) -> Option<Storing> {
        match mem::replace(&mut self.state, State::Neutral) {
            State::Storing(storing) if storing.parcel == parcel => Some(storing),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Whether the peer can still be waiting for the answer to this frame, having perhaps sent it again meanwhile. One that
    /// says ENQ isn't, nor one that says EOT when its timer ran out; one that says EOT at once never waits at all, and may
    /// count its answers.
    fn is_awaited(&self, storing: &Storing) -> bool {
        let copies = self.held_back.copies(&storing.raw);
        let behind = || self.held_back.iter().skip(copies * storing.raw.len());
        match (behind().next(), self.held_back.first()) {
            (Some(&ENQ), _) => false,
            (Some(&EOT), Some((_, came))) => {
                let waits = !storing.before_answer && asks_anew(behind());
                came < storing.since + AT_ONCE && !waits
            }
            _ => true,
        }
    }

    /// Goes on with what arrived while a frame was stored.
    fn go_on(&mut self, now: Instant, answered: bool, out: &mut Actions) {
        self.state = self.receiving(now);
        self.answers.before_answer = true;
        while !self.held_back.is_empty() && !self.is_storing() {
            let (used, token) = self.scanner.scan(self.held_back.front());
            self.held_back.advance(used);
            if let Some(token) = token {
                self.answers.asked_anew = !answered && asks_anew(self.held_back.iter());
                self.on_token(now, token, out);
            }
        }
        (self.answers.before_answer, self.answers.asked_anew) = (false, false);
        if self.held_back.is_empty() && self.held_back.take_overrun() {
            self.scanner.spoil();
        }
        self.wait_for_frame_end(now);
    }

    /// The last frame isn't kept: the transfer ends before it, and the peer is left to time out.
    fn cut_oversize(&mut self, out: &mut Actions) -> State {
        self.answers.went_on(out);
        out.extend([Note::OversizeTransfer.into(), Action::Transfer(Transfer::Cut(Cut::Oversize))]);
        self.answers.refuse(out);
        self.neutral()
    }

    fn establish_raw(&mut self, now: Instant, raw: Vec<u8>, out: &mut Actions) -> State {
        if self.admission == Admission::Busy {
            out.extend([Note::RawRefused.into(), Action::Close(End::Unusable)]);
            return self.neutral();
        }
        out.extend([Note::RawRecords.into(), Action::Transfer(Transfer::Began)]);
        self.raw.restart();
        self.take_record(now, raw, out)
    }

    fn take_record(&mut self, now: Instant, raw: Vec<u8>, out: &mut Actions) -> State {
        let id = self.take_parcel_id();
        let Some(parcel) = self.raw.parcel(id, raw) else {
            out.extend([Note::OversizeTransfer.into(), Action::Transfer(Transfer::Cut(Cut::Oversize))]);
            out.push_back(Action::Close(End::Unusable));
            return self.neutral();
        };
        let ended = !parcel.message_ends.is_empty();
        out.push_back(Action::Store(parcel));
        if ended {
            out.push_back(Action::Transfer(Transfer::Ended));
            return self.neutral();
        }
        self.await_peer(now);
        State::Raw
    }

    fn fall_silent(&mut self, out: &mut Actions) {
        if self.scanner.is_oversize() {
            out.push_back(Note::OversizeFrame.into());
        } else if self.scanner.is_within() {
            out.push_back(Note::BrokenFrame.into());
        }
        let is_end = matches!(self.state, State::Raw)
            && self.settings.end_mark == EndMark::EndOfTransfer
            && !(self.scanner.is_within() || self.scanner.is_oversize());
        match (&self.state, is_end) {
            (State::Neutral, _) => {}
            (_, true) => out.push_back(Action::Transfer(Transfer::Ended)),
            (_, false) => out.push_back(Action::Transfer(Transfer::Cut(Cut::Silence))),
        }
        self.state = self.neutral();
    }

    fn ignore_noise(&mut self, state: State, out: &mut Actions) -> State {
        self.noisy = true;
        remark(state, Note::Noise, out)
    }

    fn take_parcel_id(&mut self) -> ParcelId {
        let id = ParcelId(self.next_parcel);
        self.next_parcel += 1;
        id
    }
}

fn remark(state: State, what: Note, out: &mut Actions) -> State {
    out.push_back(what.into());
    state
}
