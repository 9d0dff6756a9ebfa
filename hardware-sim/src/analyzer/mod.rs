//! An analyzer at its end of the line: sends messages, answers the host's own transfers, asks host queries.
//!
//! It reports a message as acknowledged only when the frame that carries the message's end was. It keeps no
//! clock of its own and never waits longer than its [`Timing`] says.

mod options;
mod receive;
mod report;
mod send;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::chance::Chance;
use crate::faults::Faulty;
use crate::line::{Heard, Line};
use crate::pace::Paced;

pub use options::{Options, Timing};
pub use report::{End, TransferReport};

/// One analyzer on one connection. When the connection is lost, make a new one.
#[derive(Debug)]
pub struct Analyzer<S> {
    line: Line<Faulty<Paced<S>>>,
    options: Options,
    chance: Chance,
    inbox: VecDeque<Vec<u8>>,
    state: State,
}

/// What the line may still hold from the last transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Settled,
    /// The host didn't answer in time; its answer may still come and must not be taken for another.
    Doubtful,
    /// The future of a transfer was dropped in the middle.
    Interrupted,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Analyzer<S> {
    /// Faults and pace of the options are put around the stream.
    pub fn new(stream: S, options: Options) -> Self {
        let stream = Faulty::new(Paced::new(stream, options.pace), &options.faults);
        Analyzer {
            line: Line::new(stream),
            chance: Chance::seeded_for(options.faults.seed, "analyzer"),
            options,
            inbox: VecDeque::new(),
            state: State::Settled,
        }
    }

    /// False once the connection is lost, whoever ended it.
    pub fn is_connected(&self) -> bool {
        self.line.is_open()
    }

    /// Drops the connection without another byte, as a pulled cable does.
    pub fn unplug(&mut self) {
        self.line.hang_up();
    }

    /// Asks the host about a specimen and waits for its answer. `question` is a whole message, H to L.
    /// `None` where the question wasn't acknowledged or no answer came in time.
    pub async fn query(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let asked = self.transfer(&[question]).await;
        if !asked.is_complete() {
            return None;
        }
        self.receive(self.options.timing.answer).await
    }

    async fn say(&mut self, bytes: &[u8]) -> bool {
        let within = self.options.timing.reply
            + self.options.faults.line.pause
            + self.options.pace.duration(bytes.len());
        self.line.say(bytes, within).await
    }

    /// Lets time go by, hearing nothing of what is said meanwhile.
    async fn let_pass(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Heard::Byte(_) = self.line.hear_until(deadline).await {}
    }
}
