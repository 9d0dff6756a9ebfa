//! One file on its way from its place to the journal: written beside the journal, hashed and cut as it comes, in memory
//! that doesn't grow with it. It proves nothing by itself, survives no stop, and is readable by its owner only.

use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};

use labwire_drop::{Contents, Cutter, Part, Verdict};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::place::Trouble;
use crate::journal::files::Part as Stored;

/// The largest file that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) bytes: u64,
    /// The key by which a site sets it.
    pub(super) key: &'static str,
}

impl Limit {
    /// In words: a file is larger than it may be.
    pub(super) fn refusal(self) -> String {
        let Limit { bytes, key } = self;
        format!("it is larger than {} MiB; raise {key} if that is right", bytes / 1024 / 1024)
    }
}

/// A file that is being fetched.
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    hash: Sha256,
    cutter: Cutter,
    parts: Vec<Cut>,
    length: u64,
    longest: Limit,
    /// Told of the bytes so far.
    progress: Box<dyn Fn(u64) + Send>,
}

/// A part in the least of memory.
#[derive(Clone, Copy)]
struct Cut {
    start: u64,
    end: u64,
    first_line: u64,
}

/// A file that was fetched to its end.
pub(super) struct Spooled {
    path: PathBuf,
    file: File,
    pub(super) length: u64,
    pub(super) sha256: Vec<u8>,
    pub(super) verdict: Verdict,
    pub(super) head: std::ops::Range<u64>,
    parts: std::vec::IntoIter<Cut>,
    next: Option<Cut>,
    number: u32,
    read: u64,
}

impl Spool {
    /// Begins anew, over whatever was there.
    pub(super) async fn create(
        folder: &Path,
        name: &str,
        contents: Contents,
        longest: Limit,
        progress: Box<dyn Fn(u64) + Send>,
    ) -> Result<Spool, Trouble> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await.map_err(failed)?;
        let path = folder.join(name);
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .await
            .map_err(failed)?;
        let cutter = Cutter::new(contents);
        Ok(Spool { path, file, hash: Sha256::new(), cutter, parts: Vec::new(), length: 0, longest, progress })
    }

    /// Takes in the next bytes of the file.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.length > self.longest.bytes {
            return Err(Trouble::Content(self.longest.refusal()));
        }
        self.hash.update(bytes);
        self.cutter.push(bytes);
        self.gather();
        if let Some(refusal) = self.cutter.refusal() {
            return Err(Trouble::Content(Verdict::Refused(refusal.clone()).to_string()));
        }
        self.file.write_all(bytes).await.map_err(failed)?;
        (self.progress)(self.length);
        Ok(())
    }

    fn gather(&mut self) {
        while let Some(Part { bytes, first_line, .. }) = self.cutter.poll() {
            self.parts.push(Cut { start: bytes.start, end: bytes.end, first_line });
        }
    }

    /// Says that the file ends here.
    pub(super) async fn finish(mut self) -> Result<Spooled, Trouble> {
        let verdict = self.cutter.finish();
        self.gather();
        self.file.flush().await.map_err(failed)?;
        self.file.seek(SeekFrom::Start(0)).await.map_err(failed)?;
        let head = self.cutter.head().unwrap_or(0..0);
        let mut parts = self.parts.into_iter();
        let next = parts.next();
        Ok(Spooled {
            path: self.path,
            file: self.file,
            length: self.length,
            sha256: self.hash.finalize().to_vec(),
            verdict,
            head,
            parts,
            next,
            number: 0,
            read: 0,
        })
    }

    /// Gives the file up.
    pub(super) async fn discard(self) {
        drop(self.file);
        let _ = fs::remove_file(&self.path).await;
    }
}

impl Spooled {
    /// The next bytes, at most `most`, and the parts that end in them. `None` at the end.
    pub(super) async fn next(&mut self, most: usize) -> Result<Option<(Vec<u8>, Vec<Stored>)>, Trouble> {
        let mut bytes = Vec::with_capacity(most);
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        (&mut self.file).take(limit).read_to_end(&mut bytes).await.map_err(failed)?;
        self.read += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut parts = Vec::new();
        while let Some(Cut { start, end, first_line }) = self.next.filter(|part| part.end <= self.read) {
            parts.push(Stored { number: self.number, bytes: start..end, first_line });
            self.number = self.number.saturating_add(1);
            self.next = self.parts.next();
        }
        Ok((!bytes.is_empty()).then_some((bytes, parts)))
    }

    pub(super) async fn discard(self) {
        drop(self.file);
        let _ = fs::remove_file(&self.path).await;
    }
}

fn failed(error: std::io::Error) -> Trouble {
    Trouble::Place(match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the journal's disk has no room for a file; free some space there".to_owned()
        }
        _ => format!("a file can't be written beside the journal: {error}"),
    })
}
