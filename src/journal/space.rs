//! How much room the journal takes and has. It looks, and frees nothing.

use std::fs;
use std::path::Path;

use super::opening::{folder_of, free_bytes};

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// What may still be written to its file system.
    pub free: u64,
    /// The journal with its log.
    pub used: u64,
}

impl Space {
    /// Looks; it may wait for the disk.
    pub fn of(journal: &Path) -> Space {
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let mut log = journal.as_os_str().to_owned();
        log.push("-wal");
        Space { free: free_bytes(folder_of(journal)), used: size(journal) + size(Path::new(&log)) }
    }
}
