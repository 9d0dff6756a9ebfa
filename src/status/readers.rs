//! Read-only connections for the page, a few at most. Each read runs on a thread that may wait for the disk; a slow
//! read delays other readers of the page, never an analyzer. Nothing in here can write.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::journal::{JournalError, Reader};

/// How many reads may run at once.
const AT_ONCE: usize = 4;

/// The connections that are not in use. Clones share them.
#[derive(Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Reader>>>,
    /// The connection that notices commits: it must be the same one each time.
    watcher: Arc<Mutex<Option<Reader>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        Readers {
            path: Arc::new(path),
            idle: Arc::default(),
            watcher: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Runs `read` on a connection of its own. Errors are the journal's, or that it can't be opened.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let readers = self.clone();
        let work = move || {
            let _turn = turn;
            let reader = match readers.idle().pop() {
                Some(reader) => reader,
                None => {
                    Reader::open(&readers.path).map_err(|error| JournalError::Failed(error.to_string()))?
                }
            };
            let result = read(&reader);
            if result.is_ok() {
                readers.idle().push(reader);
            }
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| JournalError::Failed("a read of the journal broke off".to_owned()))?
    }

    /// Changes whenever anything was committed. `None` where it can't be read.
    pub(super) async fn version(&self) -> Option<i64> {
        let readers = self.clone();
        let work = move || {
            let mut watcher = readers.watcher.lock().unwrap_or_else(PoisonError::into_inner);
            if watcher.is_none() {
                *watcher = Reader::open(&readers.path).ok();
            }
            let version = watcher.as_ref()?.data_version().ok();
            if version.is_none() {
                *watcher = None;
            }
            version
        };
        tokio::task::spawn_blocking(work).await.ok().flatten()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
