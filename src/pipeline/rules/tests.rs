//! Rules asked about made-up cases: what they must find, what they must leave open, and that no order counts.

use jiff::SignedDuration;
use labwire_units::Exact;
use proptest::prelude::*;

use super::*;
use crate::domain::clinic::{
    Age, Base, Consistency, Criteria, Delta, Identity, Index, Limit, Limits, Measured, Method, Missing, Past,
    Pattern, Person, Relation, Sex, Sign, SpecimenFacts, Term, Together,
};
use crate::domain::{Comparator, Glob, Private};

fn exact(text: &str) -> Exact {
    Exact::parse(text).unwrap()
}

fn amount(text: &str) -> Amount {
    let (comparator, number) = Comparator::split(text);
    Amount::plain(comparator, exact(number))
}

fn measured(analyte: &str, value: &str) -> Measured {
    let analyte = Some(analyte.to_owned());
    Measured { code: analyte.clone().unwrap(), analyte, amount: amount(value), flags: Vec::new() }
}

fn past(analyte: &str, value: &str, hours_before: i64) -> Past {
    let at = noon().checked_sub(SignedDuration::from_hours(hours_before)).ok();
    Past { analyte: analyte.to_owned(), amount: amount(value), at, instrument: "c311".to_owned() }
}

fn noon() -> jiff::Timestamp {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

/// A case of a value of the analyte `x`, about whom nothing is known but that there is a patient ID.
fn case(value: &str) -> Case {
    let number = Private::new("1".to_owned());
    Case {
        measured: measured("x", value),
        specimen: SpecimenFacts { number, kind: None, instrument: "c311".to_owned() },
        person: Person { has_id: true, ..Person::default() },
        on: Some(jiff::civil::date(2026, 7, 1)),
        at: Some(noon()),
        together: Vec::new(),
        history: Vec::new(),
        history_untold: false,
        identity: Identity::Unknown,
        qc: None,
    }
}

fn limit(text: &str) -> Option<Limit> {
    let (operator, at) = Comparator::split(text);
    let operator = operator?;
    Some(Limit { operator, at: exact(at), written: text.to_owned() })
}

fn limits(low: &str, high: &str) -> Limits {
    Limits { low: limit(low), high: limit(high) }
}

fn rule(name: &str, kind: RuleKind) -> Rule {
    Rule {
        name: name.to_owned(),
        analytes: vec!["x".to_owned()],
        criteria: Criteria::default(),
        holds: true,
        preliminary: false,
        source: "a test".to_owned(),
        kind,
        place: "here".to_owned(),
    }
}

fn checks(rules: Vec<Rule>) -> Checks {
    Checks { rules, examples: Vec::new() }
}

fn ruling(case: &Case, rules: Vec<Rule>) -> String {
    let decisions = evaluate(case, &checks(rules));
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    decisions[0].ruling.to_string()
}

fn critical(low: &str, high: &str, criteria: Criteria) -> Rule {
    Rule { criteria, ..rule(&format!("{low} {high}"), RuleKind::Critical(limits(low, high))) }
}

fn aged(from: Option<&str>, below: Option<&str>) -> Criteria {
    let age = |text: Option<&str>| text.map(|text| Age::parse(text).unwrap());
    Criteria { age_from: age(from), age_below: age(below), ..Criteria::default() }
}

#[test]
fn of_a_patient_of_unknown_age_every_band_is_asked_and_never_the_adults_alone() {
    let bands = || {
        vec![
            critical("< 2", "> 8", aged(None, Some("28 d"))),
            critical("< 3", "> 6", aged(Some("28 d"), None)),
        ]
    };
    for (value, expected) in
        [("1", "low"), ("9", "high"), ("5", "clear"), ("7", "undecided"), ("2.5", "undecided")]
    {
        let told = ruling(&case(value), bands());
        assert!(told.starts_with(expected), "{value}: {told}");
    }
    let born = |day: i8| {
        let mut known = case("7");
        known.person.birth = Some(jiff::civil::date(2026, 6, day));
        known
    };
    assert_eq!(ruling(&born(4), bands()), "clear", "27 days old");
    assert_eq!(ruling(&born(3), bands()), "high", "28 days old");
    let mut unborn = case("7");
    unborn.person.birth = Some(jiff::civil::date(2026, 7, 2));
    assert!(ruling(&unborn, bands()).starts_with("undecided"), "one of both days is wrong");
}

#[test]
fn where_only_some_patients_have_limits_an_unknown_one_is_not_called_clear() {
    let women = || {
        let criteria = Criteria { sex: Some(Sex::Female), ..Criteria::default() };
        vec![critical("< 3", "> 6", criteria)]
    };
    assert!(ruling(&case("5"), women()).starts_with("not evaluated"));
    assert!(ruling(&case("7"), women()).starts_with("undecided"));
    let mut man = case("7");
    man.person.sex = Some(Sex::Male);
    assert_eq!(ruling(&man, women()), "not evaluated: no rule is for such a patient and specimen");
}

#[test]
fn a_ward_or_kind_of_specimen_that_is_not_known_leaves_open_what_depends_on_it() {
    let bands = || {
        let criteria = Criteria { wards: vec![Glob::new("ICU*")], ..Criteria::default() };
        vec![critical("< 2", "> 8", criteria), critical("< 3", "> 6", Criteria::default())]
    };
    assert!(ruling(&case("7"), bands()).starts_with("undecided"));
    for (ward, expected) in [("icu-2", "clear"), ("SURGERY", "high")] {
        let mut known = case("7");
        known.person.ward = Some(ward.to_owned());
        assert_eq!(ruling(&known, bands()), expected, "{ward}");
    }
}

#[test]
fn what_is_undecided_about_a_critical_value_waits_even_where_criticals_do_not() {
    let quiet = || checks(vec![Rule { holds: false, ..critical("< 2.8", "> 6", Criteria::default()) }]);
    let holds = |value: &str| evaluate(&case(value), &quiet())[0].holds;
    assert!(!holds("1.5") && !holds("<1.5") && !holds("4"));
    assert!(holds("<5.0"));
}

#[test]
fn the_exact_value_decides_and_a_result_waits_where_the_rounded_one_would_not_agree() {
    let rule = || checks(vec![Rule { holds: false, ..critical("< 3", ">= 3.244", Criteria::default()) }]);
    let of = |value: &str, shown: &str| {
        let mut case = case(value);
        case.measured.amount =
            Amount::Number { comparator: None, exact: exact(value), reported: exact(shown) };
        evaluate(&case, &rule()).remove(0)
    };
    for (value, shown, path, waits) in [
        ("3.2440", "3.24", Path::High, true),
        ("2.996", "3.00", Path::Low, true),
        ("3.004", "3.00", Path::Clear, false),
        ("3.3", "3.30", Path::High, false),
    ] {
        let decision = of(value, shown);
        assert_eq!(decision.ruling, Ruling::Decided(path), "{value}");
        assert_eq!((decision.rounding_decides, decision.holds), (waits, waits), "{value}");
    }
}

#[test]
fn where_only_the_earlier_value_is_rounded_its_rounding_may_decide_too() {
    let rounded = Amount::Number { comparator: None, exact: exact("3.96"), reported: exact("4.0") };
    let mut case = case("5");
    case.history = vec![Past { amount: rounded, ..past("x", "4", 24) }];
    assert!(case.is_rounded());
    let rules = checks(vec![delta(Method::Absolute(limits("> 1", "> 1")))]);
    let [decision] = evaluate(&case, &rules).try_into().unwrap();
    assert_eq!((decision.ruling.to_string().as_str(), decision.rounding_decides), ("rise", true));
    case.history = vec![past("x", "4", 24)];
    let [decision] = evaluate(&case, &rules).try_into().unwrap();
    assert!(!case.is_rounded() && !decision.rounding_decides);
}

#[test]
fn a_value_in_a_wrong_unit_is_never_called_clear() {
    let mut odd = case("5");
    odd.measured.amount = Amount::Unconverted("mg/dL isn't allowed".to_owned());
    assert!(ruling(&odd, vec![critical("< 3", "> 6", Criteria::default())]).starts_with("undecided"));
    odd.measured.amount = Amount::NoNumber;
    assert_eq!(
        ruling(&odd, vec![critical("< 3", "> 6", Criteria::default())]),
        "not evaluated: the value is no number"
    );
}

fn delta(method: Method) -> Rule {
    let window = SignedDuration::from_hours(72);
    rule("delta", RuleKind::Delta(Delta { method, window, across_instruments: false }))
}

fn changed(value: &str, previous: &str, hours: i64, method: Method) -> String {
    let mut case = case(value);
    case.history.push(past("x", previous, hours));
    ruling(&case, vec![delta(method)])
}

#[test]
fn a_change_is_measured_as_the_rule_says() {
    let absolute = || Method::Absolute(limits("> 3", ">= 2"));
    let sided = |low: &str, high: &str| Limits { low: limit(low), high: limit(high) };
    let percent = |base| Method::Percent { limits: sided("> 32.29", "> 38.78"), base };
    let rate = || Method::Rate(sided("> 1", "> 1"));
    for (value, previous, hours, method, expected) in [
        ("6", "4", 1, absolute(), "rise"),
        ("5.9999", "4", 1, absolute(), "clear"),
        ("1", "4", 1, absolute(), "clear"),
        ("0.999", "4", 1, absolute(), "fall"),
        ("138.78", "100", 1, percent(Base::Previous), "clear"),
        ("138.781", "100", 1, percent(Base::Previous), "rise"),
        ("67.71", "100", 1, percent(Base::Previous), "clear"),
        ("67.70", "100", 1, percent(Base::Previous), "fall"),
        ("-67.70", "-100", 1, percent(Base::Previous), "clear"),
        ("150", "100", 1, percent(Base::Mean), "rise"),
        ("145", "100", 1, percent(Base::Mean), "clear"),
        ("4", "2", 48, rate(), "clear"),
        ("4", "2", 47, rate(), "rise"),
        ("2", "4", 47, rate(), "fall"),
        ("4", "4", 47, rate(), "clear"),
    ] {
        let told = changed(value, previous, hours, method.clone());
        assert_eq!(told, expected, "{value} after {previous}, {hours} h, {method:?}");
    }
}

#[test]
fn what_can_not_be_compared_is_not_evaluated_and_says_why() {
    let method = || Method::Percent { limits: limits("> 30", "> 30"), base: Base::Previous };
    let told = |change: fn(&mut Case)| {
        let mut case = case("9");
        case.history.push(past("x", "4", 24));
        change(&mut case);
        ruling(&case, vec![delta(method())])
    };
    assert_eq!(told(|_| {}), "rise");
    type Change = fn(&mut Case);
    let cases: [(&str, Change); 13] = [
        ("no earlier value", |case| case.history.clear()),
        ("no earlier value", |case| case.history = vec![past("y", "4", 24)]),
        ("no earlier value", |case| case.history = vec![past("x", "4", -1)]),
        ("no earlier value", |case| case.history = vec![past("x", "4", 0)]),
        ("older than the rule's window", |case| case.history = vec![past("x", "4", 73)]),
        ("of another instrument", |case| case.history[0].instrument = "x550".to_owned()),
        ("is zero", |case| case.history[0].amount = amount("0")),
        ("has a comparator", |case| case.history[0].amount = amount("<4")),
        ("isn't in the reported unit", |case| case.history[0].amount = Amount::NoNumber),
        ("the value's comparator", |case| case.measured.amount = amount(">9")),
        ("no patient ID", |case| case.person.has_id = false),
        ("time of measurement", |case| case.at = None),
        ("don't agree", |case| case.history.push(past("x", "8.9", 24))),
    ];
    for (why, change) in cases {
        let told = told(change);
        assert!(told.starts_with("not evaluated: ") && told.contains(why), "{why}: {told}");
    }
}

#[test]
fn the_latest_earlier_value_is_compared_wherever_it_stands() {
    let mut case = case("9");
    case.history = vec![past("x", "9", 30), past("x", "4", 20), past("x", "9", 40)];
    assert_eq!(ruling(&case, vec![delta(Method::Absolute(limits("> 3", "> 3")))]), "rise");
}

/// CVi, CVa, the normal RCV, and the log-normal one.
type Published = (&'static str, &'static str, &'static str, Option<(&'static str, &'static str)>);
const PUBLISHED: [Published; 3] = [
    ("8.8", "14.0", "45.8", None),
    ("41.4", "14.0", "121.1", Some(("-68.6", "218.6"))),
    ("2.6", "5.8", "17.6", None),
];

#[test]
fn reference_change_values_come_out_as_published() {
    let z = exact("1.96");
    for (cvi, cva, normal, log) in PUBLISHED {
        let (cvi, cva) = (exact(cvi), exact(cva));
        assert_eq!(rcv(&z, &cva, &cvi).unwrap().rounded(1).as_deref(), Some(normal));
        let Some((fall, rise)) = log else { continue };
        let (down, up) = log_bounds(&z, &cva, &cvi).unwrap();
        assert_eq!((down.rounded(1).unwrap(), up.rounded(1).unwrap()), (fall.to_owned(), rise.to_owned()));
    }
}

#[test]
fn a_reference_change_value_divides_at_its_own_digits() {
    let (operator, z, cva, cvi) = (Comparator::Greater, exact("1.96"), exact("14.0"), exact("41.4"));
    let bound = rcv(&z, &cva, &cvi).unwrap();
    let (fall, rise) = log_bounds(&z, &cva, &cvi).unwrap();
    let after = |percent: &Exact| (&Exact::from(100) + percent).to_string();
    let normal = || Method::Rcv { operator, z: z.clone(), cva: cva.clone(), cvi: cvi.clone() };
    let log = || Method::RcvLog { operator, z: z.clone(), cva: cva.clone(), cvi: cvi.clone() };
    for (value, method, expected) in [
        (after(&bound.high), normal(), "rise"),
        (after(&bound.low), normal(), "clear"),
        (after(&rise.high), log(), "rise"),
        (after(&rise.low), log(), "clear"),
        (after(&fall.low), log(), "fall"),
        (after(&fall.high), log(), "clear"),
    ] {
        assert_eq!(changed(&value, "100", 1, method), expected, "{value}");
    }
    // √2 · 1 · √(1² + 1²) is 2 exactly: there the operator decides.
    let one = || exact("1");
    let exactly = |operator| Method::Rcv { operator, z: one(), cva: one(), cvi: one() };
    assert_eq!(changed("102", "100", 1, exactly(Comparator::Greater)), "clear");
    assert_eq!(changed("102", "100", 1, exactly(Comparator::GreaterOrEqual)), "rise");
}

fn three_to_one() -> Rule {
    let term = |times: &str, analyte: &str| Term {
        times: exact(times),
        analyte: analyte.to_owned(),
        slope: Exact::one(),
        offset: Exact::zero(),
        written: analyte.to_owned(),
    };
    let formula = Consistency {
        left: vec![term("3", "x")],
        relation: Relation::Within(exact("10")),
        right: vec![term("1", "y")],
    };
    rule("three", RuleKind::Consistency(formula))
}

#[test]
fn values_of_one_specimen_must_keep_their_relation() {
    for (x, y, expected) in [
        ("15", "45", "clear"),
        ("15", "50", "clear"),
        ("15", "50.01", "found"),
        ("16.5", "45", "clear"),
        ("16.51", "45", "found"),
        ("<15", "45", "undecided: the value's comparator leaves it open"),
        ("<10", "45", "found"),
        ("15", "0", "not evaluated: there is nothing to compare with"),
    ] {
        let mut case = case(x);
        case.together.push(measured("y", y));
        assert_eq!(ruling(&case, vec![three_to_one()]), expected, "{x} and {y}");
    }
    assert!(ruling(&case("15"), vec![three_to_one()]).contains("y wasn't measured"));
    let mut twice = case("15");
    twice.together = vec![measured("y", "45"), measured("y", "40")];
    assert!(ruling(&twice, vec![three_to_one()]).contains("several values of y"));
}

#[test]
fn any_index_at_its_limit_counts() {
    let index = |missing| {
        let codes = vec![Glob::new("HEM")];
        rule("index", RuleKind::Index(Index { codes, limit: limit(">= 3").unwrap(), missing }))
    };
    let told = |values: &[&str], missing| {
        let mut case = case("5");
        let of = |value: &&str| match *value {
            "+++" => Measured { amount: Amount::NoNumber, ..measured("h", "0") },
            number => measured("h", number),
        };
        case.together = values.iter().map(|value| Measured { code: "HEM".to_owned(), ..of(value) }).collect();
        ruling(&case, vec![index(missing)])
    };
    assert_eq!(told(&["2"], Missing::NotEvaluated), "clear");
    assert_eq!(told(&["2", "3"], Missing::NotEvaluated), "found");
    assert_eq!(told(&["3", "2"], Missing::NotEvaluated), "found");
    assert!(told(&[">2"], Missing::NotEvaluated).starts_with("undecided"));
    assert!(
        told(&["+++"], Missing::NotEvaluated).starts_with("undecided"),
        "measured, and nobody can tell how much"
    );
    assert_eq!(told(&["+++", "4"], Missing::NotEvaluated), "found");
    assert!(told(&[], Missing::NotEvaluated).starts_with("not evaluated"));
    assert!(told(&[], Missing::Undecided).starts_with("undecided"));
}

#[test]
fn several_changes_at_once_are_found_and_what_can_not_be_asked_is_no_change() {
    let member = |analyte: &str| {
        let method = Method::Absolute(limits("> 3", "> 3"));
        Rule { analytes: vec![analyte.to_owned()], name: analyte.to_owned(), ..delta(method) }
    };
    let together = Together { deltas: vec!["x".into(), "y".into(), "z".into()], at_least: 2 };
    let rules = vec![
        member("x"),
        member("y"),
        member("z"),
        Rule { analytes: Vec::new(), ..rule("mixed-up", RuleKind::Together(together)) },
    ];
    let told = |y: &str, z: Option<&str>| {
        let mut case = case("9");
        case.together.push(measured("y", y));
        case.history = vec![past("x", "4", 5), past("y", "4", 5)];
        case.together.extend(z.map(|z| measured("z", z)));
        let found = evaluate(&case, &checks(rules.clone()));
        found.iter().find(|it| it.check == Check::Together).unwrap().ruling.to_string()
    };
    assert_eq!(told("9", None), "found");
    assert_eq!(told("5", None), "clear");
    assert!(told("5", Some("4")).starts_with("not evaluated"), "z has no earlier value");
    assert_ne!(
        Check::Together.reason(),
        Check::Delta.reason(),
        "whoever reads why it waits is told that it isn't this one alone"
    );
}

#[test]
fn a_change_whose_rule_may_be_for_others_is_never_taken_for_none() {
    let member = |analyte: &str, criteria: Criteria| {
        let method = Method::Absolute(limits("> 2", "> 2"));
        Rule { analytes: vec![analyte.to_owned()], name: analyte.to_owned(), criteria, ..delta(method) }
    };
    let together = Together { deltas: vec!["x".into(), "y".into(), "z".into()], at_least: 2 };
    let rules = checks(vec![
        member("x", Criteria::default()),
        member("y", Criteria::default()),
        member("z", aged(Some("18 y"), None)),
        rule("mixed-up", RuleKind::Together(together)),
    ]);
    let told = |program: Program, years: Option<i64>, z: &str| {
        let mut case = case("14");
        let births = years.map(|years| case.on.unwrap().checked_sub(jiff::Span::new().years(years)).unwrap());
        case.person.birth = births;
        case.together = vec![measured("y", "4"), measured("z", z)];
        case.history = ["x", "y", "z"].map(|analyte| past(analyte, "4", 5)).into();
        let found = evaluate_as(program, &case, &rules);
        found.iter().find(|it| it.check == Check::Together).unwrap().ruling.to_string()
    };
    for (years, z, expected) in [
        (Some(40), "7", "found"),
        (Some(4), "7", "clear"),
        (None, "7", "not evaluated: it isn't known whether a rule is for this patient and specimen"),
        (None, "4", "clear"),
    ] {
        assert_eq!(told(Program::NOW, years, z), expected, "{years:?} {z}");
    }
    assert_eq!(told(Program::First, None, "7"), "clear", "as it was decided, it is decided again");
}

/// One rule of every kind that looks at other records.
fn rules_of_every_kind() -> Checks {
    let signs = vec![
        Sign { analyte: "x".to_owned(), limit: limit("> 6").unwrap() },
        Sign { analyte: "y".to_owned(), limit: limit("< 2").unwrap() },
    ];
    let index =
        Index { codes: vec![Glob::new("y")], limit: limit(">= 5").unwrap(), missing: Missing::Undecided };
    let y_delta = Rule {
        analytes: vec!["y".to_owned()],
        name: "y-delta".to_owned(),
        ..delta(Method::Rate(limits("> 1", "> 1")))
    };
    let together = Together { deltas: vec!["delta".to_owned(), "y-delta".to_owned()], at_least: 2 };
    checks(vec![
        critical("< 3", "> 6", Criteria::default()),
        delta(Method::Absolute(limits("> 1", "> 1"))),
        y_delta,
        rule("together", RuleKind::Together(together)),
        rule("index", RuleKind::Index(index)),
        three_to_one(),
        rule("pattern", RuleKind::Pattern(Pattern(signs))),
    ])
}

proptest! {
    #[test]
    fn no_decision_depends_on_the_order_of_records(
        value in 0_u8..10,
        together in prop::collection::vec((prop::sample::select(vec!["x", "y", "z"]), 0_u8..10, any::<bool>()), 0..6),
        history in prop::collection::vec((prop::sample::select(vec!["x", "y"]), 0_u8..10, 0_i64..4), 0..6),
        seed in any::<u64>(),
    ) {
        let mut case = case(&value.to_string());
        case.measured.flags = vec!["B".to_owned(), "A".to_owned()];
        case.together = together
            .iter()
            .map(|(analyte, value, less)| measured(analyte, &format!("{}{value}", if *less { "<" } else { "" })))
            .collect();
        case.history = history.iter().map(|(analyte, value, hours)| past(analyte, &value.to_string(), *hours)).collect();
        let mut turned = case.clone();
        let turn = |length: usize| usize::try_from(seed % 7).unwrap() % length.max(1);
        turned.together.rotate_left(turn(case.together.len()));
        turned.history.rotate_left(turn(case.history.len()));
        let rules = rules_of_every_kind();
        prop_assert_eq!(evaluate(&case, &rules), evaluate(&turned, &rules));
        turned.together.reverse();
        turned.history.reverse();
        prop_assert_eq!(evaluate(&case, &rules), evaluate(&turned, &rules));
        for (at, past) in (0_usize..).zip(&mut case.history) {
            past.instrument = if at % 2 == 0 { "c311" } else { "other" }.to_owned();
            past.at = past.at.filter(|_| at != 3);
        }
        let trimmed = relevant(case.clone(), &rules);
        prop_assert!(trimmed.history.len() <= case.history.len());
        prop_assert_eq!(evaluate(&trimmed, &rules), evaluate(&case, &rules), "what no rule looks at changes nothing");
    }

    #[test]
    fn what_counts_for_several_moments_is_enough_for_each_of_them(
        history in prop::collection::vec((prop::sample::select(vec!["x", "y"]), any::<bool>(), prop::option::of(0_i64..5)), 0..9),
        moments in prop::collection::vec(prop::option::of(0_i64..6), 1..4),
    ) {
        let at = |hours: i64| noon().checked_add(SignedDuration::from_hours(hours)).unwrap();
        let told = |it: &(&'static str, bool, Option<i64>)| {
            Told { analyte: it.0, instrument: if it.1 { "c311" } else { "other" }, at: it.2.map(at) }
        };
        let all = || history.iter().enumerate().map(|(index, it)| (told(it), index));
        let counts: Vec<usize> = moments.iter().flat_map(|it| latest(all(), it.map(at))).collect();
        for moment in moments.iter().map(|it| it.map(at)) {
            let of_those = latest(all().filter(|(_, index)| counts.contains(index)), moment);
            prop_assert_eq!(of_those, latest(all(), moment));
        }
    }
}
