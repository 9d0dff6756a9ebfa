//! Whatever bytes arrive, the grammar keeps every one of them, and an edit changes only what it was asked to.
#![expect(clippy::unwrap_used, reason = "a failed property may stop at once")]

use labwire_hl7::message::{Charset, Draft, EditError, Message, Path, Separators, Value};
use proptest::prelude::*;

/// Bytes that look like segments often enough to reach every branch.
fn segments() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"MSH|^~\\&|".to_vec()),
        Just(b"\rMSH!@#$%!".to_vec()),
        Just(b"\rMSH|^~\\&|||||||ORU^R01|1|P|2.5||||||GBK".to_vec()),
        Just(b"\rOBX|1|NM|".to_vec()),
        Just(b"\nPID|".to_vec()),
        Just(b"\r\nZXX|1".to_vec()),
        Just(b"\\F\\".to_vec()),
        Just(b"\\X0A1B\\".to_vec()),
        Just(b"\xB0|".to_vec()),
        Just(b"\x810\x810".to_vec()),
        Just(b"\"\"".to_vec()),
        prop::sample::select(b"MSHOBX|^~\\&!@#\r\n 7.\xb5\x81\xfe\x00".to_vec()).prop_map(|byte| vec![byte]),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| [&b"MSH|^~\\&"[..], &pieces.concat()].concat())
}

fn charset() -> impl Strategy<Value = Option<Charset>> {
    prop::sample::select(vec![
        None,
        Some(Charset::ASCII),
        Some(Charset::UTF_8),
        Some(Charset::LATIN_1),
        Some(Charset::GB18030),
        Some(Charset::SHIFT_JIS),
        Charset::declared(b"BIG-5"),
    ])
}

fn parse(bytes: &[u8], charset: Option<Charset>) -> Message<'_> {
    charset.map_or_else(|| Message::parse(bytes), |charset| Message::parse_as(bytes, charset)).unwrap()
}

proptest! {
    #[test]
    fn emitting_what_was_parsed_gives_the_same_bytes(bytes in segments(), charset in charset()) {
        prop_assert_eq!(parse(&bytes, charset).emit(), bytes);
    }

    #[test]
    fn bytes_without_a_header_are_refused_or_kept(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert_eq!(message.emit(), bytes);
        }
    }

    #[test]
    fn every_line_is_a_segment(bytes in segments(), charset in charset()) {
        let lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
        let message = parse(&bytes, charset);
        prop_assert!(lines.eq(message.segments().map(|segment| segment.raw())));
    }

    #[test]
    fn no_bytes_can_stop_the_reader(bytes in segments(), charset in charset(), n in 0usize..40) {
        let message = parse(&bytes, charset);
        for segment in message.segments() {
            for (index, field) in segment.fields().enumerate() {
                prop_assert_eq!(segment.field(index + 1).raw(), field.raw());
                for part in field.repeats().flat_map(|repeat| repeat.components()) {
                    prop_assert!(part.subcomponents().count() > 0);
                    prop_assert!(!part.text().text.is_empty() || part.unescape().is_empty());
                }
            }
            segment.field(n).repeat(n).component(n).subcomponent(n).text();
        }
    }

    #[test]
    fn a_view_reads_what_its_segment_holds(bytes in segments(), charset in charset()) {
        use labwire_hl7::message::{Msh, Obx};
        for segment in parse(&bytes, charset).segments() {
            if let Some(obx) = Obx::of(segment) {
                prop_assert_eq!(obx.identifier().raw(), segment.field(3).raw());
                prop_assert_eq!(obx.observation_sub_type().raw(), segment.field(30).raw());
            }
            if let Some(msh) = Msh::of(segment) {
                prop_assert_eq!(msh.separator().raw(), segment.field(1).raw());
                prop_assert_eq!(msh.encoding_characters().raw(), segment.field(2).raw());
                prop_assert_eq!(msh.character_set().raw(), segment.field(18).raw());
                prop_assert_eq!(msh.profile().raw(), segment.field(21).raw());
            }
        }
    }

    #[test]
    fn a_segment_is_its_fields_joined(bytes in segments(), charset in charset()) {
        for segment in parse(&bytes, charset).segments() {
            let separator = [segment.separators().field];
            let mut fields: Vec<&[u8]> = segment.fields().map(|field| field.raw()).collect();
            if fields.first() == Some(&&separator[..]) && segment.raw().get(3) == separator.first() {
                fields.remove(0);
            }
            fields.insert(0, segment.name());
            prop_assert_eq!(fields.join(&separator[..]), segment.raw());
        }
    }

    #[test]
    fn an_edit_is_read_back_and_leaves_every_other_byte(
        bytes in segments(),
        charset in charset(),
        number in 0usize..8,
        (field, repeat) in (1usize..9, prop::option::of(1usize..4)),
        (component, subcomponent) in (prop::option::of(1usize..5), prop::option::of(1usize..4)),
        value in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let message = parse(&bytes, charset);
        let Some(target) = message.segments().nth(number) else { return Ok(()) };
        let Ok(segment) = <[u8; 3]>::try_from(target.name()) else { return Ok(()) };
        let occurrence = message.named(&segment).take_while(|other| other.ordinal() < number).count() + 1;
        let subcomponent = component.and(subcomponent);
        let path = Path { segment, occurrence: Some(occurrence), field, repeat, component, subcomponent };
        let Ok(edited) = message.edit(&path, &value) else { return Ok(()) };

        let head = bytes.iter().zip(&edited).take_while(|(a, b)| a == b).count();
        let tail = bytes.iter().rev().zip(edited.iter().rev()).take_while(|(a, b)| a == b).count();
        let replaced = bytes.len().saturating_sub(head + tail);
        prop_assert!(replaced <= message.at(&path).raw().len(), "more than the old value was replaced");

        // An edit of a header can declare another character set; then only the bytes say what changed.
        if charset.is_none() && segment == *b"MSH" {
            return Ok(());
        }
        let again = parse(&edited, charset);
        prop_assert_eq!(again.segments().count(), message.segments().count());
        prop_assert_eq!(again.at(&path).unescape().into_owned(), value);
        for (before, after) in message.segments().zip(again.segments()) {
            if before.ordinal() != number {
                prop_assert_eq!(before.raw(), after.raw());
                continue;
            }
            for (index, other) in before.fields().enumerate().filter(|(index, _)| index + 1 != field) {
                prop_assert_eq!(other.raw(), after.field(index + 1).raw());
            }
        }
    }

    #[test]
    fn any_text_survives_being_written_into_a_field(
        text in prop::collection::vec(any::<u8>(), 0..30),
        charset in charset(),
    ) {
        let charset = charset.unwrap_or(Charset::ASCII);
        let mut draft = Draft::new(Separators::USUAL, charset);
        draft.segment(b"MSH", []);
        draft.segment(b"OBX", [(5, Value::Components(&[b"a", &text])), (8, Value::Text(&text))]);
        let bytes = draft.finish();
        let message = Message::parse_as(&bytes, charset).unwrap();
        prop_assert_eq!(message.segments().count(), 2);
        let result = message.segments().nth(1).unwrap();
        prop_assert_eq!(result.field(5).component(2).unescape().into_owned(), text.clone());
        prop_assert_eq!(result.field(8).unescape().into_owned(), text);
    }

    #[test]
    fn a_field_written_under_other_separators_says_the_same(bytes in segments()) {
        let message = parse(&bytes, Some(Charset::ASCII));
        let ours = Separators { field: b'!', component: Some(b'@'), ..Separators::USUAL };
        for field in message.segments().skip(1).flat_map(|segment| segment.fields()) {
            let mut draft = Draft::new(ours, Charset::ASCII);
            draft.segment(b"MSH", []);
            draft.segment(b"ZZZ", [(1, Value::Field(field))]);
            let bytes = draft.finish();
            let copy = Message::parse_as(&bytes, Charset::ASCII).unwrap();
            let copy = copy.segments().nth(1).unwrap().field(1);
            prop_assert!(field.repeats().count() == copy.repeats().count());
            for (theirs, ours) in field.repeats().zip(copy.repeats()) {
                let (theirs, ours) = (theirs.components(), ours.components());
                let parts = |part: labwire_hl7::message::Field<'_>| {
                    part.subcomponents().map(|part| part.unescape().into_owned()).collect::<Vec<_>>()
                };
                prop_assert!(theirs.map(parts).eq(ours.map(parts)));
            }
        }
    }
}

const BEFORE: &str = "MSH|^~\\&|Sim\rPID|1\r\nOBR|1|S1|7^2\r";

#[test]
fn one_place_is_edited_and_the_rest_stays() {
    let bytes = format!("{BEFORE}OBX|1|NM|K^^LN&2||4.1|mmol/L||N^x~L^y|||F\nNTE|1|L");
    let message = Message::parse(bytes.as_bytes()).unwrap();
    for (path, value, expected) in [
        ("OBX-5", "4.2", "OBX|1|NM|K^^LN&2||4.2|mmol/L||N^x~L^y|||F\nNTE|1|L"),
        ("OBX[1]-3.1", "Na", "OBX|1|NM|Na^^LN&2||4.1|mmol/L||N^x~L^y|||F\nNTE|1|L"),
        ("OBX-3.3.2", "3", "OBX|1|NM|K^^LN&3||4.1|mmol/L||N^x~L^y|||F\nNTE|1|L"),
        ("OBX-8[2].1", "H", "OBX|1|NM|K^^LN&2||4.1|mmol/L||N^x~H^y|||F\nNTE|1|L"),
        ("OBX-8.2", "z", "OBX|1|NM|K^^LN&2||4.1|mmol/L||N^z~L^y|||F\nNTE|1|L"),
        ("OBX-13.2", "A|B", "OBX|1|NM|K^^LN&2||4.1|mmol/L||N^x~L^y|||F||^A\\F\\B\nNTE|1|L"),
        ("OBX-10[3]", "C", "OBX|1|NM|K^^LN&2||4.1|mmol/L||N^x~L^y||~~C|F\nNTE|1|L"),
        ("NTE-3.1.2", "a\rb", "OBX|1|NM|K^^LN&2||4.1|mmol/L||N^x~L^y|||F\nNTE|1|L|&a\\X0D\\b"),
    ] {
        let edited = message.edit(&Path::parse(path).unwrap(), value.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(edited).unwrap(), format!("{BEFORE}{expected}"), "{path}");
    }
}

#[test]
fn an_impossible_edit_is_refused_whole() {
    let good = Message::parse(BEFORE.as_bytes()).unwrap();
    let bare = Message::parse(b"MSH|^~\rOBX|1|x").unwrap();
    let gbk = Message::parse_as(b"MSH|^~\\&\rOBX|1|\xB0", Charset::GB18030).unwrap();
    let odd = Message::parse_as(b"MSH&^~\\|\rOBX&1&\xB0&x", Charset::GB18030).unwrap();
    let named_only = Message::parse(b"MSH=^~\\&\rMSH\rBHS\rOBX=1").unwrap();
    for (message, path, value, error) in [
        (&named_only, "MSH[2]-1.2", "&!", EditError::Fixed),
        (&named_only, "BHS-5", "x", EditError::Fixed),
        (&good, "MSH-1", "x", EditError::Fixed),
        (&good, "MSH-2", "x", EditError::Fixed),
        (&good, "OBX-4", "x", EditError::NoSuchSegment),
        (&good, "PID[2]-4", "x", EditError::NoSuchSegment),
        (&bare, "OBX-3.1.2", "x", EditError::NoSeparator),
        (&bare, "OBX-3", "a|b", EditError::Unescapable),
        (&gbk, "OBX-3", "x", EditError::Unescapable),
        (&odd, "OBX-2.2", "x", EditError::Unescapable),
    ] {
        let path = Path::parse(path).unwrap();
        assert_eq!(message.edit(&path, value.as_bytes()), Err(error), "{path}");
    }
}

#[test]
fn an_escape_character_that_could_stand_within_a_sequence_ends_it() {
    for escape in ['.', '+', '-'] {
        let bytes = format!("MSH|^~{escape}&\rOBX|1|a{escape}S{escape}b{escape}X41{escape}");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        let obx = message.segments().nth(1).unwrap();
        assert_eq!(obx.field(2).unescape().as_ref(), b"a^bA", "{escape}");
        let edited = message.edit(&Path::parse("OBX-1").unwrap(), b"x|y").unwrap();
        let again = Message::parse(&edited).unwrap();
        assert_eq!(again.at(&Path::parse("OBX-1").unwrap()).unescape().as_ref(), b"x|y", "{escape}");
    }
}
