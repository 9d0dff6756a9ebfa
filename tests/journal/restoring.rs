//! When the journal isn't the one that ran last: nothing is delivered, what came before waits for a person, and copies are
//! told from what they were made of.

use std::fs;
use std::path::PathBuf;

use labwire::journal::backup::{back_up, restore};
use labwire::journal::desk::{Decider, Decision};
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::standstill::Since;
use labwire::journal::verify::verify;
use labwire::journal::{Journal, OpenError};

use super::kit::{Lab, at, lost_result, own, parcel, result};

fn decider() -> Decider {
    Decider { actor: "mgarcia".to_owned(), reason: "compared with the LIMS".to_owned() }
}

fn resume(lab: &Lab, since: Since) {
    lab.wait(lab.journal.resume(since, decider(), lab.now())).unwrap();
}

fn stands_still(lab: &Lab) -> Option<String> {
    lab.reader.standstill().unwrap().map(|it| it.why)
}

/// A copy of what is there.
fn copy(lab: &Lab) -> PathBuf {
    let folder = lab.folder.path().join("backups");
    fs::create_dir_all(&folder).unwrap();
    back_up(&lab.path(), &folder, 0, lab.now()).unwrap().path
}

/// Puts a copy in the journal's place and starts with it.
fn put_back(lab: Lab, copy: &std::path::Path) -> Lab {
    let (path, now) = (lab.path(), lab.now());
    let lab = lab.stop();
    restore(copy, &path, now).unwrap();
    lab.start()
}

#[test]
fn what_a_copy_hadnt_delivered_waits_for_a_person_and_what_has_a_key_keeps_it() {
    let lab = Lab::new();
    let delivered = lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    let refused_once = lab.own(result("S2", "K", "4.2"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Again, Next::Retry { at: at(0) }, Some(503));
    let waiting = lab.own(result("S3", "K", "4.3"));
    let unread = lab.message();
    let copy = copy(&lab);
    // What happens afterwards is not in the copy.
    assert_eq!(lab.deliver_everything().len(), 2);

    let lab = put_back(lab, &copy);
    assert!(stands_still(&lab).unwrap().contains("copy"));
    assert_eq!(lab.state(delivered), "accepted");
    assert_eq!(lab.state(refused_once), "unknown");
    assert_eq!(lab.state(waiting), "held");
    lab.record_of(unread, vec![own(result("S4", "K", "4.4"))], Vec::new()).unwrap();
    let read_late = lab.ids(unread)[0];
    assert_eq!(lab.state(read_late), "held");
    let since = lab.own(result("S5", "K", "4.5"));
    assert!(lab.lease().is_none(), "nothing leaves");

    resume(&lab, Since::Hold);
    assert_eq!(stands_still(&lab), None);
    assert_eq!(lab.state(since), "held");
    let again = lab.lease().unwrap();
    assert_eq!((&again.key, &again.payload), (&lease.key, &lease.payload), "the LIMS knows it again");
    lab.accept(&again);
    assert!(lab.lease().is_none());
    lab.decide(Decision::Reject(waiting)).unwrap();
    lab.decide(Decision::Release(read_late)).unwrap();
    let new = lab.lease().unwrap();
    assert!(read_late.0 > 1_000_000_000_000, "a number that the lost journal can't have given: {read_late}");
    assert_ne!(new.key.split('-').next(), lease.key.split('-').next(), "of another epoch");
    lab.accept(&new);
    lab.assert_balanced();
    assert_eq!(lab.reader.audit_break().unwrap(), None);
}

#[test]
fn what_came_in_meanwhile_leaves_where_a_person_says_so() {
    let lab = Lab::new();
    let copy = copy(&lab);
    let lab = put_back(lab, &copy);
    let since = lab.own(result("S1", "K", "4.1"));
    resume(&lab, Since::Send);
    assert_eq!(lab.deliver_everything(), [vec![since]]);
    let again = lab.wait(lab.journal.resume(Since::Send, decider(), lab.now()));
    assert!(again.unwrap_err().to_string().contains("nothing stands still"));
}

#[test]
fn an_older_file_in_the_journals_place_is_noticed_whoever_put_it_there() {
    for (what, disturb) in DISTURBANCES {
        let lab = Lab::new();
        lab.own(result("S1", "K", "4.1"));
        // A start moves all that is there into the file itself.
        let lab = lab.reopen();
        fs::copy(lab.path(), lab.folder.path().join("earlier.db")).unwrap();
        lab.own(result("S2", "K", "4.2"));
        lab.deliver_everything();
        let lab = lab.stop();
        disturb(lab.folder());
        let lab = lab.start();
        assert_eq!(stands_still(&lab).is_some(), *what != "nothing", "{what}");
        // A start that was cut off, or another one, doesn't make it good.
        let lab = lab.reopen();
        assert_eq!(stands_still(&lab).is_some(), *what != "nothing", "{what}, started again");
        lab.assert_balanced();
    }
}

type Disturb = fn(&std::path::Path);

const DISTURBANCES: &[(&str, Disturb)] = &[
    ("nothing", |_| {}),
    ("the file of an earlier start", |folder| {
        for ending in ["labwire.db-wal", "labwire.db-shm"] {
            let _ = fs::remove_file(folder.join(ending));
        }
        fs::copy(folder.join("earlier.db"), folder.join("labwire.db")).unwrap();
    }),
    ("the journal is gone", |folder| fs::remove_file(folder.join("labwire.db")).unwrap()),
    ("the line beside it is gone", |folder| fs::remove_file(folder.join("labwire.epoch")).unwrap()),
    ("the line beside it makes no sense", |folder| fs::write(folder.join("labwire.epoch"), "?").unwrap()),
];

#[test]
fn a_damaged_journal_is_kept_and_another_begun() {
    let lab = Lab::new();
    for number in 0..40 {
        lab.own(result(&format!("S{number}"), "K", "4.1"));
    }
    let lab = lab.reopen().stop();
    let mut bytes = fs::read(lab.path()).unwrap();
    bytes[..4096].fill(b'x');
    fs::write(lab.path(), &bytes).unwrap();
    let lab = lab.start();
    let why = stands_still(&lab).unwrap();
    assert!(why.contains("damaged; it is kept as labwire.db.damaged-"), "{why}");
    let kept = fs::read_dir(lab.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains(".damaged-")).collect();
    assert_eq!(fs::read(&kept[0]).unwrap(), bytes);
    let since = lab.own(result("S50", "K", "4.1"));
    assert!(lab.lease().is_none(), "nothing leaves");
    resume(&lab, Since::Send);
    assert_eq!(lab.deliver_everything(), [vec![since]]);
}

#[test]
fn a_file_that_was_never_a_journal_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labwire.db");
    fs::write(
        &path,
        "a letter, not a journal: long enough to be taken for a header of a database. ".repeat(20),
    )
    .unwrap();
    let refused = Journal::open(&path, 0, at(0)).err().unwrap();
    assert!(matches!(refused, OpenError::Sqlite(_)), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the letter and the lock");
}

#[test]
fn a_copy_is_believed_only_as_it_was_written() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    lab.record_of(lab.message(), Vec::new(), vec![lost_result(0)]).unwrap();
    lab.first(parcel("unfinished", &[]));
    let copy = copy(&lab);
    let verified = verify(&copy).unwrap();
    assert_eq!((verified.parcels, verified.faults), (3, Vec::new()));
    assert_eq!(lab.state(id), "pending", "the journal itself is as it was");

    for (tampering, named) in [
        (
            "DROP TRIGGER parcel_unchanged; UPDATE parcel SET raw = x'00' WHERE id = 1",
            "the bytes of parcel 1",
        ),
        ("DROP TRIGGER audit_unchanged; UPDATE audit SET detail = '' WHERE id = 2", "breaks at row 2"),
        ("UPDATE counter SET value = value + 1 WHERE name = 'new'", "the sums don't balance"),
        ("PRAGMA foreign_keys = 0; UPDATE message SET transfer = 99", "names a row of transfer"),
    ] {
        let altered = lab.folder.path().join("altered.db");
        fs::copy(&copy, &altered).unwrap();
        rusqlite::Connection::open(&altered).unwrap().execute_batch(tampering).unwrap();
        let faults = verify(&altered).unwrap().faults.join("; ");
        assert!(faults.contains(named), "{tampering}: {faults}");
        let lab = lab.folder.path().join("elsewhere.db");
        let refused = restore(&altered, &lab, at(99)).err().unwrap().to_string();
        assert!(refused.contains(named), "{refused}");
        assert!(!lab.exists());
    }
    let mut bytes = fs::read(&copy).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&copy, bytes).unwrap();
    let refused = restore(&copy, &lab.folder.path().join("elsewhere.db"), at(99)).err().unwrap();
    assert!(refused.to_string().contains("checksum"), "{refused}");
}

#[test]
fn nothing_is_restored_over_a_gateway_that_runs() {
    let lab = Lab::new();
    let copy = copy(&lab);
    let refused = restore(&copy, &lab.path(), lab.now()).err().unwrap().to_string();
    assert!(refused.contains("another gateway uses this journal"), "{refused}");
}

#[test]
fn a_copy_needs_room_for_itself_and_the_reserve() {
    let lab = Lab::new();
    let refused = back_up(&lab.path(), lab.folder.path(), u64::MAX / 2, lab.now()).err().unwrap().to_string();
    assert!(refused.contains("has room for"), "{refused}");
}
