//! The LIS02 grammar: what was parsed is emitted as it came, every place and every view can be read, and an edit changes
//! what it was asked to and nothing else.
#![no_main]

use labwire_astm::record::{Message, Path};
use labwire_fuzz::astm_views;
use labwire_fuzz::tape::Tape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut tape = Tape(input);
    let mut number = |limit| Some(tape.choice(limit)).filter(|number| *number > 0);
    let (at, field) = (number(10).unwrap_or(0), number(40).unwrap_or(1));
    let (repeat, component) = (number(4), number(6));
    let length = tape.choice(16);
    let value = tape.take(length);
    let bytes = tape.rest();
    let message = Message::parse(bytes);
    assert_eq!(message.emit(), bytes, "every byte is kept");
    read(&message);

    let Some(target) = message.records().nth(at) else { return };
    let path = Path { kind: target.kind(), field, repeat, component };
    let Ok(edited) = message.edit(at, &path, value) else { return };
    // An edit of a header is one of the delimiters' neighbours; the records behind it may be read otherwise.
    if at == 0 {
        return;
    }
    let again = Message::parse(&edited);
    assert_eq!(again.records().count(), message.records().count());
    let written = again.records().nth(at).expect("it was there before");
    assert_eq!(written.text(&path), value, "what was written is read");
    for (before, after) in message.records().zip(again.records()) {
        if before.ordinal() != at {
            assert_eq!(before.raw(), after.raw(), "no other record is touched");
            continue;
        }
        for (index, other) in before.fields().enumerate().filter(|(index, _)| index + 1 != field) {
            assert_eq!(other.raw(), after.field(index + 1).raw(), "no other field is touched");
        }
    }
});

/// Reads every part in every way.
fn read(message: &Message<'_>) {
    let _ = (message.faults().len(), format!("{message:?}").len());
    for record in message.records() {
        astm_views::check(record);
        for (index, field) in record.fields().enumerate() {
            assert_eq!(record.field(index + 1).raw(), field.raw());
            for repeat in field.repeats() {
                let texts: Vec<_> = repeat.components().map(|part| part.unescape()).collect();
                assert!(!texts.is_empty());
            }
        }
        let _ = record.field(99).repeat(9).component(9).unescape();
    }
}
