//! Where files are cut, and what their ends say, case by case.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a failed test says why")]

use labwire_drop::{
    Contents, Cutter, Ending, Head, LONGEST_MESSAGE, LONGEST_ROWS, MOST_ROWS, Missing, Refusal, Rows,
    Trailer, Units, Verdict,
};

fn astm() -> Contents {
    Contents::Astm { longest: LONGEST_MESSAGE }
}

fn hl7() -> Contents {
    Contents::Hl7 { longest: LONGEST_MESSAGE, ending: Ending::Line }
}

fn csv() -> Rows {
    Rows {
        delimiter: Some(b','),
        quote: Some(b'"'),
        comment: None,
        head: Head::Rows(1),
        units: Units::Marked,
        ending: Ending::Line,
        longest: LONGEST_ROWS,
        most: MOST_ROWS,
    }
}

fn rows(rows: Rows) -> Contents {
    Contents::Rows(rows)
}

/// The parts as text, the first with the line that it begins at, and the verdict. A head is shown as `[head]`.
fn cut(contents: Contents, file: &[u8]) -> (String, Verdict) {
    let mut cutter = Cutter::new(contents);
    cutter.push(file);
    let verdict = cutter.finish();
    let text = |bytes: std::ops::Range<u64>| {
        let bytes = &file[usize::try_from(bytes.start).unwrap()..usize::try_from(bytes.end).unwrap()];
        String::from_utf8_lossy(bytes).replace('\r', "⏎").replace('\n', "↓")
    };
    let mut shown: Vec<String> = Vec::new();
    shown.extend(cutter.head().filter(|head| !head.is_empty()).map(|head| format!("[{}]", text(head))));
    while let Some(part) = cutter.poll() {
        shown.push(format!("{}: {}", part.first_line, text(part.bytes)));
    }
    (shown.join(" "), verdict)
}

fn check(contents: &Contents, cases: &[(&str, &str, Verdict)]) {
    for (file, expected, verdict) in cases {
        let seen = cut(contents.clone(), file.as_bytes());
        assert_eq!((seen.0.as_str(), &seen.1), (*expected, verdict), "{file:?}");
    }
}

fn incomplete(missing: Missing) -> Verdict {
    Verdict::Incomplete(missing)
}

#[test]
fn an_astm_message_ends_with_its_l_record() {
    check(
        &astm(),
        &[
            ("H|\\^&\rP|1\rL|1|N\r", "1: H|\\^&⏎P|1⏎L|1|N⏎", Verdict::Whole),
            ("H|\\^&\r\nL|1\r\nH|\\^&\r\nL|1", "1: H|\\^&⏎↓L|1⏎↓ 3: H|\\^&⏎↓L|1", Verdict::Whole),
            ("H!\\^&\nL!1\n\n \u{1A}", "1: H!\\^&↓L!1↓↓ \u{1A}", Verdict::Whole),
            ("\u{FEFF}\nH|\\^&\nL|1\n", "1: \u{FEFF}↓H|\\^&↓L|1↓", Verdict::Whole),
            ("H|\\^&\nH|\\^&\nL|1\n", "1: H|\\^&↓H|\\^&↓L|1↓", Verdict::Whole),
            (
                "H|\\^&\nL|1\n\nH|\\^&\nR|1",
                "1: H|\\^&↓L|1↓↓ 4: H|\\^&↓R|1",
                incomplete(Missing::Terminator { line: 4 }),
            ),
            ("H|\\^&\nL!1\nLX\n", "1: H|\\^&↓L!1↓LX↓", incomplete(Missing::Terminator { line: 1 })),
            ("", "", incomplete(Missing::Everything)),
            ("\n\n", "1: ↓↓", incomplete(Missing::Everything)),
        ],
    );
}

#[test]
fn an_hl7_file_is_cut_before_each_message_and_keeps_the_envelope_with_its_neighbours() {
    check(
        &hl7(),
        &[
            ("MSH|^~\\&|\rPID|1\r", "1: MSH|^~\\&|⏎PID|1⏎", Verdict::Whole),
            (
                "FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|\rMSH|^~\\&|\rBTS|2\rFTS|1\r",
                "1: FHS|^~\\&⏎BHS|^~\\&⏎MSH|^~\\&|⏎ 4: MSH|^~\\&|⏎BTS|2⏎FTS|1⏎",
                Verdict::Whole,
            ),
            (
                "BHS|^~\\&\nMSH|^~\\&|\nBTS\nBHS|^~\\&\nMSH|^~\\&|\nBTS|1|done\n",
                "1: BHS|^~\\&↓MSH|^~\\&|↓BTS↓ 4: BHS|^~\\&↓MSH|^~\\&|↓BTS|1|done↓",
                Verdict::Whole,
            ),
            ("FHS!^~\\&\nMSH|^~\\&|\nFTS!1\n", "1: FHS!^~\\&↓MSH|^~\\&|↓FTS!1↓", Verdict::Whole),
            ("MSH|^~\\&|\nMSH: said", "1: MSH|^~\\&|↓MSH: said", incomplete(Missing::LineEnd { line: 2 })),
            (
                "BHS|^~\\&\nMSH|^~\\&|\n",
                "1: BHS|^~\\&↓MSH|^~\\&|↓",
                incomplete(Missing::Counterpart { line: 1 }),
            ),
            (
                "FHS|^~\\&\nBHS|^~\\&\nMSH|^~\\&|\nBTS|1\n",
                "1: FHS|^~\\&↓BHS|^~\\&↓MSH|^~\\&|↓BTS|1↓",
                incomplete(Missing::Counterpart { line: 1 }),
            ),
            ("MSH|^~\\&|\nBTS|1\n", "1: MSH|^~\\&|↓BTS|1↓", incomplete(Missing::Counterpart { line: 2 })),
            (
                "BHS|^~\\&\nMSH|^~\\&|\nBTS|2\n",
                "1: BHS|^~\\&↓MSH|^~\\&|↓BTS|2↓",
                incomplete(Missing::Count { line: 3, said: Some(2), found: 1 }),
            ),
            (
                "BHS|^~\\&\nMSH|^~\\&|\nBTS|one\n",
                "1: BHS|^~\\&↓MSH|^~\\&|↓BTS|one↓",
                incomplete(Missing::Count { line: 3, said: None, found: 1 }),
            ),
            (
                "FHS|^~\\&\nBHS|^~\\&\nMSH|^~\\&|\nBTS|1\nFTS|2\n",
                "1: FHS|^~\\&↓BHS|^~\\&↓MSH|^~\\&|↓BTS|1↓FTS|2↓",
                incomplete(Missing::Count { line: 5, said: Some(2), found: 1 }),
            ),
            ("PID|1\n", "1: PID|1↓", incomplete(Missing::Message)),
            ("\r\n", "1: ⏎↓", incomplete(Missing::Everything)),
        ],
    );
    let closed = Contents::Hl7 { longest: LONGEST_MESSAGE, ending: Ending::Envelope };
    check(
        &closed,
        &[
            ("MSH|^~\\&|\nPID|1\n", "1: MSH|^~\\&|↓PID|1↓", incomplete(Missing::Envelope)),
            ("BHS|^~\\&\nMSH|^~\\&|\nBTS|1\n", "1: BHS|^~\\&↓MSH|^~\\&|↓BTS|1↓", Verdict::Whole),
            ("BHS|^~\\&\nMSH|^~\\&|\nBTS|1\n\n", "1: BHS|^~\\&↓MSH|^~\\&|↓BTS|1↓↓", Verdict::Whole),
            (
                "BHS|^~\\&\nMSH|^~\\&|\nBTS|1\nMSH|^~\\&|\n",
                "1: BHS|^~\\&↓MSH|^~\\&|↓BTS|1↓ 4: MSH|^~\\&|↓",
                incomplete(Missing::Envelope),
            ),
        ],
    );
    let open = Contents::Hl7 { longest: LONGEST_MESSAGE, ending: Ending::Open };
    check(&open, &[("MSH|^~\\&|\nPID|1", "1: MSH|^~\\&|↓PID|1", Verdict::Whole)]);
}

#[test]
fn what_stands_before_the_first_message_of_a_file_is_a_part_of_its_own() {
    check(
        &hl7(),
        &[
            ("junk\rMSH|^~\\&|\rPID|1\r", "1: junk⏎ 2: MSH|^~\\&|⏎PID|1⏎", Verdict::Whole),
            ("\rPID|1\rOBX|1\rMSH|^~\\&|\r", "1: ⏎PID|1⏎OBX|1⏎ 4: MSH|^~\\&|⏎", Verdict::Whole),
            (
                "junk\nBHS|^~\\&\nMSH|^~\\&|\nBTS|1\n",
                "1: junk↓ 2: BHS|^~\\&↓MSH|^~\\&|↓BTS|1↓",
                Verdict::Whole,
            ),
            (
                "BHS|^~\\&\njunk\nMSH|^~\\&|\nBTS|1\n",
                "1: BHS|^~\\&↓junk↓ 3: MSH|^~\\&|↓BTS|1↓",
                Verdict::Whole,
            ),
            ("\n\nMSH|^~\\&|\n", "1: ↓↓MSH|^~\\&|↓", Verdict::Whole),
        ],
    );
}

#[test]
fn the_frames_of_mllp_are_no_part_of_a_message() {
    check(
        &hl7(),
        &[
            ("\x0BMSH|^~\\&|\rPID|1\r\x1C\r", "1: MSH|^~\\&|⏎PID|1⏎", Verdict::Whole),
            (
                "\x0BMSH|^~\\&|\r\x1C\r\n\x0BMSH|^~\\&|\rPID|1\r\x1C",
                "1: MSH|^~\\&|⏎ 3: MSH|^~\\&|⏎PID|1⏎",
                Verdict::Whole,
            ),
            ("\u{FEFF}\x0BMSH|^~\\&|\rPID|1\r", "1: MSH|^~\\&|⏎PID|1⏎", Verdict::Whole),
            ("\x0BMSH|^~\\&|\r\x0BMSH|^~\\&|\r", "1: MSH|^~\\&|⏎ 2: MSH|^~\\&|⏎", Verdict::Whole),
            ("\x0BMSH|^~\\&|\rOBX|1", "1: MSH|^~\\&|⏎OBX|1", incomplete(Missing::LineEnd { line: 2 })),
            ("\x0B\x1C\r", "1: \x1C⏎", incomplete(Missing::Message)),
        ],
    );
}

#[test]
fn messages_in_utf_16_are_refused() {
    for mark in [b"\xFF\xFE", b"\xFE\xFF"] {
        let (_, verdict) = cut(hl7(), &[&mark[..], b"M\0S\0H\0"].concat());
        assert_eq!(verdict, Verdict::Refused(Refusal::Utf16));
    }
}

#[test]
fn a_part_has_so_many_rows_at_most() {
    let few = rows(Rows { most: 2, ..csv() });
    check(
        &few,
        &[
            ("a,b\n1,2\n3,4\n", "[a,b↓] 2: 1,2↓3,4↓", Verdict::Whole),
            ("a,b\n1,2\n3,4\n5,6\n", "[a,b↓] 2: 1,2↓3,4↓ 4: 5,6↓", Verdict::Whole),
            (
                "a,b\r\n1,\"2\r\n\"\r\n\r\n5,6\r\n7,8\r\n9,0\r\n",
                "[a,b⏎↓] 2: 1,\"2⏎↓\"⏎↓⏎↓ 5: 5,6⏎↓7,8⏎↓ 7: 9,0⏎↓",
                Verdict::Whole,
            ),
        ],
    );
}

#[test]
fn rows_are_cut_at_row_ends_outside_quotes() {
    let short = rows(Rows { longest: 12, ..csv() });
    check(
        &short,
        &[
            ("a,b\n1,2\n", "[a,b↓] 2: 1,2↓", Verdict::Whole),
            ("a,b\n", "[a,b↓]", Verdict::Whole),
            ("a,b\n1,2\n3,4\n5,6\n7,8\n", "[a,b↓] 2: 1,2↓3,4↓5,6↓ 5: 7,8↓", Verdict::Whole),
            (
                "a,b\r\n1,2\r\n\"\r\n\",4\r\n5,6\r\n",
                "[a,b⏎↓] 2: 1,2⏎↓ 3: \"⏎↓\",4⏎↓ 5: 5,6⏎↓",
                Verdict::Whole,
            ),
            ("a,b\r1,2\r3,4\r5,6\r7\r", "[a,b⏎] 2: 1,2⏎3,4⏎5,6⏎ 5: 7⏎", Verdict::Whole),
            ("a\n5\" t,1\n5\"\",2\n9\n", "[a↓] 2: 5\" t,1↓ 3: 5\"\",2↓9↓", Verdict::Whole),
            ("a\n\"1\"x\n\"\"\"\n\",2\n", "[a↓] 2: \"1\"x↓ 3: \"\"\"↓\",2↓", Verdict::Whole),
            ("a\n1,\"2\n3,4\n", "[a↓] 2: 1,\"2↓3,4↓", incomplete(Missing::Quote { line: 2 })),
            ("a\n1,2", "[a↓] 2: 1,2", incomplete(Missing::LineEnd { line: 2 })),
            ("a\n1,2\n\u{1A}", "[a↓] 2: 1,2↓\u{1A}", Verdict::Whole),
            ("", "", incomplete(Missing::Everything)),
            (
                "a\n1\n12345678901234\n2\n",
                "[a↓] 2: 1↓",
                Verdict::Refused(Refusal::RowTooLong { line: 3, longest: 12 }),
            ),
        ],
    );
}

#[test]
fn the_head_ends_where_it_is_said_to() {
    let through = |more| rows(Rows { head: Head::Through { begins: "Well,".to_owned(), more }, ..csv() });
    check(
        &through(0),
        &[
            ("Run,7\n\nWell,Ct\nA1,20\n", "[Run,7↓↓Well,Ct↓] 4: A1,20↓", Verdict::Whole),
            ("\u{FEFF}Well,Ct\nA1,20\n", "[\u{FEFF}Well,Ct↓] 2: A1,20↓", Verdict::Whole),
            ("Run,7\n", "", incomplete(Missing::Head)),
        ],
    );
    check(&through(1), &[("Well,Ct\n,cycles\nA1,20\n", "[Well,Ct↓,cycles↓] 3: A1,20↓", Verdict::Whole)]);
    let none = rows(Rows { head: Head::Rows(0), ..csv() });
    check(
        &none,
        &[
            ("\u{FEFF}\"1\n\",2\n", "[\u{FEFF}] 1: \"1↓\",2↓", Verdict::Whole),
            ("1,2\n", "1: 1,2↓", Verdict::Whole),
            ("\n", "1: ↓", incomplete(Missing::Everything)),
        ],
    );
    let endless = "x".repeat(300 * 1024);
    let (_, verdict) = cut(through(0), endless.as_bytes());
    assert_eq!(verdict, Verdict::Refused(Refusal::HeadTooLong { longest: 256 * 1024 }));
}

#[test]
fn the_header_is_the_first_row_that_says_something() {
    let first = |more| rows(Rows { comment: Some("#".to_owned()), head: Head::First { more }, ..csv() });
    check(
        &first(0),
        &[
            ("Tube\n1\n", "[Tube↓] 2: 1↓", Verdict::Whole),
            ("# made, \"today\n\nTube\n1\n", "[# made, \"today↓↓Tube↓] 4: 1↓", Verdict::Whole),
            ("# only this\n", "", incomplete(Missing::Head)),
        ],
    );
    check(&first(1), &[("#\nTube\n#\n1\n", "[#↓Tube↓#↓] 4: 1↓", Verdict::Whole)]);
}

#[test]
fn quotes_mean_nothing_in_a_comment() {
    let comment = rows(Rows { comment: Some("//".to_owned()), head: Head::Rows(0), ..csv() });
    check(
        &comment,
        &[
            ("1,2\n//,\"it isn't closed\n3,4\n", "1: 1,2↓//,\"it isn't closed↓3,4↓", Verdict::Whole),
            ("/,\"x\n//\n", "1: /,\"x↓//↓", incomplete(Missing::Quote { line: 1 })),
        ],
    );
}

#[test]
fn a_trailer_says_that_a_table_is_whole() {
    let trailer = |count_at, is_open| {
        let trailer = Trailer { begins: "END".to_owned(), count_at, is_open };
        rows(Rows { ending: Ending::Trailer(trailer), ..csv() })
    };
    check(
        &trailer(Some(2), false),
        &[
            ("a\n1\n2\nEND,2\n", "[a↓] 2: 1↓2↓END,2↓", Verdict::Whole),
            ("a\n1\n\n2\n,,\nEND,\"2\"\n", "[a↓] 2: 1↓↓2↓,,↓END,\"2\"↓", Verdict::Whole),
            // Of 10 to come, perhaps.
            ("a\n1\nEND,1", "[a↓] 2: 1↓END,1", incomplete(Missing::LineEnd { line: 3 })),
            (
                "a\n1\nEND,12\n",
                "[a↓] 2: 1↓END,12↓",
                incomplete(Missing::Count { line: 3, said: Some(12), found: 1 }),
            ),
            ("a\n1\nEND\n", "[a↓] 2: 1↓END↓", incomplete(Missing::Count { line: 3, said: None, found: 1 })),
            ("a\n1\n2\n", "[a↓] 2: 1↓2↓", incomplete(Missing::Trailer)),
            ("a\nEND,0\n2\n", "[a↓] 2: END,0↓2↓", incomplete(Missing::Trailer)),
        ],
    );
    let last = ("a\n1\nEND of list", "[a↓] 2: 1↓END of list");
    check(&trailer(None, true), &[(last.0, last.1, Verdict::Whole)]);
    check(&trailer(None, false), &[(last.0, last.1, incomplete(Missing::LineEnd { line: 3 }))]);
    let open = rows(Rows { ending: Ending::Open, ..csv() });
    check(&open, &[("a\n1,2", "[a↓] 2: 1,2", Verdict::Whole)]);
}

#[test]
fn rows_in_utf_16_are_cut_between_characters() {
    let text = "\u{FEFF}Ergebnis;µ\r\n\"a;\r\nĊ\";2\r\nc;3\r\n";
    let contents = rows(Rows { delimiter: Some(b';'), longest: 30, ..csv() });
    type Encode = fn(u16) -> [u8; 2];
    for encode in [u16::to_le_bytes as Encode, u16::to_be_bytes as Encode] {
        let file: Vec<u8> = text.encode_utf16().flat_map(encode).collect();
        let mut cutter = Cutter::new(contents.clone());
        cutter.push(&file);
        assert_eq!(cutter.finish(), Verdict::Whole);
        assert_eq!(cutter.head(), Some(0..26));
        let parts: Vec<_> = std::iter::from_fn(|| cutter.poll()).collect();
        let places: Vec<_> = parts.iter().map(|part| (part.first_line, part.bytes.clone())).collect();
        assert_eq!(places, [(2, 26..48), (4, 48..58)]);
    }
    let (_, verdict) = cut(contents, b"\xFF\xFEa\0\n\0b");
    assert_eq!(verdict, incomplete(Missing::HalfCharacter));
}

#[test]
fn rows_in_utf_16_without_their_mark_are_refused_with_what_to_write() {
    type Encode = fn(u16) -> [u8; 2];
    for (encode, units, label) in [
        (u16::to_le_bytes as Encode, Units::Utf16Le, "utf-16le"),
        (u16::to_be_bytes as Encode, Units::Utf16Be, "utf-16be"),
    ] {
        let file: Vec<u8> = "a;b\n1;2\n".encode_utf16().flat_map(encode).collect();
        assert_eq!(cut(rows(csv()), &file).1, Verdict::Refused(Refusal::Unmarked { label }));
        assert_eq!(cut(rows(Rows { units, ..csv() }), &file).1, Verdict::Whole);
        let message: Vec<u8> = "MSH|^~\\&|\r".encode_utf16().flat_map(encode).collect();
        assert_eq!(cut(hl7(), &message).1, Verdict::Refused(Refusal::Utf16));
    }
}

#[test]
fn a_file_with_a_hole_of_zeros_is_not_whole() {
    let hole = [0; 100];
    let with_hole = |before: &[u8], after: &[u8]| [before, &hole, after].concat();
    for (contents, before, after) in [
        (rows(csv()), &b"a,b\n1,2\n"[..], &b"\n3,4\n"[..]),
        (rows(csv()), b"a,b\n1,2\n", b"\n"),
        (rows(csv()), b"a,b\n1,2\n", b""),
        (rows(csv()), b"a,b\n1,", b",2\n"),
        (rows(Rows { ending: Ending::Open, ..csv() }), b"a,b\n1,2\n", b""),
        (astm(), b"H|\\^&\rR|1|", b"\rL|1|N\r"),
        (hl7(), b"MSH|^~\\&|\rOBX|1\r", b"\r"),
    ] {
        let (_, verdict) = cut(contents, &with_hole(before, after));
        let from = before.len() as u64;
        assert_eq!(verdict, incomplete(Missing::Hole { from }), "{before:?}");
    }
}

#[test]
fn a_workbook_is_whole_when_its_directory_is_there() {
    let workbook = || Contents::Workbook { longest: 100 };
    let end = |comment: &[u8]| {
        let length = u16::try_from(comment.len()).unwrap().to_le_bytes();
        [&b"PK\x05\x06"[..], &[0; 16], &length, comment].concat()
    };
    let file = |rest: &[u8]| [&b"PK\x03\x04....."[..], rest].concat();
    for (bytes, expected) in [
        (file(&end(b"")), Verdict::Whole),
        (file(&end(b"written by hand")), Verdict::Whole),
        (file(&end(b"")[..21]), incomplete(Missing::Directory)),
        (file(&[end(b""), b"x".to_vec()].concat()), incomplete(Missing::Directory)),
        (file(b""), incomplete(Missing::Directory)),
        (Vec::new(), incomplete(Missing::Everything)),
        (b"a,b\n".to_vec(), Verdict::Refused(Refusal::NotAWorkbook)),
        (file(&[b'.'; 100]), Verdict::Refused(Refusal::WorkbookTooLong { longest: 100 })),
    ] {
        assert_eq!(cut(workbook(), &bytes).1, expected, "{bytes:?}");
    }
}

#[test]
fn a_message_without_an_end_is_refused_before_it_fills_anything() {
    let contents = Contents::Astm { longest: 20 };
    let (_, verdict) = cut(contents, b"H|\\^&\nL|1\nH|\\^&\nR|1|a\nR|2|b\nR|3|c\nL|1\n");
    assert_eq!(verdict, Verdict::Refused(Refusal::MessageTooLong { line: 3, longest: 20 }));
    let contents = Contents::Hl7 { longest: 20, ending: Ending::Line };
    let (_, verdict) = cut(contents, b"MSH|^~\\&|\nMSH|^~\\&|\nOBX|1\nOBX|2\n");
    assert_eq!(verdict, Verdict::Refused(Refusal::MessageTooLong { line: 2, longest: 20 }));
}
