//! How the journal fails. Texts never carry content of a message.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to open {path}: {error}; check that the folder exists, has room and belongs to the service user", path = path.display())]
    Folder { path: PathBuf, error: io::Error },
    #[error("failed to lock {path}: another gateway uses this journal; stop it first", path = .0.display())]
    InUse(PathBuf),
    #[error(
        "failed to lock {path}: {error}; keep the journal on a local disk whose file system can lock files",
        path = path.display()
    )]
    Lock { path: PathBuf, error: io::Error },
    #[error(
        "the journal has version {found} and this program knows {known}; install the newer program again"
    )]
    NewerJournal { found: usize, known: usize },
    #[error(
        "the journal has version {found} and this program reads {known}; start the gateway of this program, which brings it up to date"
    )]
    OlderJournal { found: usize, known: usize },
    #[error("{path} is no journal of labwire, or the gateway never started; start it, or mend [journal] path", path = .0.display())]
    NoJournal(PathBuf),
    #[error("failed to write {path}, which tells the journal from its copies: {error}", path = path.display())]
    Beside { path: PathBuf, error: io::Error },
    #[error("the journal's file is damaged")]
    Damaged,
    #[error("failed to put the damaged journal {path} aside: {error}", path = path.display())]
    Aside { path: PathBuf, error: io::Error },
    #[error("SQLite {0} can lose committed data; build with the bundled one")]
    OldSqlite(&'static str),
    #[error(
        "the file system offers journal mode {0:?} where write-ahead logging is needed; use a local disk"
    )]
    NoWal(String),
    #[error("another program is reading the journal; close it and start again")]
    Busy,
    #[error("failed to start the writer thread: {0}")]
    Thread(io::Error),
    #[error("failed to close what the last run left open: {0}")]
    Recover(#[from] JournalError),
    #[error("failed to read or prepare the journal: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Why a step was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Nothing was written and nothing is broken; there will be room again.
    #[error("the disk is full")]
    Full,
    /// Whether the step was written is unknown. Nothing more will be, until a restart finds out.
    #[error("the journal failed: {0}")]
    Failed(String),
    /// This step alone was refused; nothing of it was written.
    #[error("{0}")]
    Refused(String),
    /// The bytes that were asked for are in an archive that isn't in its folder, or hasn't got them. Nothing of this step was
    /// written.
    #[error("{0}")]
    Elsewhere(String),
    /// The gateway is shutting down.
    #[error("the journal is closed")]
    Closed,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => JournalError::Full,
            None | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
                JournalError::Refused(error.to_string())
            }
            Some(_) => JournalError::Failed(error.to_string()),
        }
    }
}
