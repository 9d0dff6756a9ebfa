//! The token by which one specimen is followed in the log: always the same in one journal and its copies, another in any other.

use labwire::domain::{HostQuery, InstrumentId, Problem, SpecimenId, SpecimenToken};
use labwire::journal::backup::{back_up, restore};
use labwire::journal::desk::Decision;

use super::kit::{Lab, lost_result, own, processed, result};

fn token(lab: &Lab, number: &str) -> SpecimenToken {
    lab.reader.token(&SpecimenId::new(number)).unwrap().unwrap()
}

fn specimen(lab: &Lab, token: &SpecimenToken) -> Option<String> {
    lab.reader.specimen_of(token).unwrap().map(|it| it.reveal().to_owned())
}

#[test]
fn what_is_sent_and_decided_is_said_by_the_token_that_the_specimen_is_shown_with() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    assert_eq!(lease.token, Some(token(&lab, "S1")));
    for about in [Decision::Release(id), Decision::Retry(lease.delivery)] {
        assert_eq!(lab.reader.token_of(about).unwrap(), Some(token(&lab, "S1")), "{about:?}");
    }
    assert_ne!(token(&lab, "S1"), token(&lab, "S2"));
    assert_eq!(lab.reader.token(&SpecimenId::new(" ")).unwrap(), None);
}

#[test]
fn a_token_leads_back_to_its_specimen_wherever_that_is_named() {
    let lab = Lab::new();
    lab.record(vec![own(result("S1", "K", "4.1")), own(result("S2", "K", "4.2"))]);
    let message = lab.message();
    let named = Some(SpecimenId::new("S3"));
    let problem = Problem { specimen: named, ..lost_result(1) };
    let query = |specimens: &[&str]| HostQuery {
        instrument: InstrumentId::new("sim"),
        specimens: specimens.iter().copied().map(SpecimenId::new).collect(),
        cancels: false,
        record: 0,
    };
    let mut asked = processed(message, Vec::new(), vec![problem, lost_result(2)]);
    asked.queries = vec![query(&["S4", "S5"]), query(&[])];
    lab.wait(lab.journal.record(asked, lab.now())).unwrap();
    for number in ["S1", "S2", "S3", "S4", "S5"] {
        assert_eq!(specimen(&lab, &token(&lab, number)).as_deref(), Some(number));
    }
    assert_eq!(specimen(&lab, &token(&lab, "S6")), None);
}

#[test]
fn a_copy_that_is_put_back_has_the_same_tokens_and_another_journal_has_others() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let before = token(&lab, "S1");
    assert_ne!(token(&Lab::new(), "S1"), before);
    let copies = tempfile::tempdir().unwrap();
    let copy = back_up(&lab.path(), copies.path(), 0, lab.now()).unwrap().path;
    let (path, now) = (lab.path(), lab.now());
    let lab = lab.stop();
    restore(&copy, &path, now).unwrap();
    let lab = lab.start();
    assert_eq!(token(&lab, "S1"), before);
    assert_eq!(specimen(&lab, &before).as_deref(), Some("S1"));
}
