//! A sudden end at any point while bytes leave for archives leaves each of them in the journal or in an archive. A way that
//! takes them out first is caught by the same check.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use labwire::domain::InstrumentId;
use labwire::journal::parcels::{Ending, Within};
use labwire::journal::results::Processed;
use labwire::journal::retention::{Moved, Walk};
use labwire::journal::verify::verify;
use labwire::journal::{Journal, folder_of_archives};
use rusqlite::Connection;

use super::roles::{Role, frame, say};
use super::run::Run;

/// More than leave in one step.
const MESSAGES: u32 = 40;
/// Half of them are of another month than the others.
const MONTH: i64 = 31 * 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A journal of messages that are over.
pub(crate) fn prepare(path: &Path) {
    let journal = Journal::open(path, 0, at(0)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for number in 1..=MESSAGES {
            let now = at(if number % 2 == 0 { 0 } else { MONTH });
            let mut parcel = frame(number);
            parcel.message_ends = vec![parcel.raw.len()];
            let within = Within::New { source: "port".to_owned(), peer: "peer".to_owned() };
            let stored = journal.store_parcel(within, parcel, Vec::new(), now).await.unwrap();
            journal.end_transfer(stored.transfer, Ending::Ended { completes: false }, now).await.unwrap();
            let processed = Processed {
                message: *stored.messages.first().unwrap(),
                instrument: Some(InstrumentId::new("sim")),
                fingerprint: Vec::new(),
                repeats: None,
                entries: Vec::new(),
                problems: Vec::new(),
                queries: Vec::new(),
                habits: Vec::new(),
                runs: Vec::new(),
                looks_beside: false,
            };
            journal.record(processed, now).await.unwrap();
        }
    });
}

/// Lets all leave.
pub(crate) fn leave(path: &Path) {
    let journal = Journal::open(path, 0, at(2 * MONTH)).unwrap();
    let reader = journal.reader().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut walk, mut moved) = (Walk::default(), Moved::default());
    say("BEGUN");
    while !walk.is_over() {
        let copied = reader.copy_into_archives(&mut walk, at(3 * MONTH), 0).unwrap();
        moved = moved.and(runtime.block_on(journal.take_out(copied, at(3 * MONTH))).unwrap());
    }
    say(&format!("LEFT {}", moved.items));
}

/// The same the wrong way round.
pub(crate) fn leave_carelessly(path: &Path) {
    let journal = Connection::open(path).unwrap();
    journal.execute_batch("DROP TRIGGER parcel_unchanged").unwrap();
    let folder = folder_of_archives(path);
    fs::create_dir(&folder).unwrap();
    let archive = Connection::open(folder.join("2023-11.db")).unwrap();
    archive.execute_batch("CREATE TABLE content (sha256 BLOB PRIMARY KEY, bytes BLOB)").unwrap();
    say("BEGUN");
    for number in 1..=MESSAGES {
        let (sha256, raw): (Vec<u8>, Vec<u8>) = journal
            .query_row("SELECT sha256, raw FROM parcel WHERE id = ?", [number], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        journal.execute("UPDATE parcel SET raw = x'' WHERE id = ?", [number]).unwrap();
        archive.execute("INSERT INTO content VALUES (?, ?)", (sha256, raw)).unwrap();
    }
    say(&format!("LEFT {MESSAGES}"));
}

/// The messages whose bytes are neither in the journal nor in an archive.
fn lost(run: &Run) -> Vec<u32> {
    let mut found = numbers(&run.path(), "SELECT raw FROM parcel");
    let archives = fs::read_dir(folder_of_archives(&run.path()));
    for entry in archives.into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "db") {
            found.extend(numbers(&path, "SELECT bytes FROM content"));
        }
    }
    (1..=MESSAGES).filter(|number| !found.contains(number)).collect()
}

/// Nothing where the file was not yet made to its end.
fn numbers(path: &Path, query: &str) -> BTreeSet<u32> {
    let connection = Connection::open(path).unwrap();
    let Ok(mut statement) = connection.prepare(query) else { return BTreeSet::new() };
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let number = |bytes: Vec<u8>| String::from_utf8_lossy(bytes.get(..6)?).parse().ok();
    rows.filter_map(|bytes| number(bytes.unwrap())).collect()
}

fn killed(role: Role, call: &str, nth: u32) -> Run {
    Run::new(role, &[&format!("trace={call}"), &format!("inject={call}:signal=KILL:when={nth}")])
}

#[test]
#[ignore = "needs strace"]
fn a_sudden_end_while_bytes_leave_loses_none() {
    let (mut hits, mut midway) = (0, 0);
    for call in ["pwrite64", "fsync", "unlink"] {
        for nth in 1.. {
            let run = killed(Role::Archive, call, nth);
            if !run.was_hit() {
                assert!(
                    run.said.iter().any(|line| line.ends_with(&format!("LEFT {MESSAGES}"))),
                    "{:?}",
                    run.said
                );
                break;
            }
            if !run.said.iter().any(|line| line.ends_with("BEGUN")) {
                continue;
            }
            hits += 1;
            // First as a command reads it, which may undo what was cut off and changes nothing else.
            let found = verify(&run.path()).unwrap();
            assert_eq!(
                (found.faults.as_slice(), found.elsewhere.len()),
                (&[][..], 0),
                "killed at {call} {nth}"
            );
            assert_eq!(lost(&run), [0; 0], "killed at {call} {nth}");
            midway += u32::from(has_left(&run));
            // What was cut short goes on at the next start, and nothing is in the way of it.
            leave(&run.path());
            assert_eq!(lost(&run), [0; 0], "gone on after {call} {nth}");
            let found = verify(&run.path()).unwrap();
            assert_eq!((found.faults.as_slice(), found.elsewhere.len()), (&[][..], 0));
        }
    }
    println!("{hits} sudden ends, {midway} after some had left");
    assert!(hits > 60 && midway > 10, "only {hits} ends, {midway} of them after some had left");
}

fn has_left(run: &Run) -> bool {
    let connection = Connection::open(run.path()).unwrap();
    connection
        .query_row("SELECT EXISTS (SELECT 1 FROM parcel WHERE archive IS NOT NULL)", [], |row| row.get(0))
        .unwrap()
}

#[test]
#[ignore = "needs strace"]
fn taking_bytes_out_before_an_archive_has_them_is_caught_by_a_sudden_end() {
    let caught = (1..60).any(|nth| {
        let run = killed(Role::Careless, "pwrite64", nth);
        run.said.iter().any(|line| line.ends_with("BEGUN")) && !lost(&run).is_empty()
    });
    assert!(caught, "the sweep can't tell a wrong way from the right one");
}
