//! Secrets: passwords, tokens and keys, from files of the site's or from the service manager. They are never part of a
//! complaint, and whoever has no use for them doesn't read them.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::warn_if_open;
use super::reader::{Entry, Table};
use super::transport::path;
use crate::domain::Private;

/// Where the service manager puts what it was told to keep secret.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Below it systemd keeps a folder for each service's credentials, which that service and root can open while it runs.
const PROVIDED: &str = "/run/credentials";

/// What whoever reads a configuration wants with its secrets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Secrets {
    /// To use them: one that can't be read is a mistake.
    #[default]
    Needed,
    /// To look whether they are right. A credential that only the service sees is a warning.
    Tried,
    /// Nothing: none is read, and each is empty.
    Unused,
}

/// What there is of a secret.
pub(super) enum Seen {
    Here(Vec<u8>),
    /// It isn't for this process to see.
    Elsewhere,
}

/// The bytes of a secret's file, as far as this process needs them.
pub(super) fn bytes(entry: &Entry<'_>, file: &Path) -> Option<Seen> {
    if entry.secrets() == Secrets::Unused {
        return Some(Seen::Elsewhere);
    }
    let error = match fs::read(file) {
        Ok(bytes) => {
            warn_if_open(entry, file);
            return Some(Seen::Here(bytes));
        }
        Err(error) => error,
    };
    if !file.starts_with(PROVIDED) {
        entry.error(failed(file, &error));
        return None;
    }
    if entry.secrets() == Secrets::Tried {
        entry.warning(format!(
            "{}; only the service sees it: systemctl reload tries it",
            failed(file, &error)
        ));
        return Some(Seen::Elsewhere);
    }
    entry.error(format!(
        "{}; a credential that is new in the unit is there after systemctl daemon-reload and systemctl restart",
        failed(file, &error)
    ));
    None
}

fn failed(file: &Path, error: &io::Error) -> String {
    format!("failed to read {}: {error}", file.display())
}

/// From a file of the site's, or from one that the service manager provides.
///
/// `example`: such a file.
pub(super) fn password(table: &mut Table<'_>, example: &str, folder: &Path) -> Option<Private<String>> {
    let (file, credential) = (table.entry("password_file"), table.entry("password_credential"));
    let (entry, file) = match (file, credential) {
        (Some(entry), None) => {
            let file = path(&entry, folder)?;
            (entry, file)
        }
        (None, Some(entry)) => match provided(&entry, env::var_os(CREDENTIALS).map(PathBuf::from))? {
            Some(file) => (entry, file),
            None => return Some(Private::default()),
        },
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
    let Seen::Here(bytes) = bytes(&entry, &file)? else { return Some(Private::default()) };
    let Ok(text) = String::from_utf8(bytes) else {
        entry.error(format!("{} isn't UTF-8; put the password alone into it", file.display()));
        return None;
    };
    let password = text.trim_end_matches(['\r', '\n']);
    if password.contains(['\r', '\n', '\0']) {
        entry.error(format!("{} holds more than one line; put the password alone into it", file.display()));
        return None;
    }
    Some(Private::new(password.to_owned()))
}

/// Where a credential of this name is; `Some(None)`: nowhere that this process needs to look.
fn provided(entry: &Entry<'_>, folder: Option<PathBuf>) -> Option<Option<PathBuf>> {
    let name = entry.parsed(|name| match name {
        "" | "." | ".." => Err("a credential's name is the name of a file".to_owned()),
        name if name.contains('/') => Err("a credential's name has no slash".to_owned()),
        name => Ok(name.to_owned()),
    })?;
    match (folder, entry.secrets()) {
        (Some(folder), _) => Some(Some(folder.join(name))),
        (None, Secrets::Unused) => Some(None),
        (None, Secrets::Tried) => {
            entry.warning(format!(
                "{CREDENTIALS} isn't set here, so that the credential {name} wasn't looked at; only the service sees it: \
                 systemctl reload tries it"
            ));
            Some(None)
        }
        (None, Secrets::Needed) => {
            entry.error(format!(
                "{CREDENTIALS} isn't set: no service manager provides credentials here; write password_file, or \
                 LoadCredential={name}:FILE in the unit"
            ));
            None
        }
    }
}
