//! Reads a whole journal, or a copy of one, and names everything that isn't as it was written. It changes nothing. It is
//! the exception to the rule that nobody reads for longer than a second: the log grows until it has ended.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use sha2::{Digest, Sha256};

use super::{JournalError, OpenError, Reader, audit, migrate};

/// The most of one kind of fault that is named.
const NAMED: usize = 10;

/// What was read, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub parcels: u64,
    pub deliveries: u64,
    pub audit_rows: u64,
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
    let parcels =
        hashes(&connection, "SELECT id, sha256, raw FROM parcel ORDER BY id", "parcel", &mut verified);
    note(parcels.map(|count| verified.parcels = count), &mut verified);
    let payloads = hashes(
        &connection,
        "SELECT id, sha256, payload FROM delivery ORDER BY id",
        "delivery",
        &mut verified,
    );
    note(payloads.map(|count| verified.deliveries = count), &mut verified);
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
fn hashes(connection: &Connection, sql: &str, what: &str, verified: &mut Verified) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut count, mut wrong) = (0, 0);
    while let Some(row) = rows.next()? {
        count += 1;
        let fits = match (row.get_ref(1)?, row.get_ref(2)?) {
            (ValueRef::Blob(hash), ValueRef::Blob(bytes)) => Sha256::digest(bytes).as_slice() == hash,
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
