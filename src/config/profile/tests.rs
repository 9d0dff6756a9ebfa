//! Profiles that can't be used say so, all at once, at the place that is wrong.

use labwire_astm::record::Kind;

use super::*;
use crate::domain::profile::{AstmDialect, TableDialect, TablePlace, Told};

const GOOD: &str = r#"
name = "made-up"
revision = 1
vendor = "Nobody"
model = "None"
note = "Made up for this test."
records = "HPORL"

[sources]
invention = "made up"

[tests.HGB]
loinc = "718-7"
result = "quantity"
unit = "g/L"
source = "invention"
"#;

/// The faults of the good profile with `extra` at its end, each as the text it points at and its message.
fn faults(text: &str) -> Vec<(String, String)> {
    let faults = parse(text).expect_err("the profile should be refused");
    faults.into_iter().map(|fault| (text.get(fault.span).unwrap().to_owned(), fault.message)).collect()
}

#[test]
fn a_short_profile_is_the_standard_with_its_tests() {
    let profile = parse(GOOD).unwrap();
    assert_eq!((profile.identity().as_str(), profile.tests.len()), ("made-up/1", 1));
    let standard =
        AstmDialect { records: "HPORL".bytes().map(Kind::of_letter).collect(), ..AstmDialect::default() };
    assert_eq!(profile.dialect, Dialect::Astm(Box::new(standard)));
    assert_eq!(profile.tests["HGB"].source, "made up");
}

#[test]
fn each_fault_points_at_its_place_and_names_the_remedy() {
    for (change, place, message) in [
        (("name = \"made-up\"", "name = \"Made Up\""), "\"Made Up\"", "lower-case letters"),
        (("revision = 1", "revision = 0"), "0", "count from 1"),
        (("\"HPORL\"", "\"HPZ\""), "\"HPZ\"", "letters of the records"),
        (("\"718-7\"", "\"718-8\""), "\"718-8\"", "check digit"),
        (("source = \"invention\"", "source = \"nothing\""), "\"nothing\"", "[sources] has: invention"),
        (("\"quantity\"", "\"coded\""), "\"coded\"", "needs its values"),
        (
            ("result = \"quantity\"\nunit = \"g/L\"", "result = \"text\"\nvalues = { A = \"a\" }"),
            "\"text\"",
            "no list of values",
        ),
        (("revision = 1", "revision = 1\nthousands_separator = \",.\""), "\",.\"", "one comma"),
        (("revision = 1", "revision = 1\nthousands_separator = \"5\""), "\"5\"", "one comma"),
        (("invention = ", "dilutions = \"to-apply\"\ninvention = "), "dilutions", "above the first [table]"),
        (("\"quantity\"", "\"number\""), "\"number\"", "unknown variant"),
        (("vendor =", "vendro ="), "vendro", "unknown field"),
        (("[sources]", "[places]\nspecimen = \"R.3\"\n[sources]"), "\"R.3\"", "looked for in O records"),
        (("[sources]", "[places]\nvalue = \"R4\"\n[sources]"), "\"R4\"", "not a place"),
        (
            ("[sources]", "[places]\nflags = [\"R.7\", \"R.x\"]\n[sources]"),
            "[\"R.7\", \"R.x\"]",
            "\"R.x\" is not a place",
        ),
        (("revision = 1", "revision = 1\nsegments = \"MSH\""), "\"MSH\"", "an ASTM model sends records"),
        (("\"HPORL\"", "\"HPORL\"\nprotocol = \"hl7\""), "\"HPORL\"", "an HL7 model sends segments"),
        (
            ("[sources]", "[[classes]]\nat = \"R.3\"\nis = \"Q\"\nclass = \"control\"\n[sources]"),
            "\"R.3\"",
            "O records",
        ),
        (("[sources]", "[[query.no_orders]]\nrecord = \"L\"\n[sources]"), "\"L\"", "begins with an H record"),
        (
            (
                "[sources]",
                "[[query.no_orders]]\nrecord = \"H\"\nfields = { 5 = \"{R.3}\" }\n[[query.no_orders]]\nrecord = \
                 \"L\"\n[sources]",
            ),
            "\"{R.3}\"",
            "not a template",
        ),
        (
            (
                "[sources]",
                "[[query.no_orders]]\nrecord = \"H\"\nfields = { 2 = \"x\" }\n[[query.no_orders]]\nrecord = \
                 \"L\"\n[sources]",
            ),
            "2",
            "count from 3",
        ),
    ] {
        let (from, to) = change;
        assert!(GOOD.contains(from), "{from}");
        let found = faults(&GOOD.replacen(from, to, 1));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, place);
        assert!(found[0].1.contains(message), "{:?} should say {message:?}", found[0].1);
    }
}

#[test]
fn no_profile_makes_a_result_final_that_hl7_says_is_not_verified() {
    let hl7 = GOOD.replace("records = \"HPORL\"", "protocol = \"hl7\"");
    for (letter, means, refused) in [
        ("R", "final", true),
        ("R", "correction", true),
        ("S", "final", true),
        ("R", "preliminary", false),
        ("P", "final", false),
    ] {
        let statuses = format!("[statuses]\n{letter} = {{ means = \"{means}\" }}\n");
        let told = parse(&format!("{hl7}{statuses}")).err().map(|faults| faults.len());
        assert_eq!(told, refused.then_some(1), "{letter} {means}");
        assert!(parse(&format!("{GOOD}{statuses}")).is_ok(), "ASTM's letters are others");
    }
}

#[test]
fn what_a_profile_says_of_diluted_specimens_is_read() {
    assert_eq!(parse(GOOD).unwrap().dilutions, None);
    let with =
        |word: &str| parse(&GOOD.replace("revision = 1", &format!("revision = 1\ndilutions = \"{word}\"")));
    assert_eq!(with("to-apply").unwrap().dilutions, Some(domain::Dilutions::ToApply));
    assert_eq!(with("applied").unwrap().dilutions, Some(domain::Dilutions::Applied));
    assert!(with("maybe").is_err());
}

#[test]
fn all_faults_are_found_at_once_in_the_order_of_the_text() {
    let text = GOOD.replace("revision = 1", "revision = 0").replace("718-7", "718-8").replace("HPORL", "X");
    let places: Vec<String> = faults(&text).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["0", "\"X\"", "\"718-8\""]);
}

#[test]
fn a_line_is_the_standards_with_the_models_changes() {
    let text = "[link]\nreply_timeout_secs = 60\nend_mark = \"end-of-transfer\"\nmissing_eot = true\n";
    let link = parse(&format!("{GOOD}\n{text}")).unwrap();
    let Dialect::Astm(dialect) = link.dialect else { panic!("it speaks HL7") };
    let link = dialect.link;
    let mut expected = labwire_astm::transfer::Settings::default();
    expected.timing.reply = std::time::Duration::from_secs(60);
    expected.end_mark = labwire_astm::transfer::EndMark::EndOfTransfer;
    expected.tolerances.missing_eot = true;
    assert_eq!(link, expected);
    assert_eq!(faults(&format!("{GOOD}\n[link]\ntries = 0\n")).len(), 1);
}

const TABLE: &str = r#"
name = "made-up"
revision = 1
protocol = "table"
vendor = "Nobody"
model = "None"
note = "Made up for this test."

[sources]
invention = "made up"

[table]
format = "csv"

[places]
specimen = "Tube"
code = "Test"
value = "Result"
"#;

#[test]
fn a_short_table_is_comma_separated_under_one_header() {
    let Dialect::Table(table) = parse(TABLE).unwrap().dialect else { panic!("it reads no table") };
    let place = |text| vec![TablePlace::parse(text).unwrap()];
    let places = [(Told::Specimen, "Tube"), (Told::Code, "Test"), (Told::Value, "Result")];
    let places = places.map(|(told, text)| (told, place(text))).into();
    assert_eq!(*table, TableDialect { places, ..TableDialect::default() });
}

#[test]
fn each_fault_of_a_table_points_at_its_place_and_names_the_remedy() {
    let key = |line: &str| (String::from("format = \"csv\""), format!("format = \"csv\"\n{line}"));
    let top = |line: &str| (String::from("revision = 1"), format!("revision = 1\n{line}"));
    let change = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    for (change, place, message) in [
        (key("delimiter = \";;\""), "\";;\"", "one ASCII character"),
        (key("delimiter = \"µ\""), "\"µ\"", "one ASCII character"),
        (key("delimiter = \"'\"\nquote = \"'\""), "\"'\"", "two different characters"),
        (key("sheet = \"Results\""), "\"Results\"", "only format = \"xlsx\" has sheets"),
        (
            change("format = \"csv\"", "format = \"xlsx\"\ndelimiter = \";\""),
            "\";\"",
            "only format = \"csv\"",
        ),
        (change("format = \"csv\"", "format = \"xlsx\"\nquote = \"'\""), "\"'\"", "only format = \"csv\""),
        (change("format = \"csv\"", "format = \"xls\""), "\"xls\"", "unknown variant"),
        (key("encoding = \"ebcdic\""), "\"ebcdic\"", "not a character set"),
        (key("header = 0"), "0", "rows count from 1"),
        (key("header = 2\nskip = 2"), "2", "write one of header"),
        (key("header_begins = \"\""), "\"\"", "ASCII text with which the header row begins"),
        (key("comment = \"//\""), "\"//\"", "one ASCII character"),
        (
            key("trailer = { begins = \"END\", count_at = 0 }"),
            "{ begins = \"END\", count_at = 0 }",
            "cells count",
        ),
        (key("times = [\"%d.%m.%Y\", \"%d.%m.\"]"), "\"%d.%m.\"", "not a format of a date"),
        (key("short_rows = \"trimmed\""), "\"trimmed\"", "only rows of format = \"fixed\""),
        (key("unread = [\"@1-3\"]"), "\"@1-3\"", "only format = \"fixed\" has positions"),
        (
            change("format = \"csv\"", "format = \"fixed\"\nskip = 0\nunread = [\"Tube\"]"),
            "\"Tube\"",
            "write the positions that aren't read",
        ),
        (change("format = \"csv\"", "format = \"fixed\""), "\"fixed\"", "write skip = 0, or how many rows"),
        (key("times = [\"%H:%M\"]"), "\"%H:%M\"", "not a format of a date"),
        (key("optional = [\"units\"]"), "\"units\"", "not a key of [places]"),
        (key("aspects = { call = \"{Call\" }"), "\"{Call\"", "not a place"),
        (key("[[table.not_results]]\nat = \"#0\"\nis = \"Mean\""), "\"#0\"", "not a place"),
        (change("value = \"Result\"", "value = \"@3-1\""), "\"@3-1\"", "not a place"),
        (change("value = \"Result\"", "value = [\"Result\", \"\"]"), "[\"Result\", \"\"]", "not a place"),
        (
            change("value = \"Result\"", "value = \"Result\"\naspect = \"Call\""),
            "\"Call\"",
            "[table.aspects]",
        ),
        (top("records = \"HPORL\""), "\"HPORL\"", "rows and no records"),
        (top("segments = \"MSH\""), "\"MSH\"", "rows and no segments"),
        (
            change("[places]", "[sender]\nat = \"Tube\"\nis = \"x\"\n[places]"),
            "\"Tube\"",
            "known by where it lies",
        ),
        (change("protocol = \"table\"", ""), "[table]", "[table] is of files"),
    ] {
        let (from, to) = change;
        assert!(TABLE.contains(&from), "{from}");
        let text = TABLE.replacen(&from, &to, 1);
        let found = faults(&text);
        let told = found.iter().any(|(at, said)| at.starts_with(place) && said.contains(message));
        assert!(told, "{to}: {found:?} should say {message:?} at {place:?}");
    }
}

#[test]
fn a_table_names_what_no_result_can_be_read_without() {
    for (from, to, message) in [
        ("value = \"Result\"", "", "must name the column of the value"),
        ("specimen = \"Tube\"", "", "must name the column of the specimen"),
        ("format = \"csv\"", "format = \"fixed\"", "Tube: with format = \"fixed\" write the positions"),
        ("format = \"csv\"", "format = \"csv\"\nskip = 1", "Tube: without a header a column has a number"),
        ("value = \"Result\"", "value = \"@1-3\"", "@1-3: only format = \"fixed\" has positions"),
        (
            "format = \"csv\"",
            "format = \"csv\"\ntests = { header = \"{code}\" }",
            "[table.tests] says where each value stands",
        ),
    ] {
        let found = faults(&TABLE.replacen(from, to, 1));
        assert!(found.iter().any(|(_, said)| said == message || said.contains(message)), "{to}: {found:?}");
    }
    let (place, said) = &faults(&TABLE.replace("[table]\nformat = \"csv\"", ""))[0];
    assert_eq!(place, "\"made-up\"");
    assert!(said.contains("needs a [table]"));
}
