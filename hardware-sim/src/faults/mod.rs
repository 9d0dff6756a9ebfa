//! What goes wrong, how often, and repeatably: the same seed gives the same faults.
//!
//! The faults never forge an acknowledgement: no byte turns into ACK, EOT or ENQ outside a frame, and no
//! reply comes twice. What an analyzer saw acknowledged was acknowledged, so that it can be held against
//! what the LIMS got. A frame suffers one fault at most, because its checksum can't catch every pair.

mod injector;
mod stream;

use std::time::Duration;

pub use stream::Faulty;

/// How likely each fault is, from 0.0 (never) to 1.0 (always).
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    pub seed: u64,
    pub line: LineFaults,
    pub analyzer: AnalyzerFaults,
    pub block: BlockFaults,
}

/// Faults of the line, in either direction. Each is drawn once a frame and once a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct LineFaults {
    /// One bit of one byte changes.
    pub flip: f64,
    /// One byte gets lost. A lost reply is a lost ACK.
    pub lose: f64,
    /// One byte of a frame comes twice.
    pub repeat: f64,
    /// A printable byte that nobody sent appears.
    pub noise: f64,
    /// The line stands still for `pause` in the middle.
    pub delay: f64,
    /// The connection ends.
    pub cut: f64,
    /// Keep this below both sides' reply timeouts: a reply that comes later than that answers something else.
    pub pause: Duration,
}

/// Faults of the analyzer's own conduct.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyzerFaults {
    /// It takes an ACK for lost and sends the same frame again. Drawn once a frame.
    pub lost_ack: f64,
    /// The ACK came too late for it: it ends the transfer as unacknowledged. Drawn once a frame.
    pub late_ack: f64,
    /// It stops in mid-transfer and sends nothing more, not even EOT. Drawn once a message.
    pub silence: f64,
    /// It ends the transfer by EOT before the last frame of a message. Drawn once a message.
    pub abandon: f64,
    /// It drops the connection before the last frame of a message. Drawn once a message.
    pub cut_before_end: f64,
    /// It sends the host's ENQ an ENQ in reply. Drawn once a host transfer.
    pub contention: f64,
    /// It is too busy for the host's ENQ. Drawn once a host transfer.
    pub busy: f64,
    /// It refuses a good frame of the host's. Drawn once a frame.
    pub refuse: f64,
    /// It sends an acknowledged message again, as after a restart. Drawn once a message, by a load only.
    pub resend: f64,
}

/// What an analyzer does to its MLLP blocks. Each is drawn once a block; a block suffers one at most.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockFaults {
    /// Bytes that nobody meant stand before it.
    pub garbage: f64,
    /// It ends without its CR.
    pub no_cr: f64,
    /// It comes a few bytes at a time.
    pub dribble: f64,
    /// It comes twice in one write.
    pub twice: f64,
    /// Half of it comes first, on the same connection.
    pub broken_off: f64,
    /// The next message's block comes in the same write, before this one is answered.
    pub joined: f64,
}

impl Faults {
    pub fn none() -> Self {
        Faults::at_rate(0, 0.0)
    }

    /// A mixture that most transfers survive.
    pub fn seeded(seed: u64) -> Self {
        Faults::at_rate(seed, 0.02)
    }

    /// Every small fault at this rate; those that end a transfer at a quarter of it.
    pub fn at_rate(seed: u64, rate: f64) -> Self {
        let grave = rate / 4.0;
        let pause = Duration::from_millis(200);
        Faults {
            seed,
            line: LineFaults {
                flip: rate,
                lose: grave,
                repeat: rate,
                noise: rate,
                delay: rate,
                cut: grave / 4.0,
                pause,
            },
            analyzer: AnalyzerFaults {
                lost_ack: rate,
                late_ack: grave,
                silence: grave,
                abandon: grave,
                cut_before_end: grave,
                contention: rate,
                busy: rate,
                refuse: rate,
                resend: rate,
            },
            block: BlockFaults {
                garbage: rate,
                no_cr: grave,
                dribble: rate,
                twice: rate,
                broken_off: rate,
                joined: rate,
            },
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Faults::none()
    }
}
