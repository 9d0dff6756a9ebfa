//! A sender and a receiver, the connection between them, the receiver's disk, and time that passes only when something
//! happens. The sender sends again whatever it isn't sure of.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use labwire_hl7::transfer::{
    Acknowledging, Answer, Code, ControlId, Settings, Stamp, Unasked, Verdict, acknowledge,
};
use labwire_link::{Action, Input, Link, Parcel, Receipt, Reply, SendId, Sent};

use super::line::{Faults, Line};
use labwire_stage::Chance;

/// How many messages one world delivers.
pub(crate) const MESSAGES: usize = 10;

/// How often one message is sent before the sender gives up.
const ATTEMPTS: usize = 12;

/// Whether things go wrong in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    Seeded,
}

/// What happened in one world or in many.
#[derive(Default, Debug)]
pub(crate) struct Tally {
    pub(crate) outcomes: BTreeMap<&'static str, usize>,
    pub(crate) notes: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        for (outcome, times) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += times;
        }
        for (note, times) in other.notes {
            *self.notes.entry(note).or_default() += times;
        }
    }

    fn count(&mut self, outcome: &'static str) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }
}

#[derive(Default)]
struct Message {
    text: Vec<u8>,
    attempts: usize,
    delivered: bool,
    /// How often it is on the receiver's disk.
    stored: usize,
    /// How often the receiver said AA to it.
    acknowledged: usize,
    /// How often it was stored when nobody could be told any more.
    too_late: usize,
    /// How often the receiver may have seen it.
    carried: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

enum Step {
    Arrives(Side, Vec<u8>),
    Disk(Parcel, Result<(), ()>),
    Send(usize),
    Cut,
    Connect,
}

struct Event {
    /// Bytes of an older connection never arrive.
    connection: usize,
    step: Step,
}

pub(crate) struct World {
    chance: Chance,
    now: Instant,
    /// By time; of those at one time the first that was scheduled is the first.
    events: BTreeMap<(Instant, usize), Event>,
    scheduled: usize,
    sender: Box<dyn Link>,
    receiver: Box<dyn Link>,
    /// To the receiver, and back.
    lines: [Line; 2],
    connection: usize,
    is_connected: bool,
    slow_disk: usize,
    failing_disk: usize,
    cuts: usize,
    messages: Vec<Message>,
    /// Which message each attempt was of.
    attempts: Vec<usize>,
    broken_promise: Option<String>,
    tally: Tally,
}

/// What the receiving gateway says to a stored message.
pub(crate) fn accepted(content: &[u8]) -> Reply {
    reply(content, &Verdict::Accepted)
}

fn reply(content: &[u8], verdict: &Verdict) -> Reply {
    let mut next = || ControlId::new("ACK").unwrap();
    let mut stamp = Stamp { sent: "20260102", next_control_id: &mut next };
    acknowledge(content, |_| verdict.clone(), &Acknowledging::default(), &mut stamp)
}

impl World {
    pub(crate) fn new(
        seed: u64,
        trouble: Trouble,
        now: Instant,
        make: impl Fn(Side, Settings) -> Box<dyn Link>,
    ) -> World {
        let mut chance = Chance::new(seed);
        let mut often = |percent: [usize; 4]| match trouble {
            Trouble::None => 0,
            Trouble::Seeded => percent[chance.below(4)],
        };
        let mut faults = || Faults {
            odd: often([0, 10, 30, 60]),
            late: often([0, 0, 5, 20]),
            doubled: often([0, 0, 5, 20]),
        };
        let lines = [faults(), faults()].map(|faults| Line::new(faults, now));
        let (slow_disk, failing_disk) = (often([0, 0, 10, 40]), often([0, 0, 5, 20]));
        let cuts = often([0, 0, 2, 8]);
        let sending = Settings { unasked: Unasked::Discard, ..Settings::default() };
        World {
            now,
            events: BTreeMap::new(),
            scheduled: 0,
            sender: make(Side::Sender, sending),
            receiver: make(Side::Receiver, Settings::default()),
            lines,
            connection: 0,
            is_connected: false,
            slow_disk,
            failing_disk,
            cuts,
            messages: Vec::new(),
            attempts: Vec::new(),
            broken_promise: None,
            tally: Tally::default(),
            chance,
        }
    }

    /// Lets everything happen, then says what did, or what must never.
    pub(crate) fn run(mut self) -> Result<Tally, String> {
        self.schedule(Duration::ZERO, Step::Connect);
        for number in 0..MESSAGES {
            let text = text(number, &mut self.chance);
            self.messages.push(Message { text, ..Message::default() });
            let after = self.chance.millis(0, 60_000);
            self.schedule(after, Step::Send(number));
        }
        for _ in 0..self.cuts {
            let after = self.chance.millis(0, 120_000);
            self.schedule(after, Step::Cut);
        }
        let mut steps = 0;
        while self.broken_promise.is_none() && self.happen() {
            steps += 1;
            if steps > 100_000 {
                return Err("the world never comes to rest".to_owned());
            }
        }
        self.judge()
    }

    /// The next thing that happens. False once nothing more will.
    fn happen(&mut self) -> bool {
        let due = [(self.sender.deadline(), Side::Sender), (self.receiver.deadline(), Side::Receiver)];
        let tick = due.into_iter().filter_map(|(at, side)| at.map(|at| (at, side))).min_by_key(|(at, _)| *at);
        match (tick, self.events.first_key_value()) {
            (None, None) => return false,
            (Some((at, side)), next) if next.is_none_or(|((next, _), _)| at <= *next) => {
                self.now = self.now.max(at);
                self.handle(side, Input::Tick);
            }
            _ => {
                if let Some(((at, _), event)) = self.events.pop_first() {
                    self.now = self.now.max(at);
                    self.take(event);
                }
            }
        }
        true
    }

    fn take(&mut self, event: Event) {
        match event.step {
            Step::Arrives(side, bytes) if event.connection == self.connection => {
                self.handle(side, Input::Bytes(&bytes));
            }
            Step::Arrives(..) => {}
            Step::Disk(parcel, outcome) => self.on_disk(parcel, outcome, event.connection),
            Step::Send(number) => self.send(number),
            Step::Cut if self.is_connected => self.disconnect(),
            Step::Cut => {}
            Step::Connect => {
                self.is_connected = true;
                self.connection += 1;
                self.handle(Side::Sender, Input::Connected);
                self.handle(Side::Receiver, Input::Connected);
            }
        }
    }

    fn disconnect(&mut self) {
        self.is_connected = false;
        self.connection += 1;
        self.handle(Side::Sender, Input::Disconnected);
        self.handle(Side::Receiver, Input::Disconnected);
        let after = self.chance.millis(1, 5_000);
        self.schedule(after, Step::Connect);
    }

    fn send(&mut self, number: usize) {
        let message = &mut self.messages[number];
        message.attempts += 1;
        let text = message.text.clone();
        let id = SendId(self.attempts.len() as u64);
        self.attempts.push(number);
        self.handle(Side::Sender, Input::Send(id, &text));
    }

    fn on_disk(&mut self, parcel: Parcel, outcome: Result<(), ()>, connection: usize) {
        let can_be_told = connection == self.connection && self.is_connected;
        let found = self.messages.iter_mut().find(|message| message.text == parcel.content());
        let Some(message) = found else {
            self.broken_promise = Some("something was stored that nobody sent".to_owned());
            return;
        };
        if outcome.is_err() {
            let reply = reply(parcel.content(), &Verdict::NotStored);
            self.handle(Side::Receiver, Input::StoreFailed(parcel.id, reply));
            return;
        }
        message.stored += 1;
        message.too_late += usize::from(!can_be_told);
        #[expect(clippy::disallowed_methods, reason = "the world is the journal")]
        let receipt = Receipt::sign(parcel.id);
        self.handle(Side::Receiver, Input::Stored(receipt, accepted(parcel.content())));
    }

    fn handle(&mut self, side: Side, input: Input<'_>) {
        let now = self.now;
        self.link(side).handle(now, input);
        while let Some(action) = self.link(side).poll() {
            match action {
                Action::Transmit(bytes) => self.transmit(side, bytes),
                Action::Store(parcel) => self.write_to_disk(parcel),
                Action::Sent(id, sent) => self.settle(id, &sent),
                Action::Note(note) => *self.tally.notes.entry(note.code).or_default() += 1,
                Action::Close(_) => self.schedule(Duration::ZERO, Step::Cut),
                Action::Transfer(_) => {}
            }
        }
    }

    fn link(&mut self, side: Side) -> &mut Box<dyn Link> {
        match side {
            Side::Sender => &mut self.sender,
            Side::Receiver => &mut self.receiver,
        }
    }

    fn transmit(&mut self, side: Side, bytes: Vec<u8>) {
        if !self.is_connected {
            return;
        }
        let (line, there) = match side {
            Side::Sender => (0, Side::Receiver),
            Side::Receiver => (1, Side::Sender),
        };
        let content = &bytes[1..bytes.len() - 2];
        if side == Side::Sender {
            let sent = self.messages.iter_mut().find(|message| message.text == content);
            sent.into_iter().for_each(|message| message.carried += 2);
        } else if let Ok(Answer { code: Code::Accept, control_id, .. }) = Answer::parse(content) {
            let told = self.messages.iter_mut().find(|message| names(message, &control_id));
            told.into_iter().for_each(|message| message.acknowledged += 1);
        }
        let arrivals = self.lines[line].carry(self.now, bytes, &mut self.chance);
        self.link(side).handle(arrivals[0].at, Input::Written);
        for arrival in arrivals {
            self.schedule(arrival.at - self.now, Step::Arrives(there, arrival.bytes));
        }
    }

    fn write_to_disk(&mut self, parcel: Parcel) {
        let slow = self.chance.percent(self.slow_disk);
        let time = if slow { self.chance.millis(1_000, 45_000) } else { self.chance.millis(0, 30) };
        let failed = self.chance.percent(self.failing_disk);
        self.schedule(time, Step::Disk(parcel, if failed { Err(()) } else { Ok(()) }));
    }

    /// What the sending gateway makes of an outcome.
    fn settle(&mut self, id: SendId, sent: &Sent) {
        let number = self.attempts[id.0 as usize];
        let message = &mut self.messages[number];
        let outcome = match sent {
            Sent::Answered(text) => match Answer::parse(text) {
                Ok(answer) if answer.code == Code::Accept => {
                    if !names(message, &answer.control_id) || message.stored == 0 {
                        self.broken_promise = Some(format!(
                            "message {number} was credited and stored {} times",
                            message.stored
                        ));
                    }
                    message.delivered = true;
                    "delivered"
                }
                _ => "refused by an answer",
            },
            Sent::Unknown => "unknown",
            Sent::Refused => "refused",
            Sent::Delivered | Sent::Interrupted | Sent::Staged(_) => "never",
        };
        self.tally.count(outcome);
        if !message.delivered && message.attempts < ATTEMPTS {
            let after = self.chance.millis(100, 20_000);
            self.schedule(after, Step::Send(number));
        }
    }

    fn schedule(&mut self, after: Duration, step: Step) {
        self.scheduled += 1;
        let event = Event { connection: self.connection, step };
        self.events.insert((self.now + after, self.scheduled), event);
    }

    /// Every promise about every message.
    fn judge(mut self) -> Result<Tally, String> {
        if let Some(broken) = self.broken_promise {
            return Err(broken);
        }
        for (number, message) in self.messages.iter().enumerate() {
            let Message { stored, acknowledged, too_late, carried, .. } = *message;
            if stored != acknowledged + too_late {
                return Err(format!(
                    "message {number} was stored {stored} times, acknowledged {acknowledged}, too late {too_late}"
                ));
            }
            if stored > carried {
                return Err(format!("message {number} was stored {stored} times, carried {carried}"));
            }
            self.tally.count(if message.delivered { "message delivered" } else { "message given up" });
            if stored > 1 {
                self.tally.count("message stored again");
            }
        }
        Ok(self.tally)
    }
}

fn names(message: &Message, control_id: &[u8]) -> bool {
    message.text.split(|byte| *byte == b'|').nth(9) == Some(control_id)
}

/// A message that is like no other.
fn text(number: usize, chance: &mut Chance) -> Vec<u8> {
    let mut text =
        format!("MSH|^~\\&|Sim|Lab|Host|Lab|20260102||ORU^R01|M{number}|P|2.3.1\rPID|1||EX{number}\r");
    for result in 1..=chance.below(5) {
        text += &format!("OBX|{result}|NM|K^^LN||{}.{result}|10^3/mm3|||||F\r", chance.below(100));
    }
    text.into_bytes()
}
