//! What becomes of each part of a message.

use super::*;
use crate::domain::profile::{ClassRule, FlagMeaning, Pattern, Pin, StatusMeaning, Trust, Unknown};
use crate::domain::{CodeMapping, SampleClass, Status};

#[test]
fn a_plain_result_carries_everything_that_was_said_of_it() {
    let outcome = read(
        "H|\\^&|C1||Sim|||||LIS||P|1|20261026100000\n\
         P|1||||Testcase^Tina||20010203|F|||||||||||||||||WARD 3\n\
         C|1|P|fasting|G\n\
         O|1| S1 ^7^B||^^^K|S||||||||||Serum\n\
         C|1|L|drawn twice|G\n\
         R|1|^^^K^Potassium|4.10|mmol/L|3.5 to 5.1|N\\A||F||op1|20261026093000|20261026093100|SN7\n\
         C|1|I|slightly turbid|I\n\
         L|1|N",
    );
    assert!(outcome.problems.is_empty() && !outcome.not_production);
    let o = only(&outcome);
    assert_eq!((o.instrument.as_str(), o.profile.as_str()), ("sim", "made-up/3"));
    assert_eq!((o.specimen.reveal(), o.specimen_as_sent.reveal().as_str()), ("S1", " S1 "));
    let patient = o.patient.reveal();
    assert_eq!((patient.name.as_str(), patient.birth_date.as_str()), ("Testcase^Tina", "20010203"));
    assert_eq!((patient.sex.as_str(), patient.location.as_str()), ("F", "WARD 3"));
    assert_eq!((o.test.code.as_str(), o.replicate, o.class), ("K", 1, SampleClass::Patient));
    assert_eq!((shown(&o.value).as_str(), o.value_as_sent.as_str()), ("4.10", "4.10"));
    assert_eq!((o.unit.as_deref(), o.reference_range.as_deref()), (Some("mmol/L"), Some("3.5 to 5.1")));
    assert_eq!((o.flags.join(","), o.status, o.status_as_sent.as_str()), ("N,A".into(), Status::Final, "F"));
    let completed = o.completed.as_ref().unwrap();
    assert_eq!(completed.text, "20261026093100");
    assert_eq!(completed.instant.unwrap().to_string(), "2026-10-26T08:31:00Z");
    assert_eq!(o.operator.as_ref().unwrap().reveal(), "op1");
    assert_eq!((o.analyzer_unit.as_deref(), o.priority.as_deref()), (Some("SN7"), Some("S")));
    assert_eq!((o.specimen_type.as_deref(), o.record), (Some("Serum"), 5));
    let comments: Vec<_> = o.comments.iter().map(|comment| comment.text.reveal().as_str()).collect();
    assert_eq!(comments, ["fasting", "drawn twice", "slightly turbid"]);
    assert_eq!(o.standing, Standing::Clear);
}

#[test]
fn a_value_is_a_number_a_known_code_a_failed_run_or_held() {
    let odd = HoldReason::OddValue;
    for (result, value, status, reasons, problems) in [
        ("R|1|^^^K|33.86|||||F", "33.86", Status::Final, vec![], vec![]),
        ("R|1|^^^K|<15|||||F", "<15", Status::Final, vec![], vec![]),
        ("R|1|^^^K|> 250.0|||||F", ">250.0", Status::Final, vec![], vec![]),
        ("R|1|^^^K|-----|||||F", "text -----", Status::Final, vec![odd], vec!["odd-value"]),
        ("R|1|^^^K|7,41|||||F", "text 7,41", Status::Final, vec![odd], vec!["odd-value"]),
        ("R|1|^^^K|5^x|||||F", "text 5^x", Status::Final, vec![odd], vec!["odd-value"]),
        ("R|1|^^^K|5\\6|||||F", "text 5\\6", Status::Final, vec![odd], vec!["odd-value"]),
        ("R|1|^^^SER^^I|Reactive|||||F", "code Reactive", Status::Final, vec![], vec![]),
        ("R|1|^^^SER^^I|Grey|||||F", "text Grey", Status::Final, vec![odd], vec!["odd-value"]),
        ("R|1|^^^SER^^F|1.03|||||F", "1.03", Status::Final, vec![], vec![]),
        ("R|1|^^^SER^^Z|1.03|||||F", "text 1.03", Status::Final, vec![odd], vec!["odd-value"]),
        ("R|1|^^^K|No Result|||||V", "absent: the analyzer gave no result", Status::Failed, vec![], vec![]),
        ("R|1|^^^K||||||F", "absent: the analyzer sent no value", Status::Failed, vec![], vec![]),
        (
            "R|1|^^^K|4.1|||||X",
            "absent: the analyzer could not do the test (status X)",
            Status::Failed,
            vec![],
            vec![],
        ),
        ("R|1|^^^K||||||C", "absent: the analyzer sent no value", Status::Correction, vec![], vec![]),
        ("R|1|^^^K|4.1|||||C", "4.1", Status::Correction, vec![], vec![]),
        ("R|1|^^^K|4.1|||||P", "4.1", Status::Preliminary, vec![], vec![]),
        ("R|1|^^^K|4.1|||||R", "4.1", Status::Final, vec![], vec![]),
        ("R|1|^^^K|4.1|||||V", "4.1", Status::Final, vec![], vec![]),
        ("R|1|^^^K|4.1|||||W", "4.1", Status::Final, vec![HoldReason::StatusInDoubt], vec![]),
        (
            "R|1|^^^K|4.1|||||Z",
            "4.1",
            Status::Preliminary,
            vec![HoldReason::UnknownStatus],
            vec!["unknown-status"],
        ),
        ("R|1|^^^K|4.1", "4.1", Status::Preliminary, vec![HoldReason::UnknownStatus], vec!["unknown-status"]),
        ("R|1|^^^K|4.1|||H||F", "4.1", Status::Final, vec![], vec![]),
        ("R|1|^^^K|4.1|||qq||F", "4.1", Status::Final, vec![HoldReason::UnknownFlag], vec![]),
    ] {
        let outcome = one(result);
        let observation = only(&outcome);
        assert_eq!(shown(&observation.value), value, "{result}");
        assert_eq!(observation.status, status, "{result}");
        assert_eq!(holds(observation), reasons, "{result}");
        assert_eq!(kinds(&outcome), problems, "{result}");
    }
}

#[test]
fn the_profile_says_what_statuses_and_flags_mean() {
    let mut profile = profile();
    let usual = StatusMeaning { status: Status::Final, trust: Trust::Plain };
    profile.statuses.insert("W".into(), usual);
    profile.statuses.insert("".into(), usual);
    profile.unknown_status = Unknown::Show;
    profile.unknown_flag = Unknown::Show;
    profile.flags.insert("R".into(), FlagMeaning { meaning: "review".into(), trust: Trust::InDoubt });
    let reading = reading(profile);
    for (result, reasons, problems) in [
        ("R|1|^^^K|4.1|||||W", vec![], vec![]),
        ("R|1|^^^K|4.1", vec![], vec![]),
        ("R|1|^^^K|4.1|||||Z", vec![], vec!["unknown-status"]),
        ("R|1|^^^K|4.1|||qq||F", vec![], vec![]),
        ("R|1|^^^K|4.1|||N\\R||F", vec![HoldReason::StatusInDoubt], vec![]),
    ] {
        let outcome = read_by(&reading, format!("H|\\^&\nP|1\nO|1|S1\n{result}\nL|1").as_bytes());
        assert_eq!(holds(only(&outcome)), reasons, "{result}");
        assert_eq!(kinds(&outcome), problems, "{result}");
        assert_eq!(only(&outcome).status, Status::Final, "{result}");
    }
}

#[test]
fn twenty_good_results_and_one_unknown_test_are_twenty_observations_and_one_problem() {
    let results: String = (1..=20).map(|n| format!("R|{n}|^^^K|{n}|||||F\n")).collect();
    let outcome = one(&format!("{results}R|21|^^^XYZ|1|||||F"));
    assert_eq!(outcome.observations.len(), 20);
    assert_eq!(kinds(&outcome), ["unknown-code"]);
    let problem = &outcome.problems[0];
    assert!(problem.replaces_result && problem.text.reveal().contains("XYZ"));
    assert_eq!(problem.record, Some(23));
    assert_eq!(problem.specimen.as_ref().unwrap().reveal(), "S1");
}

#[test]
fn a_site_may_add_codes_names_and_units() {
    let mapping = CodeMapping {
        lims_code: Some("XYZ-L".into()),
        loinc: Some("1-8".into()),
        unit: Some("g/L".into()),
        ..CodeMapping::default()
    };
    let mut reading = reading(profile());
    Arc::make_mut(&mut reading.codes).insert("XYZ".into(), mapping);
    let read = |result: &str| read_by(&reading, format!("H|\\^&\nP|1\nO|1|S1\n{result}\nL|1").as_bytes());
    let outcome = read("R|1|^^^XYZ|7|||||F");
    let observation = only(&outcome);
    assert_eq!(observation.lims_code.as_deref(), Some("XYZ-L"));
    assert_eq!((observation.loinc.as_deref(), observation.unit.as_deref()), (Some("1-8"), Some("g/L")));
    assert_eq!(only(&read("R|1|^^^XYZ|7|mg/dL||||F")).unit.as_deref(), Some("mg/dL"));
    let odd = read("R|1|^^^XYZ|positive|||||F");
    assert_eq!(holds(only(&odd)), [HoldReason::OddValue], "what kind of value it gives isn't known");
}

#[test]
fn a_value_spread_over_components_is_put_together_by_the_profile() {
    let mut profile = profile();
    astm(&mut profile).places.value = Location::parse("R.4.1").unwrap();
    astm(&mut profile).places.flags = ["R.8", "R.4.2"].into_iter().filter_map(Location::parse).collect();
    astm(&mut profile).places.range = Location::parse("R.7").unwrap();
    astm(&mut profile).places.status = Location::parse("R.10").unwrap();
    astm(&mut profile).places.loinc = Location::parse("R.3.5");
    let reading = reading(profile);
    let read = |result: &str| read_by(&reading, format!("H|\\!~\nP|1\nO|1|S1\n{result}\nL|1").as_bytes());
    let outcome = read("R|1|!!!HGB!718-7|146!  H |g/L||109 to 143|A||F");
    let observation = only(&outcome);
    assert_eq!((shown(&observation.value).as_str(), observation.value_as_sent.as_str()), ("146", "146!  H "));
    assert_eq!((observation.flags.join(","), observation.loinc.as_deref()), ("A,H".into(), Some("718-7")));
    assert_eq!(observation.reference_range.as_deref(), Some("109 to 143"));
    assert_eq!(observation.standing, Standing::Clear);
    let more = read("R|1|!!!HGB|146!  H !new|g/L|||||F");
    assert_eq!((shown(&only(&more).value).as_str(), kinds(&more)), ("text 146!  H !new", vec!["odd-value"]));
}

#[test]
fn parts_of_a_code_are_told_apart_and_unknown_ones_are_not_guessed() {
    let mut profile = profile();
    astm(&mut profile).places.code = Location::parse("R.3.4+2").unwrap();
    astm(&mut profile).places.dilution = Location::parse("R.3.4+3");
    let at = Location::parse("R.3.4+1").unwrap();
    astm(&mut profile).pins.push(Pin { at, is: "1.0000".into(), meaning: "the first factor".into() });
    let reading = reading(profile);
    let read = |result: &str| read_by(&reading, format!("H|\\^&\nP|1\nO|1|S1\n{result}\nL|1").as_bytes());
    let outcome = read("R|1|^^^1.0000+K+2.0|4.1|||||F");
    let test = &only(&outcome).test;
    assert_eq!((test.code.as_str(), test.dilution.as_str()), ("K", "2.0"));
    let unpinned = read("R|1|^^^5.0000+K+2.0|4.1|||||F");
    assert_eq!(holds(only(&unpinned)), [HoldReason::OddValue]);
    assert_eq!(shown(&only(&unpinned).value), "text 4.1");
}

#[test]
fn replicates_are_counted_within_their_order() {
    let numbers = |outcome: &Outcome| outcome.observations.iter().map(|o| o.replicate).collect::<Vec<_>>();
    let outcome = read(
        "H|\\^&\nP|1\nO|1|S1\nR|1|^^^K|1|||||F\nR|2|^^^K|1|||||F\nR|3|^^^HGB|1|||||F\nR|4|^^^K|2|||||F\n\
         R|5|^^^SER^^F|1|||||F\nR|6|^^^SER^^I|Reactive|||||F\nO|2|S2\nR|1|^^^K|1|||||F\nL|1",
    );
    assert_eq!(numbers(&outcome), [1, 2, 1, 3, 1, 1, 1]);

    let mut counting = profile();
    astm(&mut counting).places.replicate = Location::parse("R.3.7");
    let outcome = read_by(
        &reading(counting),
        b"H|\\^&\nP|1\nO|1|S1\nR|1|^^^K^^^2|1|||||F\nR|2|^^^K^^^2|1|||||F\nR|3|^^^K^^^x|1|||||F\nL|1",
    );
    assert_eq!(numbers(&outcome), [2, 1, 3], "a count that is taken or unreadable is replaced by a free one");
}

#[test]
fn controls_are_told_from_patients_by_the_profiles_signs() {
    let mut profile = profile();
    let at = Location::parse("O.3.1").unwrap();
    astm(&mut profile).classes.push(ClassRule {
        at,
        is: Pattern::new("CAL*"),
        class: Some(SampleClass::Calibration),
    });
    let reading = reading(profile);
    for (order, class) in [
        ("O|1|S1|||||||||N", SampleClass::Patient),
        ("O|1|S1|||||||||Q", SampleClass::Control),
        ("O|1|CAL1", SampleClass::Calibration),
        ("O|1|QC1", SampleClass::Patient),
    ] {
        let bytes = format!("H|\\^&\nP|1\n{order}\nR|1|^^^K|4.1|||||F\nL|1");
        assert_eq!(only(&read_by(&reading, bytes.as_bytes())).class, class, "{order}");
    }
}

#[test]
fn records_out_of_place_are_reported_and_read_all_the_same() {
    let blank = HoldReason::BlankSpecimen;
    for (records, count, problems, reasons) in [
        ("H|\\^&\nP|1\nR|1|^^^K|4.1|||||F\nL|1", 1, vec!["out-of-place"], vec![blank]),
        ("H|\\^&\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1", 1, vec!["out-of-place"], vec![]),
        ("H|\\^&\nR|1|^^^K|4.1|||||F\nL|1", 1, vec!["out-of-place"], vec![blank]),
        ("H|\\^&\nP|1\nO|1\nR|1|^^^K|4.1|||||F\nL|1", 1, vec![], vec![blank]),
        ("H|\\^&\nC|1|I|x\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1", 1, vec!["out-of-place"], vec![]),
        ("H|\\^&\nM|1|x\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1", 1, vec!["out-of-place"], vec![]),
        ("H|\\^&\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1\nP|1", 1, vec!["out-of-place"], vec![]),
        ("H|\\^&\nP|1\nO|1|S1\nZ|1\nR|1|^^^K|4.1|||||F\nL|1", 1, vec!["unknown-record"], vec![]),
        ("H|\\^&\nP|1\nO|1|S1\nL|1", 0, vec!["no-result"], vec![]),
        ("H|\\^&\nL|1", 0, vec!["no-result"], vec![]),
        ("", 0, vec!["no-result"], vec![]),
    ] {
        let outcome = read(records);
        assert_eq!(outcome.observations.len(), count, "{records:?}");
        assert_eq!(kinds(&outcome), problems, "{records:?}");
        for observation in &outcome.observations {
            assert_eq!(holds(observation), reasons, "{records:?}");
        }
    }
}

#[test]
fn a_message_that_broke_off_is_held_with_what_could_be_read() {
    for (end, expected) in [("", true), ("L|1|T", true), ("L|1|E", true), ("L|1", false), ("L|1|N", false)] {
        let outcome = read(&format!("H|\\^&\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\n{end}"));
        let reasons = if expected { vec![HoldReason::Incomplete] } else { vec![] };
        assert_eq!(holds(only(&outcome)), reasons, "{end:?}");
        assert_eq!(kinds(&outcome).contains(&"incomplete-transmission"), expected, "{end:?}");
    }
    let mut endless = profile();
    astm(&mut endless).link.end_mark = labwire_astm::transfer::EndMark::EndOfTransfer;
    let outcome = read_by(&reading(endless), b"H|\\^&\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\n");
    assert_eq!(holds(only(&outcome)), []);
}

#[test]
fn several_messages_in_one_run_keep_apart() {
    let outcome = read(
        "H|\\^&\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1\nH|@^\\\nP|1\nO|1|S2\nR|1|^^^K|4.2|||L@A||F\n\
         H|\\^&\nP|1\nO|1|S3\nR|1|^^^K|4.3|||||F\nL|1",
    );
    let seen: Vec<_> = outcome.observations.iter().map(|o| (o.specimen.reveal(), holds(o).len())).collect();
    assert_eq!(seen, [("S1", 0), ("S2", 1), ("S3", 0)]);
    assert_eq!(outcome.observations[1].flags, ["L", "A"]);
}

#[test]
fn a_header_without_delimiters_makes_problems_not_guesses() {
    let outcome =
        read("H|\\^\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1\nH|\\^&\nP|1\nO|1|S2\nR|1|^^^K|4.1|||||F\nL|1");
    assert_eq!(only(&outcome).specimen.reveal(), "S2");
    assert_eq!(kinds(&outcome), ["unreadable", "unreadable"]);
    assert_eq!(outcome.problems.iter().filter(|problem| problem.replaces_result).count(), 1);
}

#[test]
fn what_the_analyzer_marks_as_training_or_test_is_not_production() {
    for (mark, expected) in [("P", false), ("", false), ("T", true), ("D", true), ("Q", true), ("x", true)] {
        let outcome = read(&format!("H|\\^&||||||||||{mark}\nP|1\nO|1|S1\nR|1|^^^K|4.1|||||F\nL|1"));
        assert_eq!(outcome.not_production, expected, "{mark:?}");
        assert_eq!(kinds(&outcome).contains(&"not-production"), expected, "{mark:?}");
        only(&outcome);
    }
}

#[test]
fn manufacturers_data_travels_with_its_result_or_once_with_its_order() {
    let outcome = read(
        "H|\\^&\nP|1\nO|1|S1\nM|1|HISTOGRAM|RBC|aGlzdG8=\nR|1|^^^K|4.1|||||F\nR|2|^^^HGB|140|||||F\n\
         M|1|X|lot^7\nS|1|a\nL|1",
    );
    let attached: Vec<Vec<_>> = outcome
        .observations
        .iter()
        .map(|o| o.attachments.iter().map(|a| (a.kind.as_str(), a.content.reveal().as_str())).collect())
        .collect();
    assert_eq!(
        attached,
        [vec![("M HISTOGRAM", "M|1|HISTOGRAM|RBC|aGlzdG8=")], vec![("M X", "M|1|X|lot^7"), ("S a", "S|1|a")]]
    );
}

#[test]
fn undecodable_bytes_cost_no_result() {
    let message =
        b"H|\\^&\nP|1||||M\xfcller\nO|1|S1\nR|1|^^^K|4.1|\xb5mol/L||||F\nR|2|^^^HGB|140|g/L||||F\nL|1";
    let outcome = read_by(&reading(profile()), message);
    assert_eq!(outcome.observations.len(), 2);
    assert_eq!(kinds(&outcome), ["undecodable-text", "undecodable-text"]);
    assert_eq!(outcome.observations[0].unit.as_deref(), Some("\u{fffd}mol/L"));
    let latin = Reading { character_set: Some(encoding_rs::WINDOWS_1252), ..reading(profile()) };
    let outcome = read_by(&latin, message);
    assert_eq!(outcome.observations[0].unit.as_deref(), Some("µmol/L"));
    assert!(outcome.problems.is_empty());
}

#[test]
fn one_wrong_clock_is_one_problem_and_the_text_is_kept() {
    let outcome = one(
        "R|1|^^^K|4.1|||||F||||20261025023000\nR|2|^^^HGB|140|||||F||||20261025023000\nR|3|^^^SER^^F|1|||||F||||x",
    );
    assert_eq!(kinds(&outcome), ["odd-time", "odd-time"]);
    for observation in &outcome.observations {
        let completed = observation.completed.as_ref().unwrap();
        assert!(completed.instant.is_none() && !completed.text.is_empty());
        assert_eq!(observation.standing, Standing::Clear);
    }
}

#[test]
fn a_number_as_long_as_the_analyzer_can_send_is_held() {
    let rules = SpecimenRules { truncated_at: Some(10), trim: true, ..SpecimenRules::default() };
    let reading = Reading { specimen: rules, ..reading(profile()) };
    let read =
        |id: &str| read_by(&reading, format!("H|\\^&\nP|1\nO|1|{id}\nR|1|^^^K|4.1|||||F\nL|1").as_bytes());
    assert_eq!(holds(only(&read("1234567890"))), [HoldReason::TruncatedSpecimen]);
    assert_eq!(holds(only(&read("123456789"))), []);
}

#[test]
fn a_query_names_its_specimens_or_all_or_withdraws() {
    for (query, specimens, cancels) in [
        ("Q|1|^S1||ALL||||||||O", vec!["S1"], false),
        ("Q|1|^ S1 ^0024^A|^S1^0024^A|ALL||||||||O", vec!["S1"], false),
        ("Q|1|^S1\\S2\\S3|||S|||||||O", vec!["S1", "S2", "S3"], false),
        ("Q|1|ALL||||||||||O", vec![], false),
        ("Q|1|^ALL||||||||||O", vec![], false),
        ("Q|1|||ALL||||||||O", vec![], false),
        ("Q|1|^S1||ALL||||||||A", vec!["S1"], true),
    ] {
        let outcome = read(&format!("H|\\^&\n{query}\nL|1|N"));
        assert!(outcome.problems.is_empty() && outcome.observations.is_empty(), "{query}");
        let read = &outcome.queries[0];
        let ids: Vec<_> = read.specimens.iter().map(|id| id.reveal()).collect();
        assert_eq!((ids, read.cancels, read.record), (specimens, cancels, 1), "{query}");
    }
}

#[test]
fn a_flag_where_the_profile_looks_for_none_waits_for_a_person() {
    let mut profile = profile();
    astm(&mut profile).places.flags = vec![Location::parse("R.7.2").unwrap()];
    for (flags, held) in [("^H", false), ("", false), ("ZZ^H", true), ("ZZ", true), ("^H\\^^Q", true)] {
        let records = format!("H|\\^&\rP|1\rO|1|S1\rR|1|^^^K|4.1|||{flags}||F\rL|1|N\r");
        let outcome = read_by(&reading(profile.clone()), records.as_bytes());
        assert_eq!(outcome.observations[0].standing != Standing::Clear, held, "{flags:?}");
    }
}

#[test]
fn a_gap_in_the_numbers_of_patients_and_orders_is_told_and_what_came_is_kept() {
    let told = |records: &[&str]| {
        let mut text = "H|\\^&\n".to_owned();
        for record in records {
            text.push_str(&format!("{record}|S{}\n", text.len()));
            if record.starts_with('O') {
                text.push_str("R|1|^^^K|4.1|||||F\n");
            }
        }
        let outcome = read(&format!("{text}L|1"));
        let problems: Vec<String> = outcome.problems.iter().map(|it| it.text.reveal().clone()).collect();
        (outcome.observations.len(), problems.join("; "))
    };
    let gap = |what, number, after| format!("{what} number {number} follows {after}: {}", missing(what));
    for (records, expected) in [
        (&["P|1", "O|1", "O|2", "P|2", "O|1"][..], String::new()),
        (&["P|1", "O|1", "O|2", "P|2", "O|3"], String::new()),
        (&["P|1", "O|1", "O|1", "P|1", "O|1"], String::new()),
        (&["P|", "O|", "O|x"], String::new()),
        (&["P|1", "O|1", "O|3"], gap("order", 3, "number 1")),
        (&["P|1", "O|2"], gap("order", 2, "none")),
        (&["P|1", "O|1", "P|3", "O|1"], gap("patient", 3, "number 1")),
        (&["P|2", "O|1"], gap("patient", 2, "none")),
        (&["P|1", "O|1", "O|2", "P|2", "O|4"], gap("order", 4, "number 2")),
    ] {
        let orders = records.iter().filter(|record| record.starts_with('O')).count();
        assert_eq!(told(records), (orders, expected), "{records:?}");
    }
}

fn missing(what: &str) -> String {
    let article = if what == "order" { "an" } else { "a" };
    format!("{article} {what} between them seems to be missing")
}

#[test]
fn a_gap_in_the_numbers_of_results_is_told_and_what_came_is_kept() {
    let told = |orders: &[&[&str]]| {
        let mut text = "H|\\^&\nP|1\n".to_owned();
        for (order, numbers) in orders.iter().enumerate() {
            text.push_str(&format!("O|{}|S{order}\n", order + 1));
            numbers.iter().for_each(|number| text.push_str(&format!("R|{number}|^^^K|4.1|||||F\n")));
        }
        let outcome = read(&format!("{text}L|1"));
        let problems: Vec<String> = outcome.problems.iter().map(|it| it.text.reveal().clone()).collect();
        (outcome.observations.len(), problems.join("; "))
    };
    let gap = |number, after| {
        format!("result number {number} follows {after}: a result between them seems to be missing")
    };
    for (orders, expected) in [
        (&[&["1", "2"][..], &["1", "2"]][..], String::new()),
        (&[&["1", "2"], &["3", "4"]], String::new()),
        (&[&["1", "1"], &["1", "1"]], String::new()),
        (&[&["0", "1"], &["", "x"]], String::new()),
        (&[&["1", "3"], &["1", "2"]], gap(3, "number 1")),
        (&[&["2", "3"], &["1", "2"]], gap(2, "none")),
        (&[&["1", "2"], &["2", "3"]], gap(2, "number 2")),
    ] {
        let count = orders.iter().map(|numbers| numbers.len()).sum::<usize>();
        assert_eq!(told(orders), (count, expected), "{orders:?}");
    }
}
