//! An analyzer at work: generated messages, one transfer after another, sent again until acknowledged.
//!
//! It measures nothing and asserts nothing; it tells what was acknowledged.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::analyzer::{Analyzer, End, Options, TransferReport};
use crate::chance::Chance;
use crate::generate::{Generated, Generator, Moment, Protocol};
use crate::mllp::MllpAnalyzer;
use crate::net::{Place, Stream};

/// From a transfer that failed to the next try.
const BREATH: Duration = Duration::from_millis(20);

/// What to send.
#[derive(Debug, Clone)]
pub struct Load {
    pub generator: Generator,
    /// Transfers; `None` goes on for ever.
    pub count: Option<u64>,
    /// From the end of one transfer to the beginning of the next. Meanwhile the host may send.
    pub every: Duration,
    /// The time by which no message may be dated later; without it the generator's clock runs as fast as it makes messages.
    pub clock: Option<fn() -> Moment>,
    /// How often a transfer is tried before it is given up; `None` never gives up.
    pub tries: Option<u32>,
    pub options: Options,
}

impl Load {
    /// Without end, every five seconds, in the model's own framing, never given up.
    pub fn new(generator: Generator) -> Self {
        let framing = generator.style().framing();
        Load {
            generator,
            count: None,
            every: Duration::from_secs(5),
            clock: None,
            tries: None,
            options: Options { framing, ..Options::default() },
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub messages_acknowledged: u64,
    pub results_acknowledged: u64,
    /// Messages given up.
    pub messages_given_up: u64,
    /// Messages that the host sent.
    pub messages_received: u64,
    pub transfers: u64,
    pub frames_sent: u64,
    pub repeats: u64,
    pub naks: u64,
    /// Connections opened.
    pub connections: u64,
}

impl Summary {
    fn add(&mut self, report: &TransferReport) {
        self.transfers += 1;
        self.frames_sent += u64::from(report.frames_sent);
        self.repeats += u64::from(report.repeats);
        self.naks += u64::from(report.naks);
    }
}

/// What happens at work.
#[derive(Debug)]
pub enum Event<'a> {
    /// A message was acknowledged to its end for the first time.
    Acknowledged(&'a Generated),
    /// A transfer ended, well or not.
    Transferred(&'a TransferReport),
    /// The host sent a message.
    Received(&'a [u8]),
}

/// Works until `count` is reached, adding to `summary`; drop the future to stop earlier. Fails only where a
/// place can't be opened or `on_event` fails.
pub async fn play<F>(place: &Place, load: Load, summary: &mut Summary, mut on_event: F) -> io::Result<()>
where
    F: FnMut(Event<'_>) -> io::Result<()>,
{
    let chance = Chance::seeded_for(load.options.faults.seed, "load");
    let mut work = Work { place, load, summary, analyzer: None, chance };
    let mut done = 0;
    while work.load.count.is_none_or(|count| done < count) {
        if done > 0 {
            work.rest(&mut on_event).await?;
        }
        if let Some(clock) = work.load.clock {
            work.load.generator.no_later_than(clock());
        }
        let messages = work.load.generator.transfer();
        work.deliver(messages, &mut on_event).await?;
        done += 1;
    }
    Ok(())
}

struct Work<'a> {
    place: &'a Place,
    load: Load,
    summary: &'a mut Summary,
    analyzer: Option<Connection>,
    chance: Chance,
}

/// An analyzer on one connection.
enum Connection {
    Astm(Box<Analyzer<Box<dyn Stream>>>),
    Mllp(Box<MllpAnalyzer<Box<dyn Stream>>>),
}

impl Connection {
    fn new(protocol: Protocol, stream: Box<dyn Stream>, options: Options) -> Connection {
        match protocol {
            Protocol::Astm => Connection::Astm(Box::new(Analyzer::new(stream, options))),
            Protocol::Mllp => Connection::Mllp(Box::new(MllpAnalyzer::new(stream, options))),
        }
    }

    fn is_connected(&self) -> bool {
        match self {
            Connection::Astm(analyzer) => analyzer.is_connected(),
            Connection::Mllp(analyzer) => analyzer.is_connected(),
        }
    }

    fn unplug(&mut self) {
        match self {
            Connection::Astm(analyzer) => analyzer.unplug(),
            Connection::Mllp(analyzer) => analyzer.unplug(),
        }
    }

    async fn transfer(&mut self, messages: &[Generated]) -> TransferReport {
        match self {
            Connection::Astm(analyzer) => analyzer.transfer(messages).await,
            Connection::Mllp(analyzer) => analyzer.transfer(messages).await,
        }
    }

    /// A message of the host's own. Over MLLP none comes unasked.
    async fn receive(&mut self, within: Duration) -> Option<Vec<u8>> {
        match self {
            Connection::Astm(analyzer) => analyzer.receive(within).await,
            Connection::Mllp(_) => None,
        }
    }
}

impl Work<'_> {
    /// Sends messages until every one is acknowledged or given up.
    async fn deliver<F>(&mut self, messages: Vec<Generated>, on_event: &mut F) -> io::Result<()>
    where
        F: FnMut(Event<'_>) -> io::Result<()>,
    {
        let mut left = messages;
        let mut tried = 0;
        while !left.is_empty() {
            if self.load.tries.is_some_and(|tries| tried >= tries) {
                self.summary.messages_given_up += left.len() as u64;
                return Ok(());
            }
            tried += 1;
            let report = self.transfer(&left).await?;
            on_event(Event::Transferred(&report))?;
            let mut unacknowledged = Vec::new();
            for (message, acknowledged) in left.into_iter().zip(&report.acknowledged) {
                if !acknowledged {
                    unacknowledged.push(message);
                    continue;
                }
                self.summary.messages_acknowledged += 1;
                self.summary.results_acknowledged += message.results.len() as u64;
                on_event(Event::Acknowledged(&message))?;
                if self.chance.hits(self.load.options.faults.analyzer.resend) {
                    self.transfer(&[message]).await?;
                }
            }
            left = unacknowledged;
            if !left.is_empty() {
                sleep(BREATH).await;
            }
        }
        Ok(())
    }

    async fn transfer(&mut self, messages: &[Generated]) -> io::Result<TransferReport> {
        let options = &mut self.load.options;
        let analyzer = match &mut self.analyzer {
            Some(analyzer) if analyzer.is_connected() => analyzer,
            connection => {
                let stream = self.place.open().await?;
                self.summary.connections += 1;
                options.faults.seed = options.faults.seed.wrapping_add(1);
                let protocol = self.load.generator.style().protocol();
                connection.insert(Connection::new(protocol, stream, options.clone()))
            }
        };
        let report = analyzer.transfer(messages).await;
        if matches!(report.end, End::NoAnswer | End::TooManyTries) && self.place.begins_anew() {
            analyzer.unplug();
        }
        self.summary.add(&report);
        Ok(report)
    }

    /// Lets the time until the next transfer pass, taking what the host sends.
    async fn rest<F>(&mut self, on_event: &mut F) -> io::Result<()>
    where
        F: FnMut(Event<'_>) -> io::Result<()>,
    {
        let deadline = Instant::now() + self.load.every;
        while let Some(analyzer) = self.analyzer.as_mut().filter(|analyzer| analyzer.is_connected()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match analyzer.receive(left).await {
                Some(message) => {
                    self.summary.messages_received += 1;
                    on_event(Event::Received(&message))?;
                }
                None => break,
            }
        }
        tokio::time::sleep_until(deadline).await;
        Ok(())
    }
}
