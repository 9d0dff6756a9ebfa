//! Whatever bytes arrive, the record grammar keeps every one of them, and an edit changes only what it was asked to.

use labwire_astm::record::{Delimiters, Draft, EditError, Kind, Message, Path};
use proptest::prelude::*;

/// Bytes that look like records often enough to reach every branch.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"H|\\^&".to_vec()),
        Just(b"H|@^\\|".to_vec()),
        Just(b"\rR|1|".to_vec()),
        Just(b"\nO|".to_vec()),
        Just(b"\r\nL|1|N\r".to_vec()),
        Just(b"&F&".to_vec()),
        Just(b"&X0A1B&".to_vec()),
        prop::sample::select(b"HPORCQLMS|\\^&!~@`\r\n 7.X\xb5\x00".to_vec()).prop_map(|byte| vec![byte]),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A message whose places can mostly be edited.
fn structured() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec!["", "7", "a^b", "x\\y", "p^q\\r^s", "&F&", "&", "^^^K"]);
    let record =
        (prop::sample::select(vec!["P", "O", "R", "C", "Q", "M", "L"]), prop::collection::vec(part, 0..7));
    let end = prop::sample::select(vec!["\r", "\n", "\r\n", "\r\r"]);
    prop::collection::vec((record, end), 1..6).prop_map(|records| {
        let body =
            records.into_iter().map(|((letter, parts), end)| format!("{letter}|{}{end}", parts.join("|")));
        format!("H|\\^&|||Sim\r{}", body.collect::<String>()).into_bytes()
    })
}

proptest! {
    #[test]
    fn emitting_what_was_parsed_gives_the_same_bytes(bytes in records()) {
        prop_assert_eq!(Message::parse(&bytes).emit(), bytes);
    }

    #[test]
    fn no_bytes_can_stop_the_reader(bytes in records(), n in 0usize..40) {
        let message = Message::parse(&bytes);
        for record in message.records() {
            for (index, field) in record.fields().enumerate() {
                prop_assert_eq!(record.field(index + 1).raw(), field.raw());
                for repeat in field.repeats() {
                    let parts: Vec<_> = repeat.components().map(|part| part.unescape()).collect();
                    prop_assert!(!parts.is_empty());
                }
            }
            record.field(n).component(n).repeat(n).unescape();
        }
    }

    #[test]
    fn a_record_is_its_fields_joined(bytes in records()) {
        for record in Message::parse(&bytes).records() {
            let fields: Vec<&[u8]> = record.fields().map(|field| field.raw()).collect();
            let separator: Vec<u8> = record.delimiters().field.into_iter().collect();
            prop_assert_eq!(fields.join(&separator[..]), record.raw());
        }
    }

    #[test]
    fn an_edit_is_read_back_and_leaves_every_other_byte(
        bytes in prop_oneof![structured(), records()],
        record in 1usize..6,
        (field, repeat, component) in (2usize..8, prop::option::of(1usize..4), prop::option::of(1usize..5)),
        value in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let message = Message::parse(&bytes);
        let Some(target) = message.records().nth(record) else { return Ok(()) };
        let path = Path { kind: target.kind(), field, repeat, component };
        let Ok(edited) = message.edit(record, &path, &value) else { return Ok(()) };

        let head = bytes.iter().zip(&edited).take_while(|(a, b)| a == b).count();
        let tail = bytes.iter().rev().zip(edited.iter().rev()).take_while(|(a, b)| a == b).count();
        let replaced = bytes.len().saturating_sub(head + tail);
        prop_assert!(replaced <= target.at(&path).raw().len(), "more than the old value was replaced");

        let again = Message::parse(&edited);
        prop_assert_eq!(again.records().count(), message.records().count());
        let written = again.records().nth(record).unwrap();
        prop_assert_eq!(written.text(&path).into_owned(), value);
        for (before, after) in message.records().zip(again.records()) {
            if before.ordinal() != record {
                prop_assert_eq!(before.raw(), after.raw());
                continue;
            }
            for (index, other) in before.fields().enumerate().filter(|(index, _)| index + 1 != field) {
                prop_assert_eq!(other.raw(), after.field(index + 1).raw());
            }
        }
    }

    #[test]
    fn any_text_survives_being_escaped_into_a_field(text in prop::collection::vec(any::<u8>(), 0..30)) {
        let mut draft = Draft::new(Delimiters::USUAL);
        let field = draft.escape(&text);
        draft.record(Kind::Header, []);
        draft.record(Kind::Result, [(4, &field[..])]);
        let bytes = draft.finish();
        let message = Message::parse(&bytes);
        prop_assert_eq!(message.records().count(), 2);
        let result = message.records().nth(1).unwrap();
        prop_assert_eq!(result.field(4).component(1).unescape().into_owned(), text);
    }
}

const BEFORE: &str = "H|\\^&|||Sim\rP|1\r\nO|1|S1|7^2|^^^K|R\r";

#[test]
fn one_place_is_edited_and_the_rest_stays() {
    let bytes = format!("{BEFORE}R|1|^^^K|4.1|mmol/L||N^x\\L^y||F\nL|1|N");
    let message = Message::parse(bytes.as_bytes());
    for (record, path, value, expected) in [
        (3, "R.4", "4.2", "R|1|^^^K|4.2|mmol/L||N^x\\L^y||F\nL|1|N"),
        (3, "R.3.4", "Na", "R|1|^^^Na|4.1|mmol/L||N^x\\L^y||F\nL|1|N"),
        (3, "R.7[2].1", "H", "R|1|^^^K|4.1|mmol/L||N^x\\H^y||F\nL|1|N"),
        (3, "R.7.2", "z", "R|1|^^^K|4.1|mmol/L||N^z\\L^y||F\nL|1|N"),
        (3, "R.11.2", "A|B", "R|1|^^^K|4.1|mmol/L||N^x\\L^y||F||^A&F&B\nL|1|N"),
        (3, "R.9[3]", "C", "R|1|^^^K|4.1|mmol/L||N^x\\L^y||F\\\\C\nL|1|N"),
        (4, "L.3", "", "R|1|^^^K|4.1|mmol/L||N^x\\L^y||F\nL|1|"),
    ] {
        let edited = message.edit(record, &Path::parse(path).unwrap(), value.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(edited).unwrap(), format!("{BEFORE}{expected}"), "{path}");
    }
}

#[test]
fn an_impossible_edit_is_refused_whole() {
    let good = Message::parse(BEFORE.as_bytes());
    let bare = Message::parse(b"H|\rR|1|x");
    for (message, record, path, value, error) in [
        (&good, 0, "H.2", "x", EditError::Fixed),
        (&good, 1, "P.1", "x", EditError::Fixed),
        (&good, 2, "R.4", "x", EditError::NoSuchRecord),
        (&good, 9, "R.4", "x", EditError::NoSuchRecord),
        (&bare, 1, "R.3.2", "x", EditError::NoDelimiter),
        (&bare, 1, "R.3", "a|b", EditError::Unescapable),
    ] {
        let path = Path::parse(path).unwrap();
        assert_eq!(message.edit(record, &path, value.as_bytes()), Err(error), "{path}");
    }
}
