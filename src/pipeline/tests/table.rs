//! Rows in, outcomes out: what is read of a file's part, and what of it is a problem with its line.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::config::profile::parse;
use crate::domain::SampleClass;
use crate::pipeline::{Part, process_part};

const RESULTS: &str = r#"
[places]
specimen = "Tube"
code = "Test"
value = ["Result", "Ergebnis"]
unit = "Unit"
"#;

/// A made-up model that writes files: quantities K and NA.
fn file_profile(table: &str, rest: &str) -> Profile {
    let text = format!(
        r#"
name = "made-up"
revision = 1
protocol = "table"
vendor = "Nobody"
model = "None"
note = "Made up for this test."

[sources]
it = "made up"

[tests]
K = {{ result = "quantity", source = "it" }}
NA = {{ result = "quantity", source = "it" }}

[table]
{table}
{rest}
"#
    );
    parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn read_rows(profile: Profile, head: &[u8], rows: &[u8]) -> Outcome {
    let lines = head.iter().filter(|byte| **byte == b'\n').count() as u64;
    process_part(&Part { head, rows, first_line: lines + 1 }, &reading(profile), &context())
}

/// Specimen, test, value and unit of each result; a hold; the problems.
fn told(outcome: &Outcome) -> String {
    let mut text = String::new();
    for o in &outcome.observations {
        let value = match &o.value {
            Value::Quantity { comparator, number } => {
                format!("{}{number}", comparator.map_or("", crate::domain::Comparator::as_str))
            }
            other => format!("{other:?}"),
        };
        let unit = o.unit.as_deref().unwrap_or("-");
        write!(text, "{} {} {value} {unit}", o.specimen.reveal(), o.test.code).unwrap();
        text.push_str(if o.standing == Standing::Clear { "; " } else { " held; " });
    }
    for problem in &outcome.problems {
        let lost = if problem.replaces_result { "lost" } else { "beside" };
        write!(text, "{lost}: {}; ", problem.text.reveal()).unwrap();
    }
    text.trim_end_matches("; ").to_owned()
}

#[test]
fn a_table_is_found_however_it_is_written() {
    for (table, rest, head, rows, expected) in [
        ("format = \"csv\"", RESULTS, "Tube,Test,Result,Unit\n", "007,K,4.10,mmol/L\n", "007 K 4.10 mmol/L"),
        (
            "format = \"csv\"\ndelimiter = \";\"",
            RESULTS,
            "\u{FEFF}Tube;Test;Ergebnis;Unit\r\n",
            "\"007\";K;\"<4.10\";\"mmol;L\"\r\n",
            "007 K <4.10 mmol;L",
        ),
        (
            "format = \"csv\"\ndelimiter = \"\\t\"",
            RESULTS,
            "Unit\tTest\tTube\tResult\r",
            "g\tK\t7\t4\r",
            "7 K 4 g",
        ),
        (
            "format = \"csv\"\nheader = 3\nunits_below = true",
            "[places]\nspecimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\n",
            "Made by,X\nTable,1\nTube,Test,Result\n,,mmol/L\n",
            "1,K,4\n",
            "1 K 4 mmol/L",
        ),
        (
            "format = \"csv\"\nskip = 0\nquote = \"\"",
            "[places]\nspecimen = \"#1\"\ncode = \"#2\"\nvalue = \"#3\"\n",
            "",
            "\"1,K,4\n",
            "\"1 K 4 -",
        ),
        (
            "format = \"fixed\"\nskip = 1",
            "[places]\nspecimen = \"@1-6\"\ncode = \"@7-9\"\nvalue = \"@10-15\"\nunit = \"@16-21\"\n",
            "TUBE  TS RESULT\n",
            "000123K    4.10µmol/L\n000124NA    140      \n",
            "000123 K 4.10 µmol/L; 000124 NA 140 -",
        ),
        (
            "format = \"csv\"\ncomment = \"#\"\ntrailer = { begins = \"END\" }",
            "[[table.not_results]]\nat = \"Test\"\nis = \"Mean*\"\n[places]\nspecimen = \"Tube\"\ncode = \"Test\"\nvalue = \"Result\"\n",
            "Tube,Test,Result\n",
            "# a \"comment\n1,K,4\n,,\n1,Mean of K,4\nEND,1\n",
            "1 K 4 -",
        ),
        (
            "format = \"csv\"\nempty_values = \"silent\"",
            "[table.tests]\nheader = \"{code} [{unit}]\"\n[places]\nspecimen = \"Tube\"\n",
            "Tube,Sex,K [mmol/L],NA [mmol/L],Cl [mmol/L]\n",
            "1,F,4,140,\n2,M,,139,\n3,M,,,99\n",
            "1 K 4 mmol/L; 1 NA 140 mmol/L; 2 NA 139 mmol/L; lost: line 4: test code \"Cl\" is not known to made-up/1",
        ),
        (
            "format = \"csv\"\nunits_below = true",
            "[table.tests]\nheader = \"{code}\"\ncolumns = [\"K\", \"NA\"]\n[places]\nspecimen = \"Tube\"\n",
            "Tube,Sex,K,NA\n,,mmol/L,mmol/L\n",
            "1,F,4,\n",
            "1 K 4 mmol/L; 1 NA Absent { reason: \"the analyzer sent no value\" } mmol/L",
        ),
        ("format = \"csv\"\nshort_rows = \"fill\"", RESULTS, "Tube,Test,Result,Unit\n", "1,K,4\n", "1 K 4 -"),
    ] {
        let outcome = read_rows(file_profile(table, rest), head.as_bytes(), rows.as_bytes());
        assert_eq!(told(&outcome), expected, "{table}\n{rest}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_a_problem_with_its_line_and_the_rest_goes_on() {
    let head = "Tube,Test,Result,Unit\n";
    for (row, expected) in [
        ("2,NA", "lost: line 3: it has 2 cells, and the header has 4"),
        ("2,NA,1,g,,", "2 NA 1 g"),
        ("2,NA,1,g,x", "lost: line 3: it has 5 cells, and the header has 4"),
        ("1E+05,NA,1,g", "lost: line 3: column 1 (Tube): a spreadsheet shortened a number there"),
        ("Mar-03,NA,1,g", "lost: line 3: column 1 (Tube): a spreadsheet seems to have made a date of it"),
        ("2,CL,1,g", "lost: line 3: test code \"CL\" is not known to made-up/1"),
        (",NA,1,g", " NA 1 g held"),
        ("2,NA,,g", "2 NA Absent { reason: \"the analyzer sent no value\" } g"),
        (
            "2,NA,1.5E1,g",
            "2 NA Text(\"1.5E1\") g held; beside: line 3: the value \"1.5E1\" is neither a number nor known",
        ),
        (
            "2,NA,\"1,5\",g",
            "2 NA Text(\"1,5\") g held; beside: line 3: the value \"1,5\" is neither a number nor known",
        ),
        ("\"2\nx\",NA,1,g", "2\nx NA 1 g"),
    ] {
        let rows = format!("1,K,4,g\n{row}\n3,K,5,g\n");
        let outcome = read_rows(file_profile("format = \"csv\"", RESULTS), head.as_bytes(), rows.as_bytes());
        let (seen, problems) =
            (told(&outcome), expected.split_once("beside").or(expected.split_once("lost")));
        let (middle, problem) = match problems {
            Some((middle, _)) => (middle.trim_end_matches("; "), expected.get(middle.len()..).unwrap()),
            None => (expected, ""),
        };
        let parts = ["1 K 4 g", middle, "3 K 5 g", problem];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        assert_eq!(seen, parts.join("; "), "{row}");
    }
}

#[test]
fn a_header_that_is_not_the_profiles_is_one_problem_and_nothing_is_read() {
    for (head, expected) in [
        (
            "Tube,Test,Wert,Einheit\n",
            "the file's head lacks \"Result\" or \"Ergebnis\", \"Unit\", \"Type\"; it has \"Wert\", \"Einheit\"; nothing was read by \
             position instead",
        ),
        (
            "Tube;Test;Result;Unit\n",
            "begins with \"Tube;Test;Result;Unit\": see to delimiter and header in the profile",
        ),
        ("1,K,4,g\n", "\"Tube\", \"Test\""),
        ("", "\"Tube\", \"Test\""),
    ] {
        let rules: String = ["QC", "P"]
            .map(|is| format!("[[classes]]\nat = \"Type\"\nis = \"{is}\"\nclass = \"control\"\n"))
            .concat();
        let profile = file_profile("format = \"csv\"", &format!("{rules}{RESULTS}"));
        let outcome = read_rows(profile, head.as_bytes(), b"1,K,4,g\n2,K,5,g\n");
        assert!(outcome.observations.is_empty());
        assert_eq!(outcome.problems.len(), 1);
        let text = outcome.problems[0].text.reveal();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_head_and_its_rows_may_come_in_one_run_of_bytes() {
    let table = "format = \"csv\"\nheader_begins = \"Tube\"";
    let (head, rows) = ("\u{FEFF}Made by,\"X\n\"\nTube,Test,Result,Unit\n", "1,K,4,g\n2,CL,4,g\n");
    for (first_line, expected) in [(1, "line 5: "), (900, "line 901: ")] {
        let joined = [head, rows].concat();
        let part = Part { head: &[], rows: joined.as_bytes(), first_line };
        let outcome = process_part(&part, &reading(file_profile(table, RESULTS)), &context());
        assert_eq!((outcome.observations.len(), outcome.problems.len()), (1, 1));
        assert!(
            outcome.problems[0].text.reveal().starts_with(expected),
            "{:?}",
            outcome.problems[0].text.reveal()
        );
    }
    let none = file_profile(
        "format = \"csv\"\nskip = 0",
        "[places]\nspecimen = \"#1\"\ncode = \"#2\"\nvalue = \"#3\"",
    );
    let part = Part { head: &[], rows: "\u{FEFF}1,K,4\n2,CL,4\n".as_bytes(), first_line: 1 };
    let outcome = process_part(&part, &reading(none), &context());
    assert_eq!(told(&outcome), "1 K 4 -; lost: line 2: test code \"CL\" is not known to made-up/1");
}

#[test]
fn a_message_may_stand_in_a_file_with_a_mark_before_it_and_a_sub_behind() {
    let file = "\u{FEFF}H|\\^&\r\nP|1\r\nO|1|S-1||^^^K\r\nR|1|^^^K|4.10|mmol/L||N||F\r\nL|1|N\r\n\u{1A}";
    let outcome = process(file.as_bytes(), &reading(profile()), &context());
    assert_eq!(told(&outcome), "S-1 K 4.10 mmol/L");
}

#[test]
fn two_columns_of_one_name_must_agree() {
    let head = b"Tube,Test,Result,Unit,Test\n";
    let outcome = read_rows(file_profile("format = \"csv\"", RESULTS), head, b"1,K,4,g,K\n2,K,5,g,NA\n");
    assert_eq!(
        told(&outcome),
        "1 K 4 g; lost: line 3: column 5 (Test) and column 2 have the same name and differ; name the one that counts by its \
         number, as \"#2\" or \"#5\""
    );
}

#[test]
fn a_decimal_comma_and_thousands_are_the_sites_and_the_models() {
    let profile = Profile {
        thousands_separator: Some('.'),
        ..file_profile("format = \"csv\"\ndelimiter = \";\"", RESULTS)
    };
    let reading = Reading { decimal_separator: ',', ..reading(profile) };
    let part = Part {
        head: b"Tube;Test;Result;Unit\n",
        rows: b"1;K;4,10;g\n2;K;1.234,5;g\n3;K;4.10;g\n",
        first_line: 2,
    };
    let outcome = process_part(&part, &reading, &context());
    assert_eq!(
        told(&outcome),
        "1 K 4.10 g; 2 K 1234.5 g; 3 K Text(\"4.10\") g held; beside: line 4: the value \"4.10\" is neither a number nor known"
    );
}

#[test]
fn a_changed_header_is_a_habit_that_changed() {
    let columns = |head: &[u8], rows: &[u8]| {
        let outcome = read_rows(file_profile("format = \"csv\"", RESULTS), head, rows);
        let columns = |habit: &&crate::domain::Habit| habit.kind == crate::domain::HabitKind::Columns;
        outcome.habits.iter().find(columns).unwrap().value.clone()
    };
    let usual = columns(b"Tube,Test,Result,Unit\n", b"1,K,4,g\n");
    assert_eq!(usual, columns(b"Tube,Test,Result,Unit\r\n", b"9,NA,1,g\r\n"));
    assert_ne!(usual, columns(b"Test,Tube,Result,Unit\n", b"K,1,4,g\n"));
    assert_eq!(columns(b"Tube,Test,Result,Unit,New\n", b"1,K,4,g,x\n"), "Tube|Test|Result|Unit|New");
}

const FIXED: &str = "[places]\nspecimen = \"@1-6\"\ncode = \"@7-9\"\nvalue = \"@10-15\"\nunit = \"@16-21\"\n";

#[test]
fn half_a_row_of_fixed_width_is_a_problem_with_its_line_and_no_half_value_is_read() {
    let whole = "000123K   12.34mmol/L\n";
    for (setting, row, expected) in [
        (
            "",
            "000124K   12.",
            "lost: line 3: it has 13 characters, and the columns reach to 21: it may have been cut.",
        ),
        ("", "000124K   12.34mmol", "lost: line 3: it has 19 characters"),
        ("", "000124", "lost: line 3: it has 6 characters"),
        (
            "",
            "000124K   12.34mmol/LX",
            "lost: line 3: text stands at position 22, where the profile has no column",
        ),
        ("", "000124K   123456.7mmol/L", "lost: line 3: text stands at position 22"),
        ("", "000124K\t12.34mmol/L", "lost: line 3: a tab or another control character stands at position 8"),
        (
            "short_rows = \"trimmed\"",
            "000124K   12.",
            "lost: line 3: it has 13 characters and ends within the column @10-15",
        ),
        ("short_rows = \"trimmed\"", "000124K   12.34g", "000124 K 12.34 g"),
        (
            "short_rows = \"fill\"",
            "000124K   12.34g",
            "lost: line 3: it has 16 characters and ends within the column @16-21",
        ),
        ("short_rows = \"fill\"", "000124K   12.34", "000124 K 12.34 -"),
        ("unread = [\"@22-30\"]", "000124K   12.34mmol/LX", "000124 K 12.34 mmol/L"),
    ] {
        let rows = format!("{whole}{row}\n");
        let profile = file_profile(&format!("format = \"fixed\"\nskip = 1\n{setting}"), FIXED);
        let outcome = read_rows(profile, b"HEAD\n", rows.as_bytes());
        let seen = told(&outcome);
        let second = seen.strip_prefix("000123 K 12.34 mmol/L; ").unwrap_or_else(|| panic!("{seen}"));
        assert!(second.starts_with(expected), "{row:?}: {second}");
    }
}

#[test]
fn the_manuals_profile_of_fixed_width_reads_the_manuals_row() {
    let manual = include_str!("../../../config/profiles.d/README.md");
    let block = |fence: &str| {
        let (_, rest) = manual.split_once(fence).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let row = manual.lines().find(|line| line.starts_with("000550001")).unwrap();
    let outcome = read_rows(parse(&block("```toml\n")).unwrap(), b"", format!("{row}\n").as_bytes());
    assert_eq!(told(&outcome), "000550001 GLU 5.40 mmol/L");
    let completed = outcome.observations[0].completed.as_ref().unwrap();
    assert_eq!(completed.text, "20.04.2026 09:00");
}

#[test]
fn rows_that_an_open_quote_swallowed_are_a_problem_and_not_silence() {
    let open = "a quote that opens in it isn't closed as it should be";
    let behind = "it stands behind a quote that isn't closed as it should be, and is no row by itself";
    let pairs = "the quotes in it don't come in pairs around a cell";
    for (rows, expected) in [
        (
            "1,K,4,g\n\"2,K,5,g\n3,K,6,g\n\"4\",K,7,g\n5,K,8,g\n",
            format!("1 K 4 g; 3 K 6 g; 5 K 8 g; lost: line 3: {open}; lost: line 5: {behind}"),
        ),
        (
            "1,K,4,\"g\n2,K,5,g\n3,K,6,\"g\"\n5,K,8,g\n",
            format!("2 K 5 g; 5 K 8 g; lost: line 2: {open}; lost: line 4: {behind}"),
        ),
        (
            "1,K,\"4,g\n2,K,5,g\n3,K,\"6,g\n5,K,8,g\n",
            format!("2 K 5 g; 5 K 8 g; lost: line 2: {open}; lost: line 4: {behind}"),
        ),
        ("1,K,\"4,g\n2,K,\"5,g\n3,K,6,g\n", format!("3 K 6 g; lost: line 2: {open}; lost: line 3: {behind}")),
        (
            "1,K,\"4,g\nno, row\n2,K,5\"\n3,K,6,g\n",
            "3 K 6 g; lost: line 2: it has 3 cells, and the header has 4".to_owned(),
        ),
        ("\"R014\"x,K,4,g\n\"2\" ,K,5,g\n", format!("2 K 5 g; lost: line 2: {pairs}")),
        ("1\",K,4,g\n2,K,5,g\n", format!("2 K 5 g; lost: line 2: {pairs}")),
        ("1,K,4,\"g\nand, so, on\"\n", "1 K 4 g\nand, so, on".to_owned()),
        ("\"1\nx\",K,4,g\n", "1\nx K 4 g".to_owned()),
    ] {
        let profile = file_profile("format = \"csv\"", RESULTS);
        let outcome = read_rows(profile, b"Tube,Test,Result,Unit\n", rows.as_bytes());
        assert_eq!(told(&outcome), expected, "{rows}");
    }
}

#[test]
fn a_comment_that_is_not_read_may_have_lines_of_its_own() {
    let profile = file_profile("format = \"csv\"", RESULTS);
    let rows = b"1,K,4,g,\"seen\nby two, \"\"again\"\"\"\n2,K,5,g,\n";
    let outcome = read_rows(profile, b"Tube,Test,Result,Unit,Note\n", rows);
    assert_eq!(told(&outcome), "1 K 4 g; 2 K 5 g");
}

#[test]
fn comments_and_blank_rows_may_stand_above_the_header() {
    let profile = file_profile("format = \"csv\"\ncomment = \"#\"", RESULTS);
    let file = b"# exported, \"today\n\nTube,Test,Result,Unit\n# and\n1,K,4,g\n2,X,5,g\n";
    let outcome = process_part(&Part::of(file), &reading(profile), &context());
    assert_eq!(told(&outcome), "1 K 4 g; lost: line 6: test code \"X\" is not known to made-up/1");
}

#[test]
fn letters_that_look_like_utf_8_under_another_character_set_are_told() {
    for (unit, expected) in [
        (&b"\xB5mol/L"[..], "1 K 4 \u{b5}mol/L".to_owned()),
        (b"mmol/L", "1 K 4 mmol/L".to_owned()),
        (
            "\u{b5}mol/L".as_bytes(),
            "1 K 4 \u{c2}\u{b5}mol/L; beside: it is read as windows-1252, and what isn't ASCII in it looks like UTF-8: if its \
             letters are wrong, write encoding = \"utf-8\" in the profile's [table], or character_set = \"utf-8\" in the \
             instrument's file"
                .to_owned(),
        ),
    ] {
        let profile = file_profile("format = \"csv\"\nencoding = \"windows-1252\"", RESULTS);
        let reading = Reading { character_set: None, ..reading(profile) };
        let rows = [&b"1,K,4,"[..], unit, b"\n"].concat();
        let part = Part { head: b"Tube,Test,Result,Unit\n", rows: &rows, first_line: 2 };
        assert_eq!(told(&process_part(&part, &reading, &context())), expected);
    }
}

#[test]
fn zero_bytes_are_no_blanks() {
    let rows = b"1,K,4,g\n\0\0\0\n2,K,\0,g\n3,K,5,g\n\x1A";
    let outcome = read_rows(file_profile("format = \"csv\"", RESULTS), b"Tube,Test,Result,Unit\n", rows);
    let why = "zero bytes stand in it, as where a part of a file was never written";
    assert_eq!(
        told(&outcome),
        format!(
            "1 K 4 g; 3 K 5 g; lost: line 3: column 1 (Tube): {why}; lost: line 4: column 3 (Result): {why}"
        )
    );
}

#[test]
fn a_row_that_names_no_test_says_so_and_no_code_is_asked_for() {
    let header = b"Tube,Test,Result,Unit\n";
    let outcome =
        read_rows(file_profile("format = \"csv\"", RESULTS), header, b"1,,4,g\nTube,Test,Result,Unit\n");
    assert_eq!(
        told(&outcome),
        "lost: line 2: it names no test: nothing stands in column 2 (Test); lost: line 3: the header comes again, as where two \
         files were joined"
    );
    let profile = file_profile("format = \"fixed\"\nskip = 0\nshort_rows = \"trimmed\"", FIXED);
    let outcome = read_rows(profile, b"", b"000123     4.10mmol/L\n");
    assert_eq!(told(&outcome), "lost: line 1: it names no test: nothing stands in positions 7 to 9");
}

#[test]
fn two_specimen_numbers_that_cannot_be_decoded_are_nobodys_and_are_held_apart() {
    let profile = file_profile("format = \"csv\"", RESULTS);
    let outcome = read_rows(profile, b"Tube,Test,Result,Unit\n", b"7\xE4,K,4,g\n7\xDF,K,5,g\n7,K,6,g\n");
    let shown: Vec<_> = outcome
        .observations
        .iter()
        .map(|o| (o.specimen.reveal(), o.replicate, o.standing == Standing::Clear))
        .collect();
    assert_eq!(shown, [("", 1, false), ("", 1, false), ("7", 1, true)]);
    for garbled in &outcome.observations[..2] {
        assert!(holds(garbled).contains(&HoldReason::UndecodableText));
        assert!(holds(garbled).contains(&HoldReason::BlankSpecimen));
    }
}

#[test]
fn a_row_whose_class_no_rule_names_is_no_patients() {
    let rules = format!(
        "[[classes]]\nat = \"Type\"\nis = \"QC*\"\nclass = \"control\"\n\
         [[classes]]\nat = \"Type\"\nis = \"P\"\nclass = \"patient\"\n{RESULTS}"
    );
    let rows = b"1,K,4,g,P\n2,K,4,g,QC1\n3,K,4,g,CAL\n4,K,4,g,\n";
    let outcome = read_rows(file_profile("format = \"csv\"", &rules), b"Tube,Test,Result,Unit,Type\n", rows);
    let shown: Vec<_> = outcome
        .observations
        .iter()
        .map(|o| (o.specimen.reveal(), o.class, o.standing == Standing::Clear))
        .collect();
    assert_eq!(
        shown,
        [
            ("1", SampleClass::Patient, true),
            ("2", SampleClass::Control, true),
            ("3", SampleClass::Patient, false),
            ("4", SampleClass::Patient, false)
        ]
    );
    for unnamed in &outcome.observations[2..] {
        assert_eq!(holds(unnamed), [HoldReason::UnclearSample]);
    }
}

#[test]
fn a_specimen_that_begins_like_the_trailer_is_none() {
    let profile = || file_profile("format = \"csv\"\ntrailer = { begins = \"T\" }", RESULTS);
    let read = |rows: &[u8]| told(&read_rows(profile(), b"Tube,Test,Result,Unit\n", rows));
    assert_eq!(read(b"T1,K,4,g\nT2,K,5,g\nTotal 2\n"), "T1 K 4 g; T2 K 5 g");
    assert_eq!(read(b"T1,K,4,g\nT2,K,5,g\n"), "T1 K 4 g; T2 K 5 g", "a part that isn't the file's last");
    assert_eq!(
        read(b"T1,K,4,g\nTotal 2\nT2,K,5,g\nT\n"),
        "T1 K 4 g; T2 K 5 g; lost: line 3: it has 1 cells, and the header has 4"
    );
}

#[test]
fn a_last_row_that_may_close_the_table_or_be_a_result_is_neither_and_is_told() {
    let profile = || file_profile("format = \"csv\"\ntrailer = { begins = \"END\" }", RESULTS);
    let read = |rows: &[u8]| told(&read_rows(profile(), b"Tube,Test,Result,Unit\n", rows));
    assert_eq!(read(b"T1,K,4,g\nEND,,2,\n"), "T1 K 4 g");
    assert_eq!(read(b"T1,K,4,g\nENDO8,K,5,g\n"), "T1 K 4 g; ENDO8 K 5 g");
    let told = read(b"T1,K,4,g\nEND,K,2,g\n");
    assert!(told.starts_with("T1 K 4 g; lost: line 3: it begins as the row that closes the table"), "{told}");
}

#[test]
fn a_test_without_a_unit_is_read_by_its_bare_code_where_headers_have_units() {
    let read = |others: &str| {
        let rest = format!(
            "[table.tests]\nheader = \"{{code}} [{{unit}}]\"\n{others}[places]\nspecimen = \"Tube\"\n"
        );
        let head = b"Tube,K,NA [mmol/L],Page\n";
        told(&read_rows(file_profile("format = \"csv\"", &rest), head, b"T1,1.2,140,7\n"))
    };
    assert_eq!(read(""), "T1 K 1.2 -; T1 NA 140 mmol/L");
    assert_eq!(read("others = [\"K\"]\n"), "T1 NA 140 mmol/L");
    assert_eq!(read("columns = [\"NA [mmol/L]\"]\n"), "T1 NA 140 mmol/L");
}

#[test]
fn columns_of_one_test_are_one_result_and_must_agree() {
    let rest = "[table.tests]\nheader = \"{code} [{unit}]\"\n[places]\nspecimen = \"Tube\"\n";
    let head = b"Tube,K [g],NA [g],K [g]\n";
    let outcome = read_rows(file_profile("format = \"csv\"", rest), head, b"1,4,140,4\n2,4,140,5\n");
    assert_eq!(
        told(&outcome),
        "1 K 4 g; 1 NA 140 g; lost: line 3: column 4 (K [g]) and column 2 are one test and differ"
    );
}

#[test]
fn results_of_one_tube_count_their_replicates_and_each_has_a_record_of_its_own() {
    let aspects = format!(
        "[table.aspects]\ncall = \"Call\"\n[aspects.call]\nmeaning = \"call\"\nresult = \"text\"\n{RESULTS}"
    );
    let profile = file_profile("format = \"csv\"", &aspects);
    let rows = b"1,K,4,g,pos\n2,K,5,g,\n1,K,4,g,neg\n";
    let outcome = read_rows(profile, b"Tube,Test,Result,Unit,Call\n", rows);
    let shown: Vec<_> = outcome
        .observations
        .iter()
        .map(|o| (o.specimen.reveal(), o.test.aspect.as_str(), o.replicate, o.record))
        .collect();
    assert_eq!(
        shown,
        [
            ("1", "", 1, 2),
            ("1", "call", 1, 4),
            ("2", "", 1, 1026),
            ("1", "", 2, 2050),
            ("1", "call", 2, 2052)
        ]
    );
}

#[test]
fn bytes_of_another_character_set_are_said_once_with_their_line() {
    let profile = file_profile("format = \"csv\"", RESULTS);
    let outcome = read_rows(profile, b"Tube,Test,Result,Unit\n", b"1,K,4,g\n2,K,4,\xB5g\n3,K,4,\xB5g\n");
    assert_eq!((outcome.observations.len(), outcome.problems.len()), (3, 1));
    assert!(outcome.problems[0].text.reveal().starts_with("line 3: bytes that are not UTF-8"));
}

#[test]
fn a_broken_workbook_stops_nothing() {
    let whole = include_bytes!("../../../tests/fixtures/profiles/thermo-quantstudio/results.xlsx");
    let profile = || file_profile("format = \"xlsx\"\nsheet = \"Results\"\nheader_begins = \"Well\"", PCR);
    let read = |bytes: &[u8]| process_part(&Part::of(bytes), &reading(profile()), &context());
    assert_eq!(read(whole).observations.len() + read(whole).problems.len(), 11);
    for at in (0..whole.len()).step_by(7) {
        let mut broken = whole.to_vec();
        broken[at] ^= 0x55;
        let outcome = read(&broken);
        assert!(!outcome.observations.is_empty() || !outcome.problems.is_empty(), "byte {at}");
        assert!(!read(&whole[..at]).problems.is_empty(), "cut at {at}");
    }
}

#[test]
fn a_workbooks_numbers_have_no_decimal_sign_of_the_site() {
    let whole = include_bytes!("../../../tests/fixtures/profiles/thermo-quantstudio/results.xlsx");
    let table = "format = \"xlsx\"\nsheet = \"Results\"\nheader_begins = \"Well\"";
    let german = |decimal_separator| Reading {
        decimal_separator,
        codes: Arc::new(BTreeMap::from([("N-gene".to_owned(), crate::domain::CodeMapping::default())])),
        ..reading(file_profile(table, PCR))
    };
    for separator in ['.', ','] {
        let outcome = process_part(&Part::of(whole), &german(separator), &context());
        let values: Vec<_> = outcome.observations.iter().filter(|o| o.standing == Standing::Clear).collect();
        let values: Vec<_> = values.iter().map(|o| (&o.value, o.value_as_sent.as_str())).collect();
        let number = |text| Value::Quantity {
            comparator: None,
            number: crate::domain::DecimalText::parse(text, '.').unwrap(),
        };
        assert_eq!(values[..2], [(&number("16.484"), "16.484"), (&number("25.711"), "25.711")]);
    }
}

#[test]
fn a_file_may_lack_a_column_that_is_optional() {
    let rest = format!("{RESULTS}status = \"Status\"\noperator = \"Who\"\n");
    let profile = file_profile("format = \"csv\"\noptional = [\"status\", \"operator\"]", &rest);
    let outcome = read_rows(profile.clone(), b"Tube,Test,Result,Unit\n", b"1,K,4,g\n");
    assert_eq!(told(&outcome), "1 K 4 g");
    let outcome = read_rows(profile, b"Tube,Test,Result,Unit,Status\n", b"1,K,4,g,odd\n");
    assert_eq!(told(&outcome), "1 K 4 g held; beside: line 2: status \"odd\" is not known to made-up/1");
}

const PCR: &str = "[places]\nspecimen = \"Sample Name\"\ncode = \"Target Name\"\nvalue = \"CT\"\n";

proptest! {
    #[test]
    fn no_bytes_stop_the_reader_and_no_row_is_lost_silently(
        pieces in prop::collection::vec(
            prop_oneof![
                Just(b"1,K,4.1,g\n".to_vec()),
                Just(b"\"2\",NA,\"<1\r\n0\",g\r".to_vec()),
                Just(b"1E+5,K\n".to_vec()),
                prop::sample::select(b",;\"\r\n\0 #K1\xB5\xFF".to_vec()).prop_map(|byte| vec![byte]),
            ],
            0..30,
        ),
    ) {
        let rows = pieces.concat();
        for table in ["format = \"csv\"", "format = \"csv\"\ncomment = \"#\"", "format = \"csv\"\nshort_rows = \"fill\""] {
            let outcome = read_rows(file_profile(table, RESULTS), b"Tube,Test,Result,Unit\n", &rows);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(rows.as_slice());
            let says = |cell: &[u8]| cell.iter().any(|byte| !byte.is_ascii_whitespace());
            let all = reader.byte_records().filter(|row| row.as_ref().unwrap().iter().any(says)).count();
            let lost = outcome.problems.iter().filter(|problem| problem.replaces_result).count();
            let lines = rows.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| says(line)).count();
            if !table.contains('#') {
                prop_assert!((all..=lines).contains(&(outcome.observations.len() + lost)));
            }
        }
    }
}
