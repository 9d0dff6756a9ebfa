//! How records, fields, escapes and paths are read, by example.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use labwire_astm::record::{
    CommentRecord, Delimiters, Draft, Field, HeaderFault, HeaderRecord, Kind, ManufacturerRecord, Message,
    OrderRecord, Path, PatientRecord, QueryRecord, ResultRecord, ScientificRecord, TerminatorRecord,
};

fn kinds(bytes: &[u8]) -> Vec<Kind> {
    Message::parse(bytes).records().map(|record| record.kind()).collect()
}

fn text(raw: &[u8]) -> &str {
    std::str::from_utf8(raw).unwrap()
}

#[test]
fn records_end_in_cr_lf_or_both_and_blank_lines_are_none() {
    use Kind::{Header, Patient, Terminator};
    for bytes in
        ["H|\\^&\rP|1\rL|1", "H|\\^&\nP|1\nL|1\n", "H|\\^&\r\nP|1\r\n\r\nL|1\r\n", "\r\rH|\\^&\n\rP|1\rL|1"]
    {
        assert_eq!(kinds(bytes.as_bytes()), [Header, Patient, Terminator], "{bytes:?}");
    }
    assert!(kinds(b"").is_empty() && kinds(b"\r\n\r").is_empty());
}

#[test]
fn the_delimiters_are_read_again_at_every_header() {
    let bytes =
        b"H|\\^&\rR|1|^^^K\rL|1\rH|@^\\|\rR|1|^^^Na\rL|1\rH|\\!~|\rR|1|!!!HGB!718-7\rL|1\rH|`^&\rR|1|^^^GLC";
    let message = Message::parse(bytes);
    let results = message.records().filter(|record| record.kind() == Kind::Result);
    let codes: Vec<_> = results.map(|record| text(record.field(3).component(4).raw()).to_owned()).collect();
    assert_eq!(codes, ["K", "Na", "HGB", "GLC"]);
    assert!(message.faults().is_empty());
}

#[test]
fn a_header_without_plain_delimiters_splits_nothing_by_guess() {
    for (header, fault, fields) in [
        ("H", HeaderFault::NoDelimiters, 1),
        ("H|", HeaderFault::NoDelimiters, 4),
        ("H||||Sim", HeaderFault::NoDelimiters, 4),
        ("H|\\^|||Sim", HeaderFault::TooFew, 4),
        ("H|^|||Sim", HeaderFault::TooFew, 4),
        ("H|\\^|&|||Sim", HeaderFault::TooFew, 4),
        ("H|\\\\^&|||Sim", HeaderFault::TooMany, 4),
        ("H|\\^^|||Sim", HeaderFault::NotDistinct, 4),
        ("H|\\^A|||Sim", HeaderFault::Unusable, 4),
        ("H \\^& Sim", HeaderFault::Unusable, 1),
        ("P|1", HeaderFault::NoHeader, 1),
        ("HELLO", HeaderFault::NoHeader, 1),
    ] {
        let bytes = format!("{header}\rR|1|^^^K|4.1");
        let message = Message::parse(bytes.as_bytes());
        assert_eq!(message.faults(), [(0, fault)], "{header:?}");
        let result = message.records().nth(1).unwrap();
        assert_eq!(result.kind(), Kind::Result, "{header:?}");
        assert_eq!(result.fields().count(), fields, "{header:?}");
        assert_eq!(result.field(3).components().count(), 1, "{header:?}");
        assert_eq!(message.emit(), bytes.as_bytes());
    }
}

#[test]
fn a_good_header_after_a_bad_one_restores_order() {
    let message = Message::parse(b"H|\\^\rR|1|^^^K\rL|1\rH|\\^&\rR|1|^^^K\rL|1");
    assert_eq!(message.faults(), [(0, HeaderFault::TooFew)]);
    assert_eq!(message.records().nth(4).unwrap().field(3).component(4).raw(), b"K");
}

#[test]
fn records_of_no_known_kind_are_kept_with_their_fields() {
    let message = Message::parse(b"H|\\^&\rZ|1|vendor^data\rr|1\rRX|1\r# note\rR\rL");
    let kinds: Vec<_> = message.records().map(|record| record.kind()).collect();
    let unknown = Kind::Unknown;
    assert_eq!(kinds, [Kind::Header, unknown, unknown, unknown, unknown, Kind::Result, Kind::Terminator]);
    assert_eq!(message.records().nth(1).unwrap().field(3).component(2).raw(), b"data");
}

#[test]
fn fields_count_from_the_letter_and_what_is_absent_is_empty() {
    let message = Message::parse(b"H|\\^&|||Sim^1.2^S7\rR|1|^^^K^Potassium|4.1|mmol/L||L^low\\W^weak||F");
    let result = message.records().nth(1).unwrap();
    assert_eq!(result.field(1).raw(), b"R");
    assert_eq!(result.field(4).raw(), b"4.1");
    assert!(result.field(0).is_empty() && result.field(40).is_empty());
    let flags: Vec<_> = result.field(7).repeats().map(|flag| text(flag.component(1).raw())).collect();
    assert_eq!(flags, ["L", "W"]);
    assert_eq!(result.field(7).component(2).raw(), b"low");
    assert_eq!(result.field(7).repeat(2).component(2).raw(), b"weak");
    assert!(result.field(7).repeat(3).is_empty() && result.field(7).component(3).is_empty());
    let header = message.records().next().unwrap();
    assert_eq!(header.field(2).raw(), b"\\^&");
    assert_eq!(header.field(2).repeats().count(), 1, "the declaration itself is never split");
    assert_eq!(header.field(5).component(3).raw(), b"S7");
}

#[test]
fn defined_escapes_are_resolved_and_all_others_stay() {
    for (raw, expected) in [
        ("a&F&b&S&c&R&d&E&e", "a|b^c\\d&e"),
        ("&X41&&X4a4B&", "AJK"),
        ("&X4&", "&X4&"),
        ("&XZZ&", "&XZZ&"),
        ("&X&", "&X&"),
        ("&H&bold&N&", "&H&bold&N&"),
        ("&Zlocal&", "&Zlocal&"),
        ("&f&", "&f&"),
        ("R&D", "R&D"),
        ("A & B &F& C", "A & B | C"),
        ("&", "&"),
        ("&&", "&&"),
        ("&&F&", "&|"),
        ("&F", "&F"),
    ] {
        let bytes = format!("H|\\^&\rR|1|{raw}");
        let message = Message::parse(bytes.as_bytes());
        let field = message.records().nth(1).unwrap().field(3);
        assert_eq!(text(&field.unescape()), expected, "{raw:?}");
    }
    let other = Message::parse(b"H|@^\\|\rR|1|a\\R\\b&F&");
    assert_eq!(text(&other.records().nth(1).unwrap().field(3).unescape()), "a@b&F&");
}

#[test]
fn a_path_names_a_place() {
    let message = Message::parse(b"H|\\^&|||Sim^9\rR|1|^^^K|4.1|||^0^NQ\\^1^XX");
    let result = message.records().nth(1).unwrap();
    for (path, expected) in [
        ("R.4", "4.1"),
        ("R.3.4", "K"),
        ("R.3", "^^^K"),
        ("R.4.1", "4.1"),
        ("R.7.3", "NQ"),
        ("R.7[2].3", "XX"),
        ("R.7[2]", "^1^XX"),
        ("R.20.3", ""),
        ("O.4", ""),
    ] {
        let parsed = Path::parse(path).unwrap();
        assert_eq!(text(&result.text(&parsed)), expected, "{path}");
        assert_eq!(parsed.to_string(), path);
    }
    for wrong in
        ["", "R", "R.", "R.0", "R.4.0", "R.4[0]", "X.4", "r.4", "R.4.1.2", "R.4 ", "R.-1", "R.70000", "OBX-5"]
    {
        assert_eq!(Path::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn views_call_fields_by_their_names() {
    let bytes = b"H|\\^&|C7||Sim|||||LIS||P|1|20260102030405\r\
        P|1|PR|LAB|THIRD|Testcase^Tina||20010203|F|||||||||||||||||WARD 3\r\
        O|1|S1|7^2|^^^K|S||||||Q||||Serum||||||||||F\r\
        R|1|^^^K|4.1|mmol/L|3.5-5.1|N||F||op|20260102030000|20260102030400|SN1\r\
        C|1|I|text|G\r\
        Q|1|^S1||ALL||||||||O\r\
        M|1|HISTOGRAM|x\rS|1|x\rL|1|N";
    let message = Message::parse(bytes);
    let record = |n: usize| message.records().nth(n).unwrap();
    let check = |fields: &[(Field<'_>, &str)]| {
        for (field, expected) in fields {
            assert_eq!(text(field.raw()), *expected);
        }
    };
    let h = HeaderRecord::of(record(0)).unwrap();
    check(&[(h.control_id(), "C7"), (h.sender(), "Sim"), (h.receiver(), "LIS"), (h.processing(), "P")]);
    check(&[(h.version(), "1"), (h.sent(), "20260102030405"), (h.delimiters(), "\\^&")]);
    let p = PatientRecord::of(record(1)).unwrap();
    check(&[(p.practice_id(), "PR"), (p.laboratory_id(), "LAB"), (p.third_id(), "THIRD")]);
    check(&[(p.birth_date(), "20010203"), (p.sex(), "F"), (p.location(), "WARD 3")]);
    let o = OrderRecord::of(record(2)).unwrap();
    check(&[(o.specimen_id(), "S1"), (o.instrument_specimen_id(), "7^2"), (o.priority(), "S")]);
    check(&[(o.action(), "Q"), (o.specimen_descriptor(), "Serum"), (o.report_type(), "F")]);
    let r = ResultRecord::of(record(3)).unwrap();
    check(&[(r.value(), "4.1"), (r.units(), "mmol/L"), (r.abnormal_flags(), "N"), (r.status(), "F")]);
    check(&[(r.operator(), "op"), (r.started(), "20260102030000"), (r.completed(), "20260102030400")]);
    check(&[(r.instrument(), "SN1"), (r.reference_range(), "3.5-5.1")]);
    let c = CommentRecord::of(record(4)).unwrap();
    check(&[(c.source(), "I"), (c.text(), "text"), (c.comment_type(), "G")]);
    let q = QueryRecord::of(record(5)).unwrap();
    check(&[(q.starting_id().component(2), "S1"), (q.test_id(), "ALL"), (q.status(), "O")]);
    check(&[(ManufacturerRecord::of(record(6)).unwrap().label(), "HISTOGRAM")]);
    check(&[(ScientificRecord::of(record(7)).unwrap().sequence(), "1")]);
    check(&[(TerminatorRecord::of(record(8)).unwrap().code(), "N")]);
    assert!(TerminatorRecord::of(record(0)).is_none());
}

#[test]
fn a_message_of_our_own_is_composed_with_the_peers_delimiters() {
    let theirs = Message::parse(b"H|\\!~|").records().next().unwrap().delimiters();
    let mut draft = Draft::new(theirs);
    let name = draft.escape(b"A!B");
    draft.record(Kind::Header, [(5, &b"LIS"[..]), (12, b"P")]);
    draft.record(Kind::Order, [(6, &b"R"[..]), (2, b"1"), (3, &name)]);
    draft.record(Kind::Terminator, [(2, &b"1"[..])]);
    assert_eq!(text(&draft.finish()), "H|\\!~|||LIS|||||||P\rO|1|A~S~B|||R\rL|1\r");

    let mut usual = Draft::new(Delimiters::default());
    usual.record(Kind::Header, []);
    assert_eq!(text(&usual.finish()), "H|\\^&\r");
}

#[test]
fn debug_output_holds_no_content() {
    let message = Message::parse(b"H|\\^&\rP|1|||X1|Testcase^Tina");
    let patient = message.records().nth(1).unwrap();
    let shown = format!("{message:?} {patient:?} {:?} {:?}", patient.field(6), PatientRecord::of(patient));
    assert!(!shown.contains("Tina") && !shown.contains("84"), "{shown}");
}
