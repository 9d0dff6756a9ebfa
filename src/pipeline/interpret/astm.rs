//! ASTM records, in the order in which they stand.

mod decode;
mod result;
mod walk;

use labwire_astm::record::{Message, Record};

use super::{Interpreted, RawOrder, RawPatient, RawResult, Written, problem, some};
use crate::domain::profile::AstmDialect;
use crate::pipeline::Reading;

pub(in crate::pipeline) use decode::Decoder;

/// Reads all records of a message, or of several.
pub(super) fn interpret(message: &[u8], dialect: &AstmDialect, reading: &Reading) -> Interpreted {
    let message = Message::parse(message);
    let mut walk = walk::Walk::new(&message, dialect, reading);
    for record in message.records() {
        walk.record(&record);
    }
    walk.finish()
}

fn ordinal(record: &Record<'_>) -> u32 {
    u32::try_from(record.ordinal()).unwrap_or(u32::MAX)
}
