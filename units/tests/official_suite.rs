//! UCUM's official functional tests, whole. Cases are named by section and position, as their identifiers repeat. Passes,
//! and says so, where the suite is absent.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "it says how much it tested")]

use std::fs;
use std::path::Path;

use labwire_units::{Digits, Exact, Line, Unit, display_name, line};

/// One `<case …/>` of a section, by position.
struct Case {
    name: String,
    tag: String,
}

impl Case {
    fn says(&self, attribute: &str) -> Option<String> {
        let start = self.tag.find(&format!(" {attribute}=\""))? + attribute.len() + 3;
        let value = self.tag.get(start..)?.split('"').next()?;
        Some(value.replace("&#232;", "è"))
    }

    fn must(&self, attribute: &str) -> String {
        self.says(attribute).ok_or_else(|| format!("{} has no {attribute}", self.name)).unwrap()
    }

    fn number(&self, attribute: &str) -> Exact {
        Exact::parse(&self.must(attribute)).unwrap()
    }

    /// No unit is the unity.
    fn unit(&self, attribute: &str) -> Unit {
        let code = self.must(attribute);
        if code.is_empty() { Unit::unity() } else { Unit::parse(&code).unwrap() }
    }
}

fn suite() -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/ucum/UcumFunctionalTests.xml");
    let folder = file.parent().unwrap();
    if !folder.exists() {
        println!("no suite at {}: nothing to test", folder.display());
        return None;
    }
    Some(without_comments(&fs::read_to_string(file).unwrap()))
}

fn without_comments(text: &str) -> String {
    let mut pieces = text.split("<!--");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.filter_map(|piece| piece.split_once("-->")).fold(first, |kept, (_, after)| kept + after)
}

fn cases(suite: &str, section: &str) -> Vec<Case> {
    let (_, after) = suite.split_once(&format!("<{section}>")).unwrap();
    let (inside, _) = after.split_once(&format!("</{section}>")).unwrap();
    let tags = inside.split("<case").skip(1).map(|rest| rest.split("/>").next().unwrap());
    tags.enumerate()
        .map(|(at, tag)| {
            let tag = format!(" {}", tag.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
            Case { name: format!("{section} {}", at + 1), tag }
        })
        .collect()
}

/// Whether a number is the stated one, in as many digits as are stated.
fn agrees(number: &Exact, stated: &str) -> bool {
    let stated = Digits::parse(stated).unwrap();
    number.to_significant(stated.significant) == stated.value
}

#[test]
fn what_the_suite_calls_a_unit_is_one_and_what_it_does_not_is_refused() {
    let Some(suite) = suite() else { return };
    let cases = cases(&suite, "validation");
    for case in &cases {
        let code = case.must("unit");
        assert_eq!(Unit::parse(&code).is_ok().to_string(), case.must("valid"), "{}: {code}", case.name);
    }
    let refused = cases.iter().filter(|case| case.must("valid") == "false").count();
    println!("{} units, {refused} of them refused", cases.len());
    assert_eq!((cases.len(), refused), (529, 39));
}

#[test]
fn every_unit_is_called_what_the_suite_calls_it() {
    let Some(suite) = suite() else { return };
    let cases = cases(&suite, "displayNameGeneration");
    for case in &cases {
        assert_eq!(display_name(&case.must("unit")).unwrap(), case.must("display"), "{}", case.name);
    }
    assert_eq!(cases.len(), 9);
}

#[test]
fn every_conversion_agrees_in_all_its_digits() {
    let Some(suite) = suite() else { return };
    let cases = cases(&suite, "conversion");
    let third = Exact::one().checked_div(&Exact::from(3)).unwrap();
    for case in &cases {
        let way = line(&case.unit("srcUnit"), &case.unit("dstUnit")).unwrap();
        let converted = way.apply(&case.number("value"));
        assert!(agrees(&converted, &case.must("outcome")), "{}: {converted}", case.name);
        let back = way.inverse().unwrap().apply(&converted);
        assert_eq!(back, case.number("value"), "{}, and back", case.name);
        let wrong = Line::through_zero(third.clone()).apply(&converted);
        assert!(!agrees(&wrong, &case.must("outcome")), "{}: {wrong}", case.name);
    }
    assert_eq!(cases.len(), 30);
}

#[test]
fn products_and_quotients_are_what_the_suite_says() {
    let Some(suite) = suite() else { return };
    for (section, count) in [("multiplication", 2), ("division", 3)] {
        let cases = cases(&suite, section);
        for case in &cases {
            let (v1, v2, u1, u2) = (case.number("v1"), case.number("v2"), case.unit("u1"), case.unit("u2"));
            let (value, unit) = match section {
                "division" => (v1.checked_div(&v2).unwrap(), u1.per(&u2).unwrap()),
                _ => (&v1 * &v2, u1.times(&u2).unwrap()),
            };
            let result = line(&unit, &case.unit("uRes")).unwrap().apply(&value);
            assert!(agrees(&result, &case.must("vRes")), "{}: {result}", case.name);
        }
        assert_eq!(cases.len(), count, "{section}");
    }
}
