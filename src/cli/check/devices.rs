//! What a check says of serial devices: that they are there, have names that stay, and that nobody else talks to them.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::{about, file_of};
use crate::config::settings::{SerialSettings, Transport};
use crate::config::{Finding, Settings};
use crate::host::serial::{Holder, Machine, Ports};

/// Programs that talk to every adapter unless they are told to keep off.
const MEDDLERS: [&str; 2] = ["ModemManager", "brltty"];

pub(super) fn findings(settings: &Settings, machine: &Machine) -> Vec<Finding> {
    let serials = settings.instruments.iter().filter_map(|instrument| match &instrument.transport {
        Transport::Serial(serial) => Some((file_of(instrument), serial)),
        Transport::TcpServer(_) | Transport::TcpClient(_) | Transport::Drop(_) => None,
    });
    let serials: Vec<(String, &SerialSettings)> = serials.collect();
    if serials.is_empty() {
        return Vec::new();
    }
    let present = machine.ports();
    let mut findings = Vec::new();
    for (file, serial) in &serials {
        findings.extend(device(file, serial, machine));
        findings.extend(held(file, serial, &present, machine));
    }
    let is_usb = |serial: &SerialSettings| {
        let plain = machine.plain(&serial.device);
        present.ports.iter().any(|port| Some(&port.device) == plain.as_ref() && port.usb.is_some())
    };
    if let Some((file, _)) = serials.iter().find(|(_, serial)| is_usb(serial))
        && !machine.has_rules()
    {
        let running = MEDDLERS.iter().filter(|name| machine.runs(name));
        findings.extend(running.map(|name| {
            let text = format!(
                "{name} runs, and talks to serial adapters while analyzers do; install 90-labwire.rules, which tells it to keep \
                 off, or stop it: systemctl disable --now {name}"
            );
            about(file, text)
        }));
    }
    findings.extend(present.grabbed.iter().map(|usb| {
        let text = format!(
            "the adapter {} {} has no device, since a program drives it, mostly brltty; remove brltty, or install 90-labwire.rules, \
             and plug the adapter in again",
            usb.id, usb.product
        );
        about("instruments.d", text)
    }));
    findings
}

/// A serial device should be there, be ours to use, and have a name that stays.
fn device(file: &str, serial: &SerialSettings, machine: &Machine) -> Option<Finding> {
    let device = serial.device.display();
    let Ok(real) = fs::canonicalize(&serial.device) else {
        let present: Vec<String> = machine.adapters().iter().map(|name| name.display().to_string()).collect();
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
    let named = |names: Vec<PathBuf>| {
        names.into_iter().find(|name| fs::canonicalize(name).ok().as_ref() == Some(&real))
    };
    let danger = "can change its name when adapters are plugged in again";
    if by_link(&serial.device) {
        return None;
    }
    match (named(machine.adapters()), named(machine.places())) {
        (Some(name), _) => Some(about(file, format!("{device} {danger}; write {}", name.display()))),
        (None, Some(place)) => {
            let advice = "which stays with the USB port: plug the adapter in there always";
            Some(about(file, format!("{device} {danger}; write {}, {advice}", place.display())))
        }
        (None, None) if bare => {
            Some(about(file, format!("{device} {danger}; add a udev rule that names it")))
        }
        _ => None,
    }
}

/// Whether somebody chose this name: it is a link to the device, not the device itself.
fn by_link(device: &Path) -> bool {
    fs::symlink_metadata(device).is_ok_and(|meta| meta.is_symlink())
}

/// Programs other than a gateway that have the device open: they read what is meant for labwire.
fn held(file: &str, serial: &SerialSettings, present: &Ports, machine: &Machine) -> Vec<Finding> {
    let Some(plain) = machine.plain(&serial.device) else { return Vec::new() };
    let port = present.ports.iter().find(|port| port.device == plain);
    let others = port.into_iter().flat_map(|port| &port.holders).filter(|holder| holder.name != "labwire");
    let told = others.map(|Holder { pid, name }| {
        let device = serial.device.display();
        about(
            file,
            format!("{device} is open in {name} ({pid}), which reads what is meant for labwire; stop it"),
        )
    });
    told.collect()
}
