//! Which order a result belongs to. Patients are invented.

use super::super::{Fit, fit};
use super::*;
use crate::domain::{
    Order, OrderDoubt, OrderKey, OrderState, Panel, Panels, Patient, Priority, Private, Sourced, SpecimenId,
};

fn order(number: &str, test: &str, patient: &str) -> Order {
    let patient = Patient {
        id: patient.to_owned(),
        authority: "HOSP".to_owned(),
        name: "Example^Anna".to_owned(),
        birth_date: "19800102".to_owned(),
        sex: "F".to_owned(),
        ..Patient::default()
    };
    Order {
        key: OrderKey { number: number.to_owned(), specimen: SpecimenId::new("T1"), test: test.to_owned() },
        labels: vec![SpecimenId::new("T1")],
        parent: None,
        test_name: String::new(),
        placer: number.to_owned(),
        filler: String::new(),
        priority: Priority::Routine,
        specimen_kind: "SER".to_owned(),
        collected: String::new(),
        patient: Private::new(patient),
    }
}

fn result(kind: &str, patient: Patient) -> Observation {
    let specimen_type = (!kind.is_empty()).then(|| kind.to_owned());
    Observation {
        lims_code: Some("GLU".to_owned()),
        specimen_type,
        patient: Private::new(patient),
        ..only(&one("R|1|^^^K|5.40")).clone()
    }
}

fn judged(
    orders: &[(OrderState, &Order)],
    kind: &str,
    patient: Patient,
) -> (Option<usize>, Vec<&'static str>) {
    let kinds = BTreeMap::from([("SER".to_owned(), "SERUM".to_owned())]);
    let orders: Vec<_> =
        orders.iter().map(|(state, order)| (*state, Sourced { source: "orders lims", order })).collect();
    let of = |codes: &[&str]| Panel {
        components: codes.iter().map(|code| (*code).to_owned()).collect(),
        ..Panel::default()
    };
    let chemistry = Panel { optional: vec!["K".to_owned()], ..of(&["CL"]) };
    let panels = Panels::from([
        ("LYTES".to_owned(), of(&["NA", "K"])),
        ("CHEM".to_owned(), chemistry),
        ("LIVER".to_owned(), of(&["ALT"])),
    ]);
    let Fit { order, doubts, .. } = fit(&result(kind, patient), &orders, (&kinds, &panels));
    (order, doubts.into_iter().map(OrderDoubt::name).collect())
}

#[test]
fn of_orders_for_a_test_the_one_that_is_to_be_done_counts() {
    use OrderState::{Active, Cancelled, Completed, Held};
    let (one, two, other) =
        (order("P1", "GLU", "EX77"), order("P2", "GLU", "EX77"), order("P3", "NA", "EX77"));
    let stranger = order("P4", "GLU", "EX88");
    for (orders, expected) in [
        (&[][..], (None, vec!["not-ordered"])),
        (&[(Active, &other)], (None, vec!["not-ordered"])),
        (&[(Active, &other), (Active, &one)], (Some(1), vec![])),
        (&[(Cancelled, &one), (Held, &two)], (Some(1), vec![])),
        (&[(Cancelled, &one)], (Some(0), vec!["order-cancelled"])),
        (&[(Cancelled, &one), (Completed, &two)], (Some(1), vec!["order-final"])),
        (&[(Active, &one), (Active, &two)], (None, vec!["several-orders"])),
        (&[(Active, &one), (Active, &stranger)], (None, vec!["several-patients"])),
        (&[(Active, &other), (Active, &stranger)], (None, vec!["several-patients"])),
        (&[(Cancelled, &stranger), (Active, &other)], (None, vec!["several-patients"])),
        (&[(Cancelled, &stranger), (Active, &one)], (Some(1), vec![])),
    ] {
        assert_eq!(judged(orders, "", Patient::default()), expected);
    }
}

#[test]
fn a_component_belongs_to_its_panel_unless_it_was_ordered_itself() {
    use OrderState::{Active, Cancelled, Completed};
    let of = |test: &str| order(test, test, "EX77");
    let (own, lytes, chem, liver) = (of("GLU"), of("LYTES"), of("CHEM"), of("LIVER"));
    let stranger = order("P9", "LYTES", "EX88");
    for (orders, expected) in [
        (&[(Active, &lytes)][..], (Some(0), vec![])),
        (&[(Active, &chem)], (Some(0), vec![])),
        (&[(Active, &liver)], (None, vec!["not-ordered"])),
        (&[(Active, &lytes), (Active, &own)], (Some(1), vec![])),
        // What is to be done counts before what is over, whoever ordered it.
        (&[(Active, &lytes), (Cancelled, &own)], (Some(0), vec![])),
        (&[(Cancelled, &lytes), (Completed, &own)], (Some(1), vec!["order-final"])),
        (&[(Cancelled, &lytes)], (Some(0), vec!["order-cancelled"])),
        (&[(Active, &lytes), (Active, &chem)], (None, vec!["several-orders"])),
        (&[(Active, &own), (Active, &stranger)], (None, vec!["several-patients"])),
    ] {
        assert_eq!(judged(orders, "", Patient::default()), expected);
    }
}

#[test]
fn another_kind_of_specimen_is_only_what_the_site_has_a_word_for() {
    let one = order("P1", "GLU", "EX77");
    let unmapped = Order { specimen_kind: "PLAS".to_owned(), ..one.clone() };
    for (order, kind, doubts) in [
        (&one, "SERUM", vec![]),
        (&one, "", vec![]),
        (&one, "URINE", vec!["other-specimen-kind"]),
        (&unmapped, "URINE", vec![]),
    ] {
        assert_eq!(judged(&[(OrderState::Active, order)], kind, Patient::default()).1, doubts, "{kind}");
    }
}

#[test]
fn another_patient_is_one_of_whom_both_can_not_be_true() {
    let one = order("P1", "GLU", "EX77");
    let sent = |id: &str, name: &str, born: &str, sex: &str| Patient {
        id: id.to_owned(),
        authority: String::new(),
        name: name.to_owned(),
        birth_date: born.to_owned(),
        sex: sex.to_owned(),
        location: String::new(),
    };
    for (patient, is_other) in [
        (sent("", "", "", ""), false),
        (sent(" EX77 ", "EXAMPLE^ANNA^B", "19800102000000", "f"), false),
        (sent("EX77", "Examp", "1980-01-02", "U"), false),
        (sent("EX78", "", "", ""), true),
        (sent("EX77", "Sample^Anna", "", ""), true),
        (sent("", "", "19800103", ""), true),
        (sent("", "", "", "M"), true),
    ] {
        let doubts = judged(&[(OrderState::Active, &one)], "", patient.clone()).1;
        assert_eq!(!doubts.is_empty(), is_other, "{patient:?}");
    }
}

#[test]
fn another_patient_is_noticed_whatever_was_ordered_of_the_tube() {
    use OrderState::{Active, Cancelled, Completed};
    let (one, again, other) =
        (order("P1", "GLU", "EX77"), order("P2", "GLU", "EX77"), order("P3", "NA", "EX77"));
    let stranger = Patient { id: "EX78".to_owned(), ..Patient::default() };
    for (orders, expected) in [
        (&[(Active, &other)][..], vec!["not-ordered", "other-patient"]),
        (&[(Active, &one), (Active, &again)], vec!["several-orders", "other-patient"]),
        (&[(Active, &other), (Cancelled, &one)], vec!["order-cancelled", "other-patient"]),
        (&[(Cancelled, &other)], vec!["not-ordered"]),
        (&[(Completed, &other)], vec!["not-ordered"]),
    ] {
        assert_eq!(judged(orders, "", stranger.clone()).1, expected);
    }
    // The LIMS may have told the tube's patient with other particulars before.
    let mut renamed = other.clone();
    renamed.patient =
        Private::new(Patient { name: "Married^Anna".to_owned(), ..other.patient.reveal().clone() });
    for name in ["Example^Anna", "Married^Anna"] {
        let sent = Patient { name: name.to_owned(), ..Patient::default() };
        assert_eq!(judged(&[(Active, &one), (Active, &renamed)], "", sent).1, [""; 0], "{name}");
    }
}
