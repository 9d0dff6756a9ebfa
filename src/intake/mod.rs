//! From the instrument to the journal: listeners, ports and outgoing connections, each connection a task of its own.
//! A byte is never looked at here beyond what its link makes of it.

mod connection;
mod dial;
pub mod drop;
mod listener;
mod notes;
mod port;
mod repeats;
mod screen;
mod trace;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use labwire_astm::transfer::AstmLink;
use labwire_hl7::transfer::MllpLink;
use labwire_link::{Admission, Link};
use tokio::sync::{Notify, watch};

use crate::board::Board;
use crate::config::settings::{Instrument, Line, PlaceSettings, TraceSettings, Transport};
use crate::host::sockets::Sockets;
use crate::journal::Journal;
use crate::shutdown::Tasks;
use crate::tap::Tap;
use crate::wire::{ControlIds, Mailboxes};

pub use notes::keep as keep_notes;

/// What every intake task works with.
#[derive(Clone)]
pub struct Intake {
    pub journal: Journal,
    pub board: Board,
    pub mailboxes: Mailboxes,
    /// Rung whenever a message is on disk.
    pub arrived: Arc<Notify>,
    pub admission: watch::Receiver<Admission>,
    pub control_ids: ControlIds,
    pub trace: Option<TraceSettings>,
    /// Hears what passes on every connection.
    pub tap: Tap,
    /// Where a file is on its way from its place to the journal, on the journal's file system.
    pub spool: PathBuf,
    /// Room on that file system that no file may take, in bytes.
    pub reserve: u64,
    pub sockets: Sockets,
    pub tasks: Tasks,
}

/// One port, listener or outgoing connection, and who may be at its other end.
#[derive(Clone)]
pub struct Source {
    /// As stored with every transfer and shown on the page.
    pub name: String,
    pub instruments: Vec<Arc<Instrument>>,
}

/// How long a transfer under way may go on once the gateway stops.
const GRACE: Duration = Duration::from_secs(3);

/// Groups the instruments by what they are attached to.
pub fn sources(instruments: &[Arc<Instrument>]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for instrument in instruments {
        let name = source_name(&instrument.transport);
        match sources.iter_mut().find(|source| source.name == name) {
            Some(source) => source.instruments.push(Arc::clone(instrument)),
            None => sources.push(Source { name, instruments: vec![Arc::clone(instrument)] }),
        }
    }
    sources
}

/// The name under which a transport's transfers are stored.
pub fn source_name(transport: &Transport) -> String {
    match transport {
        Transport::Serial(serial) => format!("serial {}", serial.device.display()),
        Transport::TcpServer(server) => format!("listener {}", server.listen),
        Transport::TcpClient(client) => format!("connection to {}", client.connect),
        Transport::Drop(drop) => match &drop.place {
            PlaceSettings::Folder(folder) => format!("folder {}", folder.display()),
            PlaceSettings::Ftp(ftp) => {
                format!("ftp {}@{}:{}/{}", ftp.user, ftp.host, ftp.port, ftp.folder.trim_start_matches('/'))
            }
            #[cfg(feature = "sftp")]
            PlaceSettings::Sftp(sftp) => {
                format!("sftp {}@{}:{} {}", sftp.user, sftp.host, sftp.port, sftp.folder)
                    .trim_end()
                    .to_owned()
            }
        },
    }
}

/// Starts the tasks of one source. A listener that can't be bound keeps trying, visibly.
pub fn start(intake: &Intake, source: Source) {
    let Some(instrument) = source.instruments.first().cloned() else { return };
    let names = source.instruments.iter().map(|instrument| instrument.id.to_string()).collect();
    intake.board.add_link(&source.name, names, crate::clock::now());
    let own = intake.clone();
    match &instrument.transport {
        Transport::Serial(serial) => intake.tasks.spawn(port::run(own, source, serial.clone())),
        Transport::TcpServer(server) => intake.tasks.spawn(listener::run(own, source, server.listen)),
        Transport::TcpClient(client) => intake.tasks.spawn(dial::run(own, source, client.clone())),
        Transport::Drop(settings) => intake.tasks.spawn(drop::run(own, source, settings.clone())),
    }
}

/// The protocol machine for an instrument's connection, where it has one.
fn link(instrument: &Instrument) -> Option<Box<dyn Link>> {
    match &instrument.line {
        Line::Astm(settings) => Some(Box::new(AstmLink::new(settings.clone()))),
        Line::Mllp(settings, _) => Some(Box::new(MllpLink::new(settings.clone()))),
        Line::Files => None,
    }
}
