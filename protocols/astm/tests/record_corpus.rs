//! Every public capture at hand is read without losing a byte. Passes, and says so, where the captures are absent.
#![expect(clippy::unwrap_used, reason = "a test that reports what it read")]

use std::path::{Path, PathBuf};

use labwire_astm::record::{Kind, Message};

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(captures(&path));
        } else if path.extension().is_some_and(|name| name != "md") {
            files.push(path);
        }
    }
    files
}

/// The text of all frames, or the bytes as they are where there is no frame. One file writes its control
/// characters out, as `^B`.
fn unframed(bytes: &[u8]) -> Vec<u8> {
    if let Some(typed) = bytes.strip_prefix(b"^E^B1") {
        return typed.to_vec();
    }
    if !bytes.contains(&0x02) {
        return bytes.to_vec();
    }
    let frames = bytes.split(|byte| *byte == 0x02).skip(1);
    let texts = frames.filter_map(|frame| frame.split(|byte| [0x03, 0x17].contains(byte)).next());
    texts.flat_map(|text| text.iter().skip(1)).copied().collect()
}

#[test]
fn every_capture_is_read_and_emitted_unchanged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/astm");
    if !folder.exists() {
        println!("no captures at {}: nothing to read", folder.display());
        return;
    }
    let (mut files, mut records, mut results) = (0, 0, 0);
    for path in captures(&folder) {
        let bytes = unframed(&std::fs::read(&path).unwrap());
        let message = Message::parse(&bytes);
        assert_eq!(message.emit(), bytes, "{}", path.display());
        let first = message.records().find(|record| record.kind() != Kind::Unknown);
        assert_eq!(first.map(|record| record.kind()), Some(Kind::Header), "{}", path.display());
        files += 1;
        records += message.records().count();
        results += message.records().filter(|record| record.kind() == Kind::Result).count();
    }
    println!("read {files} captures, {records} records, {results} results");
    assert!(files > 0 && results > 0, "the folder of captures exists but nothing was read");
}
