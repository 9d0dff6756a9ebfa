//! Real captures, where they are at hand, through the receiving half: every frame accepted, byte for byte,
//! however it is split. Without the folder the test says so and passes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that says how much it has read")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use labwire_astm::transfer::{AstmLink, Frame, Settings, Tolerances};
use labwire_link::{Action, Input, Link, Parcel, Receipt, Reply};

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const EOT: u8 = 0x04;
const ENQ: u8 = 0x05;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const ETB: u8 = 0x17;

#[test]
fn every_framed_capture_is_received_byte_for_byte_however_it_is_split() {
    let captures = captures();
    let mut frames = 0;
    for (path, bytes) in captures.iter().filter(|(path, _)| !has_bad_checksum(path)) {
        let name = path.display();
        let whole = receive(&[bytes]);
        assert_eq!(whole.refused, 0, "{name}");
        assert!(texts(&whole.parcels) == texts_by_hand(bytes), "{name}: the content differs");
        let raw: Vec<u8> = whole.parcels.iter().flat_map(|parcel| parcel.raw.clone()).collect();
        let framed: Vec<u8> = bytes.iter().copied().filter(|byte| ![ENQ, EOT].contains(byte)).collect();
        assert!(raw == framed, "{name}: the raw bytes differ");
        for parcel in &whole.parcels {
            let (frame, _) = Frame::parse(&parcel.raw, &Tolerances::default()).unwrap();
            assert!(frame.emit() == parcel.raw, "{name}: a frame is emitted otherwise than it came");
        }
        let longest = whole.parcels.iter().map(|parcel| parcel.raw.len()).max().unwrap();
        for at in 1..longest {
            assert!(receive(&split_each_frame(bytes, at)) == whole, "{name}, each frame split at byte {at}");
        }
        frames += whole.parcels.len();
    }
    println!("{} framed captures read, {frames} frames received", captures.len());
}

#[test]
fn the_messages_of_a_capture_end_with_their_l_records() {
    for (path, bytes) in captures().iter().filter(|(path, _)| !has_bad_checksum(path)) {
        let received = receive(&[bytes]);
        let content = texts_by_hand(bytes).concat();
        let last_records = content.split(|&byte| byte == b'\r').filter(|record| record.starts_with(b"L|"));
        let ends: usize = received.parcels.iter().map(|parcel| parcel.message_ends.len()).sum();
        assert_eq!(ends, last_records.count(), "{}", path.display());
    }
}

#[test]
fn a_capture_with_a_wrong_checksum_is_refused() {
    for (path, bytes) in captures().iter().filter(|(path, _)| has_bad_checksum(path)) {
        let received = receive(&[bytes]);
        assert_eq!((received.parcels.len(), received.refused), (0, 1), "{}", path.display());
    }
}

/// The corpus's one frame that was written by hand and whose checksum is wrong.
fn has_bad_checksum(path: &Path) -> bool {
    path.ends_with("erba_xl_series/one_sample.astm")
}

/// Every file of the corpus that holds a frame.
fn captures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/astm");
    if !folder.exists() {
        println!("no captures at {}: nothing to check", folder.display());
        return Vec::new();
    }
    let mut captures = Vec::new();
    for series in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(series.path()).unwrap().map(Result::unwrap) {
            let bytes = fs::read(file.path()).unwrap();
            if bytes.contains(&STX) {
                captures.push((file.path(), bytes));
            }
        }
    }
    assert!(!captures.is_empty(), "{} holds no framed capture", folder.display());
    captures.sort();
    captures
}

#[derive(PartialEq)]
struct Received {
    parcels: Vec<Parcel>,
    refused: usize,
}

/// Plays the analyzer's side into a link, with a journal that stores everything at once.
fn receive(reads: &[&[u8]]) -> Received {
    #[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; it never advances")]
    let now = Instant::now();
    let mut link = AstmLink::new(Settings::default());
    link.handle(now, Input::Connected);
    let mut received = Received { parcels: Vec::new(), refused: 0 };
    if reads.first().is_some_and(|read| read.first() == Some(&STX)) {
        link.handle(now, Input::Bytes(&[ENQ]));
    }
    for read in reads {
        link.handle(now, Input::Bytes(read));
        while let Some(action) = link.poll() {
            match action {
                Action::Store(parcel) => {
                    #[expect(clippy::disallowed_methods, reason = "the test is the journal")]
                    link.handle(now, Input::Stored(Receipt::sign(parcel.id), Reply::Protocol));
                    received.parcels.push(parcel);
                }
                Action::Transmit(answer) if answer == [NAK] => received.refused += 1,
                Action::Transmit(answer) => assert_eq!(answer, [ACK]),
                _ => {}
            }
        }
    }
    received
}

fn texts(parcels: &[Parcel]) -> Vec<&[u8]> {
    parcels.iter().map(Parcel::content).collect()
}

/// Frame texts found without the code under test: what lies between STX and ETX or ETB, less the number.
fn texts_by_hand(bytes: &[u8]) -> Vec<&[u8]> {
    let frames = bytes.split(|&byte| byte == STX).skip(1);
    frames
        .map(|frame| frame.split(|&byte| byte == ETX || byte == ETB).next().unwrap().split_at(1).1)
        .collect()
}

/// Cuts the capture behind each frame and within each frame after `at` bytes.
fn split_each_frame(bytes: &[u8], at: usize) -> Vec<&[u8]> {
    let mut reads = Vec::new();
    for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
        let (head, tail) = piece.split_at(at.min(piece.len()));
        reads.extend([head, tail]);
    }
    reads.retain(|read| !read.is_empty());
    reads
}
