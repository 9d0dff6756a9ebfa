//! A program that fetches HL7 files from a folder, as a LIMS does that can do no better: what has a visible name is
//! complete, is taken once by that name, and goes. It makes no folder and judges no result.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::fs;
use tokio::task::JoinHandle;

use super::mllp::Ledger;
use crate::chance::Chance;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Fetches until it is dropped. While the folder isn't there it waits for it.
#[derive(Debug)]
pub struct Collector {
    ledger: Arc<Mutex<Ledger>>,
    task: JoinHandle<()>,
}

impl Collector {
    /// At each look this share of the files is left for a later one, from 0.0 to below 1.0; the seed chooses which.
    pub fn start(folder: PathBuf, leaves: f64, seed: u64) -> Collector {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let chance = Chance::seeded_for(seed, "collector");
        let task = tokio::spawn(collect(folder, leaves, chance, Arc::clone(&ledger)));
        Collector { ledger, task }
    }

    /// A copy of what was fetched. A file's name stands for its message's control ID.
    pub fn ledger(&self) -> Ledger {
        lock(&self.ledger).clone()
    }

    /// Looks at what was fetched without copying it.
    pub fn with_ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&lock(&self.ledger))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn collect(folder: PathBuf, leaves: f64, mut chance: Chance, ledger: Arc<Mutex<Ledger>>) {
    loop {
        // A folder that can't be read now may be there at the next look.
        if let Ok(names) = visible(&folder).await {
            for name in names {
                if !chance.hits(leaves) {
                    // A file that is gone is nobody's.
                    let _ = take(&folder, name, &ledger).await;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn visible(folder: &Path) -> io::Result<Vec<String>> {
    let mut entries = fs::read_dir(folder).await?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

async fn take(folder: &Path, name: String, ledger: &Mutex<Ledger>) -> io::Result<()> {
    let place = folder.join(&name);
    let content = fs::read(&place).await?;
    lock(ledger).receive_as(name, &content, "fetch", true, 0);
    fs::remove_file(&place).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lims::Outcome;

    #[tokio::test]
    async fn a_visible_file_is_taken_once_by_its_name_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let collector = Collector::start(place.clone(), 0.5, 3);
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join(".draft"), "half of").unwrap();
        let message = "MSH|^~\\&|||||||ORU^R01|7|P|2.5.1\rOBX|1|NM|K|1|4.1\rSPM|1|S7\r";
        for outcome in [Outcome::Taken, Outcome::Replayed] {
            std::fs::write(place.join(".7"), message).unwrap();
            std::fs::rename(place.join(".7"), place.join("7.hl7")).unwrap();
            while place.join("7.hl7").exists() {
                tokio::time::sleep(LOOK).await;
            }
            let outcomes = collector.with_ledger(|ledger| ledger.attempts().last().unwrap().outcome);
            assert_eq!(outcomes, outcome);
        }
        assert_eq!(collector.ledger().times("S7", "4.1"), 1);
        assert!(place.join(".draft").exists(), "what is hidden isn't complete");
    }
}
