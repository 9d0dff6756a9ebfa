//! The draft of an instrument's file, of what was heard and what was said on the command line. What neither says isn't guessed.

use std::path::Path;
use std::sync::Arc;

use labwire_hearing::{Content, Framing, Parity, Setting, Verdict};

use super::{Found, Listen, Place};
use crate::config::starter::{self, quoted};
use crate::domain::profile::{Dialect, Profile};
use crate::host::serial::Machine;
use crate::pipeline::{Sender, sender};

/// The text of the file.
///
/// # Errors
/// What is missing, and how to say it.
pub(super) fn of(
    asked: &Listen,
    models: &[Arc<Profile>],
    place: &Place,
    machine: &Machine,
    found: &Found,
) -> Result<String, String> {
    let connection = connection(place, machine, found)?;
    let profile = match &asked.profile {
        Some(name) => models.iter().find(|model| model.name == *name).ok_or_else(|| {
            let known: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
            format!("unknown profile {name:?}; write one of {}", known.join(", "))
        })?,
        None => recognised(models, &found.content)?,
    };
    let zone = jiff::tz::TimeZone::system();
    let zone = asked.time_zone.as_deref().or(zone.iana_name());
    let zone =
        zone.ok_or("this machine's time zone isn't known by a name; say the analyzer's with --time-zone")?;
    let (table, entries) = connection;
    let mut text = starter::instrument(profile, "", zone, None, (table, &entries));
    if found.content.framing() == Framing::FramesWithoutChecksum {
        text += "\n[link.tolerate]\nmissing_checksum = true\n";
    }
    Ok(text)
}

/// The models whose profiles say that they send such messages.
pub(super) fn recognising<'a>(models: &'a [Arc<Profile>], content: &Content) -> Vec<&'a Arc<Profile>> {
    let agrees = |model: &&Arc<Profile>| {
        content.messages().iter().any(|message| sender(message, None, model, None) == Sender::Agrees)
    };
    models.iter().filter(agrees).collect()
}

/// What is to be said where another profile than the one that was named recognises what was heard.
pub(super) fn contradicted(asked: &Listen, models: &[Arc<Profile>], content: &Content) -> Option<String> {
    let named = asked.profile.as_ref()?;
    let fitting = recognising(models, content);
    if fitting.is_empty() || fitting.iter().any(|model| model.name == *named) {
        return None;
    }
    let names: Vec<&str> = fitting.iter().map(|model| model.name.as_str()).collect();
    Some(format!(
        "--profile says {named}, and what was heard is known by {}. The draft takes what was said: look at both before it is used.",
        names.join(", ")
    ))
}

/// The one model whose profile says that it sends such messages; for HL7 that nobody's does, the standard's.
fn recognised<'a>(models: &'a [Arc<Profile>], content: &Content) -> Result<&'a Arc<Profile>, String> {
    let fitting = recognising(models, content);
    let of_hl7: Vec<&Arc<Profile>> = models.iter().filter(|model| model.name == "generic-hl7").collect();
    match (fitting.as_slice(), content.framing(), of_hl7.as_slice()) {
        ([one], ..) => Ok(one),
        ([], Framing::Blocks, [generic]) => Ok(generic),
        ([], ..) => {
            let speaks_hl7 = content.framing() == Framing::Blocks;
            let of_kind = |model: &&Arc<Profile>| match model.dialect {
                Dialect::Astm(_) => !speaks_hl7,
                Dialect::Hl7(_) => speaks_hl7,
                Dialect::Table(_) => false,
            };
            let names: Vec<&str> = models.iter().filter(of_kind).map(|model| model.name.as_str()).collect();
            Err(format!(
                "which model it is wasn't heard; say --profile with one of {}, or write a profile",
                names.join(", ")
            ))
        }
        (several, ..) => {
            let names: Vec<&str> = several.iter().map(|model| model.name.as_str()).collect();
            Err(format!("several profiles recognise it; say --profile with one of {}", names.join(", ")))
        }
    }
}

/// A connection's table and what stands in it.
type Connection = (&'static str, Vec<(&'static str, String)>);

fn connection(place: &Place, machine: &Machine, found: &Found) -> Result<Connection, String> {
    Ok(match place {
        Place::Accept(address) => ("tcp_server", vec![("listen", quoted(&address.to_string()))]),
        Place::Connect(address) => ("tcp_client", vec![("connect", quoted(address))]),
        Place::Device(device) => {
            let verdict = found.serial.as_ref().map(|serial| &serial.verdict);
            let Some(Verdict::Sure(choice)) = verdict else {
                return Err("how the line is set isn't known for certain; listen longer".to_owned());
            };
            let Setting { baud, data_bits, parity, stop_bits } = choice.setting;
            let parity = match parity {
                Parity::None => "none",
                Parity::Even => "even",
                Parity::Odd => "odd",
            };
            let entries = vec![
                ("device", quoted(&lasting(device, machine))),
                ("baud", baud.to_string()),
                ("data_bits", data_bits.to_string()),
                ("parity", quoted(parity)),
                ("stop_bits", stop_bits.to_string()),
            ];
            ("serial", entries)
        }
    })
}

/// The name that stays with the adapter, where there is one and no other was chosen.
fn lasting(device: &Path, machine: &Machine) -> String {
    let is_plain = std::fs::symlink_metadata(device).is_ok_and(|meta| !meta.is_symlink());
    let same = |name: &std::path::PathBuf| machine.plain(name) == machine.plain(device);
    let by_id = machine.adapters().into_iter().find(same).filter(|_| is_plain);
    by_id.as_deref().unwrap_or(device).display().to_string()
}
