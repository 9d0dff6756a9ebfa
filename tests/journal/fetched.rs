//! Files: pieces that become messages at once or not at all, the head that each part carries, and the ledger of contents.

use labwire::domain::InstrumentId;
use labwire::journal::JournalError;
use labwire::journal::files::{Fetched, FileReceipt, Part, Storing};
use sha2::{Digest, Sha256};

use super::kit::Lab;

/// A table of two parts: its head, a part that ends in the second piece, and one that begins there.
const PIECES: [&str; 3] = ["head\nrow 1\nro", "w 2\nrow 3\n", "row 4\n"];

fn fetched(name: &str) -> Fetched {
    let content = PIECES.concat();
    Fetched {
        instrument: InstrumentId::new("sim"),
        source: "folder /out".to_owned(),
        name: name.to_owned(),
        size: u64::try_from(content.len()).unwrap(),
        stamp: "20260501120000".to_owned(),
        sha256: Sha256::digest(&content).to_vec(),
        head: 0..5,
    }
}

/// Stores so many pieces of a file, with the parts that end in them.
fn stored(lab: &Lab, name: &str, pieces: usize) -> Storing {
    let mut storing = lab.wait(lab.journal.begin_file(fetched(name), lab.now())).unwrap();
    let parts = [
        vec![],
        vec![Part { number: 0, bytes: 5..17, first_line: 2 }],
        vec![Part { number: 1, bytes: 17..29, first_line: 4 }],
    ];
    for (piece, parts) in PIECES.iter().zip(parts).take(pieces) {
        let kept = lab.journal.store_piece(storing, piece.as_bytes().to_vec(), parts, lab.now());
        storing = lab.wait(kept).unwrap();
    }
    storing
}

pub(super) fn taken(lab: &Lab, name: &str) -> FileReceipt {
    let storing = stored(lab, name, 3);
    let receipt = lab.wait(lab.journal.finish_file(storing, lab.now())).unwrap();
    while lab.wait(lab.journal.release_parts(receipt, lab.now())).unwrap() > 0 {}
    receipt
}

fn contents(lab: &Lab) -> Vec<String> {
    let pending = lab.unread();
    assert!(pending.iter().all(|it| !it.incomplete));
    pending.into_iter().map(|it| String::from_utf8(it.content).unwrap()).collect()
}

pub(super) const BOTH: [&str; 2] = ["head\nrow 1\nrow 2\n", "head\nrow 3\nrow 4\n"];

#[test]
fn each_part_of_a_file_is_a_message_that_carries_the_files_head() {
    let lab = Lab::new();
    taken(&lab, "day.csv");
    assert_eq!(contents(&lab), BOTH);
    let messages = lab.reader.pending(100).unwrap();
    let (file, number, place) = lab.reader.part_of(messages[1]).unwrap().unwrap();
    assert_eq!((file.name.as_str(), number, place.first_line), ("day.csv", 1, 4));
    let frames = lab.reader.frames(messages[0]).unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].raw.reveal(), BOTH[0].as_bytes(), "nobody else's rows");
    assert_eq!(lab.reader.deep_imbalances().unwrap(), Vec::<String>::new());
    assert_eq!(lab.reader.audit_break().unwrap(), None);
}

#[test]
fn half_a_file_is_no_message_and_is_never_recognized() {
    for pieces in 0..=3 {
        let lab = Lab::new();
        drop(stored(&lab, "day.csv", pieces));
        assert_eq!(contents(&lab), [""; 0]);
        let lab = lab.reopen();
        assert_eq!(contents(&lab), [""; 0], "{pieces} pieces, and a stop");
        let instrument = InstrumentId::new("sim");
        assert_eq!(lab.reader.file_of_content(&instrument, &fetched("").sha256).unwrap(), None);
        assert_eq!(lab.reader.file_of_name(&instrument, "day.csv").unwrap(), None);
        taken(&lab, "day.csv");
        assert_eq!(contents(&lab), BOTH, "it is stored again");
        assert_eq!(lab.reader.deep_imbalances().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_whole_file_becomes_its_messages_though_the_gateway_stops_before_it_made_them() {
    let lab = Lab::new();
    let storing = stored(&lab, "day.csv", 3);
    lab.wait(lab.journal.finish_file(storing, lab.now())).unwrap();
    assert_eq!(contents(&lab), [""; 0]);
    let lab = lab.reopen();
    assert_eq!(contents(&lab), BOTH);
    assert_eq!(contents(&lab.reopen()), BOTH, "once");
}

#[test]
fn a_content_is_known_by_whatever_name_it_comes_again() {
    let lab = Lab::new();
    let receipt = taken(&lab, "day.csv");
    let instrument = InstrumentId::new("sim");
    let known = lab.reader.file_of_content(&instrument, &fetched("").sha256).unwrap().unwrap();
    assert_eq!((known.file, known.is_gone), (receipt.file(), false));
    lab.wait(lab.journal.file_gone(receipt, "deleted".to_owned(), lab.now())).unwrap();
    let again = lab.journal.repeat_file(fetched("day (1).csv"), known.file, lab.now());
    let again = lab.wait(again).unwrap();
    let named = lab.reader.file_of_name(&instrument, "day (1).csv").unwrap().unwrap();
    assert_eq!((named.file, named.repeats, named.is_gone), (again.file(), true, false));
    assert!(lab.reader.file_of_name(&instrument, "day.csv").unwrap().unwrap().is_gone);
    assert_eq!(contents(&lab).len(), 2, "nothing was read of it");
    let of_another = InstrumentId::new("other");
    assert_eq!(lab.reader.file_of_content(&of_another, &fetched("").sha256).unwrap(), None);
}

#[test]
fn nothing_is_signed_for_that_was_not_taken() {
    let lab = Lab::new();
    let storing = stored(&lab, "day.csv", 3);
    let begun = storing.begun();
    lab.wait(lab.journal.cut_file(begun, "the disk was full".to_owned(), lab.now())).unwrap();
    let refused = |done: Result<FileReceipt, JournalError>| matches!(done, Err(JournalError::Refused(_)));
    assert!(refused(lab.wait(lab.journal.finish_file(storing, lab.now()))));
    let receipt = taken(&lab, "other.csv");
    let cut = labwire::journal::FileId(receipt.file().0 - 1);
    assert!(refused(lab.wait(lab.journal.recognize_file(cut, 1, String::new()))));
    let beyond = Part { number: 0, bytes: 0..99, first_line: 1 };
    let storing = lab.wait(lab.journal.begin_file(fetched("x.csv"), lab.now())).unwrap();
    let kept = lab.journal.store_piece(storing, b"short".to_vec(), vec![beyond], lab.now());
    assert!(matches!(lab.wait(kept), Err(JournalError::Refused(_))));
}
