//! Profiles that can't be used say so, all at once, at the place that is wrong.

use labwire_astm::record::Kind;

use super::*;
use crate::domain::profile::AstmDialect;

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
