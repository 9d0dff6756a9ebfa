//! When the journal isn't the one that ran last: nothing is delivered, what came before waits for a person, and copies are
//! told from what they were made of.

use std::fs;
use std::path::PathBuf;

use labwire::domain::{DestinationId, HoldReason};
use labwire::journal::backup::{back_up, restore};
use labwire::journal::decisions::{Again, Judged};
use labwire::journal::desk::{Decider, Decision};
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::results::Entry;
use labwire::journal::salvage::{Salvaged, salvage};
use labwire::journal::standstill::Since;
use labwire::journal::verify::verify;
use labwire::journal::{Journal, ObservationId, OpenError};

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

/// It waits for nothing but what rules say of it, which may fall away by itself.
fn waiting(specimen: &str) -> Entry {
    let (reasons, waits_at) = (vec![HoldReason::NotReleased], vec![DestinationId::new("lims")]);
    let judged = Judged { reasons, waits_at, ..Judged::default() };
    Entry { judged, ..own(result(specimen, "K", "4.1")) }
}

#[test]
fn what_waits_for_rules_waits_for_a_comparison_too() {
    let lab = Lab::new();
    let before = lab.record(vec![waiting("S1")])[0];
    let copy = copy(&lab);
    let lab = put_back(lab, &copy);
    let since = lab.record(vec![waiting("S2")])[0];
    resume(&lab, Since::Hold);
    for id in [before, since] {
        let nothing_holds_it = Again { observation: id, judged: Judged::default(), link: None };
        lab.wait(lab.journal.judge_again(vec![nothing_holds_it], "other rules are in force", lab.now()))
            .unwrap();
        assert_eq!(lab.state(id), "held");
        assert_eq!(lab.reader.hold(id).unwrap().unwrap().reasons, ["may-be-delivered"]);
    }
    lab.decide(Decision::Release(before)).unwrap();
    assert_eq!(lab.deliver_everything(), [vec![before]]);
    lab.assert_balanced();
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

/// The pages of a table or an index that hold rows, by their number from 1.
fn leaves(lab: &Lab, of: &str) -> Vec<u64> {
    let reading = lab.reading();
    let mut statement = reading
        .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
        .unwrap();
    statement.query_map([of], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn overwrite(path: &std::path::Path, page: u64) {
    let mut bytes = fs::read(path).unwrap();
    let at = usize::try_from((page - 1) * 4096).unwrap();
    bytes[at..at + 4096].fill(0xAA);
    fs::write(path, bytes).unwrap();
}

fn aside(lab: &Lab) -> Vec<PathBuf> {
    let all = fs::read_dir(lab.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.to_string_lossy().contains(".damaged-")).collect()
}

/// What a damaged journal had, that all of it can be told apart from what the LIMS has.
fn salvaged(lab: &Lab) -> Salvaged {
    salvage(&aside(lab)[0], at(0)).unwrap()
}

/// A journal with a hundred results of which the LIMS has half, one page of it overwritten while it was stopped, and the start
/// after that.
fn overwritten(what: &str, which: fn(&[u64]) -> usize) -> (Lab, Vec<ObservationId>) {
    let lab = Lab::new();
    let mut ids: Vec<_> = (0..50).map(|number| lab.own(result(&format!("S{number}"), "K", "4.1"))).collect();
    lab.deliver_everything();
    ids.extend((50..100).map(|number| lab.own(result(&format!("S{number}"), "K", "4.1"))));
    lab.message();
    let lab = lab.reopen();
    let leaves = leaves(&lab, what);
    let page = leaves[which(&leaves)];
    let stopped = lab.stop();
    overwrite(&stopped.path(), page);
    (stopped.start(), ids)
}

#[test]
fn damage_inside_the_file_is_found_at_the_next_start_and_what_is_left_can_be_compared() {
    for what in ["observation_specimen", "delivery_specimen", "parcel_transfer"] {
        let (lab, ids) = overwritten(what, |leaves| leaves.len() / 2);
        assert!(stands_still(&lab).unwrap().contains("damaged; it is kept as"), "{what}");
        let salvaged = salvaged(&lab);
        assert_eq!((salvaged.results.len(), salvaged.lost), (100, 0), "{what}: no row was in that page");
        for (found, id) in salvaged.results.iter().zip(&ids) {
            let line = &found.lines.as_ref().unwrap()[0];
            let was_delivered = found.id.0 <= 50;
            assert_eq!((found.id, line.is_there(), line.is_missing()), (*id, was_delivered, !was_delivered));
            assert_eq!(line.key.is_some(), was_delivered, "the LIMS knows it by that");
        }
        assert_eq!(salvaged.unread.len(), 1, "what wasn't read yet is told too");
        lab.own(result("S200", "K", "4.1"));
        assert!(lab.lease().is_none(), "nothing leaves");
        assert_eq!(
            lab.reopen().reader.standstill().unwrap().map(|_| ()),
            Some(()),
            "nor after another start"
        );
    }
}

#[test]
fn a_problem_in_the_place_of_a_result_is_not_forgotten_with_its_journal() {
    let lab = Lab::new();
    for _ in 0..2 {
        let message = lab.message();
        lab.record_of(message, Vec::new(), vec![lost_result(0)]).unwrap();
    }
    let open: Vec<_> = lab.reader.open_problems(10).unwrap().into_iter().map(|it| it.id).collect();
    lab.decide(Decision::Dismiss(open[0])).unwrap();
    let lab = lab.stop();
    let salvaged = salvage(&lab.path(), at(0)).unwrap();
    let told: Vec<_> = salvaged.problems.iter().map(|it| (it.id, it.kind.as_str())).collect();
    assert_eq!(told, [(open[1].0, "unknown-code")], "{salvaged:?}");
    assert_eq!((salvaged.results.len(), salvaged.unread.len(), salvaged.lost), (0, 0, 0));
}

#[test]
fn rows_that_are_lost_hide_no_others() {
    let (lab, _) = overwritten("observation", |leaves| leaves.len() / 2);
    let salvaged = salvaged(&lab);
    let found = salvaged.results.len();
    assert!(salvaged.lost > 0 && found > 50, "{found} found, {} lost", salvaged.lost);
    assert_eq!(found as u64 + salvaged.lost, 100, "each is told, or told to be lost");
    let (first, last) = (&salvaged.results[0], &salvaged.results[found - 1]);
    assert_eq!((first.id.0, last.id.0), (1, 100), "from both ends");
}

#[test]
fn what_became_of_a_result_is_not_guessed_where_it_can_not_be_read() {
    let (lab, _) = overwritten("ledger", |leaves| leaves.len() / 2);
    let salvaged = salvaged(&lab);
    assert_eq!(salvaged.results.len(), 100);
    let told = salvaged.results.iter().filter(|it| it.lines.is_some()).count();
    assert!(told > 0 && told < 100, "{told}");
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
