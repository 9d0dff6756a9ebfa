//! The line in a file beside the journal by which a start tells whether this is the journal that ran last: the epochs that it
//! may have, and how far its audit had come. A copy that was put in its place, by whatever means, doesn't fit. It holds no
//! patient data, and losing it costs a person's look, never a result.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// As long as an epoch.
const EPOCH: usize = 8;

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beside {
    /// Of the run before and of this one: a start that was cut off leaves the journal with either.
    pub(super) epochs: [String; 2],
    /// At least so many audit rows were committed.
    pub(super) audit: i64,
    /// A write has failed since: the file may be damaged.
    pub(super) suspect: bool,
}

/// Where the line of a journal is.
pub(super) fn path_of(journal: &Path) -> PathBuf {
    journal.with_extension("epoch")
}

impl Beside {
    /// The line of a journal, if there is a file. One that can't be understood fits no journal.
    pub(super) fn read(journal: &Path) -> io::Result<Option<Beside>> {
        match fs::read_to_string(path_of(journal)) {
            Ok(line) => Ok(Some(Beside::parse(&line).unwrap_or_else(Beside::unknown))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(Beside::unknown())),
            Err(error) => Err(error),
        }
    }

    fn unknown() -> Beside {
        Beside { epochs: ["-".to_owned(), "-".to_owned()], audit: 0, suspect: true }
    }

    fn parse(line: &str) -> Option<Beside> {
        let mut words = line.strip_suffix('\n')?.split_ascii_whitespace();
        let epochs = [words.next()?.to_owned(), words.next()?.to_owned()];
        let audit = words.next()?.parse().ok()?;
        let suspect = match words.next()? {
            "sound" => false,
            "doubt" => true,
            _ => return None,
        };
        Some(Beside { epochs, audit, suspect })
    }

    /// Always as long, so that it can be written over in one sector.
    fn line(&self) -> String {
        let [before, now] = &self.epochs;
        let word = if self.suspect { "doubt" } else { "sound" };
        format!("{before:>EPOCH$} {now:>EPOCH$} {:020} {word}\n", self.audit)
    }

    /// Writes the line for a run that begins, and doesn't return before it is on disk.
    pub(super) fn announce(&self, journal: &Path) -> io::Result<()> {
        let path = path_of(journal);
        let fresh = path.with_extension("epoch-new");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        file.write_all(self.line().as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
            .sync_all()
    }

    /// Writes the line over. It needn't reach the disk: an older line fits as well.
    pub(super) fn update(&self, journal: &Path) -> io::Result<()> {
        OpenOptions::new().write(true).open(path_of(journal))?.write_all(self.line().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(audit: i64, suspect: bool) -> Beside {
        Beside { epochs: ["copy".to_owned(), "0123abcd".to_owned()], audit, suspect }
    }

    #[test]
    fn a_line_is_read_as_it_was_written_and_stays_as_long() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("labwire.db");
        assert_eq!(Beside::read(&journal).unwrap(), None);
        line(0, false).announce(&journal).unwrap();
        let length = fs::metadata(path_of(&journal)).unwrap().len();
        for it in [line(7, false), line(i64::MAX, true), line(1, false)] {
            it.update(&journal).unwrap();
            assert_eq!(Beside::read(&journal).unwrap(), Some(it));
            assert_eq!(fs::metadata(path_of(&journal)).unwrap().len(), length);
        }
    }

    #[test]
    fn what_nobody_wrote_fits_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("labwire.db");
        for odd in ["", "a b\n", "a b c sound\n", "a b 1 sound", "a b 1 loud\n"] {
            fs::write(path_of(&journal), odd).unwrap();
            assert_eq!(Beside::read(&journal).unwrap(), Some(Beside::unknown()), "{odd:?}");
        }
    }
}
