//! Which of a tube's orders are an instrument's work.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::domain::profile::{Dialect, Profile, ResultType, Test};
use crate::domain::{
    CodeMapping, InstrumentId, Order, OrderKey, Panel, Patient, Priority, Private, SpecimenRules,
};
use crate::journal::orders::OrderId;

fn order(test: &str, state: OrderState, priority: Priority, patient: &str) -> CachedOrder {
    CachedOrder {
        id: OrderId(1),
        source: "orders lims".to_owned(),
        state,
        order: Order {
            key: OrderKey { number: "P1".to_owned(), specimen: SpecimenId::new("T1"), test: test.to_owned() },
            labels: vec![SpecimenId::new("T1")],
            parent: None,
            test_name: String::new(),
            placer: "P1".to_owned(),
            filler: String::new(),
            priority,
            specimen_kind: "SER".to_owned(),
            collected: String::new(),
            patient: Private::new(Patient {
                id: patient.to_owned(),
                authority: "HOSP".to_owned(),
                ..Patient::default()
            }),
        },
        placed_at: Timestamp::UNIX_EPOCH,
        changed_at: Timestamp::UNIX_EPOCH,
    }
}

fn active(test: &str) -> CachedOrder {
    order(test, OrderState::Active, Priority::Routine, "EX77")
}

/// The instrument knows GLCC and NA by its profile; the site calls GLCC "GLU", and two of its codes "K".
fn reading() -> Reading {
    let mut profile = Profile::standard("sim", 1, Dialect::Astm(Box::default()));
    for code in ["GLCC", "NA"] {
        let test = Test {
            name: String::new(),
            loinc: None,
            result: ResultType::Text,
            unit: None,
            source: String::new(),
        };
        profile.tests.insert(code.to_owned(), test);
    }
    let maps = |code: &str, lims: Option<&str>| {
        (code.to_owned(), CodeMapping { lims_code: lims.map(str::to_owned), ..CodeMapping::default() })
    };
    Reading {
        instrument: InstrumentId::new("sim"),
        profile: Arc::new(profile),
        time_zone: jiff::tz::TimeZone::UTC,
        character_set: None,
        decimal_separator: '.',
        specimen: SpecimenRules::default(),
        codes: Arc::new(BTreeMap::from([
            maps("GLCC", Some("GLU")),
            maps("K1", Some("K")),
            maps("K2", Some("K")),
            maps("CL", None),
        ])),
        panels: BTreeMap::from([
            panel("LYTES", &["NA", "CL"], None),
            panel("FBC", &["WBC", "RBC"], Some("CD")),
            panel("FBCR", &["WBC", "RBC", "RET"], Some("CD")),
        ]),
        specimen_kinds: BTreeMap::from([("SER".to_owned(), "SERUM".to_owned())]),
        units: labwire_units::Aliases::default(),
        rules: None,
    }
}

fn panel(name: &str, components: &[&str], told_as: Option<&str>) -> (String, Panel) {
    let components = components.iter().map(|code| (*code).to_owned()).collect();
    let told_as = told_as.map(str::to_owned);
    (name.to_owned(), Panel { components, optional: vec!["NRBC".to_owned()], told_as })
}

fn found(orders: &[CachedOrder]) -> Tube {
    let orders: Vec<Todo> = orders.iter().cloned().map(Todo::from).collect();
    tube(&SpecimenId::new("T1"), &orders, &reading())
}

/// What is told of orders; of each some results are there.
fn told(orders: &[(&str, &[&str])]) -> Vec<String> {
    let todo = |(test, done): &(&str, &[&str])| Todo {
        done: done.iter().map(|code| (*code).to_owned()).collect(),
        ..Todo::from(active(test))
    };
    let orders: Vec<Todo> = orders.iter().map(todo).collect();
    match tube(&SpecimenId::new("T1"), &orders, &reading()) {
        Tube::Work(work) => work.tests,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panel_is_told_as_the_analyzer_knows_it() {
    for (orders, expected) in [
        (&[("LYTES", &[][..])][..], &["NA", "CL"][..]),
        (&[("FBC", &[])], &["CD"]),
        // Each code once, whoever ordered it.
        (&[("NA", &[]), ("LYTES", &[]), ("FBC", &[]), ("FBCR", &[])], &["NA", "CL", "CD"]),
        // Of its components those that are missing; by its own name the whole.
        (&[("LYTES", &["NA"])], &["CL"]),
        (&[("FBC", &["WBC"])], &["CD"]),
    ] {
        assert_eq!(told(orders), expected, "{orders:?}");
    }
}

#[test]
fn what_a_code_that_is_told_is_answered_by_are_the_components_that_must_come() {
    let reading = reading();
    let of =
        |codes: &[&str]| reported(&codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>(), &reading);
    assert_eq!(of(&["NA"]), ["NA"]);
    assert_eq!(of(&["CD", "NA"]), ["WBC", "RBC", "RET", "NA"]);
    assert_eq!(does("FBC", &reading).unwrap(), ["WBC", "RBC"]);
    assert_eq!(does("GLU", &reading).unwrap(), ["GLCC"]);
    assert_eq!(does("K", &reading), None);
}

#[test]
fn tests_go_by_the_codes_of_the_instrument_each_once() {
    let Tube::Work(work) = found(&[active("GLU"), active("NA"), active("CL"), active("GLU"), active("TSH")])
    else {
        panic!("there is work")
    };
    assert_eq!(work.tests, ["GLCC", "NA", "CL"]);
    assert_eq!(work.specimen_kind, "SERUM");
    let Tube::Work(stat) = found(&[order("NA", OrderState::Active, Priority::Stat, "EX77"), active("GLU")])
    else {
        panic!("there is work")
    };
    assert_eq!(stat.priority, Priority::Stat);
}

#[test]
fn why_there_is_nothing_is_told_apart() {
    assert_eq!(found(&[]), Tube::Unknown);
    let cancelled = order("GLU", OrderState::Cancelled, Priority::Routine, "EX77");
    assert_eq!(found(std::slice::from_ref(&cancelled)), Tube::NoneActive);
    assert_eq!(found(&[cancelled, active("TSH")]), Tube::NotOurs);
    assert_eq!(found(&[active("GLCC")]), Tube::NotOurs, "the LIMS calls it GLU");
    assert_eq!(found(&[active("K")]), Tube::Ambiguous(1));
    let other = order("NA", OrderState::Active, Priority::Routine, "EX88");
    assert_eq!(found(&[active("GLU"), other.clone()]), Tube::SeveralPatients);
    // This instrument has done its part of the first, and the LIMS hasn't said that it is over.
    let mut orders = [Todo::from(active("GLU")), Todo::from(other)];
    orders[0].order.state = OrderState::Completed;
    assert_eq!(tube(&SpecimenId::new("T1"), &orders, &reading()), Tube::SeveralPatients);
}
