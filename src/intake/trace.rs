//! What passes on a connection, told line by line as [`Passage`] writes it: to whoever taps, and to the source's file
//! where traces are kept. Holds patient data: the file is its owner's alone. Never in the way of a result: a trace that
//! can't be written is given up with a warning, and a tap that is too slow misses lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Source;
use crate::config::settings::TraceSettings;
use crate::domain::{Direction, Passage, Passed};
use crate::tap::Tap;

/// One connection's trace.
pub(super) struct Trace {
    tap: Tap,
    /// Who may be at the other end.
    instruments: Vec<String>,
    who: String,
    /// None where tracing is off.
    file: Option<Open>,
}

struct Open {
    path: PathBuf,
    file: File,
    written: u64,
    keep_bytes: u64,
}

impl Trace {
    /// Goes on with the source's file, for a connection to `peer`.
    pub(super) fn open(settings: Option<&TraceSettings>, tap: Tap, source: &Source, peer: &str) -> Trace {
        let instruments = at(source, peer);
        let who = format!("{}/{}", instruments.join(","), tap.connection());
        let file = settings.and_then(|settings| Open::of(settings, &source.name));
        Trace { tap, instruments, who, file }
    }

    /// Tells what passed, with its time.
    pub(super) fn write(&mut self, at: Timestamp, direction: Direction, bytes: &[u8]) {
        // Nothing is copied where nobody listens.
        if self.file.is_some() || self.tap.is_heard() {
            self.tell(at, Passed::Bytes(direction, bytes.to_vec()));
        }
    }

    /// Tells what happened to the connection.
    pub(super) fn happened(&mut self, at: Timestamp, words: String) {
        self.tell(at, Passed::Event(words));
    }

    fn tell(&mut self, at: Timestamp, what: Passed) {
        let mut line = Passage { at, who: self.who.clone(), what }.to_string();
        self.tap.say(&self.instruments, &line);
        line.push('\n');
        if let Some(open) = &mut self.file
            && let Err(error) = open.append(&line)
        {
            tracing::warn!(%error, "failed to write a trace; going on without");
            self.file = None;
        }
    }
}

/// The source's instruments that may connect from there.
fn at(source: &Source, peer: &str) -> Vec<String> {
    let address = peer.parse::<SocketAddr>().ok().map(|peer| peer.ip());
    let may_be = source.instruments.iter().filter(|it| address.is_none_or(|ip| it.transport.allows(ip)));
    may_be.map(|it| it.id.to_string()).collect()
}

impl Open {
    fn of(settings: &TraceSettings, source: &str) -> Option<Open> {
        let name: String = source.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = settings.folder.join(format!("{name}.trace"));
        let opened = fs::create_dir_all(&settings.folder).and_then(|()| append(&path));
        match opened.and_then(|file| Ok((file.metadata()?.len(), file))) {
            Ok((written, file)) => Some(Open { path, file, written, keep_bytes: settings.keep_bytes }),
            Err(error) => {
                tracing::warn!(source, %error, "failed to open the trace; going on without");
                None
            }
        }
    }

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

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_starts_over_at_its_size_and_keeps_the_older_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = TraceSettings { folder: folder.path().join("trace"), keep_bytes: 130 };
        let source = Source { name: "serial /dev/ttyUSB0".to_owned(), instruments: Vec::new() };
        let mut trace = Trace::open(Some(&settings), Tap::default(), &source, "serial /dev/ttyUSB0");
        for _ in 0..5 {
            trace.write(Timestamp::UNIX_EPOCH, Direction::In, b"\x05");
        }
        let path = settings.folder.join("serial--dev-ttyUSB0.trace");
        assert_eq!(fs::read_to_string(&path).unwrap(), "1970-01-01T00:00:00.000000Z /1 > <ENQ>\n");
        assert_eq!(fs::read_to_string(path.with_extension("trace.old")).unwrap().lines().count(), 4);
    }
}
