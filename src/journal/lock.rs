//! The right to be a journal's only gateway: a lock on a file beside it, which ends with the process that holds it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::OpenError;

/// Held until the file is dropped.
pub(super) fn lock(journal: &Path) -> Result<File, OpenError> {
    let path = journal.with_extension("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|error| OpenError::Folder { path: path.clone(), error })?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| refusal(path, error))?;
    Ok(file)
}

/// Whether a gateway has the journal. Where that can't be found out, one may have it.
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
