//! What became of a transfer.

/// Counts include repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferReport {
    pub end: End,
    /// One for each message given, in order: whether the frame that carries its end was acknowledged.
    pub acknowledged: Vec<bool>,
    /// Frames sent, repetitions included.
    pub frames_sent: u32,
    /// Frames sent again, for whatever reason.
    pub repeats: u32,
    /// Frames that the host refused.
    pub naks: u32,
    /// Answers to a frame that were neither ACK, NAK nor EOT.
    pub garbled: u32,
    /// How often the host was busy for an ENQ.
    pub busy: u32,
    /// How often the host's ENQ met ours.
    pub contentions: u32,
}

impl TransferReport {
    pub(crate) fn of(messages: usize) -> Self {
        TransferReport {
            end: End::Refused,
            acknowledged: vec![false; messages],
            frames_sent: 0,
            repeats: 0,
            naks: 0,
            garbled: 0,
            busy: 0,
            contentions: 0,
        }
    }

    /// Every message was acknowledged to its end and the transfer ended as it should.
    pub fn is_complete(&self) -> bool {
        self.end == End::Complete && self.acknowledged.iter().all(|message| *message)
    }
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All frames acknowledged, EOT sent.
    Complete,
    /// The host never let it begin.
    Refused,
    /// No answer came in time, or none that this analyzer took for one; EOT sent.
    NoAnswer,
    /// One frame was refused too often; EOT sent.
    TooManyTries,
    /// The host took a frame and asked to stop; EOT sent.
    Interrupted,
    /// A fault: EOT before a message's last frame.
    Abandoned,
    /// A fault: it fell silent, without EOT.
    Silent,
    /// The connection was lost.
    Disconnected,
}
