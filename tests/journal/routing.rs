//! Where results go when destinations differ: newer versions follow older ones, and what went nowhere leaves once the
//! configuration sends it somewhere.

use labwire::domain::{DestinationId, Observation, SampleClass};
use labwire::journal::ObservationId;
use labwire::journal::desk::Decision;
use labwire::journal::results::{Entry, Place, Route};

use super::kit::*;

const ARCHIVE: &str = "archive";

fn routed(observation: Observation, routes: &[(&str, Route)]) -> Entry {
    let routes = routes.iter().map(|(name, route)| (DestinationId::new(*name), *route)).collect();
    Entry { routes, ..own(observation) }
}

/// What each destination's line of a result says, by the destination's name.
fn lines(lab: &Lab, id: ObservationId) -> String {
    lab.ask(&format!(
        "SELECT coalesce(group_concat(destination || ' ' || state, ', '), '') FROM
         (SELECT destination, state FROM ledger WHERE observation = {id} ORDER BY destination)"
    ))
}

#[test]
fn a_newer_version_goes_where_the_older_was_to_go() {
    for (first, expected) in
        [(Route::Deliver, "pending"), (Route::Follow, "not-for-it"), (Route::Never, "not-for-it")]
    {
        let lab = Lab::new();
        let old = lab.record(vec![routed(result("S1", "K", "4.1"), &[(LIMS, first)])])[0];
        lab.deliver_everything();
        let newer = routed(result("S1", "K", "4.2"), &[(LIMS, Route::Follow), (ARCHIVE, Route::Deliver)]);
        let new = lab.record(vec![Entry { place: Place::Supersedes(old), ..newer }])[0];
        assert_eq!(lines(&lab, new), format!("archive pending, lims {expected}"), "{first:?}");
        lab.assert_balanced();
    }
}

#[test]
fn a_control_goes_to_its_own_destination_alone_whatever_the_way_to_others_says() {
    const QC: &str = "qc";
    let of = |class| Observation { class, ..result("LEVEL1", "K", "4.1") };
    let everywhere = [(LIMS, Route::Deliver), (QC, Route::Control)];
    let lab = Lab::new();
    for (class, expected) in [
        (SampleClass::Control, "lims not-for-it, qc pending"),
        (SampleClass::Calibration, "lims not-for-it, qc not-for-it"),
        (SampleClass::Patient, "lims pending, qc not-for-it"),
    ] {
        let id = lab.record(vec![routed(of(class), &everywhere)])[0];
        assert_eq!(lines(&lab, id), expected, "{class:?}");
    }
    let patients = lab.record(vec![routed(of(SampleClass::Patient), &everywhere)])[0];
    let followed = routed(of(SampleClass::Control), &[(LIMS, Route::Follow), (QC, Route::Follow)]);
    let new = lab.record(vec![Entry { place: Place::Supersedes(patients), ..followed }])[0];
    assert_eq!(lines(&lab, new), "lims not-for-it, qc not-for-it", "it follows no patient's result");
    let newer = routed(of(SampleClass::Control), &[(QC, Route::Control)]);
    let first = lab.record(vec![newer])[0];
    let corrected = routed(of(SampleClass::Control), &[(QC, Route::Follow)]);
    let second = lab.record(vec![Entry { place: Place::Supersedes(first), ..corrected }])[0];
    assert_eq!(lines(&lab, second), "qc pending", "a destination isn't left with a corrected control");
    lab.assert_balanced();
}

#[test]
fn what_is_no_production_follows_nothing() {
    let lab = Lab::new();
    let old = lab.record(vec![routed(result("S1", "K", "4.1"), &[(LIMS, Route::Deliver)])])[0];
    let newer = routed(result("S1", "K", "4.2"), &[(LIMS, Route::Never)]);
    let new = lab.record(vec![Entry { place: Place::Supersedes(old), ..newer }])[0];
    assert_eq!(lines(&lab, new), "lims not-for-it");
    lab.assert_balanced();
}

/// Records a message's one result, reads the message again with other routes, and tells the lines then.
fn reread(
    first: &[(&str, Route)],
    between: impl FnOnce(&Lab, ObservationId),
    observation: Observation,
) -> String {
    let lab = Lab::new();
    let message = lab.message();
    lab.record_of(message, vec![routed(observation.clone(), first)], Vec::new()).unwrap();
    let id = lab.ids(message)[0];
    between(&lab, id);
    lab.decide(Decision::Reread(message)).unwrap();
    let now = routed(observation, &[(LIMS, Route::Deliver), (ARCHIVE, Route::Deliver)]);
    lab.record_of(message, vec![now], Vec::new()).unwrap();
    lab.assert_balanced();
    assert_eq!(lab.reader.sums().unwrap().intake.received, 1, "read twice and received once");
    lines(&lab, id)
}

#[test]
fn what_went_nowhere_leaves_once_the_configuration_sends_it_somewhere() {
    let nowhere = [(LIMS, Route::Follow)];
    let potassium = || result("S1", "K", "4.1");
    assert_eq!(reread(&nowhere, |_, _| {}, potassium()), "archive pending, lims pending");
    assert_eq!(reread(&nowhere, |_, _| {}, held(potassium())), "archive held, lims held");
    let release = |lab: &Lab, id| lab.decide(Decision::Release(id)).unwrap();
    assert_eq!(reread(&nowhere, release, held(potassium())), "archive pending, lims pending");
}

#[test]
fn what_went_somewhere_or_was_rejected_stays_as_it_is() {
    let potassium = || result("S1", "K", "4.1");
    let somewhere = [(LIMS, Route::Deliver)];
    assert_eq!(reread(&somewhere, |_, _| {}, potassium()), "lims pending", "a later LIMS doesn't get it too");
    let nowhere = [(LIMS, Route::Follow)];
    let reject = |lab: &Lab, id| lab.decide(Decision::Reject(id)).unwrap();
    assert_eq!(reread(&nowhere, reject, held(potassium())), "lims not-for-it");
    let control = Observation { class: SampleClass::Control, ..potassium() };
    assert_eq!(reread(&nowhere, |_, _| {}, control), "lims not-for-it");
}
