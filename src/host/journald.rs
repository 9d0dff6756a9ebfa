//! The log as fields of systemd's journal: what an event is about (`source`, `instrument`, `destination` …) can be asked for
//! there, as in `journalctl LABWIRE_INSTRUMENT=vitros`. It says what the lines of the log say, and no more.

use std::fmt::{Debug, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Where systemd's journal takes entries.
const SOCKET: &str = "/run/systemd/journal/socket";

/// A connection to the journal.
pub(super) struct Journald(UnixDatagram);

impl Journald {
    /// The journal's, where this process's standard error is connected to it.
    pub(super) fn of_this_process() -> Option<Journald> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stat = rustix::fs::fstat(io::stderr()).ok()?;
        (stream == format!("{}:{}", stat.st_dev, stat.st_ino))
            .then(|| Journald::at(Path::new(SOCKET)).ok())?
    }

    fn at(path: &Path) -> io::Result<Journald> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        Ok(Journald(socket))
    }
}

impl<S: Subscriber> Layer<S> for Journald {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut entry = Entry::default();
        event.record(&mut entry);
        let metadata = event.metadata();
        let bytes = entry.bytes(*metadata.level(), metadata.target());
        // Where the journal takes nothing, the line that it would have been goes where it always went.
        if self.0.send(&bytes).is_err() {
            let _ = io::Write::write_all(&mut io::stderr(), format!("{}\n", entry.line).as_bytes());
        }
    }
}

/// Of which an entry may have several, each found by itself: a delivery may be of several messages.
const LISTS: [&str; 2] = ["CORRELATION_ID", "INSTRUMENT"];

/// An event's text, as the log has it, and its fields.
#[derive(Default)]
struct Entry {
    line: String,
    fields: Vec<(String, String)>,
}

impl Entry {
    fn keep(&mut self, field: &Field, value: String, shown: &str) {
        if field.name() == "message" {
            self.line.insert_str(0, &value);
        } else {
            // Writing to a string can't fail.
            let _ = write!(self.line, " {}={shown}", field.name());
            self.fields.push((
                field.name().to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
                value,
            ));
        }
    }

    /// As the journal takes it: `NAME=value` on a line, or the name, the length and the value where that has lines itself.
    fn bytes(&self, level: Level, target: &str) -> Vec<u8> {
        let priority = match level {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            Level::DEBUG | Level::TRACE => "7",
        };
        let mut bytes = Vec::new();
        let mut put = |name: &str, value: &str| {
            bytes.extend_from_slice(name.as_bytes());
            if value.contains('\n') {
                bytes.push(b'\n');
                bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
            } else {
                bytes.push(b'=');
            }
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(b'\n');
        };
        put("MESSAGE", &self.line);
        put("PRIORITY", priority);
        put("SYSLOG_IDENTIFIER", "labwire");
        put("LABWIRE_TARGET", target);
        for (name, value) in &self.fields {
            if LISTS.contains(&name.as_str()) {
                value.split(' ').for_each(|one| put(&format!("LABWIRE_{name}"), one));
            } else {
                put(&format!("LABWIRE_{name}"), value);
            }
        }
        bytes
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned(), &format!("{value:?}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.keep(field, text.clone(), &text);
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn an_event_is_an_entry_with_its_fields() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let subscriber = tracing_subscriber::registry().with(Journald::at(&path).unwrap());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(
                source = "serial /dev/ttyS0",
                message_id = 7,
                correlation_id = "0a 0b",
                specimen_token = Some(tracing::field::display("K3W7QZ2MFA5D")),
                errors = "two\nlines",
                "an odd thing"
            );
        });
        let mut space = [0; 4096];
        let length = journal.recv(&mut space).unwrap();
        let line = "an odd thing source=\"serial /dev/ttyS0\" message_id=7 correlation_id=\"0a 0b\" specimen_token=K3W7QZ2MFA5D errors=\"two\\nlines\"";
        let mut expected = format!(
            "MESSAGE={line}\nPRIORITY=4\nSYSLOG_IDENTIFIER=labwire\nLABWIRE_TARGET={}\nLABWIRE_SOURCE=serial /dev/ttyS0\n\
             LABWIRE_MESSAGE_ID=7\nLABWIRE_CORRELATION_ID=0a\nLABWIRE_CORRELATION_ID=0b\nLABWIRE_SPECIMEN_TOKEN=K3W7QZ2MFA5D\nLABWIRE_ERRORS\n",
            module_path!()
        )
        .into_bytes();
        expected.extend_from_slice(&9_u64.to_le_bytes());
        expected.extend_from_slice(b"two\nlines\n");
        assert_eq!(String::from_utf8_lossy(&space[..length]), String::from_utf8_lossy(&expected));
    }
}
