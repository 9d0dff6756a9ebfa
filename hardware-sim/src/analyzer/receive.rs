//! The analyzer as receiver of the host's orders and answers.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::Analyzer;
use crate::frame::{self, ACK, ENQ, EOT, NAK, Reader, Received, Token};
use crate::line::Heard;

/// One transfer of the host's as far as it came.
#[derive(Debug, Default)]
struct Arriving {
    last: Option<Received>,
    /// The text since the last complete message.
    text: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Analyzer<S> {
    /// The next message from the host, its records each ended by CR. Waits `within` for a transfer to begin.
    ///
    /// `None` at once where the connection is lost. Dropping the future in mid-transfer leaves the host
    /// without an answer, and the transfer is lost.
    pub async fn receive(&mut self, within: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(message) = self.inbox.pop_front() {
                return Some(message);
            }
            match self.line.hear_until(deadline).await {
                Heard::Byte(ENQ) => self.admit().await,
                Heard::Byte(_) => {}
                Heard::Nothing | Heard::Gone => return None,
            }
        }
    }

    /// Answers the host's ENQ.
    async fn admit(&mut self) {
        let faults = self.options.faults.analyzer.clone();
        if self.chance.hits(faults.busy) {
            self.say(&[NAK]).await;
        } else if self.chance.hits(faults.contention) {
            self.contend().await;
        } else if self.say(&[ACK]).await {
            self.take_in(faults.refuse).await;
        }
    }

    /// Claims the line against the host's ENQ, gains it, and then has nothing to say.
    async fn contend(&mut self) {
        self.say(&[ENQ]).await;
        self.let_pass(self.options.timing.contention).await;
        self.say(&[ENQ]).await;
        let answer = self.line.hear(self.options.timing.reply).await;
        if answer != Heard::Gone {
            self.say(&[EOT]).await;
        }
    }

    async fn take_in(&mut self, refuse: f64) {
        let mut reader = Reader::default();
        let mut arriving = Arriving::default();
        let receive = self.options.timing.receive;
        let mut deadline = Instant::now() + receive;
        loop {
            let Heard::Byte(byte) = self.line.hear_until(deadline).await else { return };
            let answer = match reader.push(byte) {
                Token::Pending => continue,
                Token::Eot => return,
                Token::Enq => {
                    arriving = Arriving::default();
                    ACK
                }
                Token::Broken => NAK,
                Token::Frame(_) if self.chance.hits(refuse) => NAK,
                Token::Frame(frame) => {
                    let answer = arriving.accept(frame);
                    self.inbox.extend(arriving.complete());
                    answer
                }
            };
            if !self.say(&[answer]).await {
                return;
            }
            deadline = Instant::now() + receive;
        }
    }
}

impl Arriving {
    /// Takes a frame that follows the last one or repeats it.
    fn accept(&mut self, frame: Received) -> u8 {
        if self.last.as_ref() == Some(&frame) {
            return ACK;
        }
        let expected = self.last.as_ref().map_or(1, |last| (last.number + 1) & 7);
        if frame.number != expected {
            return NAK;
        }
        self.text.extend_from_slice(&frame.text);
        self.last = Some(frame);
        ACK
    }

    fn complete(&mut self) -> Option<Vec<u8>> {
        frame::ends_message(&self.text).then(|| std::mem::take(&mut self.text))
    }
}
