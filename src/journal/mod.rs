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
//! second (but for a backup and a check, which people ask for), or changed by a migration that can't be told from the file's own version.
//!
//! Operations by file: [`parcels`] what arrives; [`files`] what is fetched; [`results`] what messages became, and the instruments' [`habits`]; [`ledger`] what is owed to
//! the LIMS; [`desk`] what people decide; [`resend`] what they have sent once more; [`orders`] what the LIMS wants done; [`qc`] what runs of controls came to; [`rules`] which rules are signed, and [`decisions`] what they decided; [`calls`] critical calls; [`people`] who may act on the page; [`notes`] what links did wrong; [`traffic`] how much came when; [`downtime`] what people work by while the LIMS is down; [`taps`] who listened to a connection; [`exchanges`] what passed on one lately; [`stuck`] which files wait for somebody; [`tokens`] what stands for a specimen in the log; [`read`] what the runner reads; [`views`] what the page and the commands show;
//! [`days`] what came in a span of time and where it is now; [`retention`] what leaves for an archive, and [`archive`] those files; [`backup`] copies; [`verify`] whether all is as it was written; [`restoration`] what follows when the journal isn't the one that ran last; [`salvage`] what can be read of a damaged one.

mod archive;
mod audit;
pub mod backup;
mod beside;
pub mod calls;
pub mod came;
mod codes;
mod counters;
pub mod days;
pub mod decisions;
mod delay;
pub mod desk;
pub mod downtime;
mod error;
pub mod exchanges;
pub mod files;
mod habits;
pub mod history;
pub mod ledger;
mod lock;
mod migrate;
pub mod notes;
mod opening;
pub mod orders;
pub mod parcels;
pub mod people;
pub mod qc;
pub mod read;
pub mod reassign;
mod recount;
pub mod reevaluate;
pub mod resend;
pub mod restoration;
pub mod results;
pub mod retention;
mod rows;
pub mod rules;
pub mod salvage;
pub mod signature;
mod space;
pub mod standstill;
pub mod stuck;
mod sums;
pub mod taps;
mod tokens;
#[cfg(feature = "otlp")]
pub mod traces;
pub mod traffic;
pub mod verify;
pub mod views;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::watch;

pub use archive::{ArchiveError, folder_of_archives};
pub use delay::{Counting, Delays};
pub use error::{JournalError, OpenError};
pub use lock::is_in_use;
pub use read::Reader;
pub use rows::{CallId, DeliveryId, FileId, MessageId, ObservationId, ProblemId, TransferId};
pub use space::Space;
pub use sums::{DestinationSums, IntakeSums, Sums};
pub use writer::Condition;

use opening::{Opened, Opening};
use writer::{Urgency, Writer};

/// A handle on the writer thread. Clones share it; when the last one goes, the thread finishes and closes the file.
#[derive(Clone)]
pub struct Journal {
    writer: Arc<Writer>,
    path: PathBuf,
    epoch: Arc<str>,
}

impl Journal {
    /// Opens or creates the journal, brings it up to date, and closes what a crash left open.
    ///
    /// `reserve_bytes` is the free space below which [`Condition::Full`] is reported. Where there isn't even room to
    /// open it, everything is refused so until there is, and then it is opened. A damaged one is put aside and another
    /// begun; where this isn't the journal that ran last, nothing is delivered until somebody has resumed.
    pub fn open(path: &Path, reserve_bytes: u64, now: Timestamp) -> Result<Journal, OpenError> {
        let lock = lock::lock(path)?;
        let mut opening = Opening { path: path.to_owned(), epoch: ledger::epoch(), aside: None };
        let epoch = opening.epoch.as_str().into();
        let mut opened = opening.attempt(now);
        if opened.as_ref().err().is_some_and(|error| restoration::was_ours(path, error)) {
            let aside = restoration::put_aside(path, "damaged", now);
            opening.aside = Some(aside.map_err(|error| OpenError::Aside { path: path.to_owned(), error })?);
            opened = opening.attempt(now);
        }
        let opened: Option<Opened> = match opened {
            Ok(opened) => Some(opened),
            Err(error) if opening.wants_room(&error) => None,
            Err(error) => {
                restoration::doubt(path, &error);
                return Err(error);
            }
        };
        let writer = Writer::start(opening, opened, reserve_bytes, lock)?;
        Ok(Journal { writer: Arc::new(writer), path: path.to_owned(), epoch })
    }

    /// Returns once the journal can be read: at once, unless it was opened on a full disk.
    pub async fn opened(&self) {
        // An error means that the writer has ended; what waited finds that out by itself.
        let _ = self.writer.opened().wait_for(|opened| *opened).await;
    }

    /// Eight random characters, new at every start: a journal that was restored from a copy can't use a key again.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// A new read-only connection.
    pub fn reader(&self) -> Result<Reader, OpenError> {
        Reader::open(&self.path)
    }

    /// Whether the journal takes more, and if not, why. Changes are announced.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.writer.condition()
    }

    /// How long frames wait for their receipt. It goes on counting.
    pub fn delays(&self) -> Arc<Counting> {
        self.writer.delays()
    }

    /// Why nothing is delivered, while that is so. Changes are announced.
    pub fn standstill(&self) -> watch::Receiver<Option<String>> {
        self.writer.standstill()
    }

    /// Returns once the writer has taken a turn, whatever came of it: a stuck one never does.
    pub async fn turn(&self) {
        // A full disk or a failed journal is told otherwise; the writer is alive all the same.
        let _ = self.submit(Urgency::Other, |_| Ok(())).await;
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
