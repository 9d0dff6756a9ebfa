//! However a file comes in pieces, it is cut in the same places, and its parts are the file.
#![expect(clippy::unwrap_used, reason = "a failed property may stop at once")]

use std::io::Read;

use labwire_drop::{Contents, Cutter, Ending, Head, Missing, Part, Rows, Trailer, Units, Verdict};
use proptest::prelude::*;

/// Bytes that look like every kind of file often enough to reach every branch.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\xEF\xBB\xBF".to_vec()),
        Just(b"\xFF\xFE".to_vec()),
        Just(b"H|\\^&\r".to_vec()),
        Just(b"R|1|^^^K|4.1\r\n".to_vec()),
        Just(b"L|1|N\n".to_vec()),
        Just(b"FHS|^~\\&\r".to_vec()),
        Just(b"BHS|^~\\&\r".to_vec()),
        Just(b"MSH|^~\\&|\r".to_vec()),
        Just(b"\x0BMSH|^~\\&|\r".to_vec()),
        Just(b"\x1C\r".to_vec()),
        Just(b"BTS|1\r".to_vec()),
        Just(b"FTS|1\r".to_vec()),
        Just(b"0017,K,4.1\n".to_vec()),
        Just(b"\"a\"\"b\r\n,c\",2\r\n".to_vec()),
        Just(b"#,\"\n".to_vec()),
        Just(b"END,1\n".to_vec()),
        Just(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
        prop::sample::select(b"HL|,\"\r\n\0 #E1\x1A".to_vec()).prop_map(|byte| vec![byte]),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn rows() -> impl Strategy<Value = Contents> {
    let ending = prop_oneof![
        Just(Ending::Line),
        Just(Ending::Open),
        any::<bool>().prop_map(|is_open| {
            Ending::Trailer(Trailer { begins: "END".to_owned(), count_at: Some(2), is_open })
        }),
    ];
    let head = prop_oneof![
        (0_u32..3).prop_map(Head::Rows),
        (0_u32..2).prop_map(|more| Head::First { more }),
        (0_u32..2).prop_map(|more| Head::Through { begins: "0017".to_owned(), more }),
    ];
    let units = prop::sample::select(vec![Units::Marked, Units::Bytes, Units::Utf16Le, Units::Utf16Be]);
    let comment = prop::option::of(Just("#".to_owned()));
    let quote = prop::option::of(Just(b'"'));
    (ending, head, units, comment, quote, 4_u64..60, 1_u64..9).prop_map(
        |(ending, head, units, comment, quote, longest, most)| {
            Contents::Rows(Rows { delimiter: Some(b','), quote, comment, head, units, ending, longest, most })
        },
    )
}

fn contents() -> impl Strategy<Value = Contents> {
    prop_oneof![
        (10_u64..200).prop_map(|longest| Contents::Astm { longest }),
        (10_u64..200).prop_map(|longest| Contents::Hl7 { longest, ending: Ending::Line }),
        rows(),
        (10_u64..200).prop_map(|longest| Contents::Workbook { longest }),
    ]
}

/// Whether nothing lies there but what frames messages, and the mark at the beginning of a file.
fn frames_only(contents: &Contents, file: &[u8], bytes: std::ops::Range<u64>) -> bool {
    let range = usize::try_from(bytes.start).unwrap()..usize::try_from(bytes.end).unwrap();
    let between = file.get(range.clone()).unwrap();
    let between = match range.start {
        0 => between.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(between),
        _ => between,
    };
    between.is_empty()
        || matches!(contents, Contents::Hl7 { .. })
            && between.split(|byte| *byte == 0x0B).all(|it| matches!(it, [] | [0x1C, ..]))
}

/// Head, parts and verdict of a file that comes in these pieces.
fn cut<'a>(
    contents: &Contents,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Option<std::ops::Range<u64>>, Vec<Part>, Verdict) {
    let mut cutter = Cutter::new(contents.clone());
    let mut parts = Vec::new();
    for piece in pieces {
        cutter.push(piece);
        parts.extend(std::iter::from_fn(|| cutter.poll()));
    }
    let verdict = cutter.finish();
    parts.extend(std::iter::from_fn(|| cutter.poll()));
    (cutter.head(), parts, verdict)
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_parts(
        file in file(),
        contents in contents(),
        sizes in prop::collection::vec(1_usize..20, 1..40),
    ) {
        let mut rest = file.as_slice();
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle().take(file.len()) {
            let (piece, after) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(cut(&contents, pieces), cut(&contents, [file.as_slice()]));
    }

    #[test]
    fn head_and_parts_joined_are_the_file_unless_it_is_refused(file in file(), contents in contents()) {
        let (head, parts, verdict) = cut(&contents, [file.as_slice()]);
        let length = file.len() as u64;
        let mut at = head.as_ref().map_or(0, |head| head.end);
        for (number, part) in parts.iter().enumerate() {
            prop_assert_eq!(u64::from(part.number), number as u64);
            prop_assert!(part.bytes.start >= at && frames_only(&contents, &file, at..part.bytes.start));
            prop_assert!(part.bytes.end > at && part.bytes.end <= length);
            at = part.bytes.end;
        }
        let has_no_head_yet = matches!(contents, Contents::Rows(_)) && head.is_none();
        let is_refused = matches!(verdict, Verdict::Refused(_));
        // Half a character at the end belongs to no row.
        let half = matches!(verdict, Verdict::Incomplete(Missing::HalfCharacter | Missing::Hole { .. }));
        let all = frames_only(&contents, &file, at..length);
        prop_assert!(is_refused || has_no_head_yet || half || all, "{} of {}", at, length);
        prop_assert!(verdict != Verdict::Whole || all);
    }

    #[test]
    fn a_parts_first_line_is_where_it_begins(file in file(), contents in contents()) {
        let (_, parts, _) = cut(&contents, [file.as_slice()]);
        if matches!(&contents, Contents::Rows(rows) if !matches!(rows.units, Units::Bytes)) {
            return Ok(());
        }
        for part in parts {
            let before = &file[..usize::try_from(part.bytes.start).unwrap()];
            let text = String::from_utf8_lossy(before).replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(part.first_line, text.matches('\n').count() as u64 + 1);
        }
    }

    #[test]
    fn each_part_read_alone_gives_the_rows_that_the_whole_file_gives(file in file(), longest in 20_u64..60) {
        let contents = Contents::Rows(Rows {
            delimiter: Some(b','),
            quote: Some(b'"'),
            comment: None,
            head: Head::Rows(0),
            units: Units::Bytes,
            ending: Ending::Open,
            longest,
            most: 3,
        });
        let (head, parts, verdict) = cut(&contents, [file.as_slice()]);
        if matches!(verdict, Verdict::Refused(_)) {
            return Ok(());
        }
        let slice = |bytes: &std::ops::Range<u64>| {
            &file[usize::try_from(bytes.start).unwrap()..usize::try_from(bytes.end).unwrap()]
        };
        let all = read(&file[usize::try_from(head.map_or(0, |head| head.end)).unwrap()..]);
        let each: Vec<_> = parts.iter().flat_map(|part| read(slice(&part.bytes))).collect();
        prop_assert_eq!(all, each);
    }
}

/// A blank line comes first, so that a byte order mark is text to the `csv` crate wherever a part begins.
fn read(bytes: &[u8]) -> Vec<csv::ByteRecord> {
    let bytes = b"\n".chain(bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    reader.byte_records().map(|record| record.unwrap()).map(|record| record.iter().collect()).collect()
}

/// What the property above would notice: cutting at every line end, or counting quotes instead of reading cells.
#[test]
fn cutting_without_regard_to_cells_gives_other_rows() {
    let file = b"5\" tube,1\n\"a\nb\",2\n6\" tube,3\n";
    let lines = file.split_inclusive(|byte| *byte == b'\n');
    assert_ne!(lines.flat_map(read).collect::<Vec<_>>(), read(file));
    let mut open = false;
    let by_quotes = file.split_inclusive(|byte| {
        open ^= *byte == b'"';
        *byte == b'\n' && !open
    });
    assert_ne!(by_quotes.flat_map(read).collect::<Vec<_>>(), read(file));
}
