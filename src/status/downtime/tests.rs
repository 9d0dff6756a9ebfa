//! What the list for a downtime says of each result, and what became of one that was kept.

use super::became::{Became, since_row, summary};
use super::*;

#[test]
fn each_destination_is_named_with_its_own_state_and_the_worst_comes_first() {
    let at = |states: &[(&str, &str, bool)]| -> Vec<String> {
        let at = states.iter().map(|(name, state, may_be_there)| At {
            destination: (*name).to_owned(),
            state: (*state).to_owned(),
            may_be_there: *may_be_there,
        });
        marks(&at.collect::<Vec<_>>()).iter().map(|mark| mark.words.english()).collect()
    };
    let held = "HELD: don't use before somebody has looked at it";
    for (states, expected) in [
        (&[("lims", "pending", false)][..], &["waits for lims"][..]),
        (&[("lims", "held", false), ("other", "held", false)], &[held]),
        (&[("lims", "accepted", false), ("other", "held", false)], &[held, "in lims"]),
        (&[("lims", "unknown", true)], &["perhaps in lims"]),
        (&[("lims", "in-flight", true)], &["perhaps in lims"]),
        (&[("lims", "in-flight", false)], &["on its way to lims, not there yet"]),
        (&[("lims", "accepted", false), ("other", "refused", false)], &["refused by other", "in lims"]),
        (&[("lims", "quarantined", false)], &["behind one that lims refused"]),
        (&[("lims", "not-for-it", false), ("other", "pending", false)], &["waits for other"]),
    ] {
        assert_eq!(at(states), expected, "{states:?}");
    }
}

#[test]
fn a_value_is_listed_as_the_lims_would_have_it_with_what_was_sent() {
    use crate::domain::{Conversion, Reported};
    let sent = crate::status::specimen::tests::observation();
    let reported = Reported {
        number: crate::domain::DecimalText::parse("27.8", '.').unwrap(),
        unit: "mmol/L".to_owned(),
        loinc: None,
        exact: "27.75".to_owned(),
        factor: String::new(),
        offset: String::new(),
        basis: String::new(),
    };
    let outcome = Ok(reported);
    let converted = Observation { value_as_sent: "500".to_owned(), unit: Some("mg/dL".to_owned()), ..sent };
    assert_eq!(value(&converted).english(), "500 mg/dL");
    let converted = Observation {
        conversion: Some(Conversion { analyte: String::new(), rules: String::new(), outcome }),
        ..converted
    };
    assert_eq!(value(&converted).english(), "27.8 mmol/L (as sent: 500 mg/dL)");
}

#[test]
fn what_is_said_of_typing_by_hand_is_true_of_each_state() {
    let told = |state: &str, may_be_there| -> Vec<String> {
        let at = At { destination: "lims".to_owned(), state: state.to_owned(), may_be_there };
        whereabouts(&at).told().iter().map(Words::english).collect()
    };
    for (state, may_be_there, expected) in [
        ("pending", false, "labwire sends what waits for the LIMS"),
        ("in-flight", false, "labwire sends what waits for the LIMS"),
        ("quarantined", false, "labwire sends what waits for the LIMS"),
        ("held", false, "labwire does not send a held result before somebody releases it."),
        ("refused", false, "labwire does not send a refused delivery again by itself."),
        ("unknown", true, "What may have arrived is perhaps in the LIMS"),
        ("in-flight", true, "What may have arrived is perhaps in the LIMS"),
    ] {
        let said = told(state, may_be_there);
        assert!(said.len() == 1 && said[0].starts_with(expected), "{state}: {said:?}");
    }
    assert!(told("accepted", false).is_empty());
}

#[test]
fn what_became_of_a_list_warns_of_each_result_as_the_list_to_work_by_does() {
    let row = |states: &[(&str, &str, bool)]| {
        let at = |&(name, state, may_be_there): &(&str, &str, bool)| At {
            destination: name.to_owned(),
            state: state.to_owned(),
            may_be_there,
        };
        let then = Missing {
            observation: crate::journal::ObservationId(1),
            at: Vec::new(),
            detail: crate::status::specimen::tests::observation(),
            received_at: jiff::Timestamp::UNIX_EPOCH,
            order: None,
            doubts: Vec::new(),
        };
        let (became, row) = since_row(&Since { then, newer: None, now: states.iter().map(at).collect() });
        (became, row.marks.iter().map(|mark| mark.words.english()).collect::<Vec<_>>())
    };
    let held = "HELD: don't use before somebody has looked at it";
    for (states, became, marks) in [
        (&[("lims", "unknown", true)][..], Became::PerhapsThere, &["perhaps in lims"][..]),
        (&[("lims", "in-flight", true)], Became::PerhapsThere, &["perhaps in lims"]),
        (&[("lims", "in-flight", false)], Became::NotThere, &["not in the LIMS yet"]),
        (&[("lims", "pending", false)], Became::NotThere, &["not in the LIMS yet"]),
        (&[("lims", "held", false)], Became::Held, &[held]),
        (
            &[("lims", "accepted", false), ("other", "unknown", true)],
            Became::PerhapsThere,
            &["perhaps in other"],
        ),
        (
            &[("lims", "unknown", true), ("other", "refused", false)],
            Became::Refused,
            &["refused by other", "perhaps in lims"],
        ),
        (&[("lims", "accepted", false)], Became::AsListed, &["in the LIMS as listed"]),
    ] {
        assert_eq!(row(states), (became, marks.iter().map(|&it| it.to_owned()).collect()), "{states:?}");
    }
    let counted = summary(&[Became::Held, Became::PerhapsThere, Became::PerhapsThere, Became::NotThere]);
    let told = "1 held, not to be used yet · 2 perhaps in the LIMS · 1 not in the LIMS yet";
    assert_eq!(counted.english(), told);
}

#[test]
fn the_headline_counts_and_says_when_not_all_is_listed() {
    let headline = |missing, is_cut| headline(missing, is_cut).english();
    assert_eq!(headline(0, false), "The LIMS has every patient's result.");
    assert_eq!(headline(1, false), "1 result isn't in the LIMS.");
    assert_eq!(headline(LONGEST, true), "More than 2,000 results aren't in the LIMS.");
}

#[test]
fn a_critical_call_names_its_patient_on_one_line() {
    let mut detail = crate::status::specimen::tests::observation();
    let patient = Patient {
        name: "Test, Clara".to_owned(),
        birth_date: "1970-01-31".to_owned(),
        id: "P1".to_owned(),
        ..Patient::default()
    };
    let of = |detail: &Observation| {
        whose(&Missing {
            observation: crate::journal::ObservationId(1),
            at: Vec::new(),
            detail: detail.clone(),
            received_at: jiff::Timestamp::UNIX_EPOCH,
            order: None,
            doubts: Vec::new(),
        })
        .english()
    };
    assert_eq!(of(&detail), "nothing is known of the patient");
    detail.patient = crate::domain::Private::new(patient);
    assert_eq!(of(&detail), "Name Test, Clara · Birth date 1970-01-31 · Number P1");
}
