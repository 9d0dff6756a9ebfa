//! What a check says of folders: that they are there, that this user may write to them, and that others don't read results.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::Access;

use super::{about, file_of};
use crate::config::settings::{After, DropSettings, Kind, OrderWay, PlaceSettings, Transport};
use crate::config::{Finding, Settings};

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let site = "labwire.toml";
    if let Some(reports) = &settings.reconciliation.reports {
        findings.extend(writable(site, "the folder of the reports", &reports.folder));
    }
    for destination in &settings.destinations {
        if let Kind::Folder(folder) = &destination.kind {
            let what = format!("the folder of [destination.{}]", destination.id);
            findings.extend(writable(site, &what, &folder.folder));
        }
    }
    for source in &settings.orders {
        if let OrderWay::Folder(folder) = &source.way {
            findings.extend(writable(site, &format!("the folder of [orders.{}]", source.name), &folder.path));
        }
    }
    // labwire makes these where it may.
    let made = [("the folder of the backups", Some(settings.backup.folder.as_path()))]
        .into_iter()
        .chain([("the folder of the traces", settings.trace.as_ref().map(|trace| trace.folder.as_path()))]);
    for (what, folder) in made {
        let there = folder.filter(|folder| folder.exists());
        findings
            .extend(there.and_then(|folder| writable(site, what, folder).or_else(|| private(what, folder))));
    }
    if let Some(folder) = settings.journal.path.parent().filter(|_| settings.journal.path.exists()) {
        findings.extend(private("the journal's folder", folder));
    }
    for instrument in &settings.instruments {
        let Transport::Drop(DropSettings { place: PlaceSettings::Folder(folder), after, .. }) =
            &instrument.transport
        else {
            continue;
        };
        let (file, shown) = (file_of(instrument), folder.display());
        if let Err(error) = fs::read_dir(folder) {
            findings.push(about(
                &file,
                format!("failed to list {shown}: {error}; files are fetched once it can be"),
            ));
        } else if *after != After::Leave && !may_write(folder) {
            let text = format!(
                "this user may not write to {shown}, so no file is taken out of it; let it, or write after = \"leave\""
            );
            findings.push(about(&file, text));
        }
    }
    findings
}

/// A folder should be there and writable.
fn writable(file: &str, what: &str, folder: &Path) -> Option<Finding> {
    let shown = folder.display();
    if !folder.is_dir() {
        return Some(about(file, format!("{what}, {shown}, isn't there; create it")));
    }
    (!may_write(folder)).then(|| {
        about(file, format!("this user may not write to {what}, {shown}; run as the service's user"))
    })
}

fn may_write(folder: &Path) -> bool {
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// What holds patient data is nobody else's to read.
fn private(what: &str, folder: &Path) -> Option<Finding> {
    let mode = fs::metadata(folder).ok()?.permissions().mode();
    (mode & 0o007 != 0).then(|| {
        let text =
            format!("anyone on this machine can look into {what}, {0}; chmod o= {0}", folder.display());
        about("labwire.toml", text)
    })
}
