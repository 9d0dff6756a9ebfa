//! Files that others fetch from a folder: written under a temporary name, synced, renamed, and the folder synced. It looks
//! at nothing that lies there, and who calls it says whether a file may be replaced.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

/// A share that hangs longer than this is given up for now.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The owner writes and the group reads: it names specimens.
const MODE: u32 = 0o640;

/// Puts a file into its place at once and whole. It survives a power cut once the folder is synced as well.
pub async fn put(place: &Path, content: &[u8]) -> io::Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let draft = place.with_file_name(format!(".{name}.tmp"));
    let written = async {
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(&draft).await?;
        // Whatever the service's umask takes away: the folder is there for others to read from.
        file.set_permissions(Permissions::from_mode(MODE)).await?;
        file.write_all(content).await?;
        file.flush().await?;
        file.sync_all().await?;
        fs::rename(&draft, place).await
    };
    let written = written.await;
    if written.is_err() {
        // What is left of it is written over by the next attempt.
        let _ = fs::remove_file(&draft).await;
    }
    written
}

/// Makes what was put into a folder durable.
pub async fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder).await?.sync_all().await
}

/// What went wrong, in words that say what to do.
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the folder's disk is full; free some space there".to_owned()
        }
        io::ErrorKind::NotFound => "the folder doesn't exist; make it, or mount what it is on".to_owned(),
        io::ErrorKind::NotADirectory => "the folder is a file; name another".to_owned(),
        io::ErrorKind::PermissionDenied => "the service may not write into the folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_as_one() {
        assert!(why(&io::Error::from(io::ErrorKind::StorageFull)).contains("disk is full"));
    }
}
