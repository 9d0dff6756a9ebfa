//! Which HL7 messages of an instrument are for us. What is refused to it here is never read as results either: one table for
//! the answer and for the reading.

use labwire_hl7::message::Msh;
use labwire_hl7::transfer::Condition;

use super::Hl7Queries;

/// The kinds of message that any instrument may send: results, queries, and what it says of itself.
const TAKEN: [&[u8]; 12] =
    [b"ORU", b"OUL", b"QBP", b"QRY", b"QCK", b"ORL", b"ORR", b"SSU", b"EAU", b"ESU", b"INU", b"NMD"];

/// Why a message with this header isn't taken from a model that asks in this way, if it isn't.
pub fn refusal(header: &Msh<'_>, queries: Hl7Queries) -> Option<Condition> {
    let kind = header.message_type().component(1).raw();
    if !header.is_version_2() {
        Some(Condition::UnsupportedVersion)
    } else if !TAKEN.contains(&kind) && queries.kind() != Some(kind) {
        Some(Condition::UnsupportedMessageType)
    } else {
        None
    }
}
