//! Reads a whole journal, or a copy of one, and names everything that isn't as it was written. It changes nothing. It is
//! the exception to the rule that nobody reads for longer than a second: the log grows until it has ended.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, types::ValueRef};
use sha2::{Digest, Sha256};

use super::archive::{Archives, Found};
use super::{JournalError, OpenError, Reader, audit, migrate, restoration};

/// Bytes beside their hash, and the archive that has them.
const HASHED: [(&str, &str); 4] = [
    ("parcel", "SELECT id, sha256, raw, archive FROM parcel ORDER BY id"),
    ("delivery", "SELECT id, sha256, payload, archive FROM delivery ORDER BY id"),
    (
        "answer",
        "SELECT attempt, sha256, body, archive FROM answer WHERE archive IS NOT NULL ORDER BY attempt",
    ),
    ("evaluation", "SELECT id, sha256, x'', archive FROM evaluation WHERE archive IS NOT NULL ORDER BY id"),
];

/// The same of a journal that knows of no archives.
const HASHED_OLDER: [(&str, &str); 2] = [
    ("parcel", "SELECT id, sha256, raw, NULL FROM parcel ORDER BY id"),
    ("delivery", "SELECT id, sha256, payload, NULL FROM delivery ORDER BY id"),
];

/// The most of one kind of fault that is named.
const NAMED: usize = 10;

/// What was read, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub parcels: u64,
    pub deliveries: u64,
    pub audit_rows: u64,
    /// Archives that aren't in their folder, and how many rows' bytes weren't looked at for that.
    pub elsewhere: BTreeMap<String, u64>,
    /// In words, without patient data. Empty is what a journal should be.
    pub faults: Vec<String>,
}

/// Opens a journal of this program's version or an older one, to be read only.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    match migrate::check(&connection, path) {
        Ok(()) | Err(OpenError::OlderJournal { .. }) => Ok(connection),
        Err(error) => Err(error),
    }
}

/// A journal up to so many bytes is looked through at each start, and by `labwire check`.
pub const LOOKED_THROUGH: u64 = 1024 * 1024 * 1024;

/// The first fault that SQLite finds in a journal's structure without comparing each index with its table; `None` is what a
/// journal should be. It takes seconds for each GiB; a journal of more than `longest` bytes is opened and not looked through.
///
/// # Errors
/// Where it is no journal that this program can use, or can't be read at all.
pub fn quick_check(path: &Path, longest: u64) -> Result<Option<String>, OpenError> {
    Ok(look_through(&open(path)?, path, longest)?)
}

/// Whether labwire can't start with what [`quick_check`] found in a journal's place: something that is no journal and never
/// was, or one of a newer program. A damaged journal is put aside and another begun.
pub fn keeps_from_starting(path: &Path, error: &OpenError) -> bool {
    let is_no_database = match error {
        OpenError::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::NotADatabase),
        _ => false,
    };
    path.is_dir()
        || matches!(error, OpenError::NewerJournal { .. })
        || is_no_database && !restoration::was_ours(path, error)
}

/// [`quick_check`] by a connection that there is.
pub(super) fn look_through(
    connection: &Connection,
    path: &Path,
    longest: u64,
) -> rusqlite::Result<Option<String>> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > longest) {
        return Ok(None);
    }
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

/// Reads everything. Damage that keeps it from being read is a fault like others.
pub fn verify(path: &Path) -> Result<Verified, OpenError> {
    let connection = open(path)?;
    let is_older = matches!(migrate::check(&connection, path), Err(OpenError::OlderJournal { .. }));
    let mut verified = Verified::default();
    let note = |step: rusqlite::Result<()>, verified: &mut Verified| {
        if let Err(error) = step {
            verified.faults.push(format!("it can't be read to its end: {error}"));
        }
    };
    let structure = structure(&connection, &mut verified);
    note(structure, &mut verified);
    if !verified.faults.is_empty() {
        return Ok(verified);
    }
    let chain = chain(&connection, &mut verified);
    note(chain, &mut verified);
    let archives = Archives::of(&connection);
    let has_archives = connection.prepare("SELECT archive FROM parcel").is_ok();
    let hashed = if has_archives { &HASHED[..] } else { &HASHED_OLDER[..] };
    for (what, sql) in hashed {
        let read = hashes(&connection, &archives, (what, sql), &mut verified);
        let counted = read.map(|count| match *what {
            "parcel" => verified.parcels = count,
            "delivery" => verified.deliveries = count,
            _ => {}
        });
        note(counted, &mut verified);
    }
    drop(archives);
    if !is_older {
        let reader = Reader { connection };
        match reader.sums() {
            Ok(sums) => verified.faults.extend(
                sums.imbalances().iter().map(|it| format!("the sums don't balance: {}", it.english())),
            ),
            Err(JournalError::Failed(why) | JournalError::Refused(why)) => verified.faults.push(why),
            Err(error) => verified.faults.push(error.to_string()),
        }
    }
    Ok(verified)
}

/// What SQLite itself can tell.
fn structure(connection: &Connection, verified: &mut Verified) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check(10)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            verified.faults.push(said);
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()?
        && verified.faults.len() < NAMED
    {
        let (table, to): (String, String) = (row.get(0)?, row.get(2)?);
        verified.faults.push(format!("a row of {table} names a row of {to} that isn't there"));
    }
    Ok(())
}

fn chain(connection: &Connection, verified: &mut Verified) -> rusqlite::Result<()> {
    if let Some(row) = audit::first_break(connection)? {
        verified.faults.push(format!("the audit was changed: its chain breaks at row {row}"));
    }
    let rows: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM audit", [], |row| row.get(0))?;
    verified.audit_rows = rows.unsigned_abs();
    Ok(())
}

/// Compares bytes with the SHA-256 that was stored beside them. Returns how many rows there were.
fn hashes(
    connection: &Connection,
    archives: &Archives<'_>,
    (what, sql): (&str, &str),
    verified: &mut Verified,
) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut count, mut wrong) = (0, 0);
    while let Some(row) = rows.next()? {
        count += 1;
        let fits = match (row.get_ref(1)?, row.get_ref(2)?, row.get::<_, Option<i64>>(3)?) {
            (ValueRef::Blob(hash), _, Some(archive)) => match archives.find(archive, hash) {
                Ok(Found::Elsewhere) => {
                    let name = archives.name(archive).unwrap_or_default();
                    *verified.elsewhere.entry(name).or_default() += 1;
                    true
                }
                found => matches!(found, Ok(Found::Bytes(_))),
            },
            (ValueRef::Blob(hash), ValueRef::Blob(bytes), None) => Sha256::digest(bytes).as_slice() == hash,
            _ => false,
        };
        if !fits {
            wrong += 1;
            if wrong <= NAMED {
                let id: i64 = row.get(0)?;
                verified.faults.push(format!("the bytes of {what} {id} aren't those that were stored"));
            }
        }
    }
    if wrong > NAMED {
        verified.faults.push(format!("and those of {} more", wrong - NAMED));
    }
    Ok(count)
}
