//! Which HL7 messages of an instrument are for us. What is refused to it here is never read as results either: one table for
//! the answer and for the reading.

use labwire_hl7::message::Msh;
use labwire_hl7::transfer::Condition;

/// The kinds of message that an instrument may send: results, queries, and what it says of itself.
const TAKEN: [&[u8]; 12] =
    [b"ORU", b"OUL", b"QBP", b"QRY", b"QCK", b"ORL", b"ORR", b"SSU", b"EAU", b"ESU", b"INU", b"NMD"];

/// Why a message with this header isn't taken, if it isn't.
pub fn refusal(header: &Msh<'_>) -> Option<Condition> {
    if !header.is_version_2() {
        Some(Condition::UnsupportedVersion)
    } else if !TAKEN.contains(&header.message_type().component(1).raw()) {
        Some(Condition::UnsupportedMessageType)
    } else {
        None
    }
}
