//! What arrives: messages put together from parcels, cut transfers, and what a crash leaves open.

use labwire::journal::parcels::{Ending, Within};
use labwire_link::{Parcel, ParcelId};
use sha2::{Digest, Sha256};

use super::kit::{Lab, parcel};

const ENDED: Ending = Ending::Ended { completes: false };
const ENDED_AND_COMPLETES: Ending = Ending::Ended { completes: true };

fn contents(lab: &Lab) -> Vec<(String, bool)> {
    lab.unread().into_iter().map(|it| (String::from_utf8(it.content).unwrap(), it.incomplete)).collect()
}

fn whole(text: &str) -> (String, bool) {
    (text.to_owned(), false)
}

fn cut(text: &str) -> (String, bool) {
    (text.to_owned(), true)
}

#[test]
fn a_message_is_put_together_from_its_parcels() {
    let lab = Lab::new();
    let (transfer, none) = lab.first(parcel("H|\r", &[]));
    assert_eq!(none, []);
    assert_eq!(lab.next(transfer, parcel("R|1\r", &[])), []);
    assert_eq!(lab.next(transfer, parcel("L|1\r", &[4])).len(), 1);
    assert_eq!(contents(&lab), [whole("H|\rR|1\rL|1\r")]);
    assert_eq!(lab.end(transfer, ENDED), None);
}

#[test]
fn several_messages_end_in_one_parcel_and_the_next_goes_on_behind_them() {
    let lab = Lab::new();
    let (transfer, messages) = lab.first(parcel("H|1\rL|1\rH|2\rL|2\rH|3\r", &[8, 16]));
    assert_eq!(messages.len(), 2);
    assert_eq!(lab.next(transfer, parcel("L|3\rH|4\r", &[4])).len(), 1);
    assert_eq!(lab.next(transfer, parcel("L|4\r", &[4])).len(), 1);
    assert_eq!(lab.end(transfer, ENDED), None);
    assert_eq!(
        contents(&lab),
        [whole("H|1\rL|1\r"), whole("H|2\rL|2\r"), whole("H|3\rL|3\r"), whole("H|4\rL|4\r")]
    );
}

#[test]
fn line_ends_and_blanks_after_the_last_message_are_no_message() {
    let lab = Lab::new();
    let (transfer, _) = lab.first(parcel("H|\rL|1\r\r\n ", &[7]));
    lab.next(transfer, parcel("\r\n", &[]));
    assert_eq!(lab.end(transfer, Ending::Cut("silence".to_owned())), None);
    assert_eq!(contents(&lab), [whole("H|\rL|1\r")]);
}

#[test]
fn the_rest_of_a_cut_transfer_is_kept_as_incomplete() {
    let lab = Lab::new();
    let (transfer, _) = lab.first(parcel("H|\rL|1\rH|2\r", &[7]));
    lab.next(transfer, parcel("P|1\r", &[]));
    assert!(lab.end(transfer, Ending::Cut("silence".to_owned())).is_some());
    assert_eq!(contents(&lab), [whole("H|\rL|1\r"), cut("H|2\rP|1\r")]);
    assert_eq!(lab.ask::<String>("SELECT ending FROM transfer"), "silence");
}

#[test]
fn the_end_of_a_transfer_completes_a_message_only_where_the_protocol_says_so() {
    for (ending, incomplete) in [(ENDED_AND_COMPLETES, false), (ENDED, true)] {
        let lab = Lab::new();
        let (transfer, _) = lab.first(parcel("H|\rR|1\r", &[]));
        assert!(lab.end(transfer, ending.clone()).is_some());
        assert_eq!(contents(&lab), [("H|\rR|1\r".to_owned(), incomplete)]);
        assert_eq!(lab.end(transfer, ending), None, "a transfer ends once");
    }
}

#[test]
fn a_transfer_that_a_stop_left_open_is_incomplete_at_the_next_start() {
    let lab = Lab::new();
    lab.first(parcel("H|\rP|1\r", &[]));
    let (finished, _) = lab.first(parcel("H|\rL|1\r", &[7]));
    lab.end(finished, ENDED);
    let lab = lab.reopen();
    assert_eq!(contents(&lab), [whole("H|\rL|1\r"), cut("H|\rP|1\r")]);
    let lab = lab.reopen();
    assert_eq!(contents(&lab).len(), 2, "a second start finds nothing open");
    lab.assert_balanced();
}

#[test]
fn bytes_are_kept_as_received_with_their_hash() {
    let lab = Lab::new();
    let raw: Vec<u8> = (0..=255).collect();
    let sent = Parcel { id: ParcelId(1), content: 3..200, raw: raw.clone(), message_ends: vec![197] };
    let (_, messages) = lab.first(sent);
    assert_eq!(lab.reader.content(messages[0]).unwrap(), raw[3..200]);
    assert_eq!(lab.ask::<Vec<u8>>("SELECT raw FROM parcel"), raw);
    assert_eq!(lab.ask::<Vec<u8>>("SELECT sha256 FROM parcel"), Sha256::digest(&raw).to_vec());
    let frames = lab.reader.frames(messages[0]).unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].raw.reveal(), &raw);
}

#[test]
fn a_parcel_of_no_known_transfer_is_refused() {
    let lab = Lab::new();
    let orphan = lab.journal.store_parcel(
        labwire::journal::TransferId(99),
        parcel("H|\r", &[]),
        Vec::new(),
        lab.now(),
    );
    assert!(matches!(lab.wait(orphan), Err(labwire::journal::JournalError::Refused(_))));
    lab.first(parcel("H|\r", &[]));
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM parcel"), 1);
}

#[test]
fn one_bad_job_in_a_group_fails_alone() {
    let lab = Lab::new();
    let (transfer, _) = lab.first(parcel("H|\r", &[]));
    let now = lab.now();
    let store = |transfer: labwire::journal::TransferId| {
        lab.journal.store_parcel(transfer, parcel("R|1\r", &[]), Vec::new(), now)
    };
    let bad = labwire::journal::TransferId(99);
    let (before, failed, after) =
        lab.wait(async { tokio::join!(store(transfer), store(bad), store(transfer)) });
    assert!(before.is_ok() && after.is_ok());
    assert!(failed.is_err());
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM parcel"), 3);
    assert_eq!(lab.reader.audit_break().unwrap(), None);
    lab.assert_balanced();
}

#[test]
fn the_same_content_from_the_same_source_is_told_what_it_was_told_first() {
    let lab = Lab::new();
    let told = |source: &str, content: &str, texts: &[&str]| -> Vec<String> {
        let within = Within::New { source: source.to_owned(), peer: "peer".to_owned() };
        let texts = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let stored = lab.journal.store_parcel(within, parcel(content, &[content.len()]), texts, lab.now());
        let texts = lab.wait(stored).unwrap().texts;
        texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect()
    };
    assert_eq!(told("port 1", "MSH|1\r", &["AA 1", "CA 1"]), ["AA 1", "CA 1"]);
    assert_eq!(told("port 1", "MSH|1\r", &["AA 2"]), ["AA 1", "CA 1"]);
    assert_eq!(told("port 1", "MSH|2\r", &["AA 3"]), ["AA 3"]);
    assert_eq!(told("port 2", "MSH|1\r", &["AA 4"]), ["AA 4"]);
    assert_eq!(told("port 1", "MSH|1\r", &[]), [""; 0], "a protocol without words has none");
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM reply"), 4);
    lab.assert_balanced();
}
