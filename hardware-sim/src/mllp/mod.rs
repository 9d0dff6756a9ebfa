//! An analyzer that speaks HL7 over MLLP: it sends a block and waits for the answer that names it. Only that answer
//! counts as an acknowledgement; where none comes, the same block is sent again, by whoever plays it, on a new
//! connection.

mod manner;
mod query;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::analyzer::{End, Options, TransferReport};
use crate::chance::Chance;
use crate::line::{Heard, Line};
use crate::pace::Paced;
use manner::{Manner, block};
use query::Next;
pub use query::Way;

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;
const CR: u8 = 0x0D;
/// Between the writes of one block.
const MOMENT: Duration = Duration::from_millis(1);

/// One analyzer on one connection. When the connection is lost, make a new one.
#[derive(Debug)]
pub struct MllpAnalyzer<S> {
    line: Line<Paced<S>>,
    options: Options,
    chance: Chance,
}

/// What the host said of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    Nothing,
    Gone,
}

/// What becomes of a block on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Silence,
    Cut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> MllpAnalyzer<S> {
    /// Of the faults only the analyzer's own, those of blocks, and noise between them are played: TCP alters no byte.
    pub fn new(stream: S, options: Options) -> Self {
        let stream = Paced::new(stream, options.pace);
        let chance = Chance::seeded_for(options.faults.seed, "mllp analyzer");
        MllpAnalyzer { line: Line::new(stream), options, chance }
    }

    /// False once the connection is lost, whoever ended it.
    pub fn is_connected(&self) -> bool {
        self.line.is_open()
    }

    /// Drops the connection without another byte.
    pub fn unplug(&mut self) {
        self.line.hang_up();
    }

    /// Sends messages one after another, each a block. A refusal ends the run, as does an answer that doesn't come.
    pub async fn transfer<M: AsRef<[u8]>>(&mut self, messages: &[M]) -> TransferReport {
        let mut report = TransferReport::of(messages.len());
        let mut left = messages.iter().map(AsRef::as_ref).enumerate().peekable();
        while let Some((at, message)) = left.next() {
            let next = match self.chance.hits(self.options.faults.block.joined) {
                true => left.next(),
                false => None,
            };
            let outcome = match next {
                Some((_, next)) => self.send_both([message, next], at, &mut report).await,
                None => self.send(message, at, &mut report).await,
            };
            if let Err(end) = outcome {
                report.end = end;
                return report;
            }
        }
        report.end = End::Complete;
        report
    }

    /// Asks about a specimen and returns the messages of the answer, each taken where the model does so. `None` where it isn't
    /// whole within the time that the analyzer waits.
    pub async fn query(&mut self, way: Way, specimen: &str, id: &str) -> Option<Vec<Vec<u8>>> {
        if !self.say(&block(&way.question(specimen, id))).await {
            return None;
        }
        let deadline = Instant::now() + self.options.timing.answer;
        let mut answer = Vec::new();
        loop {
            let message = self.block(deadline).await.ok()?;
            match way.next(&message) {
                Next::PassOver => {}
                Next::Await => answer.push(message),
                Next::Finish(said) => {
                    answer.push(message);
                    if let Some(said) = said {
                        self.say(&block(&said)).await;
                    }
                    return Some(answer);
                }
            }
        }
    }

    /// Sends two messages in one write, and waits for the answer to either. `at` is the first one's place.
    async fn send_both(
        &mut self,
        messages: [&[u8]; 2],
        at: usize,
        report: &mut TransferReport,
    ) -> Result<(), End> {
        report.frames_sent += 2;
        if !self.say(&messages.map(block).concat()).await {
            return Err(End::Disconnected);
        }
        for (at, message) in (at..).zip(messages) {
            match self.answer_to(control_id(message), report).await {
                Said::Yes => acknowledged(report, at),
                Said::No => return Err(End::TooManyTries),
                Said::Nothing => return Err(End::NoAnswer),
                Said::Gone => return Err(End::Disconnected),
            }
        }
        Ok(())
    }

    async fn send(&mut self, message: &[u8], at: usize, report: &mut TransferReport) -> Result<(), End> {
        let faults = self.options.faults.analyzer.clone();
        if let Some(fate) = self.draw_fate() {
            return Err(self.suffer(fate, &block(message)).await);
        }
        let mut ignores_answer = self.chance.hits(faults.lost_ack);
        let finds_answer_late = self.chance.hits(faults.late_ack);
        for attempt in 0..self.options.timing.tries {
            report.frames_sent += 1;
            report.repeats += u32::from(attempt > 0);
            if self.chance.hits(self.options.faults.line.noise) && !self.say(b"\n").await {
                return Err(End::Disconnected);
            }
            let manner = Manner::drawn(&self.options.faults.block, &mut self.chance);
            for write in manner.writes(message, &mut self.chance) {
                if !self.say(&write).await {
                    return Err(End::Disconnected);
                }
                tokio::time::sleep(if manner == Manner::Plainly { Duration::ZERO } else { MOMENT }).await;
            }
            match self.answer_to(control_id(message), report).await {
                Said::Yes if finds_answer_late => return Err(End::NoAnswer),
                Said::Yes if ignores_answer => ignores_answer = false,
                Said::Yes => {
                    acknowledged(report, at);
                    return Ok(());
                }
                Said::No => {
                    report.naks += 1;
                    tokio::time::sleep(self.options.timing.busy).await;
                }
                Said::Nothing => return Err(End::NoAnswer),
                Said::Gone => return Err(End::Disconnected),
            }
        }
        Err(End::TooManyTries)
    }

    /// Waits for the answer that names this message. Every other one is of another message.
    async fn answer_to(&mut self, id: &[u8], report: &mut TransferReport) -> Said {
        let deadline = Instant::now() + self.options.timing.reply;
        loop {
            let block = match self.block(deadline).await {
                Ok(block) => block,
                Err(said) => return said,
            };
            match acknowledgement(&block) {
                Some((code, named)) if named == id => {
                    return if matches!(code, b"AA" | b"CA") { Said::Yes } else { Said::No };
                }
                _ => report.garbled += 1,
            }
        }
    }

    async fn block(&mut self, deadline: Instant) -> Result<Vec<u8>, Said> {
        let mut block = Vec::new();
        let mut within = false;
        loop {
            match self.line.hear_until(deadline).await {
                Heard::Byte(VT) => {
                    within = true;
                    block.clear();
                }
                Heard::Byte(FS) if within => return Ok(block),
                Heard::Byte(byte) if within => block.push(byte),
                Heard::Byte(_) => {}
                Heard::Nothing => return Err(Said::Nothing),
                Heard::Gone => return Err(Said::Gone),
            }
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> bool {
        let within: Duration = self.options.timing.reply + self.options.pace.duration(bytes.len());
        self.line.say(bytes, within).await
    }

    fn draw_fate(&mut self) -> Option<Fate> {
        let rates = &self.options.faults.analyzer;
        let table = [(Fate::Silence, rates.silence), (Fate::Cut, rates.cut_before_end)];
        table.into_iter().find(|(_, rate)| self.chance.hits(*rate)).map(|(fate, _)| fate)
    }

    /// Half a block, and then nothing more.
    async fn suffer(&mut self, fate: Fate, block: &[u8]) -> End {
        let half = block.get(..block.len() / 2).unwrap_or_default();
        self.say(half).await;
        self.unplug();
        match fate {
            Fate::Silence => End::Silent,
            Fate::Cut => End::Disconnected,
        }
    }
}

fn acknowledged(report: &mut TransferReport, at: usize) {
    if let Some(acknowledged) = report.acknowledged.get_mut(at) {
        *acknowledged = true;
    }
}

/// MSH-10.
fn control_id(message: &[u8]) -> &[u8] {
    message.split(|byte| *byte == b'|').nth(9).unwrap_or_default()
}

/// The code and the control ID that an answer names: MSA-1 and MSA-2.
fn acknowledgement(block: &[u8]) -> Option<(&[u8], &[u8])> {
    let segment = block.split(|byte| *byte == CR).find(|segment| segment.starts_with(b"MSA|"))?;
    let mut fields = segment.split(|byte| *byte == b'|').skip(1);
    Some((fields.next()?, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::Timing;
    use crate::faults::Faults;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const MESSAGE: &[u8] = b"MSH|^~\\&|SIM||||20260101||ORU^R01|7|P|2.5.1\rOBR|1\r";

    /// A host that answers each block with these texts, in order.
    async fn told(answers: &'static [&'static str]) -> TransferReport {
        let (ours, mut theirs) = duplex(1 << 16);
        tokio::spawn(async move {
            let mut heard = Vec::new();
            for answer in answers {
                while !heard.ends_with(b"\x1C\r") {
                    heard.push(theirs.read_u8().await.unwrap());
                }
                heard.clear();
                theirs.write_all(answer.as_bytes()).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let timing = Timing::default().hurried(100);
        let options = Options { timing, faults: Faults::none(), ..Options::default() };
        MllpAnalyzer::new(ours, options).transfer(&[MESSAGE]).await
    }

    #[tokio::test]
    async fn only_the_answer_that_names_the_message_acknowledges_it() {
        for (answers, acknowledged) in [
            (&["\x0BMSH|x\rMSA|AA|7\r\x1C\r"][..], true),
            (&["\x0BMSH|x\rMSA|CA|7\r\x1C\r"], true),
            (&["noise\x0BMSH|x\rMSA|AA|6\r\x1C\r\x0BMSH|x\rMSA|AA|7\r\x1C\r"], true),
            (&["\x0BMSH|x\rMSA|AA|6\r\x1C\r"], false),
            (&["\x0BMSH|x\rMSA|AAX|7\r\x1C\r", "\x0BMSH|x\rMSA|AA|7\r\x1C\r"], true),
            (&["\x0BMSH|x\rMSA|AR|7\r\x1C\r", "\x0BMSH|x\rMSA|AA|7\r\x1C\r"], true),
            (&["\x0BMSH|x\rMSA|AA|7\r"], false),
            (&[""], false),
        ] {
            assert_eq!(told(answers).await.acknowledged, [acknowledged], "{answers:?}");
        }
    }
}
