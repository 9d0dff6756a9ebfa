//! `labwire listen`: what a line that nobody knows is set to, speaks, and is called by. It only listens: it sends nothing,
//! acknowledges nothing, keeps nothing of what it hears, and has no part in a configuration or a journal. No code in here
//! writes to a line.

mod draft;
mod line;
mod socket;
mod words;

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use labwire_hearing::{Content, Count, Verdict};
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use super::arguments::Listen;
use crate::config::settings::Transport;
use crate::config::{Secrets, Settings, starter};
use crate::exit::Exit;
use crate::host::serial::{Holder, Machine};
use crate::wire::ear::Modem;

/// Where a line is met.
enum Place {
    Device(PathBuf),
    Connect(String),
    Accept(SocketAddr),
}

/// What was heard on a line.
struct Found {
    serial: Option<Serial>,
    content: Content,
}

/// What only a serial line has.
struct Serial {
    verdict: Verdict,
    /// What was heard with the setting that is told, or with 8N1 at its speed.
    count: Count,
    /// Where nothing was heard.
    modem: Option<Modem>,
    has_settings: bool,
}

pub(super) fn run(asked: &Listen, machine: &Machine, out: &mut impl Write) -> Outcome {
    let place = match (&asked.place, asked.listen) {
        (_, Some(address)) => Place::Accept(address),
        // No host's name has one.
        (Some(device), None) if device.contains('/') => Place::Device(std::path::absolute(device)?),
        (Some(address), None) => Place::Connect(address.clone()),
        (None, None) => return refused("say what to listen to", Exit::Usage),
    };
    if asked.write.as_ref().is_some_and(|file| file.exists()) {
        return refused("the file of --write is there already; name a new one", Exit::Failed);
    }
    if let Some(why) = claimed(&asked.config, &place) {
        return refused(&why, Exit::Busy);
    }
    let is_there = asked.config.join("labwire.toml").exists();
    if is_there && Settings::load_for(&asked.config, Secrets::Tried).is_err() {
        let folder = asked.config.display();
        writeln!(
            out,
            "The configuration in {folder} has a mistake (labwire check): whether this line is an instrument's isn't known."
        )?;
    }
    if let Some(why) = held(machine, &place) {
        return refused(&why, Exit::Unavailable);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let over = async {
            let limit = async {
                match asked.seconds {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds.get())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = limit => {}
            }
        };
        tokio::pin!(over);
        match &place {
            Place::Device(device) => line::listen(device, &mut over, out).await,
            Place::Connect(address) => socket::connect(address, &mut over, out).await,
            Place::Accept(address) => socket::accept(*address, &mut over, out).await,
        }
    })?;
    for sentence in words::told(&found) {
        writeln!(out, "{sentence}")?;
    }
    if found.content.characters == 0 {
        for sentence in words::silent(&found, machine) {
            writeln!(out, "{sentence}")?;
        }
        return Ok(Exit::Failed);
    }
    let models = starter::models(&asked.config);
    for model in draft::recognising(&models, &found.content) {
        writeln!(out, "The profile {} recognises it: {} {}.", model.name, model.vendor, model.model)?;
    }
    if let Some(sentence) = draft::contradicted(asked, &models, &found.content) {
        writeln!(out, "{sentence}")?;
    }
    let draft = match draft::of(asked, &models, &place, machine, &found) {
        Ok(draft) => draft,
        Err(why) => {
            writeln!(out, "No draft of an instrument's file: {why}")?;
            return Ok(Exit::Open);
        }
    };
    match &asked.write {
        None => write!(out, "\nA draft of the instrument's file:\n\n{draft}")?,
        Some(file) => {
            let mut new = File::create_new(file)?;
            new.write_all(draft.as_bytes())?;
            new.sync_all()?;
            writeln!(out, "{}: written. Next: labwire check.", file.display())?;
        }
    }
    Ok(Exit::Done)
}

/// Why a line must be left alone: a running gateway has it.
fn claimed(folder: &Path, place: &Place) -> Option<String> {
    let (settings, _) = Settings::load_for(folder, Secrets::Tried).ok()?;
    let instrument = settings.instruments.iter().find(|it| match (&it.transport, place) {
        (Transport::Serial(serial), Place::Device(device)) => real(&serial.device) == real(device),
        (Transport::TcpClient(client), Place::Connect(address)) => client.connect == *address,
        (Transport::TcpServer(server), Place::Accept(address)) => server.listen.port() == address.port(),
        (Transport::TcpServer(server), Place::Connect(address)) => is_here(address, server.listen),
        _ => false,
    })?;
    UnixStream::connect(&settings.control_socket).ok()?;
    let name = &instrument.id;
    Some(format!(
        "that is the line of {name}, and labwire runs: see it with labwire tap {name}, or take instruments.d/{name}.toml away \
         and systemctl reload labwire"
    ))
}

/// Whether an address leads to one that this machine listens at.
fn is_here(address: &str, listens: SocketAddr) -> bool {
    let Ok(leads_to) = address.to_socket_addrs() else { return false };
    let is_ours = |ip: IpAddr| ip == listens.ip() || (listens.ip().is_unspecified() && ip.is_loopback());
    leads_to.into_iter().any(|it| it.port() == listens.port() && is_ours(it.ip()))
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Why a device can't be listened to: another program reads it. At a pseudo-terminal, whoever made it is no other.
fn held(machine: &Machine, place: &Place) -> Option<String> {
    let Place::Device(device) = place else { return None };
    let plain = machine.plain(device)?;
    let (mut holders, _) = machine.holders_of(&plain);
    if plain.starts_with("/dev/pts") {
        holders.retain(|holder| holder.name == "labwire");
    }
    let Holder { pid, name } = holders.first()?;
    let advice = match name.as_str() {
        "labwire" => {
            "see it with labwire tap, or take its instrument's file away and systemctl reload labwire"
        }
        "ModemManager" | "brltty" => "install 90-labwire.rules, which tells it to keep off, or stop it",
        _ => "stop it",
    };
    Some(format!(
        "{} is open in {name} ({pid}), which reads what is meant for labwire; {advice}",
        device.display()
    ))
}

fn refused(why: &str, exit: Exit) -> Outcome {
    writeln!(io::stderr(), "labwire: {why}")?;
    Ok(exit)
}
