//! What messages become: versions, repetitions, problems, holds, host queries, and the sums over them.

use labwire::domain::{
    DestinationId, HostQuery, InstrumentId, InstrumentTime, Observation, SampleClass, SpecimenId,
};
use labwire::journal::desk::Decision;
use labwire::journal::read::Earlier;
use labwire::journal::results::{Entry, Place, Route};
use labwire::journal::views::Way;
use labwire::journal::{JournalError, MessageId, ObservationId};

use super::kit::{Lab, held, lost_result, own, parcel, processed, result};

/// What a result of that time is compared with.
fn compared(lab: &Lab, time: &str) -> Vec<Earlier> {
    lab.reader.compared((&InstrumentId::new("sim"), &SpecimenId::new("S1"), "K"), time).unwrap()
}

fn earlier(lab: &Lab) -> Vec<ObservationId> {
    compared(lab, "").into_iter().map(|it| it.id).collect()
}

fn versions(lab: &Lab) -> Vec<(i64, i64, Option<i64>)> {
    let reading = lab.reading();
    let mut statement =
        reading.prepare("SELECT id, version, supersedes FROM observation ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn an_observation_is_read_back_as_it_was_written() {
    let lab = Lab::new();
    let written = held(result("S1", "K", "4.10"));
    lab.own(written.clone());
    let read = compared(&lab, "");
    assert_eq!(read[0].observation, written);
}

#[test]
fn of_years_of_a_control_what_names_the_same_time_is_found_without_reading_them_all() {
    let lab = Lab::new();
    let at = |minute: u32| format!("2026102609{:02}{:02}", minute / 60, minute % 60);
    let of = |minute: u32| {
        let time = Some(InstrumentTime { text: at(minute), instant: None });
        Observation { completed: time, ..result("S1", "K", "4.1") }
    };
    let stored: Vec<ObservationId> = (0..300).map(|minute| lab.own(of(minute))).collect();
    let ids = |time: &str| compared(&lab, time).into_iter().map(|it| it.id).collect::<Vec<_>>();
    let newest = stored.get(100..).unwrap();
    assert_eq!(ids(&at(7)), [&stored[7..8], newest].concat());
    assert_eq!(ids(&at(150)), newest);
    // The negative controls: a time that none names, and none.
    assert_eq!(ids("20261027"), newest);
    assert_eq!(ids(""), newest);
    let started = Observation { started: of(7).completed, completed: None, ..of(7) };
    lab.own(started);
    assert_eq!(ids(&at(7)).len(), 1 + 200, "the oldest of the newest made room");
    let mut all = 0;
    let sought = (&InstrumentId::new("sim"), &SpecimenId::new("S1"), "K");
    lab.reader.each_earlier(sought, |_| all += 1).unwrap();
    assert_eq!(all, 301);
}

#[test]
fn every_version_stays_and_is_compared_with() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let second = lab.newer(result("S1", "K", "4.2"), first);
    assert_eq!(earlier(&lab), [first, second]);
    assert_eq!(lab.state(first), "superseded");
    assert_eq!(lab.state(second), "pending");
    lab.own(result("S1", "NA", "140"));
    lab.own(result("S2", "K", "4.3"));
    assert_eq!(earlier(&lab).len(), 2);
    lab.assert_balanced();
}

#[test]
fn a_correction_of_an_old_version_supersedes_the_newest() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let second = lab.newer(result("S1", "K", "4.2"), first);
    let third = lab.newer(result("S1", "K", "4.3"), first);
    assert_eq!(
        versions(&lab),
        [(first.0, 1, None), (second.0, 2, Some(first.0)), (third.0, 3, Some(second.0))]
    );
    assert_eq!([first, second, third].map(|id| lab.state(id)), ["superseded", "superseded", "pending"]);
    lab.assert_balanced();
}

#[test]
fn two_corrections_of_one_result_in_one_message_follow_each_other() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let again = |value| Entry { place: Place::Supersedes(first), ..own(result("S1", "K", value)) };
    let ids = lab.record(vec![again("4.2"), again("4.3")]);
    assert_eq!(versions(&lab)[1..], [(ids[0].0, 2, Some(first.0)), (ids[1].0, 3, Some(ids[0].0))]);
    lab.assert_balanced();
}

#[test]
fn a_repetition_adds_nothing_but_its_count() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let again = lab.record(vec![Entry { place: Place::Repeats(first), ..own(result("S1", "K", "4.1")) }]);
    assert_eq!(again, []);
    let sums = lab.reader.sums().unwrap();
    assert_eq!((sums.intake.received, sums.intake.new, sums.intake.duplicate), (2, 1, 1));
    assert_eq!(sums.destinations["lims"].owed, 1);
    let way = lab.reader.way(&SpecimenId::new("S1")).unwrap();
    assert_eq!(way.iter().filter(|step| matches!(step.what, Way::Repeated { .. })).count(), 1);
    lab.assert_balanced();
}

#[test]
fn controls_and_what_is_not_for_a_destination_are_owed_and_stay() {
    let lab = Lab::new();
    let mut control = result("QC", "K", "4.1");
    control.class = SampleClass::Control;
    let not_for_it = Entry {
        routes: vec![(DestinationId::new("lims"), Route::Follow)],
        ..own(held(result("S1", "K", "4.1")))
    };
    for id in lab.record(vec![own(control), not_for_it]) {
        assert_eq!(lab.state(id), "not-for-it");
    }
    assert!(lab.lease().is_none());
    lab.assert_balanced();
}

#[test]
fn a_message_is_not_read_twice_unless_someone_asks() {
    let lab = Lab::new();
    let message = lab.message();
    lab.record_of(message, vec![own(result("S1", "K", "4.1"))], vec![lost_result(5)]).unwrap();
    let again = lab.record_of(message, vec![own(result("S1", "K", "4.1"))], vec![lost_result(5)]);
    assert!(matches!(again, Err(JournalError::Refused(_))));
    assert!(matches!(lab.record_of(MessageId(99), Vec::new(), Vec::new()), Err(JournalError::Refused(_))));
    assert_eq!(lab.reader.sums().unwrap().intake.received, 2);
    lab.assert_balanced();
}

#[test]
fn reading_a_message_again_counts_nothing_twice() {
    let lab = Lab::new();
    let message = lab.message();
    let (k, na) = (|| own(result("S1", "K", "4.1")), || own(result("S1", "NA", "140")));
    lab.record_of(message, vec![k()], vec![lost_result(1)]).unwrap();
    for _ in 0..3 {
        lab.decide(Decision::Reread(message)).unwrap();
        lab.assert_balanced();
        assert_eq!(lab.reader.pending(9).unwrap().len(), 1);
        lab.record_of(message, vec![k(), na()], Vec::new()).unwrap();
        lab.assert_balanced();
        let sums = lab.reader.sums().unwrap().intake;
        assert_eq!((sums.received, sums.new, sums.problem), (2, 2, 0));
    }
    assert_eq!(lab.reader.open_problems(9).unwrap().len(), 0);
}

#[test]
fn a_result_that_a_later_reading_calls_a_problem_counts_once() {
    let lab = Lab::new();
    let message = lab.message();
    lab.record_of(message, vec![own(result("S1", "K", "4.1"))], Vec::new()).unwrap();
    lab.decide(Decision::Reread(message)).unwrap();
    lab.record_of(message, Vec::new(), vec![lost_result(0)]).unwrap();
    let sums = lab.reader.sums().unwrap().intake;
    assert_eq!((sums.received, sums.new, sums.problem), (1, 1, 0));
    assert_eq!(lab.reader.open_problems(9).unwrap().len(), 1, "it is shown all the same");
    lab.assert_balanced();
}

#[test]
fn an_incomplete_or_unread_message_is_not_read_again() {
    let lab = Lab::new();
    let unread = lab.message();
    assert!(lab.decide(Decision::Reread(unread)).is_err());
    let (transfer, _) = lab.first(parcel("H|\r", &[]));
    let cut = lab.end(transfer, labwire::journal::parcels::Ending::Cut("silence".to_owned())).unwrap();
    lab.record_of(cut, Vec::new(), Vec::new()).unwrap();
    assert!(lab.decide(Decision::Reread(cut)).is_err());
    assert!(lab.decide(Decision::Reread(MessageId(99))).is_err());
}

#[test]
fn messages_of_nobody_are_read_again_when_the_configuration_was_mended() {
    let lab = Lab::new();
    let message = lab.message();
    let mut nobody = processed(message, Vec::new(), vec![lost_result(0)]);
    nobody.instrument = None;
    lab.wait(lab.journal.record(nobody, lab.now())).unwrap();
    assert_eq!(lab.reader.unattributed(9).unwrap(), [message]);
    lab.decide(Decision::Reread(message)).unwrap();
    assert!(lab.reader.unattributed(9).unwrap().is_empty());
    lab.record_of(message, vec![own(result("S1", "K", "4.1"))], Vec::new()).unwrap();
    let sums = lab.reader.sums().unwrap().intake;
    assert_eq!((sums.received, sums.new, sums.problem), (1, 1, 0));
    lab.assert_balanced();
}

#[test]
fn the_same_message_is_found_by_its_fingerprint() {
    let lab = Lab::new();
    let (first, second) = (lab.message(), lab.message());
    let sim = InstrumentId::new("sim");
    lab.record_of(first, Vec::new(), Vec::new()).unwrap();
    let fingerprint = first.0.to_be_bytes();
    let same = |than| lab.reader.same_message(&sim, &fingerprint, than).unwrap().map(|(id, _)| id);
    assert_eq!(same(second), Some(first));
    assert_eq!(same(first), None, "a message is not its own repetition");
    assert_eq!(lab.reader.same_message(&InstrumentId::new("other"), &fingerprint, second).unwrap(), None);
}

#[test]
fn a_query_is_shown_until_it_gets_orders() {
    let lab = Lab::new();
    let message = lab.message();
    let query = |record, specimen: &str, cancels| HostQuery {
        instrument: InstrumentId::new("sim"),
        specimens: vec![SpecimenId::new(specimen)],
        cancels,
        record,
    };
    let mut asked = processed(message, vec![own(result("S1", "K", "4.1"))], Vec::new());
    asked.queries =
        vec![query(1, "S1", false), query(2, "S2", false), query(3, "S3", false), query(4, "S3", true)];
    let ids = lab.wait(lab.journal.record(asked, lab.now())).unwrap();
    let shown = || lab.reader.unanswered_queries(9).unwrap();
    assert_eq!(shown().len(), 3);
    for (id, answer) in [(ids[0], "orders: 2 tests"), (ids[1], "no information: delivered")] {
        lab.wait(lab.journal.answer_query(id, answer.to_owned(), lab.now())).unwrap();
    }
    let left: Vec<_> = shown().into_iter().map(|it| (it.specimens[0].clone(), it.answer)).collect();
    let answered = Some("no information: delivered".to_owned());
    assert_eq!(left, [(SpecimenId::new("S3"), None), (SpecimenId::new("S2"), answered)]);
    assert_eq!(lab.reader.waiting().unwrap().unanswered_queries, 2);
    assert_eq!(lab.reader.instruments().unwrap()[0].unanswered_queries, 2);
}
