//! What was wrong, by HL7 table 0357.

/// A condition that an acknowledgement can report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    SegmentSequence,
    RequiredField,
    DataType,
    TableValue,
    UnsupportedMessageType,
    UnsupportedEvent,
    UnsupportedProcessing,
    UnsupportedVersion,
    UnknownKey,
    DuplicateKey,
    RecordLocked,
    InternalError,
}

const TABLE: [(Condition, &str, &str); 12] = [
    (Condition::SegmentSequence, "100", "Segment sequence error"),
    (Condition::RequiredField, "101", "Required field missing"),
    (Condition::DataType, "102", "Data type error"),
    (Condition::TableValue, "103", "Table value not found"),
    (Condition::UnsupportedMessageType, "200", "Unsupported message type"),
    (Condition::UnsupportedEvent, "201", "Unsupported event code"),
    (Condition::UnsupportedProcessing, "202", "Unsupported processing id"),
    (Condition::UnsupportedVersion, "203", "Unsupported version id"),
    (Condition::UnknownKey, "204", "Unknown key identifier"),
    (Condition::DuplicateKey, "205", "Duplicate key identifier"),
    (Condition::RecordLocked, "206", "Application record locked"),
    (Condition::InternalError, "207", "Application internal error"),
];

impl Condition {
    /// `None` for a code that isn't in the table.
    pub fn of_code(code: &str) -> Option<Condition> {
        TABLE.iter().find(|(_, known, _)| *known == code).map(|(condition, _, _)| *condition)
    }

    pub fn code(self) -> &'static str {
        self.row().0
    }

    pub fn text(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (&'static str, &'static str) {
        let row = TABLE.iter().find(|(condition, _, _)| *condition == self);
        row.map_or(("", ""), |(_, code, text)| (code, text))
    }
}
