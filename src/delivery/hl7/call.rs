//! What was recorded of a critical call, as an order's notes: an OBR with NTE and without OBX, so that no result can be
//! doubled or changed by it. Who called whom when stands in words: HL7 v2.5.1 has no fields for it.

use labwire_hl7::message::{Draft, Value};

use super::{patient, specimen, test};
use crate::config::settings::MessageKind;
use crate::journal::ledger::{CallNote, Consignment, Noted};

pub(super) fn write(draft: &mut Draft, kind: MessageKind, note: &CallNote, consignment: &Consignment) {
    let result = &note.item.observation;
    patient(draft, std::iter::once(&note.item));
    if kind == MessageKind::OulR22 {
        specimen(draft, consignment);
    }
    draft.segment(
        b"OBR",
        [
            (1, Value::Text(b"1")),
            (3, Value::Text(consignment.specimen.reveal().as_bytes())),
            (4, Value::Components(&test(result))),
        ],
    );
    for (number, line) in (1..).zip(lines(note)) {
        draft.segment(
            b"NTE",
            [
                (1, Value::Text(format!("{number}").as_bytes())),
                (2, Value::Text(b"L")),
                (3, Value::Text(line.as_bytes())),
            ],
        );
    }
    if kind == MessageKind::OruR01 {
        specimen(draft, consignment);
    }
}

/// One fact a line.
fn lines(note: &CallNote) -> Vec<String> {
    let result = &note.item.observation;
    let mut lines = vec![format!(
        "critical call {}, record {}: {} {}, {}",
        note.call,
        note.number,
        result.test.code,
        note.tell.reveal().words().english(),
        note.reason.words()
    )];
    lines.extend(note.verified.as_ref().map(|(by, at)| format!("verified by {by} at {at}")));
    match &note.noted {
        Noted::Attempt { attempt, agreement } => {
            lines.push(attempt.told(*agreement, &|at| at.to_string().into()).english());
            let said = attempt.note.reveal();
            lines.extend((!said.is_empty()).then(|| format!("note: {said}")));
        }
        Noted::Ended { by, reason } => {
            lines.push(format!("not called any more, by {by}: {}", reason.reveal()))
        }
    }
    lines.push(format!("recorded at {} with account {}", note.recorded_at, note.account));
    lines
}
