//! Brings the file to where work can begin: created, up to date, and with what a crash left open closed. Where only
//! room on the disk is missing it can be tried again; nothing that failed otherwise is. It finds out whether this is the
//! journal that ran last.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::beside::{self, Beside};
use super::{JournalError, OpenError, ledger, migrate, parcels, restoration};

/// SQLite needs this much for the index of its log before it can read anything, in bytes.
const INDEX: u64 = 64 * 1024;

/// What every attempt needs.
pub(super) struct Opening {
    pub(super) path: PathBuf,
    /// What this start is told by in keys.
    pub(super) epoch: String,
    /// Where a damaged journal was put.
    pub(super) aside: Option<PathBuf>,
}

/// A journal with which work can begin.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) beside: Beside,
}

impl Opening {
    /// Opens the journal, or leaves it for another attempt.
    pub(super) fn attempt(&self, now: Timestamp) -> Result<Opened, OpenError> {
        let path = &self.path;
        let failed = |error| OpenError::Beside { path: beside::path_of(path), error };
        let found = Beside::read(path).map_err(failed)?;
        create(path)?;
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        prepare(&connection)?;
        if let Some(found) = &found {
            restoration::must_be_sound(&connection, path, found)?;
        }
        migrate::migrate(&mut connection)?;
        settle_log(&connection)?;
        parcels::recover(&mut connection, now)?;
        let examined = restoration::examine(&connection, found, &self.epoch, self.aside.as_deref())?;
        examined.beside.announce(path).map_err(failed)?;
        ledger::recover(&mut connection, &self.epoch, examined.why.as_deref(), now)?;
        sync_folder(path)?;
        Ok(Opened { connection, beside: examined.beside })
    }

    /// Whether an attempt failed for want of room alone. A failed sync is never that: what it lost is unknown.
    pub(super) fn wants_room(&self, error: &OpenError) -> bool {
        match error {
            OpenError::Recover(JournalError::Full) => true,
            OpenError::Beside { error, .. } => error.kind() == std::io::ErrorKind::StorageFull,
            OpenError::Sqlite(error) => match error.sqlite_error() {
                Some(it) if it.code == ErrorCode::DiskFull => true,
                Some(it) => {
                    let needs_files = matches!(
                        it.extended_code,
                        ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMOPEN | ffi::SQLITE_CANTOPEN
                    );
                    needs_files && free_bytes(folder_of(&self.path)) < INDEX
                }
                None => false,
            },
            _ => false,
        }
    }
}

/// What a service may still write to a folder's file system. Plenty where that can't be told.
pub(super) fn free_bytes(folder: &Path) -> u64 {
    match rustix::fs::statvfs(folder) {
        Ok(space) => space.f_bavail.saturating_mul(space.f_frsize),
        Err(_) => u64::MAX,
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Moves what an earlier run left in the log into the main file and syncs it, before anything new is promised: after
/// a failed sync the log may have been read from memory that never reached the disk.
fn settle_log(connection: &Connection) -> Result<(), OpenError> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy { Err(OpenError::Busy) } else { Ok(()) }
}

/// Creates the file and makes its name durable: SQLite ignores a failed sync of the folder.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| OpenError::Folder { path: path.to_owned(), error };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    sync_folder(path)
}

pub(super) fn sync_folder(path: &Path) -> Result<(), OpenError> {
    let folder = folder_of(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| OpenError::Folder { path: folder.to_owned(), error })
}

/// Lets a statement keep its plan whatever is bound to it. Otherwise SQLite plans most of ours anew at each use: it can't
/// know that a value that was bound before would have been no reason to.
pub(super) fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn prepare(connection: &Connection) -> Result<(), OpenError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoWal(mode));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let _: i64 = connection.query_row("PRAGMA wal_autocheckpoint=0", [], |row| row.get(0))?;
    keep_plans(connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}
