//! A byte-exact trace of each link, readable like a script: one line a read or write, `>` from the analyzer, `<` from
//! us, control characters by name. Holds patient data: the file is its owner's alone. Never in the way of a result:
//! a trace that can't be written is given up with a warning.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::config::settings::TraceSettings;
use crate::domain::visible;
use crate::wire::Direction;

/// One link's trace, or none where tracing is off.
pub(super) struct Trace(Option<Open>);

struct Open {
    path: PathBuf,
    file: File,
    written: u64,
    keep_bytes: u64,
}

impl Trace {
    /// Goes on with the source's file.
    pub(super) fn open(settings: Option<&TraceSettings>, source: &str) -> Trace {
        let Some(settings) = settings else { return Trace(None) };
        let name: String = source.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = settings.folder.join(format!("{name}.trace"));
        let opened = fs::create_dir_all(&settings.folder).and_then(|()| append(&path));
        match opened.and_then(|file| Ok((file.metadata()?.len(), file))) {
            Ok((written, file)) => Trace(Some(Open { path, file, written, keep_bytes: settings.keep_bytes })),
            Err(error) => {
                tracing::warn!(source, %error, "failed to open the trace; going on without");
                Trace(None)
            }
        }
    }

    /// Adds what passed, with its time.
    pub(super) fn write(&mut self, at: Timestamp, direction: Direction, bytes: &[u8]) {
        let Some(open) = &mut self.0 else { return };
        let arrow = match direction {
            Direction::In => '>',
            Direction::Out => '<',
        };
        let line = format!("{at} {arrow} {}\n", visible(bytes));
        if let Err(error) = open.append(&line) {
            tracing::warn!(%error, "failed to write a trace; going on without");
            self.0 = None;
        }
    }
}

impl Open {
    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.written > self.keep_bytes {
            fs::rename(&self.path, self.path.with_extension("trace.old"))?;
            self.file = append(&self.path)?;
            self.written = 0;
        }
        self.file.write_all(line.as_bytes())?;
        self.written += line.len() as u64;
        Ok(())
    }
}

fn append(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_starts_over_at_its_size_and_keeps_the_older_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = TraceSettings { folder: folder.path().join("trace"), keep_bytes: 100 };
        let mut trace = Trace::open(Some(&settings), "serial /dev/ttyUSB0");
        for _ in 0..5 {
            trace.write(Timestamp::UNIX_EPOCH, Direction::In, b"\x05");
        }
        let path = settings.folder.join("serial--dev-ttyUSB0.trace");
        assert_eq!(fs::read_to_string(&path).unwrap(), "1970-01-01T00:00:00Z > <ENQ>\n");
        assert_eq!(fs::read_to_string(path.with_extension("trace.old")).unwrap().lines().count(), 4);
    }
}
