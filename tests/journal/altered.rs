//! What somebody changed past the journal is found: bytes, hashes, and the end of the audit chain. And no step of the
//! gateway's own goes without an audit row.

use labwire::journal::ledger::{Fate, Next, Resolve};
use labwire::journal::parcels::Ending;
use labwire::journal::verify::quick_check;

use super::kit::{LIMS, Lab, at, parcel, result};

fn lived_in() -> Lab {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.accept(&lab.lease().unwrap());
    lab
}

fn steps(lab: &Lab) -> Vec<String> {
    let reading = lab.reading();
    let mut statement = reading.prepare("SELECT step || ': ' || subject FROM audit ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_deep_check_finds_bytes_that_are_not_those_that_arrived_or_left() {
    for (trigger, tampering, found) in [
        ("parcel_unchanged", "UPDATE parcel SET raw = x'0252'", "parcel 1 differs from its SHA-256"),
        ("parcel_unchanged", "UPDATE parcel SET sha256 = zeroblob(32)", "parcel 1 differs from its SHA-256"),
        ("payload_unchanged", "UPDATE delivery SET payload = x'7b'", "delivery 1 differs from its SHA-256"),
    ] {
        let lab = lived_in();
        lab.assert_balanced();
        let connection = lab.reading();
        connection.execute_batch(&format!("DROP TRIGGER {trigger}; {tampering}")).unwrap();
        let all = lab.reader.deep_imbalances().unwrap();
        assert!(all.iter().any(|one| one == found), "{tampering}: {all:?}");
    }
}

#[test]
fn bytes_that_were_changed_with_their_hash_still_differ_from_the_audit_chain() {
    let lab = lived_in();
    let connection = lab.reading();
    connection.execute_batch("DROP TRIGGER parcel_unchanged").unwrap();
    let other = <sha2::Sha256 as sha2::Digest>::digest(b"R").to_vec();
    connection.execute("UPDATE parcel SET raw = x'52', sha256 = ?, content_end = 1", [other]).unwrap();
    assert_eq!(
        lab.reader.deep_imbalances().unwrap(),
        ["1 parcels have another SHA-256 than the audit chain says"]
    );
}

#[test]
fn an_audit_chain_that_was_cut_short_is_found() {
    for cut in ["id >= 3", "id >= 1"] {
        let lab = lived_in();
        let connection = lab.reading();
        connection
            .execute_batch(&format!("DROP TRIGGER audit_stays; DELETE FROM audit WHERE {cut}"))
            .unwrap();
        assert_eq!(lab.reader.audit_break().unwrap(), None, "what is left of the chain is whole");
        assert_ne!(lab.reader.deep_imbalances().unwrap(), [""; 0], "{cut}");
    }
}

#[test]
fn the_end_of_a_transfer_is_audited_once() {
    let lab = Lab::new();
    let (transfer, _) = lab.first(parcel("H|\r", &[]));
    let cut = || Ending::Cut("silence".to_owned());
    lab.end(transfer, cut());
    lab.end(transfer, cut());
    assert_eq!(steps(&lab), ["parcel stored: parcel 1", "transfer ended: transfer 1"]);
    assert_eq!(
        lab.ask::<String>("SELECT detail FROM audit WHERE id = 2"),
        "silence, message 1 is incomplete"
    );
}

#[test]
fn what_a_start_finds_unfinished_is_audited() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.lease().unwrap();
    let before = steps(&lab).len();
    let lab = lab.reopen();
    assert_eq!(
        steps(&lab).get(before..).unwrap(),
        ["transfer ended: transfer 1", "delivery of unknown fate: delivery 1"]
    );
    assert_eq!(lab.reader.audit_break().unwrap(), None);
}

#[test]
fn leaving_a_delivery_to_a_person_is_audited() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: at(0) }, None);
    assert!(lab.lease_with(Resolve::Wait).is_none());
    assert!(lab.lease_with(Resolve::Wait).is_none());
    let last = ["delivery answered: delivery 1", "delivery left to a person: delivery 1"];
    assert_eq!(steps(&lab).get(3..).unwrap(), last);
}

#[test]
fn a_result_that_is_set_aside_is_audited() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    let broken: labwire::journal::ledger::Render = std::sync::Arc::new(|_| Err("no".to_owned()));
    let destination = labwire::domain::DestinationId::new(LIMS);
    lab.wait(lab.journal.lease(destination, Resolve::Wait, broken, lab.now())).unwrap();
    assert_eq!(steps(&lab).last(), Some(&format!("result set aside: observation {id}")));
}

#[test]
fn an_answer_to_a_query_that_nobody_asked_is_not_audited() {
    let lab = Lab::new();
    let nobody = labwire::journal::results::QueryId(9);
    lab.wait(lab.journal.answer_query(nobody, "orders: 2".to_owned(), lab.now())).unwrap();
    assert_eq!(steps(&lab), [""; 0]);
}

#[test]
fn a_quick_look_finds_a_broken_page_unless_the_journal_is_too_large_to_be_read_through() {
    let lab = Lab::new();
    for number in 0..50 {
        lab.own(result(&format!("0815-{number}"), "K", "4.1"));
    }
    let stopped = lab.stop();
    let path = stopped.path();
    assert_eq!(quick_check(&path, u64::MAX).unwrap(), None);
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4096).skip(4) {
        page[..8].fill(0xFF);
    }
    std::fs::write(&path, bytes).unwrap();
    assert!(quick_check(&path, u64::MAX).map_or(true, |fault| fault.is_some()), "it is broken");
    assert_eq!(quick_check(&path, 0).unwrap(), None, "it isn't read through");
}
