//! Files beside the journal that hold bytes of its old messages, each under its SHA-256: one a month, which may be carried
//! elsewhere once the month is over. It is told what to keep and asked for it again; it decides nothing, and takes nothing out.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::opening::{create, folder_of, sync_folder};
use super::{JournalError, OpenError};

/// What tells an archive from other SQLite files.
const APPLICATION: i64 = 0x6c77_6172;
const VERSION: i64 = 1;
const SCHEMA: &str = "
    CREATE TABLE content (            -- written once
        sha256 BLOB PRIMARY KEY NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE origin (             -- written once: of which row of a journal they are
        kind TEXT NOT NULL,           -- the journal's table
        item INTEGER NOT NULL,        -- the row's number
        at INTEGER NOT NULL,          -- when it was written, in microseconds since 1970 UTC
        sha256 BLOB NOT NULL REFERENCES content,
        PRIMARY KEY (kind, item, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER content_unchanged BEFORE UPDATE ON content BEGIN SELECT RAISE(ABORT, 'what is archived never changes'); END;
    CREATE TRIGGER content_stays BEFORE DELETE ON content BEGIN SELECT RAISE(ABORT, 'what is archived never goes'); END;";

/// Why nothing was put into an archive. Nothing leaves the journal then.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("failed to make {path}: {error}", path = path.display())]
    Folder { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Create(#[from] OpenError),
    #[error("failed to write {path}: {error}", path = path.display())]
    Write { path: PathBuf, error: rusqlite::Error },
    #[error("{path} isn't an archive of this version; move it away", path = path.display())]
    Strange { path: PathBuf },
    #[error("{path} doesn't hold what was written into it; look at the disk", path = path.display())]
    Altered { path: PathBuf },
    #[error("{path} has no room for more and the reserve", path = path.display())]
    NoRoom { path: PathBuf },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Bytes of one row of the journal.
pub(super) struct Piece {
    pub(super) kind: &'static str,
    pub(super) item: i64,
    pub(super) at: Timestamp,
    pub(super) sha256: [u8; 32],
    pub(super) bytes: Vec<u8>,
}

/// Where a journal's archives are.
pub fn folder_of_archives(journal: &Path) -> PathBuf {
    folder_of(journal).join("archive")
}

/// Makes the folder, readable by its owner only.
pub(super) fn make_folder(journal: &Path) -> Result<PathBuf, ArchiveError> {
    let path = folder_of_archives(journal);
    let failed = |error| ArchiveError::Folder { path: path.clone(), error };
    if !path.is_dir() {
        fs::create_dir(&path).map_err(failed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        File::open(folder_of(journal)).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(path)
}

/// The name of the file for what was written at a moment, in UTC: the month's, or a further one of that month where the
/// journal knows the file and it isn't there any more.
pub(super) fn name_for(at: Timestamp, folder: &Path, is_known: impl Fn(&str) -> bool) -> String {
    let month = at.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string();
    let mut name = format!("{month}.db");
    let mut number = 1_u32;
    while is_known(&name) && !folder.join(&name).exists() {
        number = number.saturating_add(1);
        name = format!("{month}-{number}.db");
    }
    name
}

/// Puts pieces into an archive. When this returns they are on the disk, and were read back from it.
pub(super) fn keep(path: &Path, pieces: &[&Piece]) -> Result<(), ArchiveError> {
    if !path.exists() {
        create(path)?;
    }
    write(path, pieces).map_err(|error| ArchiveError::Write { path: path.to_owned(), error })?;
    let failed = |error| ArchiveError::Folder { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    sync_folder(path)?;
    // What is read back comes from the disk as far as the system lets go of what it has in memory.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    let reading = open(path)?.ok_or_else(|| ArchiveError::Strange { path: path.to_owned() })?;
    for piece in pieces {
        let found = content(&reading, &piece.sha256)
            .map_err(|error| ArchiveError::Write { path: path.to_owned(), error })?;
        if !found.is_some_and(|bytes| bytes == piece.bytes && fits(&bytes, &piece.sha256)) {
            return Err(ArchiveError::Altered { path: path.to_owned() });
        }
    }
    Ok(())
}

fn write(path: &Path, pieces: &[&Piece]) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // One file, so that it can be carried away; the log's folder is synced too.
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if number(&transaction, "application_id")? == 0 && number(&transaction, "schema_version")? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    {
        let mut content = transaction.prepare("INSERT OR IGNORE INTO content VALUES (?, ?)")?;
        let mut origin = transaction.prepare("INSERT OR IGNORE INTO origin VALUES (?, ?, ?, ?)")?;
        for piece in pieces {
            content.execute(params![piece.sha256, piece.bytes])?;
            origin.execute(params![piece.kind, piece.item, piece.at.as_microsecond(), piece.sha256])?;
        }
    }
    transaction.commit()
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// An archive to read; nothing where the file is none.
fn open(path: &Path) -> Result<Option<Connection>, ArchiveError> {
    let opened = match open_as(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        // A write that was cut off is undone first.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            open_as(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        }
        opened => opened,
    };
    opened.map_err(|error| ArchiveError::Write { path: path.to_owned(), error })
}

fn open_as(path: &Path, how: OpenFlags) -> rusqlite::Result<Option<Connection>> {
    let connection = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    let is_one = number(&connection, "application_id")? == APPLICATION
        && number(&connection, "user_version")? == VERSION;
    Ok(is_one.then_some(connection))
}

fn content(archive: &Connection, sha256: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = archive.prepare_cached("SELECT bytes FROM content WHERE sha256 = ?")?;
    statement.query_row([sha256], |row| row.get(0)).optional()
}

fn fits(bytes: &[u8], sha256: &[u8]) -> bool {
    Sha256::digest(bytes).as_slice() == sha256
}

/// What was looked for in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Bytes(Vec<u8>),
    /// The file isn't in the folder.
    Elsewhere,
    /// It is there, and hasn't got them, or others.
    Altered,
}

/// The archives of a journal, to be read: each file is opened once.
pub(super) struct Archives<'a> {
    journal: &'a Connection,
    opened: RefCell<BTreeMap<i64, Option<Connection>>>,
}

impl<'a> Archives<'a> {
    pub(super) fn of(journal: &'a Connection) -> Archives<'a> {
        Archives { journal, opened: RefCell::default() }
    }

    /// A row's bytes, wherever they are: by the columns that have them, their archive and their SHA-256.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub(super) fn of_row<'r>(
        &self,
        row: &'r Row<'_>,
        (bytes, archive, sha256): (usize, usize, usize),
    ) -> Result<Cow<'r, [u8]>, JournalError> {
        match row.get(archive)? {
            None => Ok(Cow::Borrowed(row.get_ref(bytes)?.as_bytes().map_err(rusqlite::Error::from)?)),
            Some(archive) => {
                let sha256 = row.get_ref(sha256)?.as_blob().map_err(rusqlite::Error::from)?;
                self.bytes(archive, sha256).map(Cow::Owned)
            }
        }
    }

    /// What an archive has under this SHA-256.
    ///
    /// # Errors
    /// [`JournalError::Elsewhere`], with the file's name, where it isn't in the folder or hasn't got them.
    pub(super) fn bytes(&self, archive: i64, sha256: &[u8]) -> Result<Vec<u8>, JournalError> {
        let refused = |why: &str| {
            let (name, folder) = (self.name(archive)?, self.folder());
            Err(JournalError::Elsewhere(format!(
                "its bytes are in the archive {name}, {why} {}",
                folder.display()
            )))
        };
        match self.find(archive, sha256)? {
            Found::Bytes(bytes) => Ok(bytes),
            Found::Elsewhere => refused("which isn't in the folder"),
            Found::Altered => refused("which doesn't hold them as they were, in the folder"),
        }
    }

    pub(super) fn find(&self, archive: i64, sha256: &[u8]) -> Result<Found, JournalError> {
        let mut opened = self.opened.borrow_mut();
        let opened = match opened.entry(archive) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let path = self.folder().join(self.name(archive)?);
                let found = if path.exists() { open(&path).ok().flatten() } else { None };
                if found.is_none() && path.exists() {
                    return Ok(Found::Altered);
                }
                entry.insert(found)
            }
        };
        let Some(archive) = opened else { return Ok(Found::Elsewhere) };
        Ok(match content(archive, sha256) {
            Ok(Some(bytes)) if fits(&bytes, sha256) => Found::Bytes(bytes),
            _ => Found::Altered,
        })
    }

    pub(super) fn name(&self, archive: i64) -> Result<String, JournalError> {
        let mut statement = self.journal.prepare_cached("SELECT name FROM archive WHERE id = ?")?;
        Ok(statement.query_row([archive], |row| row.get(0))?)
    }

    fn folder(&self) -> PathBuf {
        folder_of_archives(Path::new(self.journal.path().unwrap_or_default()))
    }
}
