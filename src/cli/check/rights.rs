//! What labwire writes at its start, and whether this user may: what was once written by another may be closed to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::{Finding, about};
use crate::config::Settings;

/// The first of them that this user may not write to. `may` tells whether something that is there may be used so.
pub(super) fn findings(settings: &Settings, may: impl Fn(&Path, Access) -> bool) -> Option<Finding> {
    let journal = &settings.journal.path;
    let is_closed = |path: &Path| path.exists() && !may(path, Access::READ_OK | Access::WRITE_OK);
    let files = [journal.clone(), journal.with_extension("lock"), journal.with_extension("epoch")];
    let beside = ["-wal", "-shm"].map(|end| ending(journal, end));
    if let Some(path) = files.into_iter().chain(beside).find(|path| is_closed(path)) {
        let text = format!("this user may not write to {}; run as the service's user", path.display());
        return Some(about("labwire.toml", text));
    }
    let folder = settings.control_socket.parent()?;
    let is_shut = folder.is_dir() && !may(folder, Access::WRITE_OK | Access::EXEC_OK);
    is_shut.then(|| {
        let shown = folder.display();
        about(
            "labwire.toml",
            format!("this user may not open a control socket in {shown}; run as the service's user"),
        )
    })
}

/// As SQLite names what stands beside a database.
fn ending(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}
