//! What a configuration may say, what it must not, and how each mistake is worded. Folders are temporary; nothing
//! here opens a device or a socket.

mod claims;
mod codes;
mod manual;
mod mistakes;
mod schema;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::finding::Source;
use super::load::load_with;
use super::profiles::Profiles;
use super::{Finding, Settings};

/// The least that a profile says. One place to mend when profiles need more.
const PROFILE: &str = "name = \"acme-one\"\nrevision = 1\nvendor = \"Acme\"\nmodel = \"One\"\nnote = \"\"\n\
     records = \"HPORL\"\n[sources]\n";

const SITE: &str = "site = \"Example Laboratory\"\n";

/// The least that an instrument file says, without its transport.
const INSTRUMENT: &str = "profile = \"acme-one\"\ntime_zone = \"Europe/Berlin\"\n";

/// A configuration folder that holds these files and a profile `acme-one/1`.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("profiles.d/acme-one.toml", PROFILE)].iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The errors of a folder, one a line, with the folder's own path shown as `DIR`.
fn errors(folder: &Path) -> String {
    let text = match Settings::load(folder) {
        Ok(_) => "no error".to_owned(),
        Err(errors) => errors.to_string(),
    };
    text.replace(&folder.display().to_string(), "DIR")
}

fn errors_of(files: &[(&str, &str)]) -> String {
    errors(folder(files).path())
}

fn load(files: &[(&str, &str)]) -> (Settings, Vec<Finding>) {
    Settings::load(folder(files).path()).unwrap()
}
