//! The HL7 grammar: what was parsed is emitted as it came, every place and every view can be read, and an edit changes
//! what it was asked to and nothing else.
#![no_main]

use labwire_fuzz::hl7_views;
use labwire_fuzz::tape::Tape;
use labwire_hl7::message::{Charset, Message, Path};
use libfuzzer_sys::fuzz_target;

const CHARSETS: [Option<Charset>; 7] = [
    None,
    Some(Charset::ASCII),
    Some(Charset::UTF_8),
    Some(Charset::LATIN_1),
    Some(Charset::GB18030),
    Some(Charset::SHIFT_JIS),
    None,
];

fn parse(bytes: &[u8], charset: Option<Charset>) -> Option<Message<'_>> {
    charset.map_or_else(|| Message::parse(bytes), |charset| Message::parse_as(bytes, charset)).ok()
}

fuzz_target!(|input: &[u8]| {
    let mut tape = Tape(input);
    let charset = CHARSETS[tape.choice(7)];
    let mut number = |limit| Some(tape.choice(limit)).filter(|number| *number > 0);
    let (at, field) = (number(10).unwrap_or(0), number(40).unwrap_or(1));
    let (repeat, component, subcomponent) = (number(4), number(6), number(4));
    let length = tape.choice(16);
    let value = tape.take(length);
    let bytes = tape.rest();
    let Some(message) = parse(bytes, charset) else { return };
    assert_eq!(message.emit(), bytes, "every byte is kept");
    read(&message);

    let Some(target) = message.segments().nth(at) else { return };
    let Ok(segment) = <[u8; 3]>::try_from(target.name()) else { return };
    let occurrence = message.named(&segment).take_while(|other| other.ordinal() < at).count() + 1;
    let subcomponent = component.and(subcomponent);
    let path = Path { segment, occurrence: Some(occurrence), field, repeat, component, subcomponent };
    let Ok(edited) = message.edit(&path, value) else { return };
    // An edit of a header can declare another character set; then only the bytes say what changed.
    if charset.is_none() && segment == *b"MSH" {
        return;
    }
    let again = parse(&edited, charset).expect("an edit leaves a message");
    assert_eq!(again.at(&path).unescape(), value, "what was written is read");
    assert_eq!(again.segments().count(), message.segments().count());
    for (before, after) in message.segments().zip(again.segments()) {
        if before.ordinal() != at {
            assert_eq!(before.raw(), after.raw(), "no other segment is touched");
            continue;
        }
        for (index, other) in before.fields().enumerate().filter(|(index, _)| index + 1 != field) {
            assert_eq!(other.raw(), after.field(index + 1).raw(), "no other field is touched");
        }
    }
});

/// Reads every part in every way.
fn read(message: &Message<'_>) {
    let _ = (message.faults().len(), message.header().is_some(), format!("{message:?}").len());
    for segment in message.segments() {
        hl7_views::check(segment);
        for (index, field) in segment.fields().enumerate() {
            assert_eq!(segment.field(index + 1).raw(), field.raw());
            let _ = (field.is_null(), field.as_sent().is_clean());
            for part in field.repeats().flat_map(|repeat| repeat.components()) {
                for part in part.subcomponents() {
                    let text = part.text();
                    assert!(!text.text.is_empty() || part.unescape().is_empty(), "a text got lost");
                }
            }
        }
        let _ = segment.field(99).repeat(9).component(9).subcomponent(9).text();
    }
}
