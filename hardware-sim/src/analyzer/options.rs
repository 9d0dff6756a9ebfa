//! What can be set about an analyzer.

use std::time::Duration;

use crate::faults::Faults;
use crate::frame::Framing;
use crate::pace::Pace;

/// By default: no faults, full speed, the standard's times, a frame a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub faults: Faults,
    pub pace: Pace,
    pub timing: Timing,
    pub framing: Framing,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            faults: Faults::none(),
            pace: Pace::Full,
            timing: Timing::default(),
            framing: Framing::default(),
        }
    }
}

/// How long the analyzer waits. The default is the standard's; [`Timing::hurried`] shortens all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// For the answer to ENQ and to each frame (15 s).
    pub reply: Duration,
    /// After a NAK to ENQ, before the next (10 s).
    pub busy: Duration,
    /// After the host's ENQ met its own, before it repeats it (1 s).
    pub contention: Duration,
    /// As receiver, for the next frame or EOT (30 s).
    pub receive: Duration,
    /// In silence after the host asked it to stop (15 s).
    pub interrupt: Duration,
    /// For the host's answer to a query (10 s).
    pub answer: Duration,
    /// How long it says nothing when it falls silent in mid-transfer (35 s).
    pub silence: Duration,
    /// For the rest of an answer that began with something else (50 ms).
    pub settle: Duration,
    /// Of quiet before it begins anew after an answer that didn't come (2 s). The longer, the surer that a
    /// late answer is never taken for the next one; a new connection is surest.
    pub quiet: Duration,
    /// How often a frame or ENQ is sent, the first time included (6).
    pub tries: u8,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            reply: Duration::from_secs(15),
            busy: Duration::from_secs(10),
            contention: Duration::from_secs(1),
            receive: Duration::from_secs(30),
            interrupt: Duration::from_secs(15),
            answer: Duration::from_secs(10),
            silence: Duration::from_secs(35),
            settle: Duration::from_millis(50),
            quiet: Duration::from_secs(2),
            tries: 6,
        }
    }
}

impl Timing {
    /// Every wait `times` as short; 0 counts as 1.
    pub fn hurried(self, times: u32) -> Self {
        let shorter = |wait: Duration| wait / times.max(1);
        Timing {
            reply: shorter(self.reply),
            busy: shorter(self.busy),
            contention: shorter(self.contention),
            receive: shorter(self.receive),
            interrupt: shorter(self.interrupt),
            answer: shorter(self.answer),
            silence: shorter(self.silence),
            settle: shorter(self.settle),
            quiet: shorter(self.quiet),
            tries: self.tries,
        }
    }
}
