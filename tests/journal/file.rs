//! The file itself: rows that never change, the audit chain, one gateway at a time, and versions.

use labwire::journal::{Journal, OpenError, Reader};
use rusqlite::Connection;

use super::kit::{Lab, at, held, own, result};

/// A journal with a row in each table that is written once.
fn lived_in() -> Lab {
    let lab = Lab::new();
    lab.record(vec![own(result("S1", "K", "4.1")), own(held(result("S1", "NA", "140")))]);
    let lease = lab.lease().unwrap();
    lab.accept(&lease);
    lab
}

#[test]
fn rows_that_are_written_once_can_not_be_changed() {
    let lab = lived_in();
    for change in [
        "UPDATE parcel SET raw = x'00'",
        "UPDATE parcel SET received_at = 0",
        "UPDATE observation SET detail = '{}'",
        "UPDATE attempt SET number = 9",
        "UPDATE attempt SET began_at = 0",
        "UPDATE answer SET verdict = 'accepted'",
        "UPDATE answer SET body = x''",
        "UPDATE answer SET connection = NULL",
        "UPDATE audit SET detail = ''",
        "UPDATE delivery SET payload = x'00'",
        "UPDATE delivery SET key = 'again'",
        "UPDATE token_key SET key = zeroblob(32)",
        "DELETE FROM token_key",
        "DELETE FROM audit",
        "DELETE FROM ledger",
        "DELETE FROM parcel",
        "DELETE FROM observation",
        "DELETE FROM attempt",
        "DELETE FROM answer",
        "DELETE FROM delivery",
        "DELETE FROM message",
        "REPLACE INTO parcel SELECT * FROM parcel",
        "REPLACE INTO observation SELECT * FROM observation",
        "REPLACE INTO attempt SELECT * FROM attempt",
        "REPLACE INTO answer SELECT * FROM answer",
        "REPLACE INTO token_key SELECT id, zeroblob(32) FROM token_key",
    ] {
        let connection = lab.reading();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.pragma_update(None, "recursive_triggers", true).unwrap();
        let changed = connection.execute(change, []);
        assert!(changed.is_err(), "{change}");
    }
}

#[test]
fn tampering_with_the_audit_chain_is_found() {
    for (tampering, row) in [
        ("UPDATE audit SET detail = 'x' WHERE id = 2", 2),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", 1),
        ("UPDATE audit SET hash = zeroblob(32) WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET step = step || 'x', subject = substr(subject, 2) WHERE id = 2", 2),
    ] {
        let lab = lived_in();
        assert_eq!(lab.reader.audit_break().unwrap(), None);
        let connection = lab.reading();
        connection.execute_batch("DROP TRIGGER audit_unchanged; DROP TRIGGER audit_stays").unwrap();
        connection.execute(tampering, []).unwrap();
        assert_eq!(lab.reader.audit_break().unwrap(), Some(row), "{tampering}");
    }
}

#[test]
fn the_deep_check_finds_a_count_that_is_off() {
    for tampering in [
        "UPDATE counter SET value = value + 1 WHERE name = 'owed'",
        "UPDATE counter SET value = value + 1 WHERE name IN ('new', 'received')",
        "INSERT INTO counter VALUES ('duplicate', 'sim', 1), ('problem', 'sim', -1)",
        "UPDATE ledger_total SET count = count + 1",
        "UPDATE ledger SET behind = 1 WHERE state = 'held'; UPDATE ledger SET state = 'pending' WHERE state = 'held';
         UPDATE ledger SET behind = 1 WHERE state = 'pending'",
    ] {
        let lab = lived_in();
        lab.assert_balanced();
        lab.reading().execute_batch(tampering).unwrap();
        assert_ne!(lab.reader.deep_imbalances().unwrap(), [""; 0], "{tampering}");
    }
}

#[test]
fn a_second_gateway_is_turned_away() {
    let lab = Lab::new();
    let second = Journal::open(&lab.path(), 0, at(1));
    assert!(matches!(second, Err(OpenError::InUse(_))));
    let path = lab.path();
    let folder = lab.folder;
    drop((lab.journal, lab.reader));
    assert!(Journal::open(&path, 0, at(2)).is_ok());
    drop(folder);
}

#[test]
fn a_journal_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labwire.db");
    drop(Journal::open(&path, 0, at(0)).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let opened = Journal::open(&path, 0, at(1));
    assert!(matches!(opened, Err(OpenError::NewerJournal { found: 99, .. })));
    let version: i64 =
        Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn a_journal_of_the_first_version_is_brought_up_to_date_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labwire.db");
    let first = Connection::open(&path).unwrap();
    first.execute_batch(include_str!("../../src/journal/migrations/0001_spine.sql")).unwrap();
    first
        .execute("INSERT INTO transfer (source, peer, began_at, ended_at) VALUES ('a', 'b', 1, 2)", [])
        .unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    drop(first);
    drop(Journal::open(&path, 0, at(1)).unwrap());
    assert!(Reader::open(&path).is_ok());
    let connection = Connection::open(&path).unwrap();
    let kept: i64 = connection.query_row("SELECT count(*) FROM transfer", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_reader_opens_only_what_it_understands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labwire.db");
    let told = |path: &std::path::Path| Reader::open(path).err().map(|error| error.to_string());
    for (version, expected) in [
        (0, "is no journal of labwire"),
        (98, "the journal has version 98 and this program knows "),
        (99, "; install the newer program again"),
        (-1, "install the newer program again"),
    ] {
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        let told = told(&path).unwrap();
        assert!(told.contains(expected), "{told}");
    }
    std::fs::write(&path, b"a note of somebody's that is longer than a header and no database at all")
        .unwrap();
    assert!(told(&path).unwrap().contains("not a database"));
    let lab = Lab::new();
    assert_eq!(told(&lab.path()), None);
    lab.reading().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Reader::open(&lab.path()), Err(OpenError::NewerJournal { found: 99, .. })));
}

#[test]
fn a_reader_needs_a_journal_and_sees_what_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Reader::open(&folder.path().join("labwire.db")).is_err());
    let lab = Lab::new();
    let before = lab.reader.data_version().unwrap();
    lab.message();
    assert_ne!(lab.reader.data_version().unwrap(), before);
    assert_eq!(lab.reader.pending(10).unwrap().len(), 1);
}

#[test]
fn every_start_has_an_epoch_of_its_own_so_that_a_restored_copy_reuses_no_key() {
    let (lab, other) = (Lab::new(), Lab::new());
    let epoch: String = lab.ask("SELECT epoch FROM journal");
    assert_eq!(epoch.len(), 8);
    assert_ne!(epoch, other.ask::<String>("SELECT epoch FROM journal"));
    assert_ne!(lab.reopen().ask::<String>("SELECT epoch FROM journal"), epoch);
}

#[test]
fn for_how_long_there_is_room_is_told_once_a_week_is_known_and_while_something_comes() {
    const DAY: i64 = 86_400;
    let lab = Lab::new();
    assert_eq!(lab.reader.days_left(0, lab.now()).unwrap(), None);
    lab.message();
    lab.pass(6 * DAY);
    lab.message();
    assert_eq!(lab.reader.days_left(0, lab.now()).unwrap(), None);
    lab.pass(DAY);
    let left = lab.reader.days_left(0, lab.now()).unwrap();
    assert!(left.is_some_and(|days| days > 0), "{left:?}");
    assert_eq!(lab.reader.days_left(u64::MAX, lab.now()).unwrap(), Some(0), "the reserve isn't room");
    lab.pass(5 * DAY);
    lab.message();
    lab.pass(6 * DAY);
    let slower = lab.reader.days_left(0, lab.now()).unwrap();
    assert!(slower > left, "{slower:?} with three messages in 18 days, {left:?} with two in seven");
    lab.pass(2 * DAY);
    assert_eq!(lab.reader.days_left(0, lab.now()).unwrap(), None, "nothing has come for a week");
}
