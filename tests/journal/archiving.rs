//! Bytes of old messages leave for archives, and only theirs: whatever somebody isn't done with stays, each byte is in the
//! journal or in an archive at every moment, and whoever asks for bytes gets them from wherever they are, or is told the file.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use labwire::domain::call::CallOutcome;
use labwire::domain::{DestinationId, SpecimenId};
use labwire::journal::backup::back_up;
use labwire::journal::desk::{Decider, Decision};
use labwire::journal::ledger::{Fate, Next, Settlement};
use labwire::journal::parcels::Ending;
use labwire::journal::resend::{Of, Resending, Wanted};
use labwire::journal::retention::{Moved, Walk};
use labwire::journal::verify::verify;
use labwire::journal::{
    ArchiveError, DeliveryId, JournalError, MessageId, ObservationId, folder_of_archives,
};

use labwire::journal::standstill::Since;

use super::calling::{low, potassium};
use super::fetched::{BOTH, taken};
use super::kit::{LIMS, Lab, at, held, lost_result, own, parcel, result};

fn decider() -> Decider {
    Decider { actor: "mgarcia".to_owned(), reason: "compared".to_owned() }
}

/// Longer ago than anything that a test has.
const YEARS: i64 = 3 * 365 * 86_400;

impl Lab {
    /// Lets everything leave that is older than a moment and may.
    pub(crate) fn archive(&self, before: Timestamp) -> Moved {
        let (mut walk, mut moved) = (Walk::default(), Moved::default());
        while !walk.is_over() {
            let copied = self.reader.copy_into_archives(&mut walk, before, 0).unwrap();
            moved = moved.and(self.wait(self.journal.take_out(copied, self.now())).unwrap());
        }
        moved
    }

    fn archive_all(&self) -> Moved {
        self.archive(at(2 * YEARS))
    }

    /// Which rows' bytes have left: `parcel 1` and so on.
    fn gone(&self) -> Vec<String> {
        let reading = self.reading();
        let mut statement = reading
            .prepare(
                "SELECT 'parcel ' || id FROM parcel WHERE archive IS NOT NULL
                 UNION ALL SELECT 'delivery ' || id FROM delivery WHERE archive IS NOT NULL
                 UNION ALL SELECT 'answer ' || attempt FROM answer WHERE archive IS NOT NULL
                 UNION ALL SELECT 'evaluation ' || id FROM evaluation WHERE archive IS NOT NULL",
            )
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn archives(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(folder_of_archives(&self.path()))
            .map(|folder| folder.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        found.sort();
        found
    }

    fn accept_with(&self, body: &[u8]) {
        let lease = self.lease().unwrap();
        let settlement = Settlement {
            fates: lease.items.iter().map(|item| (*item, Fate::Accepted)).collect(),
            next: Next::Settled,
            status: Some(200),
            body: Some(body.to_vec()),
            verdict: "accepted".to_owned(),
            detail: String::new(),
            connection: None,
        };
        self.wait(self.journal.settle(&lease, settlement, self.now())).unwrap();
    }
}

/// A message whose transfer is over, with these results.
fn over(lab: &Lab, specimen: &str) -> MessageId {
    let text = format!("R|{specimen}\rL|1\r");
    let message = arrived(lab, &text);
    lab.record_of(message, vec![own(result(specimen, "K", "4.1"))], Vec::new()).unwrap();
    message
}

/// A message whose transfer is over and that nobody has read.
fn arrived(lab: &Lab, text: &str) -> MessageId {
    let (transfer, messages) = lab.first(parcel(text, &[text.len()]));
    lab.end(transfer, Ending::Ended { completes: false });
    messages[0]
}

/// One with a problem that is open.
fn with_problem(lab: &Lab) -> MessageId {
    let message = arrived(lab, "L|1\r");
    lab.record_of(message, Vec::new(), vec![lost_result(0)]).unwrap();
    message
}

#[test]
fn what_is_old_and_settled_leaves_and_is_found_again() {
    let lab = Lab::new();
    let message = over(&lab, "S1");
    lab.accept_with(b"taken");
    let before = |lab: &Lab| {
        let reader = &lab.reader;
        let frames = reader.frames(message).unwrap();
        (
            frames.into_iter().map(|it| (it.raw.reveal().clone(), it.sha256)).collect::<Vec<_>>(),
            reader.content(message).unwrap(),
            reader.payload(DeliveryId(1)).unwrap().unwrap().reveal().clone(),
            reader.received(DeliveryId(1), 1).unwrap().unwrap().reveal().clone(),
        )
    };
    let whole = before(&lab);
    let sums = format!("{:?}", lab.reader.sums().unwrap());
    let moved = lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 1", "delivery 1", "answer 1"]);
    assert_eq!(moved.items, 3);
    assert_eq!(lab.ask::<i64>("SELECT sum(length(raw)) FROM parcel"), 0);
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM leaving"), 0);
    assert_eq!(before(&lab), whole, "every byte is found again");
    assert_eq!(format!("{:?}", lab.reader.sums().unwrap()), sums);
    lab.assert_balanced();
    let found = verify(&lab.path()).unwrap();
    assert_eq!((found.faults.as_slice(), found.parcels, found.deliveries), (&[][..], 1, 1));
    assert!(found.elsewhere.is_empty());
    let archives = lab.reader.archives().unwrap();
    assert_eq!(archives.len(), 1);
    assert!(archives[0].is_there && archives[0].name == "2027-01.db", "{archives:?}");
    assert_eq!(archives[0].holds, moved);
    assert_eq!(lab.archive_all(), Moved::default(), "nothing leaves twice");
}

#[test]
fn what_somebody_is_not_done_with_stays() {
    type Case = (&'static str, fn(&Lab));
    let cases: [Case; 9] = [
        ("not read yet", |lab| {
            arrived(lab, "L|1\r");
        }),
        ("a transfer that goes on", |lab| {
            let (transfer, _) = lab.first(parcel("H|1\r", &[]));
            lab.next(transfer, parcel("P|1\r", &[]));
        }),
        ("cut before its end", |lab| {
            let (transfer, _) = lab.first(parcel("H|1\r", &[]));
            let message = lab.end(transfer, Ending::Cut("gone".to_owned())).unwrap();
            lab.record_of(message, Vec::new(), vec![lost_result(0)]).unwrap();
        }),
        ("waiting to leave", |lab| {
            over(lab, "S1");
        }),
        ("under way", |lab| {
            over(lab, "S1");
            lab.lease().unwrap();
        }),
        ("held", |lab| {
            let message = arrived(lab, "L|1\r");
            lab.record_of(message, vec![own(held(result("S1", "K", "4.1")))], Vec::new()).unwrap();
        }),
        ("an open problem", |lab| {
            with_problem(lab);
        }),
        ("a dead letter", |lab| {
            over(lab, "S1");
            let lease = lab.lease().unwrap();
            lab.settle_all(&lease, &Fate::Refused("no".to_owned()), Next::Dead, Some(422));
        }),
        ("of unknown fate", |lab| {
            over(lab, "S1");
            let lease = lab.lease().unwrap();
            lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: at(YEARS) }, None);
        }),
    ];
    for (what, happens) in cases {
        let lab = Lab::new();
        happens(&lab);
        assert_eq!(lab.archive_all(), Moved::default(), "{what}");
        assert_eq!(lab.gone(), [""; 0], "{what}");
        assert!(lab.archives().is_empty(), "{what}: nothing was copied either");
    }
}

#[test]
fn what_is_settled_leaves_once_it_is() {
    let lab = Lab::new();
    let message = with_problem(&lab);
    assert_eq!(lab.archive_all(), Moved::default());
    lab.decide(Decision::DismissMessage(message)).unwrap();
    assert_eq!(lab.archive(at(0)), Moved::default(), "it is too young");
    lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 1"]);
}

#[test]
fn a_neighbour_that_waits_keeps_the_parcel_that_both_share() {
    let lab = Lab::new();
    let (transfer, messages) = lab.first(parcel("H|1\rL|1\rH|2\r", &[8]));
    let second = lab.next(transfer, parcel("L|2\r", &[4]));
    lab.next(transfer, parcel("H|3\rL|3\r", &[8]));
    lab.end(transfer, Ending::Ended { completes: false });
    lab.record_of(messages[0], Vec::new(), Vec::new()).unwrap();
    let third = lab.reader.pending(9).unwrap()[1];
    lab.record_of(third, Vec::new(), Vec::new()).unwrap();
    lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 3"]);
    lab.record_of(second[0], Vec::new(), Vec::new()).unwrap();
    lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 1", "parcel 2", "parcel 3"]);
}

#[test]
fn a_stop_between_copying_and_taking_out_leaves_every_byte_in_the_journal() {
    let lab = Lab::new();
    let message = over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    let copied = lab.reader.copy_into_archives(&mut Walk::default(), at(YEARS), 0).unwrap();
    assert_eq!((copied.items(), lab.gone().len()), (1, 0));
    let content = lab.reader.content(message).unwrap();
    let lab = lab.reopen();
    assert_eq!(lab.reader.content(message).unwrap(), content);
    lab.archive_all();
    assert_eq!(lab.gone().len(), 2, "the copy that was there already does no harm");
    assert_eq!(lab.reader.content(message).unwrap(), content);
    assert_eq!(verify(&lab.path()).unwrap().faults, [""; 0]);
}

#[test]
fn what_is_taken_up_again_between_copying_and_taking_out_stays() {
    let lab = Lab::new();
    let message = with_problem(&lab);
    lab.decide(Decision::DismissMessage(message)).unwrap();
    let copied = lab.reader.copy_into_archives(&mut Walk::default(), at(YEARS), 0).unwrap();
    assert_eq!(copied.items(), 1);
    lab.decide(Decision::Reread(message)).unwrap();
    assert_eq!(lab.wait(lab.journal.take_out(copied, lab.now())).unwrap(), Moved::default());
    assert_eq!(lab.gone(), [""; 0]);
}

#[test]
fn an_archive_that_is_carried_away_is_named_and_its_month_goes_on_in_another() {
    let lab = Lab::new();
    let message = over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    lab.archive_all();
    let (file, elsewhere) = (lab.archives()[0].clone(), lab.folder.path().join("carried.db"));
    fs::rename(&file, &elsewhere).unwrap();
    let why = lab.reader.content(message).unwrap_err().to_string();
    assert!(why.contains("its bytes are in the archive 2027-01.db, which isn't in the folder"), "{why}");
    let found = verify(&lab.path()).unwrap();
    assert_eq!(found.faults, [""; 0], "what is elsewhere is no fault");
    assert_eq!(found.elsewhere.into_iter().collect::<Vec<_>>(), [("2027-01.db".to_owned(), 2)]);
    lab.assert_balanced();
    over(&lab, "S2");
    lab.accept(&lab.lease().unwrap());
    lab.archive_all();
    assert_eq!(lab.archives()[0].file_name().unwrap(), "2027-01-2.db");
    fs::rename(&elsewhere, &file).unwrap();
    assert!(lab.reader.content(message).is_ok(), "it was brought back");
    assert!(verify(&lab.path()).unwrap().elsewhere.is_empty());
}

#[test]
fn an_archive_that_was_altered_is_found() {
    let lab = Lab::new();
    let message = over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    lab.archive_all();
    let archive = rusqlite::Connection::open(&lab.archives()[0]).unwrap();
    archive.execute_batch("DROP TRIGGER content_unchanged; UPDATE content SET bytes = x'00'").unwrap();
    let why = lab.reader.content(message).unwrap_err().to_string();
    assert!(why.contains("doesn't hold them as they were"), "{why}");
    let faults = verify(&lab.path()).unwrap().faults;
    assert!(
        faults.iter().any(|it| it == "the bytes of parcel 1 aren't those that were stored"),
        "{faults:?}"
    );
    let deep = lab.reader.deep_imbalances().unwrap();
    assert!(deep.iter().any(|it| it == "parcel 1 differs from its SHA-256"), "{deep:?}");
}

#[test]
fn a_copy_that_an_archive_does_not_hold_as_it_was_takes_nothing_out() {
    let lab = Lab::new();
    over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    drop(lab.reader.copy_into_archives(&mut Walk::default(), at(YEARS), 0).unwrap());
    let archive = rusqlite::Connection::open(&lab.archives()[0]).unwrap();
    archive.execute_batch("DROP TRIGGER content_unchanged; UPDATE content SET bytes = x'00'").unwrap();
    let refused = lab.reader.copy_into_archives(&mut Walk::default(), at(YEARS), 0).err().unwrap();
    assert!(matches!(refused, ArchiveError::Altered { .. }), "{refused}");
    fs::write(&lab.archives()[0], "no archive\n").unwrap();
    assert!(lab.reader.copy_into_archives(&mut Walk::default(), at(YEARS), 0).is_err());
    assert_eq!(lab.gone(), [""; 0]);
}

#[test]
fn without_room_beside_the_reserve_nothing_leaves() {
    let lab = Lab::new();
    over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    let refused = lab.reader.copy_into_archives(&mut Walk::default(), at(YEARS), u64::MAX / 2).err().unwrap();
    assert!(matches!(refused, ArchiveError::NoRoom { .. }), "{refused}");
    assert_eq!(lab.gone(), [""; 0]);
}

#[test]
fn a_delivery_that_goes_once_more_brings_its_payload_back() {
    let lab = Lab::new();
    over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    let payload = lab.reader.payload(DeliveryId(1)).unwrap().unwrap().reveal().clone();
    lab.archive_all();
    let (file, elsewhere) = (lab.archives()[0].clone(), lab.folder.path().join("carried.db"));
    let resend = || {
        let of = Of::Specimen(SpecimenId::new("S1"));
        let wanted = Wanted { destination: DestinationId::new(LIMS), of, instrument: None, test: None };
        let [by, account, reason] = ["Anna Example", "mgarcia", "restored"].map(str::to_owned);
        lab.wait(lab.journal.resend(Resending { wanted, by, account, reason, seen: None }, lab.now()))
    };
    fs::rename(&file, &elsewhere).unwrap();
    let Err(JournalError::Elsewhere(why)) = resend() else { panic!("its bytes aren't here") };
    assert!(why.contains("2027-01.db"), "{why}");
    assert!(lab.lease().is_none(), "nothing of it was written");
    fs::rename(&elsewhere, &file).unwrap();
    resend().unwrap();
    assert_eq!(lab.gone(), ["parcel 1"]);
    let lease = lab.lease().unwrap();
    assert_eq!(lease.payload, payload);
    lab.accept(&lease);
    lab.assert_balanced();
    lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 1", "delivery 1"], "and it leaves again");
}

#[test]
fn a_message_that_is_read_again_brings_its_bytes_back() {
    let lab = Lab::new();
    let message = with_problem(&lab);
    lab.decide(Decision::DismissMessage(message)).unwrap();
    lab.archive_all();
    let file = lab.archives()[0].clone();
    fs::rename(&file, lab.folder.path().join("carried.db")).unwrap();
    assert!(lab.decide(Decision::Reread(message)).is_err(), "its bytes aren't here");
    assert_eq!(lab.reader.pending(9).unwrap(), []);
    fs::rename(lab.folder.path().join("carried.db"), &file).unwrap();
    lab.decide(Decision::Reread(message)).unwrap();
    assert_eq!(lab.gone(), [""; 0]);
    assert_eq!(lab.unread()[0].content, b"L|1\r");
}

#[test]
fn an_older_journal_goes_with_newer_archives() {
    let lab = Lab::new();
    let message = over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    let stopped = lab.stop();
    let kept = stopped.folder().join("kept");
    fs::copy(stopped.path(), &kept).unwrap();
    let lab = stopped.start();
    let content = lab.reader.content(message).unwrap();
    lab.archive_all();
    over(&lab, "S2");
    lab.accept(&lab.lease().unwrap());
    lab.archive_all();
    let stopped = lab.stop();
    fs::copy(&kept, stopped.path()).unwrap();
    let lab = stopped.start();
    assert_eq!(lab.reader.content(message).unwrap(), content);
    assert_eq!(lab.archive_all(), Moved::default(), "nothing leaves before somebody has resumed");
    lab.wait(lab.journal.resume(Since::Send, decider(), lab.now())).unwrap();
    // Another second parcel than the one that the archive knows under that number.
    let other = over(&lab, "S3");
    lab.deliver_everything();
    lab.archive_all();
    assert_eq!(lab.reader.content(message).unwrap(), content);
    assert_eq!(lab.reader.content(other).unwrap(), b"R|S3\rL|1\r");
    assert_eq!(verify(&lab.path()).unwrap().faults, [""; 0]);
}

#[test]
fn a_copy_of_the_journal_says_which_bytes_it_has_not() {
    let lab = Lab::new();
    over(&lab, "S1");
    lab.accept(&lab.lease().unwrap());
    lab.archive_all();
    let folder = tempfile::tempdir().unwrap();
    let copy = back_up(&lab.path(), folder.path(), 0, lab.now()).unwrap();
    assert_eq!(copy.verified.faults, [""; 0]);
    assert_eq!(copy.verified.elsewhere.into_iter().collect::<Vec<_>>(), [("2027-01.db".to_owned(), 2)]);
}

#[test]
fn nobody_else_takes_a_row_out_or_its_bytes() {
    let lab = Lab::new();
    over(&lab, "S1");
    lab.accept_with(b"taken");
    let tries = [
        "DELETE FROM parcel",
        "DELETE FROM delivery",
        "DELETE FROM answer",
        "UPDATE parcel SET raw = x''",
        "UPDATE parcel SET archive = 1",
        "UPDATE delivery SET payload = x''",
        "UPDATE answer SET body = x''",
        "INSERT INTO archive VALUES (1, 'a.db', 0, 0, 0, 0);
         REPLACE INTO parcel SELECT id, transfer, received_at, content_start, content_end, sha256, x'', 1 FROM parcel",
        "INSERT INTO archive VALUES (1, 'a.db', 0, 0, 0, 0);
         INSERT INTO leaving SELECT 'parcel', id, 1, sha256 FROM parcel;
         REPLACE INTO parcel SELECT id, transfer, received_at + 1, content_start, content_end, sha256, x'', 1 FROM parcel",
    ];
    let attempt = |sql: &str| {
        let connection = lab.reading();
        connection.pragma_update(None, "recursive_triggers", true).unwrap();
        connection.execute_batch(&format!("BEGIN; {sql}; ROLLBACK"))
    };
    for sql in tries {
        let refused = attempt(sql).unwrap_err().to_string();
        assert!(refused.contains("never goes") || refused.contains("never changes"), "{sql}: {refused}");
    }
    let right = tries[8].replace("received_at + 1", "received_at");
    assert!(attempt(&right).is_ok(), "the right way goes, so that the wrong ones tell something");
}

#[test]
fn room_that_bytes_leave_behind_is_used_again() {
    let lab = Lab::new();
    for number in 0..200 {
        let text = format!("R|{number}|{}\rL|1\r", "x".repeat(200));
        let message = arrived(&lab, &text);
        lab.record_of(message, Vec::new(), Vec::new()).unwrap();
    }
    let before = lab.reader.bytes_in_use().unwrap();
    let moved = lab.archive_all();
    assert_eq!(moved.items, 200);
    let given_back = before - lab.reader.bytes_in_use().unwrap();
    assert!(given_back > moved.bytes / 2, "{given_back} of {} bytes", moved.bytes);
}

#[test]
fn a_journal_that_is_not_archived_makes_no_folder() {
    let lab = Lab::new();
    over(&lab, "S1");
    assert!(!folder_of_archives(&lab.path()).exists());
    assert_eq!(lab.reader.archives().unwrap(), []);
    let young = at(0).checked_sub(SignedDuration::from_secs(YEARS)).unwrap();
    assert_eq!(lab.archive(young), Moved::default());
    assert!(!folder_of_archives(&lab.path()).exists());
}

#[test]
fn a_row_that_stays_for_no_reason_would_be_noticed() {
    // What keeps the rows of the test above is what is open about them: once that is over they leave.
    let lab = Lab::new();
    let message = arrived(&lab, "L|1\r");
    lab.record_of(message, vec![own(held(result("S1", "K", "4.1")))], Vec::new()).unwrap();
    let id = lab.ids(message)[0];
    lab.decide(Decision::Release(id)).unwrap();
    assert_eq!(lab.archive_all(), Moved::default(), "it waits to leave");
    lab.accept(&lab.lease().unwrap());
    lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 1", "delivery 1"]);
}

/// With an evaluation by rules in force, and a call.
fn critical(lab: &Lab) -> ObservationId {
    let message = arrived(lab, "L|1\r");
    lab.record_of(message, vec![potassium("2.1", low())], Vec::new()).unwrap();
    lab.ids(message)[0]
}

#[test]
fn an_open_call_keeps_everything_of_its_result_and_its_case_is_read_again_from_an_archive() {
    let lab = Lab::new();
    let id = critical(&lab);
    lab.deliver_everything();
    assert_eq!(lab.archive_all(), Moved::default(), "the call is open");
    let before = lab.reader.evaluations_of(id).unwrap();
    lab.call(CallOutcome::Confirmed, "2.1 mmol/L").unwrap();
    assert!(lab.reader.open_calls().unwrap().is_empty());
    assert_eq!(lab.archive_all(), Moved::default(), "the record of the call is to be told");
    lab.deliver_everything();
    lab.archive_all();
    let gone = lab.gone();
    assert!(gone.contains(&"evaluation 1".to_owned()) && gone.contains(&"parcel 1".to_owned()), "{gone:?}");
    assert_eq!(lab.ask::<i64>("SELECT sum(length(facts)) FROM evaluation"), 0);
    let after = lab.reader.evaluations_of(id).unwrap();
    assert!(after.len() == 1 && after[0].case == before[0].case && after[0].decisions == before[0].decisions);
    assert_eq!(lab.reader.evaluations(0, 9).unwrap().len(), 1);
    lab.assert_balanced();
    assert_eq!(verify(&lab.path()).unwrap().faults, [""; 0]);
    fs::rename(&lab.archives()[0], lab.folder.path().join("carried.db")).unwrap();
    assert!(matches!(lab.reader.evaluations_of(id), Err(JournalError::Elsewhere(_))));
}

#[test]
fn what_is_owed_beside_a_result_keeps_its_message() {
    let cases = [
        (
            "an order that is wanted",
            "INSERT INTO lab_order VALUES (1, 'lims', '1', 'S1', 'K', 'active', 1, '', '', 1, 1, '{}');
             INSERT INTO order_word VALUES (1, 1, 1, 1, 'placed', '{}')",
            "UPDATE lab_order SET state = 'completed'",
        ),
        (
            "a word that is to be told",
            "INSERT INTO notice VALUES (1, 1, 'lims', 'rejected', 'S1', 'K', 'pending', NULL, NULL, 1)",
            "UPDATE notice SET state = 'accepted'",
        ),
        (
            "a move that nobody has judged",
            "INSERT INTO reassignment VALUES (1, 'S2', 'Anna Example', 'mgarcia', 'misread', 1)",
            "DELETE FROM reassignment_due",
        ),
    ];
    for (what, opens, closes) in cases {
        let lab = Lab::new();
        over(&lab, "S1");
        lab.deliver_everything();
        lab.reading().execute_batch(opens).unwrap();
        assert_eq!(lab.archive_all(), Moved::default(), "{what}");
        lab.reading().execute_batch(closes).unwrap();
        lab.archive_all();
        assert_eq!(lab.gone(), ["parcel 1", "delivery 1"], "{what}: it is over");
    }
}

#[test]
fn a_file_leaves_once_all_of_it_was_read_and_its_head_stays() {
    let lab = Lab::new();
    taken(&lab, "day.csv");
    assert_eq!(lab.archive_all(), Moved::default(), "nobody has read it");
    let [first, second] = lab.reader.pending(9).unwrap().try_into().unwrap();
    lab.record_of(first, Vec::new(), Vec::new()).unwrap();
    assert_eq!(
        lab.archive_all(),
        Moved::default(),
        "the pieces of the first part hold some of the other, or the head"
    );
    lab.record_of(second, Vec::new(), Vec::new()).unwrap();
    lab.archive_all();
    assert_eq!(lab.gone(), ["parcel 2", "parcel 3"]);
    for (message, whole) in [first, second].into_iter().zip(BOTH) {
        assert_eq!(lab.reader.content(message).unwrap(), whole.as_bytes());
    }
}
