//! `labwire add instrument`: writes an analyzer's first file, if the configuration is right with it. It writes over nothing, and
//! tells the running gateway nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::Outcome;
use super::arguments::{Connection, NewInstrument};
use super::ask::Dialogue;
use crate::config::starter::{self, quoted};
use crate::config::{Finding, Secrets, Settings};
use crate::domain::profile::Profile;
use crate::exit::Exit;

/// `zone` is this machine's, where it is known.
pub(super) fn instrument(
    asked: &NewInstrument,
    zone: Option<&str>,
    mut dialogue: Option<Dialogue<'_>>,
    out: &mut impl Write,
) -> Outcome {
    let folder: &Path = &asked.config;
    if let Err(why) = starter::instrument_name(&asked.name) {
        writeln!(io::stderr(), "labwire: {why}")?;
        return Ok(Exit::Usage);
    }
    let name = format!("instruments.d/{}.toml", asked.name);
    let file = folder.join(&name);
    if file.exists() {
        writeln!(out, "Refused: {} is there already; edit it, then labwire check.", file.display())?;
        return Ok(Exit::Failed);
    }
    let models = starter::models(folder);
    let text = match answers(asked, zone, &models, dialogue.as_mut())? {
        Ok(Answers { profile, time_zone, connection }) => {
            let (table, entries) = table(&connection);
            let sender = asked.sender.as_deref();
            starter::instrument(&profile, &asked.description, &time_zone, sender, (table, &entries))
        }
        Err(why) => {
            writeln!(io::stderr(), "labwire: {why}")?;
            return Ok(Exit::Usage);
        }
    };
    let before = found(folder).0;
    write(&file, &text)?;
    let (errors, warnings) = found(folder);
    let new: Vec<&Finding> = errors.iter().filter(|error| !before.contains(error)).collect();
    if !new.is_empty() {
        fs::remove_file(&file)?;
        for error in new {
            writeln!(io::stderr(), "{error}")?;
        }
        writeln!(io::stderr(), "{} was not written", file.display())?;
        return Ok(Exit::Configuration);
    }
    for warning in warnings.iter().filter(|warning| warning.file == name) {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(out, "{}: written.", file.display())?;
    if let Some(first) = before.first() {
        let (files, rest) = (&first.file, before.len() - 1);
        let more = if rest > 0 { format!(", and {rest} more") } else { String::new() };
        writeln!(
            out,
            "NOT in force until what was wrong before is mended: {files}{more}; labwire check names it."
        )?;
    }
    writeln!(out, "Next: labwire check; a gateway that runs takes it up with systemctl reload labwire.")?;
    Ok(Exit::Done)
}

/// What an instrument's file can't do without.
struct Answers {
    profile: Arc<Profile>,
    time_zone: String,
    connection: Connection,
}

/// What was said, and what wasn't and could be asked for. The inner error is what is missing.
fn answers(
    asked: &NewInstrument,
    zone: Option<&str>,
    models: &[Arc<Profile>],
    dialogue: Option<&mut Dialogue<'_>>,
) -> io::Result<Result<Answers, String>> {
    let named = |name: &str| models.iter().find(|profile| profile.name == name).map(Arc::clone);
    let unknown = |name: &str| {
        let known: Vec<&str> = models.iter().map(|profile| profile.name.as_str()).collect();
        format!("unknown profile {name:?}; write one of {}", known.join(", "))
    };
    let mut answers = Ok(());
    let (mut profile, mut time_zone) = (asked.profile.clone(), asked.time_zone.clone());
    let mut connection = asked.connection.clone();
    if let Some(dialogue) = dialogue {
        if profile.is_none() {
            for model in models {
                writeln!(dialogue.out, "  {:24} {} {}", model.name, model.vendor, model.model)?;
            }
            let check = |name: &str| named(name).map(drop).ok_or_else(|| unknown(name));
            profile = Some(dialogue.ask("Its profile", None, check)?);
        }
        if time_zone.is_none() {
            time_zone = Some(dialogue.ask("The time zone of its clock", zone, |_| Ok(()))?);
        }
        if !is_connected(&connection) {
            let question = "Its connection: /dev/serial/by-id/…, HOST:PORT to connect to, listen ADDRESS:PORT to be \
                            connected to, or a folder of files";
            connection = said(&dialogue.ask(question, None, |_| Ok(()))?);
        }
    } else if !is_connected(&connection) {
        answers = Err("say --serial DEVICE, --listen ADDRESS:PORT, --connect HOST:PORT or --folder DIR");
    } else if profile.is_none() {
        answers = Err("say --profile NAME");
    }
    let time_zone = time_zone.or_else(|| zone.map(str::to_owned));
    Ok(match (answers, profile, time_zone) {
        (Err(missing), ..) => Err(missing.to_owned()),
        (Ok(()), Some(name), Some(time_zone)) => named(&name)
            .map(|profile| Answers { profile, time_zone, connection })
            .ok_or_else(|| unknown(&name)),
        _ => Err("say --time-zone ZONE; this machine's isn't known by a name".to_owned()),
    })
}

fn is_connected(connection: &Connection) -> bool {
    let Connection { serial, listen, connect, folder, .. } = connection;
    [serial, listen, connect, folder].iter().any(|way| way.is_some())
}

/// A connection as a person writes it in one line.
fn said(line: &str) -> Connection {
    let mut connection = Connection {
        serial: None,
        baud: None,
        data_bits: None,
        parity: None,
        stop_bits: None,
        listen: None,
        allow: Vec::new(),
        connect: None,
        folder: None,
    };
    if let Some(address) = line.strip_prefix("listen ") {
        connection.listen = Some(address.trim().to_owned());
    } else if line.starts_with("/dev/") {
        connection.serial = Some(line.to_owned());
    } else if line.starts_with('/') {
        connection.folder = Some(line.to_owned());
    } else {
        connection.connect = Some(line.to_owned());
    }
    connection
}

/// The connection's table and what stands in it.
fn table(connection: &Connection) -> (&'static str, Vec<(&'static str, String)>) {
    let Connection { serial, baud, data_bits, parity, stop_bits, listen, allow, connect, folder } =
        connection;
    let mut entries = Vec::new();
    if let Some(device) = serial {
        entries.push(("device", quoted(device)));
        entries.extend(baud.map(|it| ("baud", it.to_string())));
        entries.extend(data_bits.map(|it| ("data_bits", it.to_string())));
        entries.extend(parity.iter().map(|it| ("parity", quoted(it))));
        entries.extend(stop_bits.map(|it| ("stop_bits", it.to_string())));
        return ("serial", entries);
    }
    if let Some(address) = listen {
        entries.push(("listen", quoted(address)));
        if !allow.is_empty() {
            let allow: Vec<String> = allow.iter().map(|it| quoted(it)).collect();
            entries.push(("allow", format!("[{}]", allow.join(", "))));
        }
        return ("tcp_server", entries);
    }
    if let Some(folder) = folder {
        entries.push(("folder", quoted(folder)));
        entries.push(("after", quoted("move")));
        entries.push(("move_to", quoted("archive")));
        return ("folder", entries);
    }
    entries.extend(connect.iter().map(|it| ("connect", quoted(it))));
    ("tcp_client", entries)
}

/// The errors and the warnings of a folder. Errors keep warnings from being known.
fn found(folder: &Path) -> (BTreeSet<Finding>, Vec<Finding>) {
    match Settings::load_for(folder, Secrets::Tried) {
        Ok((_, warnings)) => (BTreeSet::new(), warnings),
        Err(errors) => (errors.0.into_iter().collect(), Vec::new()),
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut new = File::create_new(file)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()
}

#[cfg(test)]
mod tests;
