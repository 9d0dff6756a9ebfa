//! The journal: one SQLite file that holds everything the gateway has promised to keep.
//!
//! It must, always:
//! - commit with `synchronous=FULL` before anything is acknowledged; only [`parcels`] signs receipts;
//! - keep bytes, observations, attempts, answers and audit rows as they were first written;
//! - write each step in one transaction: what was decided, what it counts as, what is owed, and its audit row;
//! - stop for good after a failed sync, an I/O or a corruption error: the fate of that commit is unknown;
//! - stay up when the disk is full: refuse, say so, go on when there is room.
//!
//! It must never be written to by a second thread or process, read by a transaction that lasts longer than a
//! second, or changed by a migration that can't be told from the file's own version.
//!
//! Operations by file: [`parcels`] what arrives; [`results`] what messages became, and the instruments' [`habits`]; [`ledger`] what is owed to
//! the LIMS; [`desk`] what people decide; [`notes`] what links did wrong; [`read`] what the runner reads; [`views`] what the page and the commands show.

mod audit;
mod counters;
pub mod desk;
mod error;
mod habits;
pub mod ledger;
mod lock;
mod migrate;
pub mod notes;
pub mod parcels;
pub mod read;
mod recount;
pub mod results;
mod rows;
mod sums;
pub mod views;
mod writer;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

pub use error::{JournalError, OpenError};
pub use read::Reader;
pub use rows::{DeliveryId, MessageId, ObservationId, ProblemId, TransferId};
pub use sums::{DestinationSums, IntakeSums, Sums};
pub use writer::Condition;

use writer::{Urgency, Writer};

/// A handle on the writer thread. Clones share it; when the last one goes, the thread finishes and closes the file.
#[derive(Clone)]
pub struct Journal {
    writer: Arc<Writer>,
    path: PathBuf,
}

impl Journal {
    /// Opens or creates the journal, brings it up to date, and closes what a crash left open.
    ///
    /// `reserve_bytes` is the free space below which [`Condition::Full`] is reported.
    pub fn open(path: &Path, reserve_bytes: u64, now: Timestamp) -> Result<Journal, OpenError> {
        let lock = lock::lock(path)?;
        create(path)?;
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        prepare(&connection)?;
        migrate::migrate(&mut connection)?;
        settle_log(&connection)?;
        parcels::recover(&mut connection, now)?;
        ledger::recover(&mut connection, now)?;
        sync_folder(path)?;
        let writer = Writer::start(connection, path, reserve_bytes, lock)?;
        Ok(Journal { writer: Arc::new(writer), path: path.to_owned() })
    }

    /// A new read-only connection.
    pub fn reader(&self) -> Result<Reader, OpenError> {
        Reader::open(&self.path)
    }

    /// Whether the journal takes more, and if not, why. Changes are announced.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.writer.condition()
    }

    /// Runs `work` in the next group of jobs and returns once that group is committed.
    async fn submit<T, F>(&self, urgency: Urgency, work: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    {
        self.writer.submit(urgency, work).await
    }
}

/// Moves what an earlier run left in the log into the main file and syncs it, before anything new is promised: after
/// a failed sync the log may have been read from memory that never reached the disk.
fn settle_log(connection: &Connection) -> Result<(), OpenError> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy { Err(OpenError::Busy) } else { Ok(()) }
}

/// Creates the file and makes its name durable: SQLite ignores a failed sync of the folder.
fn create(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| OpenError::Folder { path: path.to_owned(), error };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<(), OpenError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| OpenError::Folder { path: folder.to_owned(), error })
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
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}
