//! `labwire check`: is this configuration right, and is this machine ready for it? It looks and tries, and changes
//! nothing: it sends nothing to an analyzer and opens no device.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::config::settings::{
    DropSettings, FtpTls, Instrument, OrderWay, PlaceSettings, SerialSettings, Transport,
};
use crate::config::{Finding, Settings};
use crate::exit::Exit;
use crate::host::logging;
use crate::host::tls::{Acceptor, Connector, FileServer};

/// What a check found: the text for a person and the exit code for a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) text: String,
    pub(super) exit: Exit,
}

/// Checks the configuration in `folder` and writes the report to `out`.
pub(super) fn run(folder: &Path, out: &mut dyn Write) -> Exit {
    let report = report(folder, Path::new("/dev/serial/by-id"));
    match out.write_all(report.text.as_bytes()) {
        Ok(()) => report.exit,
        Err(_) => Exit::Failed,
    }
}

/// Checks the configuration in `folder`; `by_id` is where the system lists serial adapters by name.
pub(super) fn report(folder: &Path, by_id: &Path) -> Report {
    let (settings, mut warnings) = match Settings::load(folder) {
        Ok(loaded) => loaded,
        Err(errors) => return refusal(&errors.0),
    };
    if let Err(error) = logging::check(&settings.log) {
        return refusal(&[about("labwire.toml", error.to_string())]);
    }
    for instrument in &settings.instruments {
        if let Transport::Serial(serial) = &instrument.transport {
            warnings.extend(device(&file_of(instrument), serial, by_id));
        }
        if let Transport::Drop(DropSettings { place: PlaceSettings::Folder(folder), .. }) =
            &instrument.transport
            && let Err(error) = fs::read_dir(folder)
        {
            let text =
                format!("failed to list {}: {error}; files are fetched once it can be", folder.display());
            warnings.push(about(&file_of(instrument), text));
        }
    }
    if let Some(obstacle) = journal(&settings) {
        let text = format!(
            "{obstacle}\nthe configuration is right, and labwire can't start with it on this machine\n"
        );
        return Report { text, exit: Exit::Failed };
    }
    if let Some(obstacle) = tls(&settings) {
        return refusal(&[obstacle]);
    }
    warnings.extend(space(&settings));
    warnings.extend(reports(&settings));
    warnings.extend(listeners(&settings));

    let mut text = String::new();
    for warning in &warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = writeln!(
        text,
        "the configuration is right: {}, {}, {}",
        count(settings.instruments.len(), "instrument"),
        count(settings.destinations.len(), "destination"),
        count(warnings.len(), "warning"),
    );
    Report { text, exit: Exit::Done }
}

fn refusal(errors: &[Finding]) -> Report {
    let lines: String = errors.iter().map(|error| format!("{error}\n")).collect();
    let text = format!("{lines}the configuration can't be used: {}\n", count(errors.len(), "error"));
    Report { text, exit: Exit::Configuration }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn about(file: &str, message: impl Into<String>) -> Finding {
    Finding { file: file.to_owned(), place: None, message: message.into() }
}

fn file_of(instrument: &Instrument) -> String {
    format!("instruments.d/{}.toml", instrument.id)
}

/// A serial device should be there, be ours to use, and have a name that stays.
fn device(file: &str, serial: &SerialSettings, by_id: &Path) -> Option<Finding> {
    let device = serial.device.display();
    let Ok(real) = fs::canonicalize(&serial.device) else {
        let present: Vec<String> = adapters(by_id).iter().map(|name| name.display().to_string()).collect();
        let advice = match present.as_slice() {
            [] => "no adapter is listed in /dev/serial/by-id".to_owned(),
            present => format!("plugged in: {}", present.join(", ")),
        };
        return Some(about(file, format!("{device} isn't there; {advice}")));
    };
    if rustix::fs::access(&real, Access::READ_OK | Access::WRITE_OK).is_err() {
        let advice = "join the group that owns it, mostly dialout";
        return Some(about(file, format!("this user may not read and write {device}; {advice}")));
    }
    let bare = serial
        .device
        .to_str()
        .is_some_and(|name| ["/dev/ttyUSB", "/dev/ttyACM"].iter().any(|start| name.starts_with(start)));
    let lasting =
        adapters(by_id).into_iter().find(|name| fs::canonicalize(name).ok().as_ref() == Some(&real));
    match lasting {
        Some(name) if !by_link(&serial.device) => Some(about(
            file,
            format!(
                "{device} can change its name when adapters are plugged in again; write {}",
                name.display()
            ),
        )),
        None if bare => Some(about(
            file,
            format!(
                "{device} can change its name when adapters are plugged in again; add a udev rule that names it"
            ),
        )),
        _ => None,
    }
}

/// Whether somebody chose this name: it is a link to the device, not the device itself.
fn by_link(device: &Path) -> bool {
    fs::symlink_metadata(device).is_ok_and(|meta| meta.is_symlink())
}

/// The serial adapters that the system lists by name.
fn adapters(by_id: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(by_id).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.sort();
    names
}

/// Certificates and keys must be ones that TLS can be set up with.
fn tls(settings: &Settings) -> Option<Finding> {
    settings.instruments.iter().find_map(|instrument| {
        let set_up = match &instrument.transport {
            Transport::TcpServer(server) => server.tls.as_ref().map(|tls| Acceptor::new(tls).map(drop)),
            Transport::TcpClient(client) => client.tls.as_ref().map(|tls| Connector::new(tls).map(drop)),
            Transport::Drop(DropSettings { place: PlaceSettings::Ftp(ftp), .. }) => match &ftp.tls {
                FtpTls::None => None,
                FtpTls::Explicit(trust) | FtpTls::Implicit(trust) => {
                    Some(FileServer::new(trust, &ftp.host).map(drop))
                }
            },
            Transport::Serial(_) | Transport::Drop(_) => None,
        };
        set_up?.err().map(|error| about(&file_of(instrument), error.to_string()))
    })
}

/// The journal's folder must be there and writable.
fn journal(settings: &Settings) -> Option<Finding> {
    let folder = settings.journal.path.parent()?;
    let shown = folder.display();
    if !folder.is_dir() {
        return Some(about("labwire.toml", format!("the journal's folder {shown} isn't there; create it")));
    }
    if rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let text =
            format!("this user may not write to the journal's folder {shown}; run as the service's user");
        return Some(about("labwire.toml", text));
    }
    None
}

/// There should be room in the journal's folder.
fn space(settings: &Settings) -> Option<Finding> {
    let folder = settings.journal.path.parent()?;
    let space = rustix::fs::statvfs(folder).ok()?;
    room(folder, space.f_bavail.saturating_mul(space.f_frsize), settings.journal.reserve_bytes)
}

/// The folder of the reconciliation's reports should be there and writable.
fn reports(settings: &Settings) -> Option<Finding> {
    let folder = &settings.reconciliation.reports.as_ref()?.folder;
    let shown = folder.display();
    if !folder.is_dir() {
        return Some(about(
            "labwire.toml",
            format!("the folder of the reports, {shown}, isn't there; create it"),
        ));
    }
    let access = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK);
    access.err().map(|_| {
        let text = format!(
            "this user may not write to the folder of the reports, {shown}; run as the service's user"
        );
        about("labwire.toml", text)
    })
}

/// `free` and `reserve` in bytes.
fn room(folder: &Path, free: u64, reserve: u64) -> Option<Finding> {
    (free < reserve).then(|| {
        let text = format!(
            "{} MiB are free in {}, less than reserve_mib; no transmission would be accepted",
            free / (1024 * 1024),
            folder.display()
        );
        about("labwire.toml", text)
    })
}

/// Tries each address that the gateway would listen on, unless a gateway runs and has them.
fn listeners(settings: &Settings) -> Vec<Finding> {
    if UnixStream::connect(&settings.control_socket).is_ok() {
        return Vec::new();
    }
    let page = ("labwire.toml".to_owned(), settings.page.listen);
    let servers = settings.instruments.iter().filter_map(|instrument| match &instrument.transport {
        Transport::TcpServer(server) => Some((file_of(instrument), server.listen)),
        Transport::Serial(_) | Transport::TcpClient(_) | Transport::Drop(_) => None,
    });
    let orders = settings.orders.iter().filter_map(|source| match &source.way {
        OrderWay::Mllp { server, .. } | OrderWay::Push { server, .. } => {
            Some(("labwire.toml".to_owned(), server.listen))
        }
        OrderWay::Poll(_) | OrderWay::Folder(_) => None,
    });
    let mut tried: BTreeSet<SocketAddr> = BTreeSet::new();
    std::iter::once(page)
        .chain(orders)
        .chain(servers)
        .filter(|(_, address)| tried.insert(*address))
        .filter_map(|(file, address)| {
            let error = TcpListener::bind(address).err()?;
            Some(about(&file, format!("failed to listen on {address}: {error}; free it or write another")))
        })
        .collect()
}

#[cfg(test)]
mod tests;
