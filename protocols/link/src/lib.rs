//! The contract between a protocol machine (a [`Link`]) and whoever drives it.
//!
//! A link turns bytes into [`Parcel`]s and proofs of storage into acknowledgements. It holds no clock, no
//! socket, no disk and no log: time is an argument, everything else is an [`Action`] for the driver.
//! Nothing here depends on a particular protocol.
//!
//! What these types carry may name a patient, so their `Debug` tells sizes and never bytes.

use std::fmt;
use std::ops::Range;
use std::time::Instant;

/// One protocol machine for one connection.
///
/// After every `handle`, drain [`poll`](Link::poll) until it returns `None`; do nothing in between.
pub trait Link: Send {
    /// Takes in one thing that happened. `now` never goes backwards.
    fn handle(&mut self, now: Instant, input: Input<'_>);
    /// The next thing the driver must do, in order.
    fn poll(&mut self) -> Option<Action>;
    /// When the driver must call `handle` with [`Input::Tick`] unless something else happens first.
    fn deadline(&self) -> Option<Instant>;
    /// How many more bytes it takes while a parcel is being stored. The driver leaves the rest on the line.
    fn room(&self) -> usize;
    /// What the machine is doing, for a technician: a lowercase fragment such as "waiting for a transmission".
    fn doing(&self) -> &'static str;
    /// Whether the connection can be closed now without cutting anything short.
    fn is_idle(&self) -> bool;

    /// Whether all is as when the connection began, so that another machine could go on with it: nothing is under way or waits to
    /// be, and nothing that was read waits for more.
    fn is_fresh(&self) -> bool;
}

/// What happened.
pub enum Input<'a> {
    /// The connection stands; nothing has been read from it yet.
    Connected,
    /// Bytes arrived. Any split is possible: one byte, half a frame, many messages.
    Bytes(&'a [u8]),
    /// A parcel survives a power cut from here on. This alone earns its acknowledgement.
    Stored(Receipt, Reply),
    /// A parcel could not be stored; it must not be acknowledged. The reply, if any, says no.
    StoreFailed(ParcelId, Reply),
    /// Please transmit this message (content only, without framing).
    Send(SendId, &'a [u8]),
    /// Everything transmitted so far has been handed to the line. Reply timers start here, so report it before
    /// any bytes that are read later.
    Written,
    /// Whether a new transfer may begin. A running one is never interrupted by this.
    Admission(Admission),
    /// A deadline passed.
    Tick,
    /// The connection is gone. A receipt that arrives later is ignored.
    Disconnected,
}

/// What the driver must do.
#[derive(PartialEq, Eq)]
pub enum Action {
    /// Write these bytes, then report [`Input::Written`].
    Transmit(Vec<u8>),
    /// Store this parcel durably, then report [`Input::Stored`] or [`Input::StoreFailed`].
    Store(Parcel),
    /// A transfer (a run of parcels that belong together) began or ended.
    Transfer(Transfer),
    /// What became of a [`Input::Send`].
    Sent(SendId, Sent),
    /// Close the connection.
    Close(End),
    /// Something worth counting and showing; never fatal.
    Note(Note),
}

/// Numbers the parcels of one link, from 0. Unique within the link's life only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParcelId(pub u64);

/// Chosen by the driver to tell its sends apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(pub u64);

/// The unit of storage and acknowledgement: an ASTM frame, an HL7 message.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    pub id: ParcelId,
    /// The bytes as received, framing included.
    pub raw: Vec<u8>,
    /// Where the content lies within `raw`.
    pub content: Range<usize>,
    /// Offsets into the content, ascending, at which a message ends: the byte before each offset is the
    /// message's last. Empty where the message goes on in a later parcel.
    pub message_ends: Vec<usize>,
}

impl Parcel {
    /// The content without its framing.
    pub fn content(&self) -> &[u8] {
        self.raw.get(self.content.clone()).unwrap_or_default()
    }
}

/// Proof that a parcel survives a power cut. Only the journal signs one, after its commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt(ParcelId);

impl Receipt {
    /// Signs for a parcel. Call this nowhere but after a durable commit.
    pub fn sign(parcel: ParcelId) -> Receipt {
        Receipt(parcel)
    }

    /// The parcel this receipt is for.
    pub fn parcel(&self) -> ParcelId {
        self.0
    }
}

/// What to tell the peer about a parcel.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing beyond the protocol's own acknowledgement or refusal, where it has one.
    Protocol,
    /// These texts after the protocol's own, in order and unchanged but for their framing.
    Texts(Vec<Vec<u8>>),
    /// Nothing at all.
    Silent,
}

/// Whether new transfers are welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Open,
    /// The journal can't take more at present: answer "busy", lose nothing.
    Busy,
}

/// The bounds of a run of parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    Began,
    /// The peer ended it as the protocol says.
    Ended,
    /// It ended otherwise; what follows the last complete message is incomplete.
    Cut(Cut),
}

/// Why a transfer was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The peer began anew without ending the transfer.
    Restarted,
    /// The peer fell silent for longer than the protocol allows.
    Silence,
    /// The connection went away.
    Disconnected,
    /// The peer sent more than the bounds allow.
    Oversize,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cut::Restarted => "the analyzer began a new transmission before ending this one",
            Cut::Silence => "the analyzer fell silent in mid-transmission",
            Cut::Disconnected => "the connection was lost in mid-transmission",
            Cut::Oversize => "the transmission was larger than the limit",
        })
    }
}

/// What became of a message that we sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Sent {
    /// The peer acknowledged all of it.
    Delivered,
    /// The peer has it in safe storage and said so with this. More follows only where the link was set to wait for
    /// the final answer.
    Staged(Vec<u8>),
    /// The peer answered with content of its own.
    Answered(Vec<u8>),
    /// The peer took what it had and asked us to stop before the end.
    Interrupted,
    /// The peer never took it; it may be sent again.
    Refused,
    /// The last of it was sent and no answer came: it may or may not have arrived.
    Unknown,
}

/// Why a link asks for its connection to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The peer can't be understood any more on this connection.
    Unusable,
    /// Nothing is left to do.
    Finished,
}

/// Something odd that the peer did. Wording lives with the protocol; content never appears in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A stable name to count by, such as `bad-checksum`.
    pub code: &'static str,
    /// One sentence for a technician, without any of the peer's content.
    pub text: String,
}

/// Shows bytes as their number.
struct Size<'a>(&'a [u8]);

impl fmt::Debug for Size<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Connected => f.write_str("Connected"),
            Input::Bytes(bytes) => f.debug_tuple("Bytes").field(&Size(bytes)).finish(),
            Input::Stored(receipt, reply) => f.debug_tuple("Stored").field(receipt).field(reply).finish(),
            Input::StoreFailed(parcel, reply) => {
                f.debug_tuple("StoreFailed").field(parcel).field(reply).finish()
            }
            Input::Send(id, content) => f.debug_tuple("Send").field(id).field(&Size(content)).finish(),
            Input::Written => f.write_str("Written"),
            Input::Admission(admission) => f.debug_tuple("Admission").field(admission).finish(),
            Input::Tick => f.write_str("Tick"),
            Input::Disconnected => f.write_str("Disconnected"),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Transmit(bytes) => f.debug_tuple("Transmit").field(&Size(bytes)).finish(),
            Action::Store(parcel) => f.debug_tuple("Store").field(parcel).finish(),
            Action::Transfer(transfer) => f.debug_tuple("Transfer").field(transfer).finish(),
            Action::Sent(id, sent) => f.debug_tuple("Sent").field(id).field(sent).finish(),
            Action::Close(end) => f.debug_tuple("Close").field(end).finish(),
            Action::Note(note) => f.debug_tuple("Note").field(note).finish(),
        }
    }
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel")
            .field("id", &self.id)
            .field("raw", &Size(&self.raw))
            .field("content", &self.content)
            .field("message_ends", &self.message_ends)
            .finish()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Protocol => f.write_str("Protocol"),
            Reply::Texts(texts) => f.debug_list().entries(texts.iter().map(|text| Size(text))).finish(),
            Reply::Silent => f.write_str("Silent"),
        }
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sent::Delivered => f.write_str("Delivered"),
            Sent::Staged(content) => f.debug_tuple("Staged").field(&Size(content)).finish(),
            Sent::Answered(content) => f.debug_tuple("Answered").field(&Size(content)).finish(),
            Sent::Interrupted => f.write_str("Interrupted"),
            Sent::Refused => f.write_str("Refused"),
            Sent::Unknown => f.write_str("Unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_sizes_and_never_what_a_patient_is_called() {
        let name = b"DOE^JANE".to_vec();
        let parcel = Parcel { id: ParcelId(7), raw: name.clone(), content: 0..8, message_ends: vec![8] };
        let shown = [
            format!("{:?} {:?}", Input::Bytes(&name), Input::Send(SendId(1), &name)),
            format!("{:?} {:?}", Action::Transmit(name.clone()), Action::Store(parcel)),
            format!("{:?}", Action::Sent(SendId(1), Sent::Answered(name.clone()))),
            format!("{:?}", Action::Sent(SendId(1), Sent::Staged(name.clone()))),
            format!("{:?}", Input::StoreFailed(ParcelId(1), Reply::Texts(vec![name.clone()]))),
        ];
        for shown in shown {
            assert!(shown.contains("8 bytes") && !shown.contains("DOE") && !shown.contains("68"), "{shown}");
        }
    }
}
