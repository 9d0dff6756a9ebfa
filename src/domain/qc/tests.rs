//! Each control rule at its limit, just inside and just outside, in both of its readings, and in sequences.

use jiff::civil::date;
use labwire_units::Exact;
use proptest::prelude::*;

use super::*;
use crate::domain::profile::Pattern;
use crate::domain::{InstrumentId, TestIdentity};

/// All rules, each of which rejects.
fn all() -> Multirule {
    Multirule { rules: Rule::ALL.map(|rule| (rule, Severity::Reject)).into(), ..Multirule::default() }
}

fn beyond() -> Multirule {
    Multirule { at_limit: AtLimit::Beyond, ..all() }
}

fn by_difference() -> Multirule {
    Multirule { range: RangeOf::Difference, ..all() }
}

fn each_level_alone() -> Multirule {
    Multirule { across: Across::Nothing, ..all() }
}

/// Runs, the oldest first: `1:2.1 2:-0.3 | 1B:0.4` is a run of two levels, and one of one level of lot B; others are of lot A.
fn points(runs: &str) -> Vec<Point> {
    let run = |(number, run): (i64, &str)| -> Vec<Point> {
        let point = |text: &str| {
            let (material, z) = text.split_once(':').unwrap();
            let (level, lot) = match material.strip_suffix('B') {
                Some(level) => (level, "B"),
                None => (material, "A"),
            };
            Point { run: number, lot: lot.into(), level: level.into(), z: Exact::parse(z).unwrap() }
        };
        run.split_whitespace().map(point).collect()
    };
    (1..).zip(runs.split('|')).flat_map(run).collect()
}

/// What the last run breaks: `1-3s` within a level, `1-3s*` across levels.
fn broken(runs: &str, by: &Multirule) -> String {
    let last = i64::try_from(runs.split('|').count()).unwrap();
    shown(&violations(&points(runs), last, by, Program::NOW))
}

fn shown(violations: &[Violation]) -> String {
    let mut names: Vec<String> = violations
        .iter()
        .map(|it| match &it.scope {
            Scope::Level { level, .. } => format!("{}@{level}", it.rule.name()),
            Scope::AcrossLevels => format!("{}*", it.rule.name()),
        })
        .collect();
    names.sort();
    names.join(" ")
}

/// The same value of level 1 in so many runs.
fn again(z: &str, times: usize) -> String {
    vec![format!("1:{z}"); times].join(" | ")
}

fn check(cases: &[(&str, &Multirule, &str)]) {
    for (runs, by, expected) in cases {
        assert_eq!(broken(runs, by), *expected, "{runs} at the limit {:?}", by.at_limit);
    }
}

#[test]
fn one_result_beyond_two_or_three() {
    let (within, beyond) = (all(), beyond());
    check(&[
        ("1:1.99", &beyond, ""),
        ("1:2", &within, ""),
        ("1:2.00", &beyond, "1-2s@1"),
        ("1:2.000000000000000000000000000001", &within, "1-2s@1"),
        ("1:-2", &within, ""),
        ("1:-2", &beyond, "1-2s@1"),
        ("1:-2.01", &within, "1-2s@1"),
        ("1:2.99", &within, "1-2s@1"),
        ("1:3", &within, "1-2s@1"),
        ("1:3.00", &beyond, "1-2s@1 1-3s@1"),
        ("1:3.01", &within, "1-2s@1 1-3s@1"),
        ("1:-3.01", &within, "1-2s@1 1-3s@1"),
        ("1:3.5 | 1:0.1", &within, ""),
        ("1:0.1 2:3.01", &within, "1-2s@2 1-3s@2"),
    ]);
}

#[test]
fn two_in_a_row_beyond_two_on_one_side() {
    let (within, beyond, alone) = (all(), beyond(), each_level_alone());
    check(&[
        ("1:2.01 | 1:2.01", &within, "1-2s@1 2-2s@1"),
        ("1:2.01 | 1:2", &within, ""),
        ("1:2 | 1:2", &beyond, "1-2s@1 2-2s@1"),
        ("1:1.99 | 1:2.01", &within, "1-2s@1"),
        ("1:2.01 | 1:-2.01", &within, "1-2s@1"),
        ("1:-2.5 | 1:-2.01", &within, "1-2s@1 2-2s@1"),
        ("1:2.5 | 1:0 | 1:2.5", &within, "1-2s@1"),
        // Two levels of one run.
        ("1:2.01 2:2.3", &within, "1-2s@1 1-2s@2 2-2s*"),
        ("1:2.01 2:2.3", &alone, "1-2s@1 1-2s@2"),
        ("1:2.01 2:2", &within, "1-2s@1"),
        ("1:2.01 2:0 3:2.01", &within, "1-2s@1 1-2s@3 2-2s*"),
        // Levels of different runs aren't in a row.
        ("1:0 2:2.5 | 1:2.5", &within, "1-2s@1"),
        ("1:2.5 2:0 | 2:2.5", &within, "1-2s@2"),
        ("1:2.5 2:0 | 1:2.5 2:0", &within, "1-2s@1 2-2s@1"),
    ]);
}

#[test]
fn a_range_of_four_within_one_run_alone() {
    let (sides, difference, alone) = (all(), by_difference(), each_level_alone());
    let (sides_at, difference_at) = (beyond(), Multirule { at_limit: AtLimit::Beyond, ..by_difference() });
    check(&[
        ("1:2.01 2:-2.01", &sides, "1-2s@1 1-2s@2 R-4s*"),
        ("1:2.01 2:-2.01", &difference, "1-2s@1 1-2s@2 R-4s*"),
        ("1:2.01 2:-2.01", &alone, "1-2s@1 1-2s@2"),
        ("1:2.01 2:-2", &sides, "1-2s@1"),
        ("1:2.01 2:-2", &difference, "1-2s@1 R-4s*"),
        ("1:2 2:-2", &sides, ""),
        ("1:2 2:-2", &sides_at, "1-2s@1 1-2s@2 R-4s*"),
        ("1:2 2:-2", &difference, ""),
        ("1:2 2:-2", &difference_at, "1-2s@1 1-2s@2 R-4s*"),
        // The readings differ: 4.4 apart, but one of them within two.
        ("1:2.8 2:-1.6", &sides, "1-2s@1"),
        ("1:2.8 2:-1.6", &difference, "1-2s@1 R-4s*"),
        ("1:2.4 2:-1.6", &difference, "1-2s@1"),
        ("1:2.4 2:-1.6", &difference_at, "1-2s@1 R-4s*"),
        // Never between runs.
        ("1:2.5 | 1:-2.5", &sides, "1-2s@1"),
        ("1:2.5 | 1:-2.5", &difference, "1-2s@1"),
        ("1:2.5 2:0 | 1:0 2:-2.5", &difference, "1-2s@2"),
        // Replicates of one level.
        ("1:2.5 1:-2.5", &alone, "1-2s@1 R-4s@1"),
    ]);
}

#[test]
fn four_in_a_row_beyond_one_on_one_side() {
    let (within, beyond, alone) = (all(), beyond(), each_level_alone());
    check(&[
        (&again("1.01", 4), &within, "4-1s@1"),
        (&again("1.01", 3), &within, ""),
        (&again("1", 4), &within, ""),
        (&again("1.00", 4), &beyond, "4-1s@1"),
        (&again("-1.01", 4), &within, "4-1s@1"),
        ("1:1.1 | 1:-1.1 | 1:1.1 | 1:1.1", &within, ""),
        ("1:0.9 | 1:1.1 | 1:1.1 | 1:1.1 | 1:1.1", &within, "4-1s@1"),
        ("1:1.1 | 1:1.1 | 1:1.1 | 1:1.1 | 1:0.9", &within, ""),
        // Two runs of two levels.
        ("1:1.1 2:1.2 | 1:1.3 2:1.1", &within, "4-1s*"),
        ("1:1.1 2:1.2 | 1:1.3 2:1.1", &alone, ""),
        ("1:1.1 2:0.9 | 1:1.3 2:1.1", &within, ""),
        ("1:1.1 2:1.2 | 1:1.3 2:0.2", &within, ""),
        // Three levels: of the older run, one is wanting.
        ("1:0 2:0 3:1.2 | 1:1.3 2:1.1 3:1.1", &within, "4-1s*"),
        ("1:0 2:0 3:0.9 | 1:1.3 2:1.1 3:1.1", &within, ""),
    ]);
}

#[test]
fn eight_and_ten_in_a_row_on_one_side_of_the_mean() {
    let (within, beyond, alone) = (all(), beyond(), each_level_alone());
    let of_two = |run: &str, times: usize| vec![run; times].join(" | ");
    let (seven, nine) = (again("0.1", 7), again("0.1", 9));
    let on_the_mean = format!("{} | 1:0 | {}", again("0.1", 5), again("0.1", 5));
    check(&[
        (&seven, &within, ""),
        (&again("0.1", 8), &within, "8x@1"),
        (&nine, &within, "8x@1"),
        (&again("-0.000001", 10), &within, "10x@1 8x@1"),
        (&format!("{nine} | 1:-0.1"), &within, ""),
        (&format!("{nine} | 1:0"), &within, ""),
        (&again("0", 10), &within, ""),
        (&again("0", 10), &beyond, ""),
        (&on_the_mean, &beyond, ""),
        (&of_two("1:0.1 2:0.2", 4), &within, "8x*"),
        (&of_two("1:0.1 2:0.2", 5), &within, "10x* 8x*"),
        (&of_two("1:0.1 2:0.2", 5), &alone, ""),
        (&of_two("1:0.1 2:-0.2", 7), &within, ""),
    ]);
}

#[test]
fn seven_runs_each_higher_or_each_lower() {
    let within = all();
    check(&[
        ("1:-0.3 | 1:-0.2 | 1:-0.1 | 1:0.0 | 1:0.1 | 1:0.2 | 1:0.3", &within, "7T@1"),
        ("1:0.3 | 1:0.2 | 1:0.1 | 1:0.0 | 1:-0.1 | 1:-0.2 | 1:-0.3", &within, "7T@1"),
        ("1:-0.2 | 1:-0.1 | 1:0.0 | 1:0.1 | 1:0.2 | 1:0.3", &within, ""),
        ("1:-0.3 | 1:-0.2 | 1:-0.1 | 1:-0.1 | 1:0.1 | 1:0.2 | 1:0.3", &within, ""),
        ("1:-0.3 | 1:-0.2 | 1:-0.1 | 1:0.2 | 1:0.1 | 1:0.3 | 1:0.4", &within, ""),
        // Runs of another level between them make no difference.
        ("1:-0.3 | 1:-0.2 | 2:0 | 1:-0.1 | 1:0.0 | 1:0.1 | 2:0 | 1:0.2 | 1:0.3", &within, "7T@1"),
    ]);
}

#[test]
fn a_new_lot_of_a_level_begins_anew_and_the_other_levels_go_on() {
    let (all, alone) = (all(), each_level_alone());
    let b = |run: &str, times: usize| vec![run; times].join(" | ");
    // One level: what the old lot did says nothing of the new one.
    check(&[
        (&format!("{} | 1B:0.1", again("0.1", 7)), &all, ""),
        (&format!("{} | {}", again("0.1", 7), b("1B:0.1", 7)), &all, ""),
        (&format!("{} | {}", again("0.1", 7), b("1B:0.1", 8)), &all, "8x@1"),
        (&format!("{} | 1B:1.2", again("1.2", 3)), &all, ""),
        ("1:2.1 | 1B:2.1", &all, "1-2s@1"),
    ]);
    // Two levels, of which one gets a new lot: of that, the new one alone counts beside the other.
    let old = b("1:1.2 2:1.2", 3);
    check(&[
        ("1:1.2 2:0.2 | 1:1.2 2:1.2 | 1B:1.2 2:1.2", &all, ""),
        ("1:1.2 2:1.2 | 1:0.2 2:1.2 | 1B:1.2 2:1.2", &all, "4-1s*"),
        (&format!("{old} | 1B:1.2 2:0.2"), &all, ""),
        (&format!("{old} | 1B:1.2 2:0.2"), &alone, ""),
    ]);
    // A level that isn't in the run at hand is in use by the lot of its last run.
    assert_eq!(broken("1B:0.1 | 2:1.2 1:1.2 | 2:1.2 1:1.2", &all), "4-1s*");
    assert_eq!(broken("2:1.2 1:1.2 | 2:1.2 | 2B:1.2", &all), "");
    // Two lots in one run are in use together.
    assert_eq!(broken("1:2.1 1B:2.1", &all), "1-2s@1 1-2s@1 2-2s*");
}

#[test]
fn one_level_alone_breaks_nothing_across_levels() {
    let all = all();
    check(&[
        ("1:0 2:0 | 1:1.1 | 1:1.1 | 1:1.1 | 1:1.1", &all, "4-1s@1"),
        ("1:2.5 1:2.5", &all, "1-2s@1 2-2s@1"),
        // Which of three replicates came first isn't said.
        ("1:2.5 1:0 1:2.5", &all, "1-2s@1 2-2s@1"),
        ("1:2.5 1:-2.5 2:0", &all, "1-2s@1 R-4s@1"),
        ("1:2.5 1:-2.5 2:-2.5", &all, "1-2s@1 1-2s@2 2-2s* R-4s* R-4s@1"),
    ]);
}

#[test]
fn an_earlier_program_decides_as_it_did() {
    let by = all();
    let then = |runs: &str, last| shown(&violations(&points(runs), last, &by, Program::First));
    assert_eq!(then(&format!("{} | 1B:0.1", again("0.1", 7)), 8), "8x*");
    assert_eq!(then(&again("1.01", 4), 4), "4-1s* 4-1s@1");
    assert_eq!(then("1:2.5 1:-2.5 2:0", 1), "1-2s@1 R-4s* R-4s@1");
    assert_eq!(then("1:2.5 1:0 1:2.5", 1), "1-2s@1 2-2s*");
    for program in [Program::First, Program::Second] {
        assert_eq!(Program::from_name(program.name()), Some(program));
    }
}

#[test]
fn what_rejects_is_named_once_and_what_warns_apart() {
    let found = violations(&points("1:2.1 2:2.2"), 1, &Multirule::default(), Program::NOW);
    assert_eq!(found.len(), 3);
    assert_eq!(
        (names(&found, Severity::Reject), names(&found, Severity::Warn)),
        (vec!["2-2s"], vec!["1-2s"])
    );
}

#[test]
fn a_rule_that_is_not_used_breaks_nothing_and_one_that_warns_rejects_nothing() {
    let by = Multirule::default();
    assert_eq!(broken(&again("0.1", 8), &by), "");
    for (runs, expected) in [
        ("1:1.9", Outcome::Accepted),
        ("1:2.1", Outcome::Warning),
        ("1:3.1", Outcome::Rejected),
        ("1:2.1 2:-2.1", Outcome::Rejected),
    ] {
        let found = violations(&points(runs), 1, &by, Program::NOW);
        assert_eq!(conclude(&found, 1, 0, 1, &by), expected, "{runs}");
    }
}

#[test]
fn what_was_not_judged_never_passes() {
    let two = Multirule { levels: 2, ..Multirule::default() };
    let broken = |severity| vec![Violation { rule: Rule::OneThreeS, severity, scope: Scope::AcrossLevels }];
    let (nothing, warned, rejected) = (Vec::new(), broken(Severity::Warn), broken(Severity::Reject));
    for (violations, judged, unjudged, levels, expected) in [
        (&nothing, 0, 0, 0, Outcome::Void),
        (&nothing, 0, 1, 0, Outcome::NotEvaluated),
        (&nothing, 2, 1, 2, Outcome::NotEvaluated),
        (&warned, 2, 1, 2, Outcome::NotEvaluated),
        (&rejected, 1, 1, 1, Outcome::Rejected),
        (&nothing, 1, 0, 1, Outcome::Incomplete),
        (&warned, 1, 0, 1, Outcome::Incomplete),
        (&rejected, 1, 0, 1, Outcome::Rejected),
        (&nothing, 2, 0, 2, Outcome::Accepted),
        (&warned, 2, 0, 2, Outcome::Warning),
    ] {
        assert_eq!(conclude(violations, judged, unjudged, levels, &two), expected);
    }
    let passing: Vec<Outcome> = Outcome::ALL.into_iter().filter(|it| it.is_acceptable()).collect();
    assert_eq!(passing, [Outcome::Accepted, Outcome::Warning]);
}

#[test]
fn deviations_are_exact() {
    let target = Target { mean: exact("7.4"), sd: exact("0.3"), ..target("mmol/L") };
    assert_eq!(target.deviation(&exact("8.0")).unwrap(), exact("2"));
    assert_eq!(target.deviation(&exact("7.3")).unwrap().to_string(), "-1/3");
}

fn exact(text: &str) -> Exact {
    Exact::parse(text).unwrap()
}

fn target(unit: &str) -> Target {
    Target {
        test: TestIdentity { code: "GLU".into(), ..TestIdentity::default() },
        unit: unit.into(),
        mean: exact("5"),
        sd: exact("0.1"),
        from: date(2026, 1, 1),
        to: date(2026, 6, 30),
        source: "an invented assay sheet".into(),
    }
}

fn lot(number: &str, specimen: &str, target: Target) -> Lot {
    let level = Level {
        level: "1".into(),
        specimens: vec![Pattern::new(specimen)],
        unmarked: Unmarked::IsPatients,
        targets: vec![target],
    };
    Lot { lot: number.into(), material: "Control".into(), instruments: Vec::new(), levels: vec![level] }
}

#[test]
fn a_control_is_of_the_one_lot_that_fits_by_name_day_test_and_unit() {
    let (old, new) =
        (target("mmol/L"), Target { from: date(2026, 7, 1), to: date(2026, 12, 31), ..target("mmol/L") });
    let elsewhere = Lot { instruments: vec![Pattern::new("b*")], ..lot("E", "LOW*", target("mmol/L")) };
    let lots =
        [lot("OLD", "LOW", old), lot("NEW", "LOW", new), elsewhere, lot("X", "TWICE", target("mmol/L"))];
    let twice = [lots.as_slice(), &[lot("Y", "TWICE", target("mmol/L"))]].concat();
    let test = TestIdentity { code: "GLU".into(), dilution: "1".into(), ..TestIdentity::default() };
    let other = TestIdentity { aspect: "RLU".into(), ..test.clone() };
    let find = |name: &str, test: &TestIdentity, unit: &str, day| {
        let instrument = InstrumentId::new("a");
        let control = Control { instrument: &instrument, names: [name, ""], test, unit, day };
        match Identified::of(&twice, &control) {
            Ok(Identified { lot, target: Ok(_), .. }) => lot,
            Ok(Identified { lot, target: Err(why), .. }) => format!("{lot} {}", why.name()),
            Err(why) => why.name().to_owned(),
        }
    };
    let day = date(2026, 6, 30);
    assert_eq!(find("LOW", &test, "mmol/L", day), "OLD");
    assert_eq!(find(" LOW ", &test, "mmol/L", date(2026, 7, 1)), "NEW");
    assert_eq!(find("LOW", &test, "mmol/L", date(2027, 1, 1)), "several-materials");
    assert_eq!(find("LOW", &test, "mg/dL", day), "OLD other-unit");
    assert_eq!(find("LOW2", &test, "mmol/L", day), "unknown-material");
    assert_eq!(find("TWICE", &test, "mmol/L", day), "several-materials");
    let single = [lot("ONE", "ONE", target("mmol/L"))];
    let instrument = InstrumentId::new("a");
    let control = Control { instrument: &instrument, names: ["ONE", ""], test: &other, unit: "mmol/L", day };
    assert_eq!(Identified::of(&single, &control).unwrap().target, Err(WhyNot::NoTarget));
}

#[test]
fn names_are_read_as_they_are_written() {
    for rule in Rule::ALL {
        assert_eq!(Rule::from_name(rule.name()), Some(rule));
    }
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::from_name(outcome.name()), Some(outcome));
    }
    for why in WhyNot::ALL {
        assert_eq!(WhyNot::from_name(why.name()), Some(why));
    }
}

fn any_points() -> impl Strategy<Value = Vec<Point>> {
    let point = (1..6_i64, 0..3_u8, -35..35_i64).prop_map(|(run, level, tenths)| Point {
        run,
        lot: "A".into(),
        level: level.to_string(),
        z: Exact::from(tenths).checked_div(&Exact::from(10)).unwrap(),
    });
    proptest::collection::vec(point, 0..24)
}

proptest! {
    #[test]
    fn the_order_of_results_makes_no_difference(points in any_points(), seed in any::<u64>()) {
        let mut shuffled = points.clone();
        shuffled.sort_by_key(|point| {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let mut hasher = DefaultHasher::new();
            (seed, &point.level, point.run, point.z.to_string()).hash(&mut hasher);
            hasher.finish()
        });
        for by in [all(), beyond(), by_difference(), each_level_alone()] {
            prop_assert_eq!(violations(&points, 5, &by, Program::NOW), violations(&shuffled, 5, &by, Program::NOW));
        }
    }

    #[test]
    fn mirrored_results_break_the_same_rules(points in any_points()) {
        let mirrored: Vec<Point> = points.iter().map(|it| Point { z: -&it.z, ..it.clone() }).collect();
        for by in [all(), beyond(), by_difference()] {
            prop_assert_eq!(violations(&points, 5, &by, Program::NOW), violations(&mirrored, 5, &by, Program::NOW));
        }
    }

    #[test]
    fn a_limit_that_counts_breaks_no_fewer_rules(points in any_points()) {
        let broken = |by: &Multirule| violations(&points, 5, by, Program::NOW);
        let (within, beyond) = (broken(&all()), broken(&beyond()));
        prop_assert!(within.iter().all(|broken| beyond.contains(broken)));
    }
}
