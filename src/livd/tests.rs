//! What becomes of LIVD tables: invented ones, written as manufacturers write theirs.

use super::sheet::Cell;
use super::*;

const TABLE: &str = "\
Publication Version ID,2026-01,,,,,\r\n\
Manufacturer,Model,Vendor Analyte Code,Vendor Analyte Name,Vendor Specimen Description,Vendor Result Description,LOINC Code\r\n\
Acme,One,GLU,Glucose,Serum,mg/dL,2345-7\r\n\
Acme,One,GLU,Glucose,Plasma,mg/dL,2345-7\r\n\
Acme,One,NA,Sodium,Serum,mmol/L,2951-2\r\n\
Acme,One,NA,Sodium,Urine,mmol/L,2955-3\r\n\
Acme,One,K,Potassium,Serum,mmol/L,2823-4\r\n\
Acme,One,,Nothing,,,2345-7\r\n\
Acme,One,CL,Chloride,Serum,mmol/L,\r\n\
Acme,One,\"HIV \"\"Ag\"\"\",\"HIV\",Serum,\"Reactive\nNon-reactive\",5220-9\r\n\
,,,,,,\r\n\
Acme,One,HBS,HBs,Serum,,5196-1\r\n\
Acme,One,HBS,HBs,Serum,,nothing\r\n";

fn of(text: &str) -> Catalogue {
    Catalogue::read(&sheets(text.as_bytes()).unwrap(), None).unwrap()
}

fn drafted(text: &str) -> Draft {
    draft(&of(text), None, "acme.csv").unwrap()
}

#[test]
fn what_is_without_doubt_is_written_and_the_rest_is_asked_or_named_by_its_row() {
    let draft = drafted(TABLE);
    assert_eq!(draft.written, 2);
    let asked: Vec<(&str, &[u64])> = draft.asked.iter().map(|it| (it.code.as_str(), &*it.rows)).collect();
    assert_eq!(asked, [("CL", &[9][..]), ("HBS", &[13, 14]), ("K", &[7]), ("NA", &[5, 6])]);
    let unused: Vec<(u64, &str)> = draft.unused.iter().map(|it| (it.row, it.why.as_str())).collect();
    assert_eq!(
        unused,
        [
            (7, "\"2823-4\" is no LOINC code: form or check digit is wrong"),
            (8, "it has no code"),
            (9, "it has no LOINC code"),
            (14, "\"nothing\" is no LOINC code: form or check digit is wrong"),
        ]
    );
}

#[test]
fn every_row_is_written_asked_about_or_named() {
    let draft = drafted(TABLE);
    let named = |row: u64| {
        draft.text.contains(&format!("# row {row};"))
            || draft.unused.iter().any(|it| it.row == row)
            || draft.asked.iter().any(|it| it.rows.contains(&row))
    };
    for row in [3, 4, 5, 6, 7, 8, 9, 10, 13, 14] {
        assert!(named(row), "row {row}:\n{}", draft.text);
    }
}

#[test]
fn a_question_is_not_read_until_somebody_answers_it() {
    let draft = drafted(TABLE);
    let read: Vec<&str> =
        draft.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(
        read,
        ["[codes.\"GLU\"]", "loinc = \"2345-7\"", "[codes.\"HIV \\\"Ag\\\"\"]", "loinc = \"5220-9\""]
    );
    let sodium = draft.text.split("\n\n").find(|part| part.contains("codes.\"NA\"")).unwrap();
    assert_eq!(
        sodium,
        "# QUESTION: several LOINC codes are given for it. Keep what the laboratory measures, and remove the # before \
         it.\n#[codes.\"NA\"]\n# row 5; Sodium; specimen: Serum; result: mmol/L\n#loinc = \"2951-2\"\n# row 6; Sodium; \
         specimen: Urine; result: mmol/L\n#loinc = \"2955-3\"\n#lims_code = \"what the LIMS calls it\"\n"
    );
    assert!(draft.text.contains("result: Reactive / Non-reactive\n"), "{}", draft.text);
}

#[test]
fn columns_go_by_the_names_of_the_published_tables_whatever_stands_between_them() {
    for (header, row) in [
        ("Vendor Transmission Code\tTest Performed LOINC Code", "GLU\t2345-7"),
        ("LOINC Code;vendor  analyte CODE*", "2345-7;GLU"),
        ("Model,Vendor Analyte Code,LOINC", "One,GLU,2345-7"),
    ] {
        let catalogue = of(&format!("\u{feff}{header}\n{row}\n"));
        let entry = catalogue.entries.first().unwrap();
        assert_eq!(
            (entry.row, entry.code.as_str(), entry.loinc.as_deref()),
            (2, "GLU", Ok("2345-7")),
            "{header}"
        );
    }
}

#[test]
fn what_is_no_livd_table_is_refused_with_what_it_lacks() {
    for text in [
        "",
        "a,b\n1,2\n",
        "Vendor Analyte Code,Name\nGLU,x\n",
        "LOINC Code,Vendor Analyte Code,Vendor Analyte Code\n",
    ] {
        let told = Catalogue::read(&sheets(text.as_bytes()).unwrap(), None).unwrap_err();
        assert!(told.contains("\"Vendor Analyte Code\" and \"LOINC Code\""), "{told}");
    }
    assert!(sheets(b"Vendor Analyte Code\n\xb5g\n").unwrap_err().starts_with("line 2 isn't UTF-8"));
    assert!(sheets(b"PK\x03\x04 and nothing").unwrap_err().contains("can't be read"));
}

#[test]
fn one_code_of_two_models_is_never_mixed() {
    let table = "Model,Vendor Analyte Code,LOINC Code\nOne,1,2345-7\nTwo,1,2951-2\n";
    let told = draft(&of(table), None, "x").unwrap_err();
    assert_eq!(told, "the table is about several models; say which with --model: \"One\", \"Two\"");
    assert!(draft(&of(table), Some("Two"), "x").unwrap().text.contains("loinc = \"2951-2\""));
    assert!(draft(&of(table), Some("Three"), "x").unwrap_err().contains("no model \"Three\""));
}

#[test]
fn a_row_that_names_no_model_is_told_where_one_was_asked_for() {
    let table = "Model,Vendor Analyte Code,LOINC Code\nOne,K,2823-3\n,K,2828-2\n";
    let draft = draft(&of(table), Some("One"), "x").unwrap();
    let unused: Vec<_> = draft.unused.iter().map(|it| (it.row, it.why.as_str())).collect();
    assert_eq!(unused, [(3, "it names no model")]);
}

#[test]
fn a_row_that_may_belong_to_the_code_above_it_makes_that_a_question() {
    for mark in ["", "\"\"\"\"", "ditto"] {
        let draft = drafted(&format!(
            "Model,Vendor Analyte Code,Vendor Specimen Description,LOINC Code\nOne,GLU,Serum,2345-7\n\
             One,{mark},Urine,2350-7\nOne,NA,Serum,2951-2\nOne,,,\n,,,\nOne,,Urine,2955-3\n"
        ));
        let asked: Vec<(&str, &str)> = draft.asked.iter().map(|it| (it.code.as_str(), it.why)).collect();
        let why = "a row below it has a LOINC code and no code of its own, which may be this one's";
        assert_eq!(asked, [("GLU", why)], "{}", draft.text);
        assert_eq!(draft.written, 1, "a row behind an empty one belongs to nothing: {}", draft.text);
    }
}

#[test]
fn two_columns_of_loinc_codes_must_agree_and_a_note_is_no_row() {
    let draft = drafted(
        "Model,Vendor Analyte Code,LOINC Code,Test Performed LOINC Code\nOne,GLU,2345-7,2345-7\n\
         One,NA,2951-2,2955-3\nOne,CL,,2075-0\n,* see the insert,,\n",
    );
    assert_eq!(draft.written, 2, "{}", draft.text);
    assert_eq!(draft.asked.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["NA"]);
    let unused: Vec<(u64, &str)> = draft.unused.iter().map(|it| (it.row, it.why.as_str())).collect();
    assert_eq!(
        unused,
        [
            (3, "its columns give two LOINC codes, 2951-2 and 2955-3"),
            (5, "only one of its cells says something, as in a note"),
        ]
    );
}

#[test]
fn what_a_spreadsheet_made_of_a_code_is_told() {
    let text = |text: &str| Cell::Text(text.to_owned());
    let row = |number, cells: [Cell; 2]| Row { number, cells: cells.to_vec() };
    let sheet = Sheet {
        name: "LOINC Mapping".to_owned(),
        rows: vec![
            row(1, [text("Vendor Analyte Code"), text("LOINC Code")]),
            row(2, [Cell::Number("687".to_owned()), text("1920-8")]),
            row(3, [text("AST"), Cell::Spoilt("a spreadsheet made a date of it")]),
            row(4, [Cell::Spoilt("a spreadsheet made a date of it"), text("1920-8")]),
        ],
    };
    let draft = draft(&Catalogue::read(&[sheet], None).unwrap(), None, "x").unwrap();
    assert!(draft.text.contains("zeros before it).\n[codes.\"687\"]"), "{}", draft.text);
    let unused: Vec<String> = draft.unused.iter().map(|it| format!("{} {}", it.row, it.why)).collect();
    assert_eq!(
        unused,
        [
            "3 its LOINC code can't be read: a spreadsheet made a date of it",
            "4 its code can't be read: a spreadsheet made a date of it",
        ]
    );
}

#[test]
fn a_workbook_is_read_by_the_sheet_that_is_a_table() {
    let bytes = include_bytes!("../../tests/fixtures/livd/acme-one.xlsx");
    let draft =
        draft(&Catalogue::read(&sheets(bytes).unwrap(), None).unwrap(), None, "acme-one.xlsx").unwrap();
    assert!(draft.text.contains("[codes.\"GLU\"]\nloinc = \"2345-7\"\n"), "{}", draft.text);
    assert!(draft.text.contains("[codes.\"687\"]\nloinc = \"1920-8\"\n"), "{}", draft.text);
    assert_eq!(draft.asked.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["NA"]);
}
