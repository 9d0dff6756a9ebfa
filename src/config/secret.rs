//! A password, from a file of the site's or from the service manager. It is never part of a complaint.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::warn_if_open;
use super::reader::{Entry, Table};
use super::transport::path;
use crate::domain::Private;

/// Where the service manager puts what it was told to keep secret.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// From a file of the site's, or from one that the service manager provides.
///
/// `example`: such a file.
pub(super) fn password(table: &mut Table<'_>, example: &str, folder: &Path) -> Option<Private<String>> {
    let (file, credential) = (table.entry("password_file"), table.entry("password_credential"));
    let (entry, file) = match (file, credential) {
        (Some(entry), None) => {
            let file = path(&entry, folder)?;
            warn_if_open(&entry, &file);
            (entry, file)
        }
        (None, Some(entry)) => {
            let file = provided(&entry, env::var_os(CREDENTIALS).map(PathBuf::from))?;
            (entry, file)
        }
        (Some(_), Some(entry)) => {
            entry.error("password_file and password_credential both name the password; write one of them");
            return None;
        }
        (None, None) => {
            table.error(format!(
                "{} has no password_file; write password_file = \"{example}\"",
                table.title()
            ));
            return None;
        }
    };
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            entry.error(format!("failed to read {}: {error}", file.display()));
            return None;
        }
    };
    let password = text.trim_end_matches(['\r', '\n']);
    if password.contains(['\r', '\n', '\0']) {
        entry.error(format!("{} holds more than one line; put the password alone into it", file.display()));
        return None;
    }
    Some(Private::new(password.to_owned()))
}

/// Where a credential of this name is.
fn provided(entry: &Entry<'_>, folder: Option<PathBuf>) -> Option<PathBuf> {
    let name = entry.parsed(|name| match name {
        "" | "." | ".." => Err("a credential's name is the name of a file".to_owned()),
        name if name.contains('/') => Err("a credential's name has no slash".to_owned()),
        name => Ok(name.to_owned()),
    })?;
    let Some(folder) = folder else {
        entry.error(format!(
            "{CREDENTIALS} isn't set: no service manager provides credentials here; write password_file, or \
             LoadCredential={name}:FILE in the unit"
        ));
        return None;
    };
    Some(folder.join(name))
}
