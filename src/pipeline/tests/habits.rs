//! What a message shows of its instrument's habits: each thing once, and nothing that is as the profile says.

use super::*;
use crate::domain::{CodeMapping, Habit};

/// Habits as `kind subject=value`, with what the profile says instead.
fn shown_by(reading: &Reading, records: &str) -> Vec<String> {
    let show = |habit: &Habit| {
        let pinned = habit.pinned.as_ref().map(|pinned| format!(" not {pinned}")).unwrap_or_default();
        format!("{} {}={}{pinned}", habit.kind.name(), habit.subject, habit.value)
    };
    read_by(reading, records.as_bytes()).habits.iter().map(show).collect()
}

/// The made-up model with a unit for K, a version in its header and one with each result.
fn watched() -> Profile {
    let mut profile = profile();
    profile.tests.get_mut("K").unwrap().unit = Some("mmol/L".into());
    profile.tests.get_mut("SER").unwrap().unit = Some("Index".into());
    let places = &mut astm(&mut profile).places;
    places.firmware = Location::parse("H.5.2");
    places.assay_version = Location::parse("R.3.7");
    profile
}

fn message(results: &str) -> String {
    format!("H|\\^&|||Sim^9.45|||||LIS||P\nP|1\nO|1|S1|||R\n{results}\nL|1|N")
}

#[test]
fn what_is_as_the_profile_says_is_not_mentioned() {
    let reading = reading(watched());
    for (results, expected) in [
        ("R|1|^^^K|4.1|mmol/L|||||F", vec![]),
        ("R|1|^^^K|4.1|mg/dL|||||F", vec!["unit K=mg/dL not mmol/L"]),
        ("R|1|^^^K|4.1||||||F", vec!["unit K= not mmol/L"]),
        ("R|1|^^^K|No Result||||||V", vec![]),
        ("R|1|^^^K|<15||||||F", vec!["unit K= not mmol/L"]),
        ("R|1|^^^HGB|8.1|g/dL|||||F", vec!["unit HGB=g/dL"]),
        ("R|1|^^^HGB|8.1||||||F", vec!["unit HGB="]),
        ("R|1|^^^K|4.1|mmol/L|3.5 to 5.1||||F", vec!["range K=3.5 to 5.1"]),
        ("R|1|^^^K^^^2|4.1|mmol/L|||||F", vec!["assay-version K=2"]),
        ("R|1|^^^|4.1|mg/dL|1 to 2||||F", vec![]),
        ("R|1|^^^NOVEL|4.1|mg/dL|1 to 2||||F", vec!["code NOVEL= not made-up/3"]),
    ] {
        let mut shown = shown_by(&reading, &message(results));
        shown.retain(|habit| habit != "firmware =9.45");
        assert_eq!(shown, expected, "{results}");
    }
}

#[test]
fn the_sides_of_one_measurement_have_units_of_their_own() {
    let mut profile = watched();
    profile.aspects.get_mut("F").unwrap().unit = Some("S/CO".into());
    let signal = Aspect { meaning: "made up".into(), result: None, unit: None };
    profile.aspects.insert("P".into(), signal);
    let reading = reading(profile);
    for (result, expected) in [
        ("R|1|^^^SER^^F|1.03|S/CO|||||F", None),
        ("R|1|^^^SER^^F|1.03|U/mL|||||F", Some("unit SER F=U/mL not S/CO")),
        ("R|1|^^^SER^^F|1.03||||||F", Some("unit SER F= not S/CO")),
        ("R|1|^^^SER^^I|Reactive||||||F", None),
        ("R|1|^^^SER^^P|1901|Index|||||F", None),
        ("R|1|^^^SER^^P|1901|RLU|||||F", Some("unit SER P=RLU not Index")),
        ("R|1|^^^SER^^P|1901||||||F", Some("unit SER P=")),
    ] {
        let mut shown = shown_by(&reading, &message(result));
        shown.retain(|habit| habit != "firmware =9.45");
        assert_eq!(shown, Vec::from_iter(expected), "{result}");
    }
}

#[test]
fn many_results_show_a_thing_once() {
    let results = "R|1|^^^K|4.1|mg/dL|3 to 5||||F\n".repeat(50);
    let shown = shown_by(&reading(watched()), &message(results.trim_end()));
    assert_eq!(shown, ["unit K=mg/dL not mmol/L", "range K=3 to 5", "firmware =9.45"]);
}

#[test]
fn a_controls_range_and_a_message_that_is_no_production_say_nothing() {
    let mut profile = watched();
    astm(&mut profile).places.firmware = None;
    let reading = reading(profile);
    let control = "H|\\^&|||Sim\nP|1\nO|1|QC1|||||||||Q\nR|1|^^^K|4.1|mmol/L|4.0 to 4.2||||F\nL|1";
    assert_eq!(shown_by(&reading, control), [""; 0]);
    let training = "H|\\^&|||Sim|||||LIS||T\nP|1\nO|1|S1\nR|1|^^^NOVEL|4.1|mg/dL|||||F\nL|1";
    assert_eq!(shown_by(&reading, training), [""; 0]);
}

#[test]
fn what_the_site_knows_is_known() {
    let mut reading = reading(watched());
    let site = |unit: Option<&str>| CodeMapping { unit: unit.map(str::to_owned), ..CodeMapping::default() };
    Arc::make_mut(&mut reading.codes).insert("NOVEL".into(), site(None));
    Arc::make_mut(&mut reading.codes).insert("K".into(), site(Some("mEq/L")));
    for (result, expected) in [
        ("R|1|^^^NOVEL|4.1|mg/dL|||||F", "unit NOVEL=mg/dL"),
        ("R|1|^^^K|4.1||||||F", "unit K="),
        ("R|1|^^^K|4.1|mg/dL|||||F", "unit K=mg/dL not mEq/L"),
    ] {
        assert_eq!(shown_by(&reading, &message(result)), [expected, "firmware =9.45"], "{result}");
    }
}
