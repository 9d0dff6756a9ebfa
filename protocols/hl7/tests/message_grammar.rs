//! What the grammar makes of what analyzers send, case by case.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use labwire_hl7::message::{
    Charset, Draft, Err, Field, HeaderFault, Message, Msh, Obx, ParseError, Path, Separators, Spm, Value,
};

fn at<'a>(message: &Message<'a>, path: &str) -> Field<'a> {
    message.at(&Path::parse(path).unwrap())
}

/// The text at a path of a message under the usual header.
fn text(segments: &[u8], path: &str) -> String {
    let bytes = [b"MSH|^~\\&|Sim\r", segments].concat();
    let message = Message::parse(&bytes).unwrap();
    at(&message, path).text().text.into_owned()
}

#[test]
fn fields_repeats_components_and_subcomponents_are_found_by_path() {
    let segments = b"PID|1||A1^^^Lab&2.16&ISO^MR~B2||Example^Anna\rOBX|1|NM|K||4.1\rOBX|2|NM|Na||140";
    for (path, expected) in [
        ("PID-3[2].1", "B2"),
        ("PID-3.1", "A1"),
        ("PID-3.4.2", "2.16"),
        ("PID-3[1].4.3", "ISO"),
        ("PID-5.2", "Anna"),
        ("OBX[2]-5.1", "140"),
        ("OBX-5", "4.1"),
        ("OBX[3]-5", ""),
        ("PID-99", ""),
        ("PID-3[7].1", ""),
        ("ZZZ-1", ""),
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-3", "Sim"),
    ] {
        assert_eq!(text(segments, path), expected, "{path}");
    }
}

#[test]
fn a_path_reads_and_writes_itself_and_nonsense_is_none() {
    for path in ["OBX-5", "OBX[2]-5.1", "PID-3[2].1", "PID-3[2].4.2", "ZX1-1"] {
        assert_eq!(Path::parse(path).unwrap().to_string(), path);
    }
    for path in
        ["", "OBX", "OBX-", "OBX-0", "OBX5", "obx-5", "OBX[0]-5", "OBX[2-5", "OBX-5.1.2.3", "OBX-+5", "1BX-5"]
    {
        assert_eq!(Path::parse(path), None, "{path}");
    }
}

#[test]
fn each_header_says_what_separates_its_segments() {
    let bytes = b"FHS|^~\\&\rBHS|^~\\&\rMSH!@#$%!Sim\rOBX!1!NM!K@x#y\rMSH|^~\\&|Sim\rOBX|1|NM|Na^x\rBTS|2";
    let message = Message::parse(bytes).unwrap();
    assert_eq!(at(&message, "OBX-3.2").raw(), b"x");
    assert_eq!(at(&message, "OBX-3[2].1").raw(), b"y");
    assert_eq!(at(&message, "OBX[2]-3.2").raw(), b"x");
    assert_eq!(at(&message, "MSH[2]-3").raw(), b"Sim");
    assert_eq!(message.faults(), []);
}

#[test]
fn cr_lf_and_crlf_end_segments_and_blank_lines_are_kept() {
    let bytes = b"\r\nMSH|^~\\&|Sim\r\rPID|1\nOBX|1\r\n\n\rNTE|1";
    let message = Message::parse(bytes).unwrap();
    let names: Vec<_> = message.segments().map(|segment| segment.name()).collect();
    assert_eq!(names, [b"MSH", b"PID", b"OBX", b"NTE"]);
    assert_eq!(message.emit(), bytes);
}

#[test]
fn unknown_segments_and_trailing_garbage_are_kept() {
    let bytes =
        b"\xEF\xBB\xBFMSH|^~\\&|Sim\rZPV|a|b\rmore text of a field\rMSH: not a header\rOBX|1|ST|x\r\x00\x1a";
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.segments().count(), 6);
    assert_eq!(at(&message, "ZPV-2").raw(), b"b");
    assert_eq!(at(&message, "OBX-3").raw(), b"x");
    assert_eq!(message.emit(), bytes);
}

#[test]
fn what_begins_with_no_header_is_no_message() {
    for (bytes, error) in [
        (&b""[..], ParseError::Empty),
        (b"\r\n\r", ParseError::Empty),
        (b"PID|1\rMSH|^~\\&|", ParseError::NoHeader),
        (b"H|\\^&\r", ParseError::NoHeader),
        (b" MSH|^~\\&|", ParseError::NoHeader),
        (b"MSH", ParseError::NoSeparator),
        (b"MSH\rPID|1", ParseError::NoSeparator),
        (b"MSHX^~\\&", ParseError::NoSeparator),
    ] {
        assert_eq!(Message::parse(bytes).err(), Some(error), "{}", bytes.escape_ascii());
    }
}

#[test]
fn an_odd_declaration_is_a_fault_and_the_message_is_still_read() {
    for (header, fault) in [
        ("MSH|^~\\\\&|Sim", HeaderFault::NotDistinct),
        ("MSH||Sim", HeaderFault::TooFew),
        ("MSH|^~\\&#$|Sim", HeaderFault::TooMany),
        ("MSH|^~a&|Sim", HeaderFault::Unusable),
        ("MSH|^~\\&|Sim|||||||||||||||KLINGON", HeaderFault::UnknownCharset),
    ] {
        let bytes = format!("{header}\rOBX|1|NM");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        assert_eq!(message.faults(), [(0, fault)], "{header}");
        assert_eq!(at(&message, "OBX-2").raw(), b"NM", "{header}");
        assert_eq!(at(&message, "MSH-3").raw(), b"Sim", "{header}");
    }
}

#[test]
fn escapes_are_resolved_and_unknown_ones_stay() {
    for (raw, expected) in [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
        (r"\X41\\X4243\z", "ABCz"),
        (r"\X4\ \XZZ\", r"\X4\ \XZZ\"),
        (r"\H\bold\N\ \.br\ \Zx1\", r"\H\bold\N\ \.br\ \Zx1\"),
        (r"C:\F\", "C:|"),
        (r"a\b\F\", r"a\b|"),
        (r"\", r"\"),
        (r"\\", r"\\"),
        (r"open \F", r"open \F"),
        (r"\P\", r"\P\"),
    ] {
        assert_eq!(text(format!("OBX|1|ST|{raw}").as_bytes(), "OBX-3"), expected, "{raw}");
    }
    let message = Message::parse(b"MSH|^~\\&#|Sim\rOBX|1|ST|a\\P\\").unwrap();
    assert_eq!(at(&message, "OBX-3").text().text, "a#");
}

#[test]
fn a_unit_with_an_unescaped_circumflex_can_be_read_whole() {
    let message = Message::parse(b"MSH|^~\\&|Sim\rOBX|1|NM|WBC||5|10^3/mm3").unwrap();
    let unit = at(&message, "OBX-6");
    assert_eq!(unit.text().text, "10^3/mm3");
    assert_eq!(unit.component(1).raw(), b"10");
}

#[test]
fn null_is_something_else_than_nothing() {
    let message = Message::parse(b"MSH|^~\\&|Sim\rPID|\"\"||x^\"\"").unwrap();
    assert!(at(&message, "PID-1").is_null() && !at(&message, "PID-1").is_empty());
    assert!(!at(&message, "PID-2").is_null() && at(&message, "PID-2").is_empty());
    assert!(at(&message, "PID-3.2").is_null() && !at(&message, "PID-3").is_null());
}

#[test]
fn characters_are_decoded_as_declared() {
    for (declared, bytes, expected) in [
        ("UNICODE UTF-8", &b"\xC2\xB5g"[..], "µg"),
        ("UNICODE", b"\xC2\xB5g", "µg"),
        ("8859/1", b"\xB5g", "µg"),
        ("8859/1~ISO IR87", b"\xB5g", "µg"),
        ("8859/15", b"\xA4", "€"),
        ("gbk", b"\xD1\xAA", "血"),
        ("GB 18030-2000", b"\xD1\xAA\x81\x39\xEF\x36", "血ㄶ"),
        ("ISO IR14", b"\x8C\x8C", "血"),
        ("windows-1252", b"\x80", "€"),
        ("ASCII", b"plain", "plain"),
        ("", b"plain", "plain"),
    ] {
        let header = format!("MSH|^~\\&|Sim|||||||||||||||{declared}\rOBX|1|ST|");
        let bytes = [header.as_bytes(), bytes].concat();
        let message = Message::parse(&bytes).unwrap();
        let text = at(&message, "OBX-3").text();
        assert!(text.is_clean(), "{declared}");
        if declared != "GB 18030-2000" {
            assert_eq!(text.text, expected, "{declared}");
        } else {
            assert!(text.text.starts_with('血') && text.text.chars().count() == 2);
        }
    }
}

#[test]
fn a_setting_counts_more_than_the_declaration() {
    let bytes = b"MSH|^~\\&|Sim|||||||||||||||ASCII\rOBX|1|ST|\xB5g";
    let text = Message::parse(bytes).unwrap();
    let text = at(&text, "OBX-3").text();
    assert_eq!((&*text.text, &*text.undecodable), ("\u{FFFD}g", &b"\xB5"[..]));
    let forced = Message::parse_as(bytes, Charset::LATIN_1).unwrap();
    assert_eq!(at(&forced, "OBX-3").text().text, "µg");
}

#[test]
fn undecodable_bytes_are_reported_beside_the_text() {
    for (charset, bytes, text, undecodable) in [
        (Charset::UTF_8, &b"a\xFFb\xC3"[..], "a\u{FFFD}b\u{FFFD}", &b"\xFF\xC3"[..]),
        (Charset::ASCII, b"a\xB5\xB5", "a\u{FFFD}\u{FFFD}", b"\xB5\xB5"),
        (Charset::GB18030, b"\xD1\xAA\xFF.", "血\u{FFFD}.", b"\xFF"),
        (Charset::LATIN_1, b"\xB5\xFF", "µÿ", b""),
    ] {
        let decoded = charset.decode(bytes);
        assert_eq!((&*decoded.text, &*decoded.undecodable), (text, undecodable), "{charset:?}");
    }
}

#[test]
fn a_separator_within_a_character_separates_nothing() {
    // The second byte of these characters is `|`, `^`, `~` and `\`.
    let gbk = b"MSH|^~\\&|Sim\rPID|1||\x82\x7C\x82\x5E\x82\x7E\x82\x5C^x|next";
    let message = Message::parse_as(gbk, Charset::GB18030).unwrap();
    assert_eq!(at(&message, "PID-3.1").text().text.chars().count(), 4);
    assert!(at(&message, "PID-3.1").text().is_clean());
    assert_eq!((at(&message, "PID-3.2").raw(), at(&message, "PID-4").raw()), (&b"x"[..], &b"next"[..]));
    let edited = message.edit(&Path::parse("PID-3.2").unwrap(), b"\x82\x7C|").unwrap();
    let again = Message::parse_as(&edited, Charset::GB18030).unwrap();
    assert_eq!(at(&again, "PID-3.2").raw(), b"\x82\x7C\\F\\");

    let japanese =
        Message::parse_as(b"MSH|^~\\&|Sim\rPID|1||\x83\x5C\x83\x7C^x|next", Charset::SHIFT_JIS).unwrap();
    assert_eq!(at(&japanese, "PID-3.1").text().text, "ソポ");
    assert_eq!(at(&japanese, "PID-4").raw(), b"next");
}

#[test]
fn a_view_names_the_fields_of_its_segment_and_of_no_other() {
    let bytes = b"MSH|^~\\&|Sim|Lab|Host||20260102||ORU^R01|7|P|2.3.1||||0||UNICODE\r\
        SPM|1|&EX1||SER|||||||Q\rOBX|1|NM|K^^LN||4.1|mmol/L||N|||F\rERR||PID^1|101|E||||missing";
    let message = Message::parse(bytes).unwrap();
    let msh = message.header().unwrap();
    assert_eq!(msh.separator().raw(), b"|");
    assert_eq!(msh.message_type().component(2).raw(), b"R01");
    assert_eq!((msh.control_id().raw(), msh.character_set().raw()), (&b"7"[..], &b"UNICODE"[..]));
    assert_eq!(msh.application_acknowledgement().raw(), b"0");
    let spm = message.segments().find_map(Spm::of).unwrap();
    assert_eq!((spm.role().raw(), spm.identifier().subcomponent(2).raw()), (&b"Q"[..], &b"EX1"[..]));
    let obx = message.segments().find_map(Obx::of).unwrap();
    assert_eq!((obx.status().raw(), obx.observation_type().raw()), (&b"F"[..], &b""[..]));
    let err = message.segments().find_map(Err::of).unwrap();
    assert_eq!((err.code().raw(), err.user_message().raw()), (&b"101"[..], &b"missing"[..]));
    assert!(message.segments().nth(1).and_then(Msh::of).is_none());
}

#[test]
fn a_draft_writes_and_escapes() {
    let theirs = Message::parse(b"MSH!@#$%!Sim@1").unwrap();
    let mut draft = Draft::new(Separators::USUAL, Charset::ASCII);
    draft.segment(b"MSH", [(5, Value::Field(at(&theirs, "MSH-3"))), (10, Value::Text(b"a|b"))]);
    draft
        .segment(b"MSA", [(2, Value::Components(&[b"x^", b"y"])), (1, Value::Text(b"AA")), (4, Value::Null)]);
    assert_eq!(draft.finish(), b"MSH|^~\\&|||Sim^1|||||a\\F\\b\rMSA|AA|x\\S\\^y||\"\"\r");
}

#[test]
fn a_million_segments_are_read_in_one_go() {
    let mut bytes = b"MSH|^~\\&|Sim\r".to_vec();
    bytes.extend(b"OBX|1|NM|K||4.1\r".repeat(1_000_000));
    bytes.extend(b"NTE|1|L|last");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.segments().count(), 1_000_002);
    assert_eq!(at(&message, "OBX[1000000]-5").raw(), b"4.1");
    assert_eq!(at(&message, "NTE-3").raw(), b"last");
    assert!(message.emit() == bytes);
}

#[test]
fn debug_tells_sizes_and_never_what_a_patient_is_called() {
    let message = Message::parse(b"MSH|^~\\&|Sim\rPID|1||7||Example^Anna").unwrap();
    let pid = message.segments().nth(1).unwrap();
    let shown = format!("{message:?} {pid:?} {:?} {:?}", pid.field(5), pid.field(5).text());
    assert!(!shown.contains("Example") && !shown.contains("Anna") && shown.contains("bytes"), "{shown}");
}
