//! A disk that fills up, for real: a small file system of its own.

use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use labwire::journal::parcels::Within;
use labwire::journal::{Condition, Journal, JournalError};
use labwire_link::{Parcel, ParcelId};

const SIZE: usize = 12 << 20;
const BALLAST: usize = 8 << 20;
const RESERVE: u64 = 512 << 10;
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A mounted file system, until it is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Disk {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={SIZE}"), "tmpfs"])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(mounted.success(), "mounting a file system needs root");
        Disk(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn frame() -> Parcel {
    let raw = vec![b'R'; 60_000];
    Parcel { id: ParcelId(1), content: 0..raw.len(), raw, message_ends: Vec::new() }
}

#[test]
#[ignore = "needs root: mounts a tmpfs"]
fn a_full_disk_is_refused_and_said_and_storing_goes_on_when_there_is_room() {
    let disk = Disk::new();
    std::fs::write(disk.path().join("ballast"), vec![1; BALLAST]).unwrap();
    let path = disk.path().join("labwire.db");
    let journal = Journal::open(&path, RESERVE, NOW).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut condition = journal.condition();
    let within = Within::New { source: "port".to_owned(), peer: "peer".to_owned() };
    let transfer = runtime.block_on(journal.store_parcel(within, frame(), Vec::new(), NOW)).unwrap().transfer;
    let mut stored = 1;
    let mut stored_below_the_reserve = 0;
    let refused = loop {
        match runtime.block_on(journal.store_parcel(transfer, frame(), Vec::new(), NOW)) {
            Ok(_) => {
                stored += 1;
                stored_below_the_reserve += i64::from(*condition.borrow() == Condition::Full);
            }
            Err(error) => break error,
        }
    };
    assert_eq!(refused, JournalError::Full);
    assert!(stored_below_the_reserve > 1, "the reserve lets open transmissions end");
    assert_eq!(*condition.borrow_and_update(), Condition::Full);
    let count = |path: &Path| -> i64 {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.query_row("SELECT count(*) FROM parcel", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&path), stored, "what was refused is not there, what was acknowledged is");

    std::fs::remove_file(disk.path().join("ballast")).unwrap();
    runtime.block_on(condition.wait_for(|condition| *condition == Condition::Good)).unwrap();
    runtime.block_on(journal.store_parcel(transfer, frame(), Vec::new(), NOW)).unwrap();
    drop(journal);
    assert_eq!(count(&path), stored + 1);
    let journal = Journal::open(&path, RESERVE, NOW).unwrap();
    assert_eq!(journal.reader().unwrap().deep_imbalances().unwrap(), [""; 0]);
}
