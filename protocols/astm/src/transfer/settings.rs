//! What differs between instruments in the transfer of frames.

use std::time::Duration;

/// One instrument's line behaviour, seen from the host. The same link takes the instrument's part when
/// [`Timing::contention`] is set to 1 s.
///
/// [`Settings::default`] is the standard's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub timing: Timing,
    /// How often one frame is sent, the first time included, before the sender gives up.
    pub tries: u8,
    /// The longest frame text accepted, in bytes.
    pub max_frame_text: usize,
    /// The most text one transfer may carry, in bytes, before it is cut.
    pub max_transfer: usize,
    pub emit: Emit,
    pub end_mark: EndMark,
    pub tolerances: Tolerances,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timing: Timing::default(),
            tries: 6,
            max_frame_text: 64_000,
            max_transfer: 32 * 1024 * 1024,
            emit: Emit::default(),
            end_mark: EndMark::LastRecord,
            tolerances: Tolerances::default(),
        }
    }
}

/// The timers of LIS01, in the roles in which a host uses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Sender: how long to wait for the answer to ENQ and to each frame (15 s).
    pub reply: Duration,
    /// Receiver: how long to wait for the next frame or EOT (30 s).
    pub receive: Duration,
    /// Sender: how long to wait after a NAK to ENQ before asking again (10 s).
    pub busy: Duration,
    /// Sender: how long to stay silent after contention unless the peer asks first: 20 s for a host, which lets
    /// the instrument go first; 1 s for an instrument.
    pub contention: Duration,
    /// Sender: how long to stay silent after a receiver interrupt (15 s).
    pub interrupt: Duration,
    /// How long the line must be quiet before something garbled is judged (1 s): an answer to a frame of ours
    /// that is none, or a control byte in the middle of a frame. So long the receiver also waits before it
    /// acknowledges what may be acknowledged already, by an answer that crossed the question. The sender also stays silent for so long
    /// after each of its transfers, so that a late answer isn't taken for the answer to its next ENQ; unless the
    /// peer begins to transmit, which it does when it has answered everything.
    pub quiet: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            reply: Duration::from_secs(15),
            receive: Duration::from_secs(30),
            busy: Duration::from_secs(10),
            contention: Duration::from_secs(20),
            interrupt: Duration::from_secs(15),
            quiet: Duration::from_secs(1),
        }
    }
}

/// How messages are cut into frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emit {
    /// The most text in one frame, in bytes: 240 by E1381, up to 63,993 by LIS01-A2.
    pub max_text: usize,
    /// What ends the last frame of each record but the message's last.
    pub record_end: RecordEnd,
}

impl Default for Emit {
    fn default() -> Self {
        Emit { max_text: 240, record_end: RecordEnd::Etx }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordEnd {
    Etx,
    Etb,
}

/// What completes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndMark {
    /// The L record.
    LastRecord,
    /// EOT, for instruments that send no L record.
    EndOfTransfer,
}

/// Deviations from the standard that an instrument is allowed. Each use is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerances {
    /// Checksum digits in lower case. Harmless: on by default.
    pub lower_case_checksum: bool,
    /// Bytes outside frames. Harmless, the standard ignores them: on by default; off, the frame after them is
    /// refused.
    pub noise_before_frame: bool,
    /// ENQ in mid-transfer closes the old transfer as cut and begins a new one. On by default; off, it is
    /// answered NAK.
    pub restart_by_enq: bool,
    /// ENQ followed by EOT without a frame is a keep-alive, not an empty transfer. On by default.
    pub keep_alive: bool,
    /// The frame may end without CR LF after its checksum.
    pub missing_cr_lf: bool,
    /// The frame may carry no checksum at all; one that is there is still checked, unless the frame may lack
    /// its CR LF too: then it is complete at ETX or ETB, and nothing is ever checked.
    pub missing_checksum: bool,
    /// A new frame 1 after a complete message begins a new transfer although no EOT came. After a frame 0 it
    /// can't be told from the transfer's next frame, and after a frame 1 only by its content.
    pub missing_eot: bool,
    /// Records without any framing, each ended by CR, LF or both (TCP only). Nothing is acknowledged in this
    /// mode; what can't be stored closes the connection.
    pub raw_records: bool,
}

impl Default for Tolerances {
    fn default() -> Self {
        Tolerances {
            lower_case_checksum: true,
            noise_before_frame: true,
            restart_by_enq: true,
            keep_alive: true,
            missing_cr_lf: false,
            missing_checksum: false,
            missing_eot: false,
            raw_records: false,
        }
    }
}
