//! `labwire check`: is this configuration right, and is this machine ready for it? It looks and tries, and changes
//! nothing: it sends nothing to an analyzer or the LIMS, leaves nothing on a server, and opens no device.

mod certificates;
mod devices;
mod folders;
mod reach;
mod reload;
mod rights;
mod rules;
mod units;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::fs::Access;

use crate::clock;
use crate::config::settings::{Instrument, OrderWay, Transport};
use crate::config::{Finding, Secrets, Settings};
use crate::exit::Exit;
use crate::host::control;
use crate::host::logging;
use crate::host::serial::Machine;
use crate::journal::verify::{LOOKED_THROUGH, keeps_from_starting, quick_check};

pub(super) use reload::{obstacles, to_be_said};
pub(super) use rules::findings as unreached;

const MIB: u64 = 1024 * 1024;
/// How long a running gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a check found: the text for a person and the exit code for a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) text: String,
    pub(super) exit: Exit,
}

/// Checks the configuration in `folder` and writes the report to `out`.
pub(super) fn run(folder: &Path, out: &mut dyn Write) -> Exit {
    let report = report(folder, &Machine::at(Path::new("/")));
    match out.write_all(report.text.as_bytes()) {
        Ok(()) => report.exit,
        Err(_) => Exit::Failed,
    }
}

/// Checks the configuration in `folder` on this machine.
pub(super) fn report(folder: &Path, machine: &Machine) -> Report {
    let (settings, mut warnings) = match Settings::load_for(folder, Secrets::Tried) {
        Ok(loaded) => loaded,
        Err(errors) => return refusal(&errors.0),
    };
    if let Err(error) = logging::check(&settings.log) {
        return refusal(&[about("labwire.toml", error.to_string())]);
    }
    warnings.extend(devices::findings(&settings, machine));
    let ready = journal(&settings).map_or_else(|| soundness(&settings), Err);
    match ready {
        Ok(warning) => warnings.extend(warning),
        Err(obstacle) => {
            let text = format!(
                "{obstacle}\nthe configuration is right, and labwire can't start with it on this machine\n"
            );
            return Report { text, exit: Exit::Failed };
        }
    }
    if let Some(obstacle) = certificates::unusable(&settings) {
        return refusal(&[obstacle]);
    }
    warnings.extend(certificates::findings(&settings, clock::now()));
    warnings.extend(space(&settings));
    warnings.extend(folders::findings(&settings));
    warnings.extend(listeners(&settings));
    warnings.extend(reach::findings(&settings));
    warnings.extend(unreached(&settings));
    warnings.extend(units::findings(&settings));
    warnings.extend(signers(&settings));

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
    if let Some(differing) = not_in_force(&settings) {
        let _ = writeln!(text, "{differing}");
    }
    Report { text, exit: Exit::Done }
}

/// What a running gateway says of keys that changed since it started.
fn not_in_force(settings: &Settings) -> Option<String> {
    match control::ask_within(&settings.control_socket, &control::Request::Live, PATIENCE) {
        Ok(control::Response::Live { configuration, .. }) => configuration,
        _ => None,
    }
}

/// Whether somebody is named who may put rules in force.
fn signers(settings: &Settings) -> Option<Finding> {
    let open = settings.signers.is_empty() && !settings.rules.checks.rules.is_empty();
    open.then(|| {
        about(
            "labwire.toml",
            "whoever may use the control socket may put rules in force; name the accounts that may: [rules] signers = [\"…\"]",
        )
    })
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
    rights::findings(settings, |path, wanted| rustix::fs::access(path, wanted).is_ok())
}

/// The journal must be of a version that this program knows, and SQLite should find it sound. A large one isn't read through: that
/// is `labwire verify`'s to do. The error is what keeps labwire from starting.
fn soundness(settings: &Settings) -> Result<Option<Finding>, Finding> {
    let path = &settings.journal.path;
    let shown = path.display();
    let Ok(file) = fs::metadata(path) else { return Ok(None) };
    let said = match quick_check(path, LOOKED_THROUGH) {
        Ok(None) if file.len() > LOOKED_THROUGH => {
            Some(format!("{shown} has {} MiB and wasn't read through; labwire verify does", file.len() / MIB))
        }
        Ok(None) => None,
        Ok(Some(fault)) => Some(format!(
            "{shown} is DAMAGED: {fault}; copy it to another disk, then see labwire verify and docs/OPERATIONS.md"
        )),
        Err(error) if keeps_from_starting(path, &error) => {
            let text = format!("{shown} can't be the journal: {error}; write another [journal] path");
            return Err(about("labwire.toml", text));
        }
        Err(error) => Some(format!("{shown} couldn't be read through: {error}")),
    };
    Ok(said.map(|said| about("labwire.toml", said)))
}

/// There should be room in the journal's folder.
fn space(settings: &Settings) -> Option<Finding> {
    let folder = settings.journal.path.parent()?;
    let space = rustix::fs::statvfs(folder).ok()?;
    room(folder, space.f_bavail.saturating_mul(space.f_frsize), settings.journal.reserve_bytes)
}

/// `free` and `reserve` in bytes.
fn room(folder: &Path, free: u64, reserve: u64) -> Option<Finding> {
    (free < reserve).then(|| {
        let text = format!(
            "{} MiB are free in {}, less than reserve_mib; no transmission would be accepted",
            free / MIB,
            folder.display()
        );
        about("labwire.toml", text)
    })
}

/// Tries each address that the gateway would listen on, unless a gateway runs and has them.
fn listeners(settings: &Settings) -> Vec<Finding> {
    if UnixStream::connect(&settings.control_socket).is_ok() {
        return foreign(addresses(settings));
    }
    bound(addresses(settings))
}

/// Which of these are addresses that this machine hasn't, whoever listens there now.
fn foreign(addresses: impl Iterator<Item = (String, SocketAddr)>) -> Vec<Finding> {
    let mut tried: BTreeSet<IpAddr> = BTreeSet::new();
    addresses
        .filter(|(_, address)| tried.insert(address.ip()))
        .filter_map(|(file, address)| {
            let error = TcpListener::bind((address.ip(), 0)).err()?;
            (error.kind() == ErrorKind::AddrNotAvailable).then(|| about(&file, no_such(address)))
        })
        .collect()
}

fn no_such(address: SocketAddr) -> String {
    format!("this machine has no address {}; write one that it has, or 0.0.0.0 for all", address.ip())
}

/// Every address that the gateway listens at, and the file that says so.
fn addresses(settings: &Settings) -> impl Iterator<Item = (String, SocketAddr)> {
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
    std::iter::once(page).chain(orders).chain(servers)
}

/// Which of these can't be listened at.
fn bound(addresses: impl Iterator<Item = (String, SocketAddr)>) -> Vec<Finding> {
    let mut tried: BTreeSet<SocketAddr> = BTreeSet::new();
    addresses
        .filter(|(_, address)| tried.insert(*address))
        .filter_map(|(file, address)| {
            let error = TcpListener::bind(address).err()?;
            Some(about(
                &file,
                match error.kind() {
                    ErrorKind::AddrNotAvailable => no_such(address),
                    _ => format!("failed to listen on {address}: {error}; free it or write another"),
                },
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests;
