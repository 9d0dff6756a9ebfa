//! Copies of the journal, made while it is written to and believed only once they were read back; and the way back from one. A
//! copy is marked as one: a start that finds it in the journal's place delivers nothing until somebody resumed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::audit::{self, GATEWAY, Step};
use super::opening::{folder_of, free_bytes};
use super::parcels::hex;
use super::verify::{self, Verified, verify};
use super::{JournalError, OpenError, lock, restoration};

/// The epoch of every copy: no run has it.
const COPY: &str = "copy";
const BEGINS: &str = "labwire-";
const ENDS: &str = ".db";

/// Why there is no copy, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("failed to write {path}: {error}", path = path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("failed to read {path}: {error}", path = path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("failed to copy the journal: {0}")]
    Copy(#[from] rusqlite::Error),
    #[error("failed to mark the copy: {0}")]
    Mark(#[from] JournalError),
    #[error("{path} has room for {free} MiB and a copy needs {needed}; free some, or name another folder", path = path.display())]
    NoRoom { path: PathBuf, free: u64, needed: u64 },
    #[error("{path} isn't as it was written: {faults}", path = path.display(), faults = faults.join("; "))]
    Faulty { path: PathBuf, faults: Vec<String> },
    #[error("{path} isn't the file that its checksum was made of", path = path.display())]
    Checksum { path: PathBuf },
    #[error("{path} is no copy of a journal; name a file that `labwire backup` made", path = path.display())]
    NoCopy { path: PathBuf },
}

/// A copy that was read back.
#[derive(Debug, Clone)]
pub struct Copied {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
    pub verified: Verified,
}

/// Copies the journal into a folder, under a name that says when, and reads the copy back. The gateway may run or not.
/// `reserve` is what must stay free besides, in bytes.
pub fn back_up(journal: &Path, folder: &Path, reserve: u64, now: Timestamp) -> Result<Copied, BackupError> {
    let source = verify::open(journal)?;
    let size = fs::metadata(journal).map_or(0, |file| file.len());
    let (free, needed) = (free_bytes(folder), size.saturating_add(reserve));
    if free < needed {
        let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let (free, needed) = (free / (1024 * 1024), mebibytes(needed));
        return Err(BackupError::NoRoom { path: folder.to_owned(), free, needed });
    }
    let path = folder.join(format!("{BEGINS}{}{ENDS}", now.strftime("%Y%m%dT%H%M%SZ")));
    let part = folder.join(".labwire-copy-under-way");
    let written = |error| BackupError::Write { path: path.clone(), error };
    remove(&part).map_err(written)?;
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part).map_err(written)?;
    source.execute("VACUUM INTO ?", [part.to_string_lossy()])?;
    drop(source);
    mark(&part, now)?;
    let verified = verify(&part)?;
    if !verified.faults.is_empty() {
        return Err(BackupError::Faulty { path: part, faults: verified.faults });
    }
    File::open(&part).and_then(|file| file.sync_all()).map_err(written)?;
    let (sha256, bytes) = digest(&part)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut sum = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(sum_of(&path))
        .map_err(written)?;
    sum.write_all(format!("{sha256}  {name}\n").as_bytes()).map_err(written)?;
    sum.sync_all().map_err(written)?;
    fs::rename(&part, &path).map_err(written)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(written)?;
    Ok(Copied { path, bytes, sha256, verified })
}

/// What a copy says of itself: that it is one, and of when.
fn mark(copy: &Path, now: Timestamp) -> Result<(), BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(copy, flags)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    transaction.execute("UPDATE journal SET epoch = ?", [COPY])?;
    let step = Step {
        at: now,
        actor: GATEWAY,
        step: "copied",
        subject: "journal".to_owned(),
        detail: "what was written afterwards isn't in this copy".to_owned(),
    };
    audit::append(&transaction, &step)?;
    transaction.commit()?;
    Ok(())
}

/// What was restored, and where the journal went that stood in its place.
#[derive(Debug, Clone)]
pub struct Restored {
    pub verified: Verified,
    pub aside: Option<PathBuf>,
}

/// Puts a copy in the journal's place, once it was read to its end. What stood there is kept beside. Refused while a gateway
/// runs.
pub fn restore(copy: &Path, journal: &Path, now: Timestamp) -> Result<Restored, BackupError> {
    let given = fs::metadata(copy).and_then(|file| File::open(copy).map(|_| file));
    let given = given.map_err(|error| BackupError::Read { path: copy.to_owned(), error })?;
    if !given.is_file() {
        return Err(BackupError::NoCopy { path: copy.to_owned() });
    }
    let _lock = lock::lock(journal)?;
    if let Ok(sum) = fs::read_to_string(sum_of(copy)) {
        let (found, _) = digest(copy)?;
        if sum.split_ascii_whitespace().next() != Some(found.as_str()) {
            return Err(BackupError::Checksum { path: copy.to_owned() });
        }
    }
    let part = journal.with_extension("restored");
    let verified = prepare(copy, &part, journal, now).inspect_err(|_| {
        // The next restore removes it otherwise.
        let _ = remove(&part);
    })?;
    let written = |error| BackupError::Write { path: part.clone(), error };
    let aside = match journal.exists() {
        true => Some(restoration::put_aside(journal, "replaced", now).map_err(written)?),
        false => None,
    };
    fs::rename(&part, journal).map_err(written)?;
    File::open(folder_of(journal)).and_then(|folder| folder.sync_all()).map_err(written)?;
    Ok(Restored { verified, aside })
}

/// Brings a copy beside the journal as `part`, read to its end, marked and on disk.
fn prepare(copy: &Path, part: &Path, journal: &Path, now: Timestamp) -> Result<Verified, BackupError> {
    let written = |error| BackupError::Write { path: part.to_owned(), error };
    remove(part).map_err(written)?;
    fs::copy(copy, part).map_err(written)?;
    fs::set_permissions(part, fs::Permissions::from_mode(0o600)).map_err(written)?;
    let verified = verify(part).map_err(|error| match error {
        OpenError::NoJournal(_) | OpenError::Sqlite(_) => BackupError::NoCopy { path: copy.to_owned() },
        other => BackupError::Open(other),
    })?;
    if !verified.faults.is_empty() {
        return Err(BackupError::Faulty { path: copy.to_owned(), faults: verified.faults });
    }
    // Any SQLite file can be handed in: also one that wasn't made by `labwire backup`.
    mark(part, now)?;
    give_to_owner(part, journal).map_err(written)?;
    File::open(part).and_then(|file| file.sync_all()).map_err(written)?;
    Ok(verified)
}

/// Root restores for the service: the file belongs to whom the folder belongs to, and so does the lock.
fn give_to_owner(file: &Path, journal: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder_of(journal))?;
    for path in [file.to_owned(), journal.with_extension("lock")] {
        if fs::metadata(&path)?.uid() != owner.uid() {
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}

/// When each copy in a folder was made, by its name.
pub fn copies(folder: &Path) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let made = path.file_name().and_then(|name| made_at(&name.to_string_lossy()));
        copies.extend(made.map(|made| (made, path)));
    }
    copies.sort();
    Ok(copies)
}

fn made_at(name: &str) -> Option<Timestamp> {
    let stamp = name.strip_prefix(BEGINS)?.strip_suffix(ENDS)?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// Removes a copy and its checksum.
pub fn discard(copy: &Path) -> io::Result<()> {
    remove(copy)?;
    remove(&sum_of(copy))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where a copy's checksum stands, as `sha256sum` writes and reads it.
fn sum_of(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

fn digest(path: &Path) -> Result<(String, u64), BackupError> {
    let read = |error| BackupError::Read { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(read)?;
    let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 64 * 1024], 0_u64);
    loop {
        let count = file.read(&mut buffer).map_err(read)?;
        if count == 0 {
            return Ok((hex(&hash.finalize()), bytes));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
}

/// How many copies are kept: the newest of each of the last days, weeks and months that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub days: usize,
    pub weeks: usize,
    pub months: usize,
}

/// Which copies may go. `made` is when each was made, in any order; the newest always stays.
pub fn too_many(made: &[Timestamp], keep: Keep) -> Vec<Timestamp> {
    let mut newest_first = made.to_vec();
    newest_first.sort();
    newest_first.reverse();
    let mut kept: Vec<Timestamp> = newest_first.first().copied().into_iter().collect();
    for (count, period) in [
        (keep.days, day as fn(Timestamp) -> (i64, i64)),
        (keep.weeks, week as fn(Timestamp) -> (i64, i64)),
        (keep.months, month as fn(Timestamp) -> (i64, i64)),
    ] {
        let mut seen = Vec::new();
        for at in &newest_first {
            let period = period(*at);
            if seen.len() < count && !seen.contains(&period) {
                seen.push(period);
                kept.push(*at);
            }
        }
    }
    newest_first.retain(|at| !kept.contains(at));
    newest_first
}

fn day(at: Timestamp) -> (i64, i64) {
    (at.as_second().div_euclid(86_400), 0)
}

fn week(at: Timestamp) -> (i64, i64) {
    // The first day of 1970 was a Thursday; weeks begin on Mondays.
    ((day(at).0 + 3).div_euclid(7), 0)
}

fn month(at: Timestamp) -> (i64, i64) {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    (i64::from(date.year()), i64::from(date.month()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_day_week_and_month_stays() {
        let at = |text: &str| format!("{text}:00Z").parse::<Timestamp>().unwrap();
        let made = [
            "2026-09-30T02:00",
            "2026-10-11T02:00",
            "2026-10-12T02:00",
            "2026-10-31T02:00",
            "2026-11-15T02:00",
            "2026-11-16T02:00",
            "2026-11-20T02:00",
            "2026-11-20T14:00",
            "2026-11-21T02:00",
        ]
        .map(at);
        let gone = |days, weeks, months| {
            let mut gone = too_many(&made, Keep { days, weeks, months });
            gone.sort();
            gone.iter().map(|at| at.strftime("%m-%dT%H").to_string()).collect::<Vec<_>>()
        };
        assert_eq!(gone(0, 0, 0).len(), 8, "the newest always stays");
        assert_eq!(
            gone(2, 0, 0),
            ["09-30T02", "10-11T02", "10-12T02", "10-31T02", "11-15T02", "11-16T02", "11-20T02"]
        );
        assert_eq!(gone(1, 3, 0), ["09-30T02", "10-11T02", "10-12T02", "11-16T02", "11-20T02", "11-20T14"]);
        assert_eq!(gone(1, 1, 3), ["10-11T02", "10-12T02", "11-15T02", "11-16T02", "11-20T02", "11-20T14"]);
        assert_eq!(gone(99, 0, 0), ["11-20T02"]);
    }

    #[test]
    fn a_copy_that_is_none_is_named_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("notes.txt"), "no database\n").unwrap();
        fs::write(path("empty.db"), "").unwrap();
        for (name, expected) in [
            ("missing.db", "failed to read DIR/missing.db: No such file"),
            ("", "DIR/ is no copy of a journal; name a file that `labwire backup` made"),
            ("notes.txt", "DIR/notes.txt is no copy of a journal"),
            ("empty.db", "DIR/empty.db is no copy of a journal"),
        ] {
            let told = restore(&path(name), &path("journal.db"), Timestamp::UNIX_EPOCH).unwrap_err();
            let told = told.to_string().replace(&folder.path().display().to_string(), "DIR");
            assert!(told.starts_with(expected), "{told}");
            assert!(!path("journal.db").exists() && !path("journal.restored").exists(), "{name}");
        }
    }

    #[test]
    fn only_copies_count_as_copies() {
        for (name, is_one) in [
            ("labwire-20261121T020000Z.db", true),
            ("labwire-20261121T020000Z.db.sha256", false),
            (".labwire-copy-under-way", false),
            ("labwire-20261321T020000Z.db", false),
            ("labwire.db", false),
        ] {
            assert_eq!(made_at(name).is_some(), is_one, "{name}");
        }
    }
}
