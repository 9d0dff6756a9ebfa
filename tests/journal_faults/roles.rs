//! What the re-executed test binary does: stores numbered frames one after the other and says `ACK n` after each, or
//! `REFUSED n`. It does nothing unless it is told its role.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use labwire::journal::parcels::Within;
use labwire::journal::{Journal, JournalError};
use labwire_link::{Parcel, ParcelId};
use rusqlite::Connection;

use super::archived;

pub(crate) const ROLE: &str = "LABWIRE_FAULT_ROLE";
pub(crate) const PATH: &str = "LABWIRE_FAULT_PATH";
pub(crate) const FRAMES: u32 = 25;

/// Who stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The journal as it is.
    Journal,
    /// A wrong way: commits aren't synced.
    Unsynced,
    /// A wrong way: says so before it has stored.
    Early,
    /// Bytes leave the journal for archives, as they do.
    Archive,
    /// A wrong way: bytes are taken out of the journal, and then put into the archive.
    Careless,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Journal => "journal",
            Role::Unsynced => "unsynced",
            Role::Early => "early",
            Role::Archive => "archive",
            Role::Careless => "careless",
        }
    }
}

#[test]
fn a_role_is_played_when_there_is_one() {
    let (Ok(role), Some(path)) = (std::env::var(ROLE), std::env::var_os(PATH)) else { return };
    let path = PathBuf::from(path);
    match role.as_str() {
        "journal" => journal(&path),
        "unsynced" => plain(&path, "NORMAL", false),
        "early" => plain(&path, "FULL", true),
        "archive" => archived::leave(&path),
        "careless" => archived::leave_carelessly(&path),
        other => panic!("there is no role {other}"),
    }
}

/// Makes the file, so that what is traced later is only the storing.
pub(crate) fn prepare(role: Role, path: &Path) {
    match role {
        Role::Journal => drop(Journal::open(path, 0, Timestamp::UNIX_EPOCH).unwrap()),
        Role::Archive | Role::Careless => archived::prepare(path),
        Role::Unsynced | Role::Early => {
            let connection = Connection::open(path).unwrap();
            connection.pragma_update(None, "journal_mode", "WAL").unwrap();
            connection.execute_batch("CREATE TABLE parcel (raw BLOB)").unwrap();
        }
    }
}

fn journal(path: &Path) {
    let now = Timestamp::UNIX_EPOCH;
    let Ok(journal) = Journal::open(path, 0, now) else { return say("NOT OPENED") };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut transfer = None;
    for number in 1..=FRAMES {
        let stored = runtime.block_on(async {
            let new = || Within::New { source: "port".to_owned(), peer: "peer".to_owned() };
            let within = transfer.map_or_else(new, Within::Open);
            let stored = journal.store_parcel(within, frame(number), Vec::new(), now).await;
            stored.map(|stored| transfer = Some(stored.transfer))
        });
        match stored {
            Ok(()) => say(&format!("ACK {number}")),
            Err(JournalError::Full) => say(&format!("REFUSED {number} full")),
            Err(_) => say(&format!("REFUSED {number} failed")),
        }
    }
}

fn plain(path: &Path, synchronous: &str, early: bool) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "synchronous", synchronous).unwrap();
    for number in 1..=FRAMES {
        let ack = format!("ACK {number}");
        if early {
            say(&ack);
        }
        connection.execute("INSERT INTO parcel VALUES (?)", [frame(number).raw]).unwrap();
        if !early {
            say(&ack);
        }
    }
}

/// A frame that tells its number.
pub(crate) fn frame(number: u32) -> Parcel {
    let raw = format!("{number:06}{}", "R".repeat(200)).into_bytes();
    Parcel { id: ParcelId(u64::from(number)), content: 0..raw.len(), raw, message_ends: Vec::new() }
}

/// One write to the standard output.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}
