//! The serial devices of this machine: what each is called, what drives it, and which programs have it open. It reads what the
//! kernel tells in /sys, /proc and /dev, and opens no device.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The chips that brltty takes for Braille displays, and that are in most adapters.
const TAKEN_FOR_BRAILLE: [(&str, &str); 3] = [("1a86", "7523"), ("10c4", "ea60"), ("0403", "6001")];
/// Where the rules may be that keep others off, by which of them this machine has.
const RULES: [&str; 3] = ["etc/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"];

/// Where the kernel's trees are: `/`, or a tree that a test made up.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

/// One serial device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Such as `/dev/ttyUSB0`.
    pub device: PathBuf,
    /// Such as `ftdi_sio`; empty where the kernel names none.
    pub driver: String,
    /// Names under `/dev/serial` that stay when adapters are plugged in again: by their serial number, and by the USB port.
    pub by_id: Vec<PathBuf>,
    pub by_path: Vec<PathBuf>,
    pub usb: Option<Usb>,
    pub holders: Vec<Holder>,
}

/// A USB device as it names itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usb {
    /// `vendor:product`, in hexadecimal.
    pub id: String,
    pub product: String,
    /// Empty where it has none: then only the USB port tells two alike apart.
    pub serial: String,
}

/// A program that has a device open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    pub pid: u32,
    pub name: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    pub ports: Vec<Port>,
    /// Adapters that have no serial device, since another program drives them.
    pub grabbed: Vec<Usb>,
    /// Whether programs of others could be looked into; without that, holders may be missing.
    pub saw_all: bool,
}

impl Machine {
    pub fn at(root: &Path) -> Machine {
        Machine { root: root.to_owned() }
    }

    /// Every serial device, by name.
    pub fn ports(&self) -> Ports {
        let (by_id, by_path) = (self.names("dev/serial/by-id"), self.names("dev/serial/by-path"));
        let (holders, saw_all) = self.holders();
        let of = |names: &BTreeMap<String, Vec<PathBuf>>, device: &str| {
            names.get(device).cloned().unwrap_or_default()
        };
        let mut ports: Vec<Port> = entries(&self.root.join("sys/class/tty"))
            .into_iter()
            .filter_map(|entry| {
                let name = entry.file_name()?.to_string_lossy().into_owned();
                let hardware = fs::canonicalize(entry.join("device")).ok()?;
                // 0: a place of the driver's without a chip.
                if word(&entry.join("type")) == "0" {
                    return None;
                }
                let device = PathBuf::from("/dev").join(&name);
                Some(Port {
                    driver: link_name(&hardware.join("driver")),
                    by_id: of(&by_id, &name),
                    by_path: of(&by_path, &name),
                    usb: usb_above(&hardware),
                    holders: holders.get(&device).cloned().unwrap_or_default(),
                    device,
                })
            })
            .collect();
        ports.sort();
        Ports { ports, grabbed: self.grabbed(), saw_all }
    }

    /// The adapters that the system lists by name, each where it is.
    pub fn adapters(&self) -> Vec<PathBuf> {
        entries(&self.root.join("dev/serial/by-id"))
    }

    /// The same by the places where they are plugged in, for those that have no name of their own.
    pub fn places(&self) -> Vec<PathBuf> {
        entries(&self.root.join("dev/serial/by-path"))
    }

    /// Whether a program of this name runs.
    pub fn runs(&self, name: &str) -> bool {
        self.processes().iter().any(|(_, process)| word(&process.join("comm")) == name)
    }

    /// Whether the rules are there that tell others to keep off serial adapters.
    pub fn has_rules(&self) -> bool {
        RULES.iter().any(|folder| self.root.join(folder).join("90-labwire.rules").exists())
    }

    /// A device's plain name, such as `/dev/ttyUSB0`, whatever link it is called by; `None` where it isn't there.
    pub fn plain(&self, device: &Path) -> Option<PathBuf> {
        let real = fs::canonicalize(device).ok()?;
        let inner = real.strip_prefix(&self.root).unwrap_or(&real);
        Some(Path::new("/").join(inner))
    }

    /// Who has a device open, by its plain name, other than the program that asks; and whether every program could be looked into.
    pub fn holders_of(&self, plain: &Path) -> (Vec<Holder>, bool) {
        let (mut holders, saw_all) = self.holders();
        let mut held = holders.remove(plain).unwrap_or_default();
        held.retain(|holder| holder.pid != std::process::id());
        (held, saw_all)
    }

    /// The links of a folder by the name of the device that each leads to.
    fn names(&self, folder: &str) -> BTreeMap<String, Vec<PathBuf>> {
        let mut names: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for link in entries(&self.root.join(folder)) {
            let name = link.file_name().map(|name| Path::new("/").join(folder).join(name));
            names.entry(link_name(&link)).or_default().extend(name);
        }
        names
    }

    fn processes(&self) -> Vec<(u32, PathBuf)> {
        let process = |path: PathBuf| Some((path.file_name()?.to_str()?.parse().ok()?, path));
        entries(&self.root.join("proc")).into_iter().filter_map(process).collect()
    }

    /// Who has which device open, and whether every program could be asked.
    fn holders(&self) -> (BTreeMap<PathBuf, Vec<Holder>>, bool) {
        let mut holders: BTreeMap<PathBuf, Vec<Holder>> = BTreeMap::new();
        let mut saw_all = true;
        for (pid, process) in self.processes() {
            let open = process.join("fd");
            saw_all &= fs::read_dir(&open)
                .err()
                .is_none_or(|error| error.kind() != std::io::ErrorKind::PermissionDenied);
            for file in entries(&open) {
                let Ok(device) = fs::read_link(file) else { continue };
                let name = device.to_string_lossy();
                if !name.starts_with("/dev/tty") && !name.starts_with("/dev/pts/") {
                    continue;
                }
                let held = holders.entry(device).or_default();
                let holder = Holder { pid, name: word(&process.join("comm")) };
                if !held.contains(&holder) {
                    held.push(holder);
                }
            }
        }
        (holders, saw_all)
    }

    /// Adapters whose chip is driven by a program (`usbfs`) instead of the kernel's serial driver.
    fn grabbed(&self) -> Vec<Usb> {
        let devices = entries(&self.root.join("sys/bus/usb/devices")).into_iter();
        let taken = devices.filter_map(|device| {
            let usb = usb(&device)?;
            let likely =
                TAKEN_FOR_BRAILLE.iter().any(|(vendor, product)| usb.id == format!("{vendor}:{product}"));
            let name = device.file_name()?.to_string_lossy().into_owned();
            let interface = device.parent()?.join(format!("{name}:1.0"));
            (likely && link_name(&interface.join("driver")) == "usbfs").then_some(usb)
        });
        taken.collect()
    }
}

/// The USB device that a piece of hardware is part of.
fn usb_above(hardware: &Path) -> Option<Usb> {
    hardware.ancestors().find_map(usb)
}

fn usb(device: &Path) -> Option<Usb> {
    let (vendor, product) = (word(&device.join("idVendor")), word(&device.join("idProduct")));
    (!vendor.is_empty() && !product.is_empty()).then(|| Usb {
        id: format!("{vendor}:{product}"),
        product: word(&device.join("product")),
        serial: word(&device.join("serial")),
    })
}

/// What is in a folder, by name; nothing of one that can't be listed.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

/// A file's one line, without the spaces around it and without what a terminal might obey; empty where there is none.
fn word(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().chars().filter(|c| !c.is_control()).collect()
}

/// The last name of what a link leads to; empty where it is none.
fn link_name(link: &Path) -> String {
    let target = fs::read_link(link).unwrap_or_default();
    target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
pub mod tests;
