//! The table of an analyzer's codes: where it stands, and which of two entries counts.

use super::*;

const MAP: &str = "[codes.GLU]\nloinc = \"2345-7\"\nlims_code = \"GLUC\"\n[codes.NA]\nloinc = \"2951-2\"\n";

fn file(more: &str) -> String {
    format!("{INSTRUMENT}{more}[tcp_client]\nconnect = \"a:1\"\n")
}

#[test]
fn instruments_may_share_a_table_and_each_may_have_its_own_word_on_a_code() {
    let own = file("code_map = \"chemistry\"\n") + "[codes.GLU]\nlims_code = \"GLU2\"\n";
    let (settings, _) = load(&[
        ("labwire.toml", SITE),
        ("codes.d/chemistry.toml", MAP),
        ("instruments.d/a.toml", &own),
        ("instruments.d/b.toml", &file("code_map = \"chemistry\"\nsender = \"B\"\n").replace("a:1", "b:1")),
    ]);
    let [a, b] = settings.instruments.as_slice() else { panic!("there are two") };
    assert_eq!(a.codes["GLU"].lims_code.as_deref(), Some("GLU2"));
    assert_eq!(a.codes["GLU"].loinc, None, "an entry of its own takes the place of the whole shared one");
    assert_eq!(a.codes["NA"].loinc.as_deref(), Some("2951-2"));
    assert_eq!(b.codes["GLU"].lims_code.as_deref(), Some("GLUC"));
}

#[test]
fn a_panel_may_be_shared_and_what_an_analyzer_can_not_report_of_it_is_a_mistake() {
    let map = MAP.to_owned() + "[panels.CHEM]\ncomponents = [\"GLU\", \"NA\"]\n";
    let own = file("code_map = \"chemistry\"\n");
    let (settings, _) =
        load(&[("labwire.toml", SITE), ("codes.d/chemistry.toml", &map), ("instruments.d/a.toml", &own)]);
    assert_eq!(settings.instruments[0].panels["CHEM"].components, ["GLU", "NA"]);
    let more = own.clone() + "[panels.CHEM]\ncomponents = [\"GLU\"]\n";
    let (settings, _) =
        load(&[("labwire.toml", SITE), ("codes.d/chemistry.toml", &map), ("instruments.d/a.toml", &more)]);
    assert_eq!(settings.instruments[0].panels["CHEM"].components, ["GLU"], "its own counts");
    let map = map.replace("\"NA\"]", "\"NAA\"]");
    let told = errors_of(&[
        ("labwire.toml", SITE),
        ("codes.d/chemistry.toml", &map),
        ("instruments.d/a.toml", &own),
    ]);
    assert_eq!(
        told,
        "instruments.d/a.toml:1:1: [panels.CHEM] of its code_map: this analyzer has no code \"NAA\"; did you mean \"NA\"?"
    );
}

#[test]
fn a_mistake_in_a_shared_table_is_told_at_its_place_and_once() {
    let told = errors_of(&[
        ("labwire.toml", SITE),
        ("codes.d/chemistry.toml", &MAP.replace("2951-2", "2951-3")),
        ("codes.d/My Codes.toml", ""),
        ("instruments.d/a.toml", &file("code_map = \"chemistry\"\n")),
    ]);
    assert_eq!(
        told,
        "codes.d/My Codes.toml: a code map's file name is \"My Codes\"; write 1 to 64 of a-z, 0-9 and -\n\
         codes.d/chemistry.toml:5:9: \"2951-3\" is no LOINC number; write one such as \"2345-7\""
    );
}

#[test]
fn a_draft_that_was_imported_is_a_table_as_it_is() {
    let table = "Vendor Analyte Code,LOINC Code\nGLU,2345-7\nA\\\"B,718-7\nNA,2951-2\nNA,2955-3\n";
    let table = table.replace("A\\\"B", "\"A\\\"\"B\"");
    let sheets = crate::livd::sheets(table.as_bytes()).unwrap();
    let catalogue = crate::livd::Catalogue::read(&sheets, None).unwrap();
    let draft = crate::livd::draft(&catalogue, None, "acme.csv").unwrap();
    let own = file("code_map = \"acme\"\n");
    let files = [("labwire.toml", SITE), ("codes.d/acme.toml", &draft.text), ("instruments.d/a.toml", &own)];
    let (settings, _) = load(&files);
    let codes: Vec<&str> = settings.instruments[0].codes.keys().map(String::as_str).collect();
    assert_eq!(codes, ["A\\\"B", "GLU"], "a question is no code yet");
}
