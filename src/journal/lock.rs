//! The right to be a journal's only gateway: a lock on a file beside it, which ends with the process that holds it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::OpenError;

/// How often, and how long apart, it is tried: a command that only looks has it for an instant.
const TRIES: u32 = 20;
const APART: Duration = Duration::from_millis(25);

/// Held until the file is dropped.
pub(super) fn lock(journal: &Path) -> Result<File, OpenError> {
    let path = journal.with_extension("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|error| OpenError::Folder { path: path.clone(), error })?;
    let mut tries = 1;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if tries < TRIES => std::thread::sleep(APART),
            Err(error) => return Err(refusal(path, error)),
        }
        tries += 1;
    }
}

/// Whether a gateway has the journal. Where that can't be found out, one may have it. It takes the lock for an instant.
pub fn is_in_use(journal: &Path) -> bool {
    match File::open(journal.with_extension("lock")) {
        Ok(file) => flock(&file, FlockOperation::NonBlockingLockShared).is_err(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn refusal(path: PathBuf, error: Errno) -> OpenError {
    match error {
        Errno::WOULDBLOCK => OpenError::InUse(path),
        other => OpenError::Lock { path, error: other.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_that_somebody_holds_is_in_use() {
        for (error, expected) in [
            (Errno::WOULDBLOCK, "another gateway uses this journal"),
            (Errno::NOLCK, "No locks available"),
            (Errno::OPNOTSUPP, "not supported"),
            (Errno::INTR, "Interrupted"),
        ] {
            let told = refusal("/srv/labwire.lock".into(), error).to_string();
            assert!(told.contains(expected) && told.contains("/srv/labwire.lock"), "{told}");
            assert_eq!(told.contains("another gateway"), error == Errno::WOULDBLOCK, "{told}");
        }
    }

    #[test]
    fn who_only_looks_keeps_no_gateway_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("labwire.db");
        let stop = std::sync::atomic::AtomicBool::new(false);
        drop(lock(&journal).unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let file = File::open(journal.with_extension("lock")).unwrap();
                    let _ = flock(&file, FlockOperation::NonBlockingLockShared);
                    std::thread::sleep(Duration::from_millis(2));
                    drop(file);
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let refused = (0..50).filter(|_| lock(&journal).is_err()).count();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(refused, 0);
        });
    }

    #[test]
    fn a_lock_that_is_held_is_refused_and_one_that_was_let_go_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("labwire.db");
        let held = lock(&journal).unwrap();
        assert!(matches!(lock(&journal), Err(OpenError::InUse(_))) && is_in_use(&journal));
        drop(held);
        assert!(!is_in_use(&journal) && !is_in_use(Path::new("/no/such/journal.db")));
        assert!(lock(&journal).is_ok());
    }
}
