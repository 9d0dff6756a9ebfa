//! The analyzer as sender: ENQ, frames, repetitions, EOT.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Analyzer, End, State, TransferReport};
use crate::frame::{self, ACK, ENQ, EOT, NAK, Part};
use crate::line::Heard;

/// What the host answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Ack,
    Nak,
    Eot,
    Enq,
    Garbled,
    Nothing,
    Gone,
}

/// How to go on after a frame that was accepted.
enum Accepted {
    GoOn,
    /// The host asked for the line.
    Stop,
}

/// What goes wrong with a message before its last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Silence,
    Abandon,
    Cut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Analyzer<S> {
    /// Sends messages in one transfer. Each holds its records, every one ended by CR.
    ///
    /// Dropping the future abandons the transfer; what it would have reported as acknowledged is unknown.
    pub async fn transfer<M: AsRef<[u8]>>(&mut self, messages: &[M]) -> TransferReport {
        let framing = self.options.framing;
        let messages: Vec<_> = messages.iter().map(|message| frame::cut(message.as_ref(), framing)).collect();
        self.transfer_parts(&messages).await
    }

    /// Sends frames that were cut elsewhere, such as a capture's: for each message its parts.
    pub async fn transfer_parts(&mut self, messages: &[Vec<Part>]) -> TransferReport {
        let mut report = TransferReport::of(messages.len());
        let host_bids = self.clear_line().await;
        self.state = State::Interrupted;
        report.end = match self.bid(host_bids, &mut report).await {
            Ok(()) => self.send_messages(messages, &mut report).await,
            Err(end) => end,
        };
        self.state = match report.end {
            End::NoAnswer | End::TooManyTries => State::Doubtful,
            _ => State::Settled,
        };
        report
    }

    /// Forgets what was said before. True where the host's ENQ is waiting for an answer.
    async fn clear_line(&mut self) -> bool {
        let timing = &self.options.timing;
        let quiet = match self.state {
            State::Settled => Duration::ZERO,
            State::Doubtful => timing.quiet,
            State::Interrupted => {
                let quiet = timing.quiet;
                self.say(&[EOT]).await;
                quiet
            }
        };
        let said = self.line.drain(quiet).await;
        said.iter().rfind(|byte| [ENQ, EOT].contains(byte)) == Some(&ENQ)
    }

    /// Gains the line. The host yields when both want it.
    async fn bid(&mut self, mut host_bids: bool, report: &mut TransferReport) -> Result<(), End> {
        for _ in 0..self.options.timing.tries {
            if !self.say(&[ENQ]).await {
                return Err(End::Disconnected);
            }
            let reply = if host_bids { Reply::Enq } else { self.reply().await };
            host_bids = false;
            match reply {
                Reply::Ack => return Ok(()),
                Reply::Enq => {
                    report.contentions += 1;
                    if self.outlast_contention().await {
                        return Ok(());
                    }
                }
                Reply::Nak | Reply::Eot => {
                    report.busy += 1;
                    self.let_pass(self.options.timing.busy).await;
                }
                Reply::Garbled => report.garbled += 1,
                Reply::Nothing => return Err(self.give_up(End::NoAnswer).await),
                Reply::Gone => return Err(End::Disconnected),
            }
        }
        Err(End::Refused)
    }

    /// Waits before ENQ is repeated. True where the host answered our ENQ after all.
    async fn outlast_contention(&mut self) -> bool {
        let deadline = Instant::now() + self.options.timing.contention;
        loop {
            match self.line.hear_until(deadline).await {
                Heard::Byte(ACK) => return true,
                Heard::Byte(_) => {}
                Heard::Nothing | Heard::Gone => return false,
            }
        }
    }

    async fn send_messages(&mut self, messages: &[Vec<Part>], report: &mut TransferReport) -> End {
        let mut number = 1;
        let mut left: usize = messages.iter().map(Vec::len).sum();
        for (at, parts) in messages.iter().enumerate() {
            let fate = self.draw_fate();
            for part in parts {
                if let Some(fate) = fate.filter(|_| part.ends_message) {
                    return self.suffer(fate).await;
                }
                let accepted = match self.send_frame(number, part, report).await {
                    Ok(accepted) => accepted,
                    Err(end) => return end,
                };
                if let Some(message) = report.acknowledged.get_mut(at).filter(|_| part.ends_message) {
                    *message = true;
                }
                left -= 1;
                if matches!(accepted, Accepted::Stop) && left > 0 {
                    let end = self.give_up(End::Interrupted).await;
                    self.let_pass(self.options.timing.interrupt).await;
                    return end;
                }
                number = (number + 1) & 7;
            }
        }
        self.give_up(End::Complete).await
    }

    /// Sends one frame until it is accepted or tried too often.
    async fn send_frame(
        &mut self,
        number: u8,
        part: &Part,
        report: &mut TransferReport,
    ) -> Result<Accepted, End> {
        let bytes = frame::emit(number, part);
        let mut ignores_ack = self.chance.hits(self.options.faults.analyzer.lost_ack);
        let finds_ack_late = self.chance.hits(self.options.faults.analyzer.late_ack);
        for attempt in 0..self.options.timing.tries {
            report.frames_sent += 1;
            report.repeats += u32::from(attempt > 0);
            if !self.say(&bytes).await {
                return Err(End::Disconnected);
            }
            match self.reply().await {
                Reply::Ack if finds_ack_late => return Err(self.give_up(End::NoAnswer).await),
                Reply::Ack if ignores_ack => ignores_ack = false,
                Reply::Ack => return Ok(Accepted::GoOn),
                Reply::Eot => return Ok(Accepted::Stop),
                Reply::Nak => report.naks += 1,
                Reply::Enq | Reply::Garbled => report.garbled += 1,
                Reply::Nothing => return Err(self.give_up(End::NoAnswer).await),
                Reply::Gone => return Err(End::Disconnected),
            }
        }
        Err(self.give_up(End::TooManyTries).await)
    }

    /// The host's answer. Something odd before it is noise; something odd alone is a garbled answer.
    async fn reply(&mut self) -> Reply {
        let timing = &self.options.timing;
        let mut deadline = Instant::now() + timing.reply;
        let settle = timing.settle;
        let mut otherwise = Reply::Nothing;
        loop {
            match self.line.hear_until(deadline).await {
                Heard::Byte(ACK) => return Reply::Ack,
                Heard::Byte(NAK) => return Reply::Nak,
                Heard::Byte(EOT) => return Reply::Eot,
                Heard::Byte(ENQ) => return Reply::Enq,
                Heard::Byte(_) => {
                    otherwise = Reply::Garbled;
                    deadline = Instant::now() + settle;
                }
                Heard::Nothing => return otherwise,
                Heard::Gone => return Reply::Gone,
            }
        }
    }

    async fn give_up(&mut self, end: End) -> End {
        self.say(&[EOT]).await;
        end
    }

    fn draw_fate(&mut self) -> Option<Fate> {
        let rates = &self.options.faults.analyzer;
        let table = [
            (Fate::Silence, rates.silence),
            (Fate::Abandon, rates.abandon),
            (Fate::Cut, rates.cut_before_end),
        ];
        table.into_iter().find(|(_, rate)| self.chance.hits(*rate)).map(|(fate, _)| fate)
    }

    async fn suffer(&mut self, fate: Fate) -> End {
        match fate {
            Fate::Silence => {
                self.let_pass(self.options.timing.silence).await;
                End::Silent
            }
            Fate::Abandon => self.give_up(End::Abandoned).await,
            Fate::Cut => {
                self.unplug();
                End::Disconnected
            }
        }
    }
}
