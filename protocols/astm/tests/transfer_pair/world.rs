//! Two links, the line between them, their disks, and time that passes only when something happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use labwire_astm::transfer::{Emit, RecordEnd, Settings, Timing};
use labwire_link::{Action, Admission, Input, Link, ParcelId, Receipt, Reply, SendId, Sent, Transfer};

use super::journal::Journal;
use super::line::{Faults, Harm, Line};
use labwire_stage::Chance;

/// How many messages one world sends.
pub(crate) const MESSAGES: usize = 10;

/// Whether things go wrong in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    Seeded,
    /// The host's disk takes about as long as the instrument waits, who asks again at once; or the host stands still for as long.
    Crossing,
}

/// By how much the disk may be faster than the instrument's timer where answers cross questions.
const ABOUT: Duration = Duration::from_millis(30);

/// What happened in one world or in many.
#[derive(Default, Debug)]
pub(crate) struct Tally {
    pub(crate) outcomes: BTreeMap<&'static str, usize>,
    pub(crate) notes: BTreeMap<&'static str, usize>,
}

struct Message {
    from: usize,
    content: Vec<u8>,
    became: Option<Sent>,
}

struct Station {
    link: Box<dyn Link>,
    journal: Journal,
}

/// What the world does to one station, or to both.
enum Step {
    Arrives(Vec<u8>),
    Written,
    Stored(ParcelId),
    StoreFailed(ParcelId),
    Send(SendId),
    Admit(Admission),
    Disconnect,
    Connect,
}

struct Event {
    station: usize,
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
    stations: [Station; 2],
    lines: [Line; 2],
    harm: Harm,
    connection: usize,
    is_connected: bool,
    /// How often in a hundred times each of these goes wrong.
    slow_disk: usize,
    failing_disk: usize,
    /// How long the instrument waits, where the disk takes about as long.
    crossing: Option<Duration>,
    /// Until when the host stands still: what it says and what it is told waits.
    stands: Instant,
    cut: usize,
    busy: usize,
    messages: Vec<Message>,
    tally: Tally,
}

impl World {
    /// Station 0 is the host, station 1 the instrument; `make` builds the link of each.
    pub(crate) fn new(
        seed: u64,
        trouble: Trouble,
        now: Instant,
        make: impl Fn(Settings) -> Box<dyn Link>,
    ) -> World {
        let mut chance = Chance::new(seed);
        let mut often = |percent: [usize; 4]| match trouble {
            Trouble::None | Trouble::Crossing => 0,
            Trouble::Seeded => percent[chance.below(4)],
        };
        let faults = Faults { damaged: often([0, 2, 5, 20]), late: often([0, 0, 2, 5]) };
        let (slow_disk, failing_disk) = (often([0, 0, 10, 40]), often([0, 0, 2, 5]));
        let failing_disk = if trouble == Trouble::Crossing { 10 } else { failing_disk };
        let (cut, busy) = (often([0, 0, 0, 100]), often([0, 0, 0, 100]));
        let host = Settings {
            emit: Emit {
                max_text: 7 + chance.below(60),
                record_end: if chance.percent(50) { RecordEnd::Etx } else { RecordEnd::Etb },
            },
            tries: 3 + chance.below(4) as u8,
            ..Settings::default()
        };
        let mut timing = Timing { contention: Duration::from_secs(1), ..Timing::default() };
        if trouble == Trouble::Crossing {
            (timing.quiet, timing.busy) = (Duration::ZERO, Duration::ZERO);
        }
        let reply = timing.reply;
        let instrument = Settings { timing, ..host.clone() };
        let station = |settings| Station { link: make(settings), journal: Journal::default() };
        World {
            now,
            events: BTreeMap::new(),
            scheduled: 0,
            stations: [station(host), station(instrument)],
            lines: [Line::new(faults, now), Line::new(faults, now)],
            harm: Harm::default(),
            connection: 0,
            is_connected: false,
            slow_disk,
            failing_disk,
            stands: now,
            crossing: (trouble == Trouble::Crossing).then_some(reply),
            cut,
            busy,
            messages: Vec::new(),
            tally: Tally::default(),
            chance,
        }
    }

    /// Lets everything happen, then says what did, or what must never.
    pub(crate) fn run(mut self) -> Result<Tally, String> {
        self.plan();
        let mut steps = 0;
        while self.happen() {
            steps += 1;
            if steps > 100_000 {
                return Err("the world never comes to rest".to_owned());
            }
        }
        self.judge()
    }

    fn plan(&mut self) {
        self.schedule(Duration::ZERO, 0, Step::Connect);
        let mut at = Duration::ZERO;
        for number in 0..MESSAGES {
            at += if self.chance.percent(40) { Duration::ZERO } else { self.chance.millis(1, 60_000) };
            // An instrument that asks again at once is no match for a host that does the same.
            let from = usize::from(self.chance.percent(60) || self.crossing.is_some());
            let content = content(number, &mut self.chance);
            self.messages.push(Message { from, content, became: None });
            self.schedule(at, from, Step::Send(SendId(number as u64)));
        }
        if self.chance.percent(self.cut) {
            let lost = self.chance.millis(0, 120_000);
            let back = lost + self.chance.millis(1, 30_000);
            self.schedule(lost, 0, Step::Disconnect);
            self.schedule(back, 0, Step::Connect);
        }
        if self.chance.percent(self.busy) {
            let full = self.chance.millis(0, 60_000);
            let free = full + self.chance.millis(1, 60_000);
            self.schedule(full, 0, Step::Admit(Admission::Busy));
            self.schedule(free, 0, Step::Admit(Admission::Open));
        }
    }

    /// The next thing that happens. False once nothing more will.
    fn happen(&mut self) -> bool {
        let due = |station: usize| {
            let at = self.stations[station].link.deadline()?;
            Some((if station == 0 { at.max(self.stands) } else { at }, station))
        };
        let tick = [due(0), due(1)].into_iter().flatten().min();
        match (tick, self.events.first_key_value()) {
            (None, None) => return false,
            (Some((at, station)), next) if next.is_none_or(|((next, _), _)| at <= *next) => {
                self.now = self.now.max(at);
                self.handle(station, Input::Tick);
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
        let station = event.station;
        match event.step {
            Step::Arrives(_) | Step::Written if event.connection != self.connection => {}
            Step::Arrives(bytes) => self.handle(station, Input::Bytes(&bytes)),
            Step::Written if self.lines[station].written > self.now => {}
            Step::Written => self.handle(station, Input::Written),
            Step::Stored(id) => {
                self.stations[station].journal.store(id);
                #[expect(clippy::disallowed_methods, reason = "the world is the journal")]
                self.handle(station, Input::Stored(Receipt::sign(id), Reply::Protocol));
            }
            Step::StoreFailed(id) => {
                self.stations[station].journal.lose(id);
                self.handle(station, Input::StoreFailed(id, Reply::Protocol));
            }
            Step::Send(id) => {
                let content = self.messages[id.0 as usize].content.clone();
                self.handle(station, Input::Send(id, &content));
            }
            Step::Admit(admission) => self.handle(station, Input::Admission(admission)),
            Step::Disconnect => self.connect(false),
            Step::Connect => self.connect(true),
        }
    }

    fn connect(&mut self, is_connected: bool) {
        self.is_connected = is_connected;
        self.connection += 1;
        for station in [0, 1] {
            self.handle(station, if is_connected { Input::Connected } else { Input::Disconnected });
        }
    }

    fn handle(&mut self, station: usize, input: Input<'_>) {
        self.stations[station].link.handle(self.now, input);
        while let Some(action) = self.stations[station].link.poll() {
            match action {
                Action::Transmit(bytes) => self.transmit(station, bytes),
                Action::Store(parcel) => {
                    self.write_to_disk(station, parcel.id);
                    self.stations[station].journal.take(parcel);
                }
                Action::Transfer(Transfer::Began) => self.stations[station].journal.begin_transfer(),
                Action::Transfer(_) => {}
                Action::Sent(id, sent) => self.messages[id.0 as usize].became = Some(sent),
                Action::Note(note) => *self.tally.notes.entry(note.code).or_default() += 1,
                Action::Close(_) => unreachable!("nothing here closes a connection"),
            }
        }
    }

    fn transmit(&mut self, station: usize, bytes: Vec<u8>) {
        if !self.is_connected {
            return;
        }
        if let (Some(reply), 0) = (self.crossing, station)
            && self.now >= self.stands
            && self.chance.percent(5)
        {
            self.stands = self.now + reply + self.chance.millis(0, 5_000);
        }
        let said = if station == 0 { self.now.max(self.stands) } else { self.now };
        let line = &mut self.lines[station];
        let arrivals = line.carry(said, bytes, &mut self.harm, &mut self.chance);
        let written = line.written - self.now;
        self.schedule(written, station, Step::Written);
        for arrival in arrivals {
            self.schedule(arrival.at - self.now, 1 - station, Step::Arrives(arrival.bytes));
        }
    }

    fn write_to_disk(&mut self, station: usize, id: ParcelId) {
        let time = match self.chance.below(100) {
            0..30 if let (Some(reply), 0) = (self.crossing, station) => {
                reply - self.chance.millis(0, ABOUT.as_millis() as u64)
            }
            roll if roll >= self.slow_disk => self.chance.millis(0, 30),
            0 if self.harm.may_delay(self.now) => self.chance.millis(14_000, 20_000),
            _ => self.chance.millis(0, 3_000),
        };
        let failed = self.chance.percent(self.failing_disk);
        self.schedule(time, station, if failed { Step::StoreFailed(id) } else { Step::Stored(id) });
    }

    fn schedule(&mut self, after: Duration, station: usize, step: Step) {
        self.scheduled += 1;
        let event = Event { station, connection: self.connection, step };
        let at = self.now + after;
        let at = if station == 0 { at.max(self.stands) } else { at };
        self.events.insert((at, self.scheduled), event);
    }

    /// Every promise about every message.
    fn judge(mut self) -> Result<Tally, String> {
        for (number, message) in self.messages.iter().enumerate() {
            let there = &mut self.stations[1 - message.from].journal.messages;
            let times = there.remove(&message.content).unwrap_or(0);
            let (outcome, kept) = match &message.became {
                Some(Sent::Delivered) => ("delivered", times == 1),
                Some(Sent::Refused) => ("refused", times == 0),
                Some(Sent::Interrupted) => ("interrupted", times == 0),
                Some(Sent::Unknown) => ("unknown", times <= 1),
                Some(Sent::Answered(_) | Sent::Staged(_)) | None => ("never settled", false),
            };
            *self.tally.outcomes.entry(outcome).or_default() += 1;
            if !kept {
                return Err(format!("message {number} is {outcome} and was stored {times} times"));
            }
        }
        match self.stations.iter().all(|station| station.journal.messages.is_empty()) {
            true => Ok(self.tally),
            false => Err("a message was stored that nobody sent".to_owned()),
        }
    }
}

/// A message that is like no other, with every letter that one flipped bit makes a control byte of.
fn content(number: usize, chance: &mut Chance) -> Vec<u8> {
    let mut text = format!("H|\\^&|||message {number}\r");
    for record in 1..=chance.below(3) {
        let letters = "ABCDEFPQRSTUVW 0123456789|^%&'b\u{b5}".chars();
        let field: String = letters.cycle().skip(chance.below(30)).take(chance.below(60)).collect();
        text += &format!("R|{record}|{field}\r");
    }
    text += if chance.percent(50) { "L|1|N\r" } else { "L|1\r" };
    text.into_bytes()
}
