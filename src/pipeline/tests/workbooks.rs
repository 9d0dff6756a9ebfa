//! Workbooks written cell by cell: what becomes of a day without an hour, of a number that its cell shows otherwise, and of a
//! formula that nobody reckoned.

use super::*;
use crate::config::profile::parse;
use crate::pipeline::{Part, process_part};

/// An archive of these files, none of them packed.
fn archive(files: &[(&str, String)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let short = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
    let long = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    for (name, content) in files {
        let at = bytes.len();
        let sums = [
            &[0; 8][..],
            &crc(content.as_bytes()).to_le_bytes(),
            &long(content.len()),
            &long(content.len()),
            &short(name.len()),
            &[0; 2],
        ]
        .concat();
        bytes.extend([b"PK\x03\x04\x14\x00", &sums[..], name.as_bytes(), content.as_bytes()].concat());
        let place = [&[0; 10][..], &long(at), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\x00\x14\x00", &sums[..], &place[..]].concat());
    }
    let end = [
        b"PK\x05\x06\0\0\0\0".as_slice(),
        &short(files.len()),
        &short(files.len()),
        &long(directory.len()),
        &long(bytes.len()),
        &[0; 2],
    ]
    .concat();
    [bytes, directory, end].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 * (sum & 1)))
    })
}

/// A workbook of one result, completed at what a cell of date and time holds.
fn workbook(completed: &str) -> Vec<u8> {
    workbook_of("<c r=\"C2\"><v>4.1</v></c>", completed)
}

/// With this cell as its value. Style 2 is a percentage, 3 shows thousands, 4 two digits.
fn workbook_of(value: &str, completed: &str) -> Vec<u8> {
    let text = |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let names = [("A1", "Tube"), ("B1", "Test"), ("C1", "Result"), ("D1", "When")];
    let header: String = names.iter().map(|(at, name)| text(at, name)).collect();
    let row =
        format!("{}{}{value}<c r=\"D2\" s=\"1\"><v>{completed}</v></c>", text("A2", "T1"), text("B2", "K"));
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let sheet = |kind: &str, target: &str, id: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>")
    };
    archive(&[
        ("[Content_Types].xml", format!("<Types xmlns=\"{package}/content-types\"/>")),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\">{}</Relationships>",
                sheet("officeDocument", "xl/workbook.xml", "rId1")
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"Results\" sheetId=\"1\" \
                 r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\">{}{}</Relationships>",
                sheet("worksheet", "worksheets/sheet1.xml", "rId1"),
                sheet("styles", "styles.xml", "rId2")
            ),
        ),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet xmlns=\"{main}\"><numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"0.0,\"/></numFmts>\
                 <cellXfs count=\"5\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/><xf numFmtId=\"10\"/><xf numFmtId=\"164\"/>\
                 <xf numFmtId=\"2\"/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet xmlns=\"{main}\"><sheetData><row r=\"1\">{header}</row><row r=\"2\">{row}</row></sheetData>\
                 </worksheet>"
            ),
        ),
    ])
}

fn model(times: &str) -> Profile {
    let text = format!(
        "name = \"made-up\"\nrevision = 1\nprotocol = \"table\"\nvendor = \"Nobody\"\nmodel = \"None\"\n\
         note = \"Made up for this test.\"\n[sources]\nit = \"made up\"\n\
         [tests]\nK = {{ result = \"quantity\", source = \"it\" }}\n\
         [table]\nformat = \"xlsx\"\ntimes = [{times}]\n\
         [places]\nspecimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\ncompleted = \"When\"\n"
    );
    parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn a_cell_that_holds_a_day_where_an_hour_belongs_is_told() {
    const BOTH: &str = "\"%Y-%m-%d %H:%M:%S\", \"%Y-%m-%d\"";
    const HOUR: &str = "\"%Y-%m-%d %H:%M:%S\"";
    const DAY: &str = "\"%Y-%m-%d\"";
    // 2026-05-01, and half past eight of that morning; by a profile that wants both, either, or says nothing.
    for (cell, times, instant, is_told) in [
        ("46143.354166666664", BOTH, true, false),
        ("46143.354166666664", HOUR, true, false),
        ("46143", BOTH, false, true),
        ("46143", HOUR, false, true),
        ("46143.0", BOTH, false, true),
        ("46143", "", false, true),
        ("46143", DAY, false, false),
    ] {
        let outcome = process_part(&Part::of(&workbook(cell)), &reading(model(times)), &context());
        let observation = only(&outcome);
        let completed = observation.completed.as_ref().unwrap();
        assert_eq!(completed.instant.is_some(), instant, "{cell} by {times}");
        assert!(completed.text.starts_with("2026-05-01"), "{}", completed.text);
        let told: Vec<&str> = outcome.problems.iter().map(|it| it.text.reveal().as_str()).collect();
        let words = "line 2: the time \"2026-05-01\": its cell holds a day without an hour, or midnight, which a \
                     spreadsheet keeps alike";
        assert_eq!(told, if is_told { vec![words] } else { vec![] }, "{cell} by {times}");
        assert!(kinds(&outcome).iter().all(|kind| *kind == "odd-time"));
    }
}

#[test]
fn a_number_that_its_cell_shows_otherwise_waits_for_a_person_and_so_does_a_formula_without_its_result() {
    const HOUR: &str = "\"%Y-%m-%d %H:%M:%S\"";
    for (cell, value, is_held) in [
        ("<c r=\"C2\" s=\"4\"><v>0.423</v></c>", "0.423", false),
        ("<c r=\"C2\"><f>0.4+0.023</f><v>0.423</v></c>", "0.423", false),
        ("<c r=\"C2\" s=\"2\"><v>0.423</v></c>", "0.423", true),
        ("<c r=\"C2\" s=\"3\"><v>5400</v></c>", "5400", true),
        ("<c r=\"C2\"><f>5+0.4</f><v></v></c>", "=", true),
        ("<c r=\"C2\"><f>5+0.4</f></c>", "=", true),
    ] {
        let bytes = workbook_of(cell, "46143.354166666664");
        let outcome = process_part(&Part::of(&bytes), &reading(model(HOUR)), &context());
        let observation = only(&outcome);
        assert_eq!(observation.value_as_sent, value, "{cell}");
        assert_eq!(matches!(observation.standing, Standing::Held(_)), is_held, "{cell}");
        assert_eq!(matches!(observation.value, Value::Quantity { .. }), !is_held, "{cell}");
        assert_eq!(kinds(&outcome), if is_held { vec!["odd-value"] } else { vec![] }, "{cell}");
    }
}
