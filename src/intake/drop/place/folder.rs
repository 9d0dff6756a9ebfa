//! Files in a folder of this machine, or mounted on it. A mount that hangs holds up one thread, which the next call
//! waits for; no link is followed and nothing but a regular file is opened.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags};
use tokio::sync::Mutex;
use tokio::task;

use super::{MOST, PIECE, Renamed, Trouble, names, within};
use crate::intake::drop::decide::{Listed, Listing, NoFile, Other};
use crate::intake::drop::spool::Spool;

/// A folder.
pub(in crate::intake::drop) struct Folder {
    path: PathBuf,
    patience: Duration,
    /// Files are taken only while nobody else holds a lock on them.
    locks: bool,
    /// Held by the thread that is in the folder.
    turn: Arc<Mutex<()>>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, patience: Duration, locks: bool) -> Folder {
        Folder { path, patience, locks, turn: Arc::default() }
    }

    /// Runs `work` on a thread of its own, once the call before it has ended.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (turn, path) = (Arc::clone(&self.turn), self.path.clone());
        within(self.patience, "the folder hasn't answered", async move {
            let turn = turn.lock_owned().await;
            let work = task::spawn_blocking(move || {
                let _turn = turn;
                work(&path)
            });
            work.await.unwrap_or_else(|_| Err(Trouble::Place("reading the folder failed".to_owned())))
        })
        .await
    }

    pub(super) async fn list(&self) -> Result<Listing, Trouble> {
        self.call(|folder| {
            let mut listing = Listing::default();
            for entry in fs::read_dir(folder).map_err(of_folder)? {
                let entry = entry.map_err(of_folder)?;
                let metadata = match entry.metadata() {
                    Ok(metadata) => metadata,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(of_folder(error)),
                };
                let name = names::text(entry.file_name().as_bytes());
                let other = |what| Other { name: name.clone(), what };
                match metadata.file_type() {
                    kind if kind.is_dir() => {}
                    kind if kind.is_file() => listing.files.push(listed(name, &metadata)),
                    kind if kind.is_symlink() => listing.others.push(other(NoFile::Link)),
                    _ => listing.others.push(other(NoFile::Special)),
                }
                if listing.files.len() + listing.others.len() > MOST {
                    return Err(Trouble::Place(format!(
                        "the folder holds more than {MOST} files; move the old ones away"
                    )));
                }
            }
            Ok(listing)
        })
        .await
    }

    pub(super) async fn look(&self, name: &str) -> Result<Option<Listed>, Trouble> {
        let name = name.to_owned();
        self.call(move |folder| match fs::symlink_metadata(folder.join(file_name(&name)?)) {
            Ok(metadata) if metadata.is_file() => Ok(Some(listed(name, &metadata))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(of_file(error)),
        })
        .await
    }

    /// Where locks are the proof, the file is locked until its end.
    pub(super) async fn fetch(&self, name: &str, spool: &mut Spool) -> Result<(), Trouble> {
        let (name, locks) = (name.to_owned(), self.locks);
        let mut file = self.call(move |folder| open(&folder.join(file_name(&name)?), locks)).await?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = self.call(move |_| {
                let read = file.read(&mut piece).map_err(of_file)?;
                Ok((file, piece, read))
            });
            let count;
            (file, piece, count) = read.await?;
            match piece.get(..count) {
                Some(bytes) if !bytes.is_empty() => spool.write(bytes).await?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), Trouble> {
        let name = name.to_owned();
        self.call(move |folder| match fs::remove_file(folder.join(file_name(&name)?)) {
            Ok(()) => sync(folder),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(of_removal(error)),
        })
        .await
    }

    /// Moves a file into another folder, which is made if it isn't there. Never over another file.
    pub(super) async fn rename(&self, name: &str, into: &str, to: &str) -> Result<Renamed, Trouble> {
        let (name, into, to) = (name.to_owned(), into.to_owned(), to.to_owned());
        self.call(move |folder| {
            let (from, into) = (folder.join(file_name(&name)?), folder.join(&into));
            fs::create_dir_all(&into).map_err(of_removal)?;
            let to = into.join(file_name(&to)?);
            let renamed = match rustix::fs::renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE) {
                // Not every network mount can do it in one step.
                Err(rustix::io::Errno::INVAL) if !to.exists() => fs::rename(&from, &to),
                Err(rustix::io::Errno::INVAL) => Err(ErrorKind::AlreadyExists.into()),
                other => other.map_err(io::Error::from),
            };
            match renamed {
                Ok(()) => sync(folder).and_then(|()| sync(&into)).map(|()| Renamed::Yes),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Renamed::Taken),
                Err(error) => Err(of_removal(error)),
            }
        })
        .await
    }
}

/// A name that leads nowhere else.
fn file_name(name: &str) -> Result<PathBuf, Trouble> {
    let bytes = names::bytes(name);
    if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') || bytes.contains(&0) {
        return Err(Trouble::File("its name can't be that of a file".to_owned()));
    }
    Ok(PathBuf::from(OsStr::from_bytes(&bytes)))
}

fn listed(name: String, metadata: &Metadata) -> Listed {
    // The second time changes when another file takes the name, though it be as long and as old.
    let stamp = format!(
        "{:012}.{:09} {}.{:09}",
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec()
    );
    Listed { name, size: metadata.len(), stamp, is_coarse: false }
}

fn open(path: &Path, locks: bool) -> Result<File, Trouble> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    let open = |write| OpenOptions::new().read(true).write(write).custom_flags(flags).open(path);
    let file = match open(locks) {
        Err(error) if locks && error.kind() == ErrorKind::PermissionDenied => open(false),
        other => other,
    };
    let file = file.map_err(of_file)?;
    if !file.metadata().map_err(of_file)?.is_file() {
        return Err(Trouble::File("it is no regular file".to_owned()));
    }
    if locks {
        // Programs of one kind don't see the locks of the other.
        let held = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
            .and_then(|()| rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive));
        match held {
            Ok(()) | Err(rustix::io::Errno::BADF) => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
                return Err(Trouble::Busy("another program holds a lock on it".to_owned()));
            }
            Err(error) => return Err(of_file(error.into())),
        }
    }
    Ok(file)
}

/// Makes a removal durable: a file that came back would only be read once more.
fn sync(folder: &Path) -> Result<(), Trouble> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network mounts can't.
        Ok(()) | Err(_) => Ok(()),
    }
}

fn of_folder(error: io::Error) -> Trouble {
    Trouble::Place(match error.kind() {
        ErrorKind::NotFound => "the folder doesn't exist; make it, or mount what it is on".to_owned(),
        ErrorKind::NotADirectory => "the folder is a file; name another".to_owned(),
        ErrorKind::PermissionDenied => {
            "the service may not read the folder; give its user the right to".to_owned()
        }
        _ => format!("the folder can't be read: {error}"),
    })
}

fn of_file(error: io::Error) -> Trouble {
    Trouble::File(match error.kind() {
        ErrorKind::NotFound => "it is no longer there".to_owned(),
        ErrorKind::PermissionDenied => "the service may not read it; give its user the right to".to_owned(),
        _ => format!("it can't be read: {error}"),
    })
}

fn of_removal(error: io::Error) -> Trouble {
    Trouble::File(match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "the service may not remove it; give its user the right to write in the folder, or write after = \"leave\""
                .to_owned()
        }
        ErrorKind::CrossesDevices => {
            "move_to is on another file system; write a folder on the same one".to_owned()
        }
        _ => format!("it can't be removed: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_mount_that_hangs_is_left_alone_and_holds_up_no_more_than_one_thread() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().to_owned(), Duration::from_millis(100), false);
        let (mounted, hangs) = std::sync::mpsc::channel::<()>();
        let hung = folder.call(move |_| {
            let _ = hangs.recv();
            Ok(())
        });
        assert!(matches!(hung.await, Err(Trouble::Place(why)) if why.contains("hasn't answered")));
        assert!(matches!(folder.list().await, Err(Trouble::Place(_))), "the next call waits for that thread");
        drop(mounted);
        while folder.list().await.is_err() {}
    }
}
