//! One acknowledgement in bytes: the message's header turned round, MSA, and ERR where its version has it.

use super::mode::Answered;
use super::{Acknowledging, Condition, ControlIdForm, MsaForm, Stamp};
use crate::message::{Charset, Draft, Field, Msh, Value};

/// Whether ERR-3 and the structure in MSH-9 exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Before2_5,
    Since2_5,
}

pub(super) fn acknowledgement(
    header: &Msh<'_>,
    answer: &Answered,
    settings: &Acknowledging,
    stamp: &mut Stamp<'_>,
) -> Vec<u8> {
    let age = age(header.version());
    let words = Words::of(header, answer);
    let mut draft = Draft::new(header.segment().separators(), words.charset);
    write_header(&mut draft, header, (answer, age), settings, &words, stamp);
    write_msa(&mut draft, header, (answer, age), settings, &words);
    if let (Some((condition, _)), Age::Since2_5) = (&answer.why, age) {
        let identifier = [condition.code().as_bytes(), condition.text().as_bytes(), b"HL70357"];
        draft.segment(
            b"ERR",
            [
                (3, Value::Components(&identifier)),
                (4, Value::Text(b"E")),
                (8, Value::Text(words.reason.as_deref().unwrap_or_default())),
            ],
        );
    }
    let mut text = draft.finish();
    if settings.msa == MsaForm::Numbered {
        close_msa(&mut text, header.segment().separators().field);
    }
    text
}

fn write_header(
    draft: &mut Draft,
    header: &Msh<'_>,
    (answer, age): (&Answered, Age),
    settings: &Acknowledging,
    words: &Words,
    stamp: &mut Stamp<'_>,
) {
    let own = (stamp.next_control_id)();
    let trigger = trigger(header, settings);
    let mut message_type = vec![&b"ACK"[..]];
    if !trigger.is_empty() {
        message_type.push(&trigger);
        message_type.extend((age == Age::Since2_5).then_some(&b"ACK"[..]));
    }
    let control_id = match settings.control_id {
        ControlIdForm::Echoed if !header.control_id().is_empty() => Value::Field(header.control_id()),
        ControlIdForm::Own | ControlIdForm::Echoed => Value::Text(own.as_str().as_bytes()),
    };
    let none = if answer.asks_for_none { &b"NE"[..] } else { b"" };
    let application = match settings.echoes_msh_16 {
        true => Value::Field(header.application_acknowledgement()),
        false => Value::Text(none),
    };
    draft.segment(
        b"MSH",
        [
            (3, Value::Field(header.receiving_application())),
            (4, Value::Field(header.receiving_facility())),
            (5, Value::Field(header.sending_application())),
            (6, Value::Field(header.sending_facility())),
            (7, Value::Text(stamp.sent.as_bytes())),
            (9, Value::Components(&message_type)),
            (10, control_id),
            (11, Value::Field(header.processing())),
            (12, Value::Field(header.version())),
            (15, Value::Text(none)),
            (16, application),
            (18, words.declaration(header)),
        ],
    );
}

fn write_msa(
    draft: &mut Draft,
    header: &Msh<'_>,
    (answer, age): (&Answered, Age),
    settings: &Acknowledging,
    words: &Words,
) {
    let numbered = settings.msa == MsaForm::Numbered;
    let table = answer.why.as_ref().map(|(condition, _)| *condition);
    let text = match (words.reason.as_deref(), table) {
        (None, None) if numbered => b"Message accepted",
        (Some(reason), _) if numbered || age == Age::Before2_5 => reason,
        (None, Some(condition)) if numbered || age == Age::Before2_5 => condition.text().as_bytes(),
        _ => b"",
    };
    let number = if numbered { table.map_or("0", Condition::code) } else { "" };
    draft.segment(
        b"MSA",
        [
            (1, Value::Text(answer.code.letters().as_bytes())),
            (2, Value::Field(header.control_id())),
            (3, Value::Text(text)),
            (4, Value::Field(header.sequence_number())),
            (6, Value::Text(number.as_bytes())),
        ],
    );
}

/// Such an MSA ends with one more separator.
fn close_msa(text: &mut Vec<u8>, separator: u8) {
    let mut lines = memchr::memchr_iter(b'\r', text);
    if let Some(end) = lines.nth(1) {
        text.insert(end, separator);
    }
}

/// The event of the message, but that 2.5 to 2.6 have one event for the answers to all point-of-care results.
fn trigger(header: &Msh<'_>, settings: &Acknowledging) -> Vec<u8> {
    if let Some(trigger) = &settings.trigger {
        return trigger.as_bytes().to_vec();
    }
    let event = header.message_type().component(2);
    let has_one_event = ((2, 5)..(2, 7)).contains(&numbers(header.version()));
    match (header.message_type().component(1).raw(), event.raw()) {
        (b"ORU", b"R30" | b"R31" | b"R32") if has_one_event => b"R33".to_vec(),
        _ => event.unescape().into_owned(),
    }
}

/// A version that can't be read is an old one: its peer then gets what every version understands.
fn age(version: Field<'_>) -> Age {
    if numbers(version) >= (2, 5) { Age::Since2_5 } else { Age::Before2_5 }
}

/// The first two numbers of a version.
fn numbers(version: Field<'_>) -> (u32, u32) {
    let text = version.component(1).unescape();
    let mut numbers = text.split(|byte| *byte == b'.').map(|part| {
        std::str::from_utf8(part).ok().and_then(|part| part.parse::<u32>().ok()).unwrap_or_default()
    });
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

/// The reason in the answer's character set: the message's own, or UTF-8 where only that can say it.
struct Words {
    reason: Option<Vec<u8>>,
    charset: Charset,
    is_declared_anew: bool,
}

impl Words {
    fn of(header: &Msh<'_>, answer: &Answered) -> Words {
        let charset = header.segment().charset();
        let reason = answer.why.as_ref().and_then(|(_, reason)| reason.as_deref());
        let reason = reason.map(|reason| reason.split_whitespace().collect::<Vec<_>>().join(" "));
        let Some(reason) = reason.filter(|reason| !reason.is_empty()) else {
            return Words { reason: None, charset, is_declared_anew: false };
        };
        let is_declared_anew =
            charset == Charset::ASCII && !reason.is_ascii() && header.segment().raw().is_ascii();
        let charset = if is_declared_anew { Charset::UTF_8 } else { charset };
        Words { reason: Some(charset.encode(&reason)), charset, is_declared_anew }
    }

    fn declaration<'a>(&self, header: &Msh<'a>) -> Value<'a> {
        if self.is_declared_anew {
            Value::Text(b"UNICODE UTF-8")
        } else {
            Value::Field(header.character_set())
        }
    }
}
