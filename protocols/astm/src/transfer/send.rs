//! The sending half: one table of state and event. Sends one message a transfer, each frame until it is
//! acknowledged or has had its tries. Never begins while the peer is transmitting; never reads a record.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use labwire_link::{Action, SendId, Sent};

use super::control::{ACK, CR, ENQ, EOT, NAK};
use super::cut::cut;
use super::message::Message;
use super::note::Note;
use super::settings::Settings;

type Actions = VecDeque<Action>;

/// Where our transmission stands.
#[derive(Default)]
enum State {
    /// Nothing is asked of the peer; messages may be waiting.
    #[default]
    Ready,
    /// ENQ was sent.
    Asking(Message),
    /// A frame was sent.
    Sending(Message),
}

enum Event {
    Ack,
    Nak,
    Eot,
    Enq,
    /// A byte that is no answer.
    Other,
    /// The peer's answer is overdue.
    Overdue,
    /// The line fell quiet after something that is no answer.
    Quiet,
}

/// Why we stay silent.
#[derive(Clone, Copy)]
enum Pause {
    AfterTransfer,
    PeerBusy,
    Contention,
    Interrupt,
    Failure,
}

pub(super) struct Sender {
    settings: Arc<Settings>,
    state: State,
    waiting: VecDeque<Message>,
    pause: Option<(Instant, Pause)>,
}

impl Sender {
    pub(super) fn new(settings: Arc<Settings>) -> Sender {
        Sender { settings, state: State::Ready, waiting: VecDeque::new(), pause: None }
    }

    /// The table.
    fn on_event(&mut self, now: Instant, event: Event, out: &mut Actions) {
        self.state = match (mem::take(&mut self.state), event) {
            (State::Asking(message), Event::Ack) => sending(message, out),
            (State::Asking(message), Event::Nak) => self.put_off(now, message, out),
            (State::Asking(message), Event::Enq) => self.yield_line(now, message, out),
            (State::Asking(message), Event::Overdue) => self.go_unanswered(now, message, out),
            (State::Asking(message), Event::Eot | Event::Other | Event::Quiet) => State::Asking(message),
            (State::Sending(message), event) if message.acknowledged => self.settle(now, message, event, out),
            (State::Sending(message), Event::Ack) => self.advance(now, message, out),
            (State::Sending(message), Event::Eot) => self.stop(now, message, out),
            (State::Sending(message), Event::Nak) => self.repeat_refused(now, message, out),
            (State::Sending(message), Event::Enq | Event::Other) => self.wait_for_quiet(now, message),
            (State::Sending(message), Event::Quiet) => self.repeat_garbled(now, message, out),
            (State::Sending(message), Event::Overdue) => self.time_out(now, message, out),
            (State::Ready, _) => State::Ready,
        };
    }

    /// Queues a message: records separated by CR. One that can't be framed is refused at once.
    pub(super) fn on_send(&mut self, id: SendId, content: &[u8], out: &mut Actions) {
        let mut content = content.to_vec();
        if content.last().is_some_and(|&last| last != CR) {
            content.push(CR);
        }
        let pieces = cut(&content, &self.settings.emit);
        if pieces.is_empty() {
            out.extend([Note::Unsendable.into(), Action::Sent(id, Sent::Refused)]);
            return;
        }
        self.waiting.push_back(Message::new(id, content, pieces));
    }

    /// Takes bytes as answers. Returns those that are none because our transfer was over before them.
    ///
    /// What was read together with an answer was on its way before the frame that the answer released.
    pub(super) fn on_bytes<'a>(&mut self, now: Instant, bytes: &'a [u8], out: &mut Actions) -> &'a [u8] {
        let mut rest = bytes;
        while self.is_engaged()
            && let Some((&byte, after)) = rest.split_first()
        {
            let before = out.len();
            self.on_event(now, Event::from_byte(byte), out);
            rest = after;
            if self.is_engaged() && out.len() > before {
                if !rest.is_empty() {
                    out.push_back(Note::StrayAnswer.into());
                }
                return &[];
            }
        }
        rest
    }

    /// Asks for the line if a message waits and nothing keeps us silent. Call this only when the peer isn't
    /// transmitting.
    pub(super) fn start(&mut self, now: Instant, out: &mut Actions) {
        if self.is_engaged() || self.pause.is_some_and(|(until, _)| until > now) {
            return;
        }
        self.pause = None;
        if let Some(mut message) = self.waiting.pop_front() {
            message.ask(out);
            self.state = State::Asking(message);
        }
    }

    /// The peer has begun to transmit: that is what we were silent for after contention, and it has no answer of ours left
    /// to give.
    pub(super) fn on_peers_turn(&mut self) {
        let over = |why: &Pause| matches!(why, Pause::Contention | Pause::AfterTransfer);
        self.pause = self.pause.filter(|(_, why)| !over(why));
    }

    /// What was sent is on the line: the peer's time to answer runs from here.
    pub(super) fn on_written(&mut self, now: Instant) {
        if let State::Asking(message) | State::Sending(message) = &mut self.state {
            message.overdue.get_or_insert(now + self.settings.timing.reply);
            if message.acknowledged {
                message.quiet.get_or_insert(now + self.settings.timing.quiet);
            }
        }
    }

    pub(super) fn on_tick(&mut self, now: Instant, out: &mut Actions) {
        let is_past = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
        if let State::Asking(message) | State::Sending(message) = &self.state {
            match (is_past(message.overdue), is_past(message.quiet)) {
                (true, _) => self.on_event(now, Event::Overdue, out),
                (false, true) => self.on_event(now, Event::Quiet, out),
                (false, false) => {}
            }
        }
    }

    pub(super) fn on_disconnected(&mut self, out: &mut Actions) {
        match mem::take(&mut self.state) {
            State::Ready => {}
            State::Asking(message) => out.push_back(Action::Sent(message.id, Sent::Refused)),
            State::Sending(mut message) => {
                message.doubt();
                out.push_back(Action::Sent(message.id, message.failed()));
            }
        }
        out.extend(self.waiting.drain(..).map(|message| Action::Sent(message.id, Sent::Refused)));
        self.pause = None;
    }

    /// Whether bytes that arrive are answers to us.
    pub(super) fn is_engaged(&self) -> bool {
        !matches!(self.state, State::Ready)
    }

    /// When the peer's answer must be judged or, while nothing is asked, when the next message may be.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Ready if self.waiting.is_empty() => None,
            State::Ready => self.pause.map(|(until, _)| until),
            State::Asking(message) | State::Sending(message) => {
                [message.overdue, message.quiet].into_iter().flatten().min()
            }
        }
    }

    /// None while nothing is to be sent.
    pub(super) fn doing(&self) -> Option<&'static str> {
        match (&self.state, self.pause) {
            (State::Asking(_), _) => Some("asking the analyzer to take a message"),
            (State::Sending(_), _) => Some("sending a message"),
            (State::Ready, _) if self.waiting.is_empty() => None,
            (State::Ready, Some((_, Pause::PeerBusy))) => Some("waiting to send: the analyzer is busy"),
            (State::Ready, Some((_, Pause::Contention))) => Some("waiting to send: the analyzer goes first"),
            (State::Ready, Some((_, Pause::Interrupt))) => Some("waiting to send: the analyzer interrupted"),
            (State::Ready, Some((_, Pause::Failure))) => Some("waiting to send after a failure"),
            (State::Ready, _) => Some("waiting to send"),
        }
    }

    fn pause(&mut self, now: Instant, length: Duration, why: Pause) -> State {
        self.pause = Some((now + length, why));
        State::Ready
    }

    fn put_off(&mut self, now: Instant, message: Message, out: &mut Actions) -> State {
        out.push_back(Note::PeerBusy.into());
        self.ask_again(message, out);
        self.pause(now, self.settings.timing.busy, Pause::PeerBusy)
    }

    /// The peer's ENQ met ours. It isn't answered: whoever goes first asks again.
    fn yield_line(&mut self, now: Instant, message: Message, out: &mut Actions) -> State {
        out.push_back(Note::Contention.into());
        self.ask_again(message, out);
        self.pause(now, self.settings.timing.contention, Pause::Contention)
    }

    fn ask_again(&mut self, mut message: Message, out: &mut Actions) {
        message.asked = message.asked.saturating_add(1);
        if message.asked < self.settings.tries {
            self.waiting.push_front(message);
        } else {
            out.push_back(Action::Sent(message.id, Sent::Refused));
        }
    }

    fn advance(&mut self, now: Instant, mut message: Message, out: &mut Actions) -> State {
        if message.is_last() {
            out.extend([Action::Transmit(vec![EOT]), Action::Sent(message.id, Sent::Delivered)]);
            return self.pause(now, self.settings.timing.quiet, Pause::AfterTransfer);
        }
        if message.repeated_blindly {
            message.acknowledged = true;
            message.quiet = message.overdue.map(|_| now + self.settings.timing.quiet);
            return State::Sending(message);
        }
        send_next(message, out)
    }

    /// Lets the second of two answers pass before the next frame, which it would be credited to.
    fn settle(&mut self, now: Instant, mut message: Message, event: Event, out: &mut Actions) -> State {
        match event {
            Event::Quiet | Event::Overdue => send_next(message, out),
            Event::Eot => self.stop(now, message, out),
            Event::Ack | Event::Nak | Event::Enq | Event::Other => {
                message.quiet = message.overdue.map(|_| now + self.settings.timing.quiet);
                State::Sending(message)
            }
        }
    }

    /// The peer took the frame and wants the line; or, after an answer that was none, it gave something up that
    /// it had begun itself.
    fn stop(&mut self, now: Instant, message: Message, out: &mut Actions) -> State {
        let became = match (message.is_last(), message.in_doubt) {
            (true, true) => Sent::Unknown,
            (true, false) => Sent::Delivered,
            (false, _) => Sent::Interrupted,
        };
        out.extend([Note::Interrupted.into(), Action::Transmit(vec![EOT]), Action::Sent(message.id, became)]);
        self.pause(now, self.settings.timing.interrupt, Pause::Interrupt)
    }

    fn repeat_refused(&mut self, now: Instant, message: Message, out: &mut Actions) -> State {
        out.push_back(Note::FrameRefused(message.number).into());
        self.repeat(now, message, out)
    }

    /// What came may be a garbled answer, or noise before one. Before the frame is on the line it is neither.
    fn wait_for_quiet(&mut self, now: Instant, mut message: Message) -> State {
        message.quiet = message.overdue.map(|_| now + self.settings.timing.quiet);
        State::Sending(message)
    }

    fn repeat_garbled(&mut self, now: Instant, mut message: Message, out: &mut Actions) -> State {
        message.doubt();
        message.repeated_blindly = true;
        out.push_back(Note::GarbledAnswer.into());
        self.repeat(now, message, out)
    }

    /// The same frame with the same number, until it has had its tries.
    fn repeat(&mut self, now: Instant, message: Message, out: &mut Actions) -> State {
        if message.tries < self.settings.tries {
            return sending(message, out);
        }
        self.fail(now, &message, out)
    }

    /// Nobody answered our ENQ: nothing was taken.
    fn go_unanswered(&mut self, now: Instant, message: Message, out: &mut Actions) -> State {
        out.push_back(Note::NoAnswer.into());
        self.fail(now, &message, out)
    }

    /// Nobody answered our frame.
    fn time_out(&mut self, now: Instant, mut message: Message, out: &mut Actions) -> State {
        message.doubt();
        out.push_back(Note::NoAnswer.into());
        self.fail(now, &message, out)
    }

    fn fail(&mut self, now: Instant, message: &Message, out: &mut Actions) -> State {
        out.extend([Action::Transmit(vec![EOT]), Action::Sent(message.id, message.failed())]);
        self.pause(now, self.settings.timing.busy, Pause::Failure)
    }
}

fn sending(mut message: Message, out: &mut Actions) -> State {
    message.transmit(out);
    State::Sending(message)
}

fn send_next(mut message: Message, out: &mut Actions) -> State {
    message.go_on();
    sending(message, out)
}

impl Event {
    fn from_byte(byte: u8) -> Event {
        match byte {
            ACK => Event::Ack,
            NAK => Event::Nak,
            EOT => Event::Eot,
            ENQ => Event::Enq,
            _ => Event::Other,
        }
    }
}
