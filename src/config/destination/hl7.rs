//! The keys that say how results are written as HL7.

use crate::config::reader::Table;
use crate::config::settings::{Hl7, MessageKind};

const MESSAGES: [(&str, MessageKind); 2] =
    [("ORU^R01", MessageKind::OruR01), ("OUL^R22", MessageKind::OulR22)];

pub(super) fn read(table: &mut Table<'_>) -> Hl7 {
    let message = table.choice("message", &MESSAGES).unwrap_or(MessageKind::OruR01);
    let sending_application = table.parsed("sending_application", name);
    Hl7 {
        message,
        sending_application: sending_application.unwrap_or_else(|| "labwire".to_owned()),
        sending_facility: table.parsed("sending_facility", name).unwrap_or_default(),
        receiving_application: table.parsed("receiving_application", name).unwrap_or_default(),
        receiving_facility: table.parsed("receiving_facility", name).unwrap_or_default(),
    }
}

/// A name in a message's header, which may have the three components of an HD.
fn name(text: &str) -> Result<String, String> {
    if text.chars().count() <= 180 && !text.contains(char::is_control) && text.split('^').count() <= 3 {
        return Ok(text.to_owned());
    }
    Err("such a name has at most 180 characters on one line, and at most three parts with ^ between them"
        .to_owned())
}
