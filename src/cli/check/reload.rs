//! Whether a gateway that runs could start with another configuration, found out before it stops: what would keep the new one
//! from starting leaves the old one running. It opens no device and connects to nobody.

use std::path::Path;

use rustix::fs::Access;

use super::{about, bound, certificates, foreign};
use crate::config::{Finding, Settings};
use crate::host::logging;

/// Everything that would keep `new` from starting, or one of its addresses from being listened at, where `running` runs.
pub(in crate::cli) fn obstacles(running: &Settings, new: &Settings) -> Vec<Finding> {
    let site = |message: String| about("labwire.toml", message);
    let mut found: Vec<Finding> = Vec::new();
    found.extend(logging::check(&new.log).err().map(|error| site(error.to_string())));
    let (journal, other) = (&running.journal.path, &new.journal.path);
    if journal != other {
        // What waits in the one would be forgotten, and what is sent again be new to the other.
        let text = "a reload keeps its journal, and the new configuration names another than";
        found.push(site(format!(
            "{text} {}: {}; if that is meant, stop labwire and start it",
            journal.display(),
            other.display()
        )));
    }
    if new.control_socket != running.control_socket {
        found.extend(socket(&new.control_socket).map(site));
    }
    found.extend(certificates::unusable(new));
    // Also where another address had the port.
    found.extend(foreign(super::addresses(new)));
    let listens: Vec<_> = super::addresses(running).map(|(_, address)| address).collect();
    let added = super::addresses(new).filter(|(_, address)| !listens.contains(address));
    // What one of both leaves of a port the other may take.
    let added = added.filter(|(_, address)| !listens.iter().any(|it| it.port() == address.port()));
    let bound = bound(added);
    let told = found.clone();
    found.extend(bound.into_iter().filter(|it| !told.contains(it)));
    found
}

/// What is to be said of a new configuration though it can be used.
pub(in crate::cli) fn to_be_said(running: &Settings, new: &Settings) -> Option<String> {
    let (before, now) = (&running.site, &new.site);
    (before != now).then(|| {
        format!(
            "the laboratory's name was {before:?} and is {now:?} now: it is part of every result's identity, so that what an \
             analyzer sends again isn't known for the same"
        )
    })
}

/// Why a control socket couldn't be made here.
fn socket(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let may_write = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    (!may_write).then(|| format!("{} isn't there, or this user may not write to it", folder.display()))
}
