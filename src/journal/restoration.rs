//! What happens when the journal isn't the one that ran last: a copy was restored, a damaged one was put aside, or its file is
//! gone. Intake goes on, and nothing is delivered until somebody has compared with the LIMS and resumed. It changes no row.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::beside::Beside;
use super::rows::instant;
use super::verify::{LOOKED_THROUGH, look_through};
use super::{JournalError, MessageId, OpenError, Reader};

/// Since when nothing is delivered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    pub since: Timestamp,
    pub why: String,
}

impl Reader {
    /// Why nothing is delivered, if somebody must resume first.
    pub fn standstill(&self) -> Result<Option<Standstill>, JournalError> {
        Ok(standstill(&self.connection)?)
    }
}

pub(super) fn standstill(connection: &Connection) -> rusqlite::Result<Option<Standstill>> {
    connection
        .prepare_cached("SELECT at, why FROM restoration WHERE resumed_at IS NULL ORDER BY id LIMIT 1")?
        .query_row([], |row| Ok(Standstill { since: instant(row.get(0)?), why: row.get(1)? }))
        .optional()
}

/// Whether something must be decided before anything is delivered.
pub(super) fn stands_still(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM restoration WHERE resumed_at IS NULL LIMIT 1")?.exists([])
}

/// Whether it isn't known here what became of a message's results.
pub(super) fn is_in_doubt(connection: &Connection, message: MessageId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM restoration WHERE last_message >= ? LIMIT 1")?
        .exists([message.0])
}

/// What a comparison of a journal with the line beside it came to.
pub(super) struct Examined {
    /// Why nothing may be delivered, if that is so.
    pub(super) why: Option<String>,
    /// The line for the run that begins.
    pub(super) beside: Beside,
}

/// In the place of an epoch: the journal was begun by the run that is named beside it.
const BEGUN: &str = "begun";
/// In the place of an epoch: whatever stands in the journal doesn't fit.
const NONE: &str = "-";

/// Compares a journal with the line beside it. `aside` is where a damaged one was put that stood in its place.
pub(super) fn examine(
    connection: &Connection,
    beside: Option<Beside>,
    epoch: &str,
    aside: Option<&Path>,
) -> rusqlite::Result<Examined> {
    let own: Option<String> =
        connection.query_row("SELECT epoch FROM journal", [], |row| row.get(0)).optional()?;
    let audit: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM audit", [], |row| row.get(0))?;
    let damaged = aside.and_then(Path::file_name).map(|name| {
        format!("the journal was damaged; it is kept as {}, and a new one was begun", name.to_string_lossy())
    });
    let why = match (&own, &beside) {
        (None, None) => None,
        // A first start that was cut off.
        (None, Some(beside)) if beside.audit == 0 && beside.epochs.iter().any(|it| it == BEGUN) => None,
        (None, Some(_)) => Some("the journal that ran here is gone, and a new one was begun"),
        (Some(_), None) => Some("it isn't known whether this journal is the one that ran last"),
        (Some(own), Some(beside)) if !beside.epochs.contains(own) => {
            Some("another journal, or a copy, stands in the place of the one that ran last")
        }
        (Some(_), Some(beside)) if beside.audit > audit => Some("the journal is older than when it ran last"),
        (Some(_), Some(_)) => None,
    };
    let why = damaged.or_else(|| why.map(str::to_owned));
    // Cut off before its commit, a start that has found something finds it again.
    let before = match (&why, own) {
        (Some(_), _) => NONE.to_owned(),
        (None, Some(own)) => own,
        (None, None) => BEGUN.to_owned(),
    };
    Ok(Examined { why, beside: Beside { epochs: [before, epoch.to_owned()], audit, suspect: false } })
}

/// Whether an error says that what was a journal of ours is damaged. A file that never was one is left where it is.
pub(super) fn was_ours(journal: &Path, error: &OpenError) -> bool {
    let code = match error {
        OpenError::Sqlite(error) => error.sqlite_error_code(),
        OpenError::Damaged => Some(ErrorCode::DatabaseCorrupt),
        _ => None,
    };
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        && matches!(Beside::read(journal), Ok(Some(_)))
}

/// Finds damage before anything relies on the file: reads all of it where an earlier run had reason to doubt it, else its
/// structure.
pub(super) fn must_be_sound(connection: &Connection, path: &Path, beside: &Beside) -> Result<(), OpenError> {
    let fault = if beside.suspect {
        let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        (found != "ok").then_some(found)
    } else {
        look_through(connection, path, LOOKED_THROUGH)?
    };
    if fault.is_none() { Ok(()) } else { Err(OpenError::Damaged) }
}

/// Has the whole file read at the next start, where this one found that something can't be read or written.
pub(super) fn doubt(path: &Path, error: &OpenError) {
    let is_of_the_file = matches!(error, OpenError::Sqlite(_) | OpenError::Recover(JournalError::Failed(_)));
    if let (true, Ok(Some(beside))) = (is_of_the_file, Beside::read(path)) {
        // Where even that fails, the next start finds what this one found.
        let _ = Beside { suspect: true, ..beside }.update(path);
    }
}

/// Renames a journal and its log so that they are kept and not used. `what` is part of the new name, which is returned.
pub fn put_aside(journal: &Path, what: &str, now: Timestamp) -> io::Result<PathBuf> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let renamed = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{what}-{stamp}"));
        PathBuf::from(name)
    };
    let with = |ending: &str| {
        let mut name = journal.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = renamed(journal);
    // The log last: as long as it stands under its name, its journal does.
    for (from, to) in [
        (journal.to_owned(), aside.clone()),
        (with("-wal"), suffixed(&aside, "-wal")),
        (with("-shm"), suffixed(&aside, "-shm")),
    ] {
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    File::open(super::opening::folder_of(journal))?.sync_all()?;
    Ok(aside)
}

/// SQLite finds a log by its journal's name.
fn suffixed(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_finds_the_file_unreadable_has_it_read_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("labwire.db");
        let sound = Beside { epochs: [NONE.to_owned(), "0123abcd".to_owned()], audit: 7, suspect: false };
        for (error, doubted) in [
            (OpenError::NewerJournal { found: 99, known: 1 }, false),
            (OpenError::Recover(JournalError::Full), false),
            (OpenError::Recover(JournalError::Failed("database disk image is malformed".to_owned())), true),
        ] {
            sound.announce(&journal).unwrap();
            doubt(&journal, &error);
            assert_eq!(Beside::read(&journal).unwrap().unwrap().suspect, doubted, "{error}");
        }
    }
}
