//! What differs between containers of one image, from the environment: it stands in the place of what `labwire.toml` says,
//! and is checked as that is. Secrets are never taken from it: a program's environment is read by others too easily, and
//! every secret of the configuration is a file already.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::page;
use super::site::{self, Draft};

/// Where the configuration stands unless a command says otherwise.
pub const FOLDER: &str = "LABWIRE_CONFIG";
const JOURNAL: &str = "LABWIRE_JOURNAL_PATH";
const LISTEN: &str = "LABWIRE_PAGE_LISTEN";
const HOSTS: &str = "LABWIRE_PAGE_HOSTS";
const SOCKET: &str = "LABWIRE_CONTROL_SOCKET";

/// What benchmarks are told begins so: never labwire itself.
const BENCHES: &str = "LABWIRE_BENCH_";
/// What the maintainer scripts of the package are told, and the tests: never labwire itself.
const OTHERS: [&str; 3] = ["LABWIRE_UPGRADE", "LABWIRE_PURGE", "LABWIRE_ROUNDS"];

/// What the environment says, as it stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Environment {
    journal: Option<OsString>,
    listen: Option<OsString>,
    hosts: Option<OsString>,
    socket: Option<OsString>,
    unknown: Vec<String>,
}

/// The folder of the configuration unless a command says otherwise.
pub fn folder() -> PathBuf {
    std::env::var_os(FOLDER).map_or_else(|| PathBuf::from("/etc/labwire"), PathBuf::from)
}

impl Environment {
    /// Of this process.
    pub(super) fn present() -> Environment {
        Environment::of(std::env::vars_os())
    }

    fn of(variables: impl Iterator<Item = (OsString, OsString)>) -> Environment {
        let mut environment = Environment::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with("LABWIRE_")) else { continue };
            match name {
                JOURNAL => environment.journal = Some(value),
                LISTEN => environment.listen = Some(value),
                HOSTS => environment.hosts = Some(value),
                SOCKET => environment.socket = Some(value),
                FOLDER => {}
                other if OTHERS.contains(&other) || other.starts_with(BENCHES) => {}
                other => environment.unknown.push(other.to_owned()),
            }
        }
        environment.unknown.sort();
        environment
    }

    /// The journal's file, or what is wrong with what is said of it.
    pub(super) fn journal(&self) -> Option<Result<PathBuf, String>> {
        self.journal.as_ref().map(absolute)
    }

    /// The socket of commands, or what is wrong with what is said of it.
    pub(super) fn control_socket(&self) -> Option<Result<PathBuf, String>> {
        let path = absolute(self.socket.as_ref()?);
        Some(path.and_then(|path| site::fits_socket(&path).map(|()| path)))
    }

    /// These two places, and nothing else.
    #[cfg(test)]
    pub(super) fn of_places(journal: &str, socket: &str) -> Environment {
        Environment { journal: Some(journal.into()), socket: Some(socket.into()), ..Environment::default() }
    }

    /// Puts it in the place of what the file said. Returns what is wrong with it.
    pub(super) fn apply(&self, draft: &mut Draft) -> Vec<Finding> {
        let mut wrong = Vec::new();
        for name in &self.unknown {
            let known = [FOLDER, JOURNAL, LISTEN, HOSTS, SOCKET].join(", ");
            wrong.push(Finding::about(name, format!("no such setting; labwire knows {known}")));
        }
        let mut note = |name: &str, outcome: Result<(), String>| {
            wrong.extend(outcome.err().map(|why| Finding::about(name, why)));
        };
        if let Some(path) = self.journal() {
            note(JOURNAL, path.map(|path| site::move_journal(draft, path)));
        }
        if let Some(path) = self.control_socket() {
            note(SOCKET, path.map(|path| draft.control_socket = path));
        }
        if let Some(hosts) = &self.hosts {
            note(HOSTS, text(hosts).and_then(|hosts| page::answer_to(&mut draft.page, hosts)));
        }
        if let Some(listen) = &self.listen {
            note(LISTEN, text(listen).and_then(|listen| page::listen_at(&mut draft.page, listen)));
        }
        wrong
    }
}

fn text(value: &OsString) -> Result<&str, String> {
    value.to_str().ok_or_else(|| "it isn't UTF-8".to_owned())
}

fn absolute(path: &OsString) -> Result<PathBuf, String> {
    let path = Path::new(path);
    if path.is_absolute() { Ok(path.to_owned()) } else { Err("write an absolute path".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_in;
    use crate::config::secret::Secrets;

    fn of(variables: &[(&str, &str)]) -> Environment {
        Environment::of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    /// A configuration folder whose `labwire.toml` goes on with `more`.
    fn folder(more: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("labwire.toml"), format!("site = \"a\"\n{more}")).unwrap();
        folder
    }

    #[test]
    fn what_the_environment_says_stands_in_the_place_of_the_file() {
        let folder = folder("[journal]\npath = \"/srv/old.db\"\n[page]\nlisten = \"127.0.0.1:8481\"\n");
        let environment = of(&[
            ("LABWIRE_JOURNAL_PATH", "/data/labwire.db"),
            ("LABWIRE_PAGE_LISTEN", "127.0.0.1:9000"),
            ("LABWIRE_PAGE_HOSTS", "bench.example, Lab.example"),
            ("LABWIRE_CONTROL_SOCKET", "/run/a.sock"),
            ("LABWIRE_CONFIG", "/elsewhere"),
            ("PATH", "/bin"),
        ]);
        let (settings, _) = load_in(folder.path(), &environment, Secrets::Needed).unwrap();
        assert_eq!(settings.journal.path, Path::new("/data/labwire.db"));
        assert_eq!(settings.backup.folder, Path::new("/data/backups"));
        assert_eq!(settings.page.listen, "127.0.0.1:9000".parse().unwrap());
        assert_eq!(settings.page.hosts, ["bench.example", "lab.example"]);
        assert_eq!(settings.control_socket, Path::new("/run/a.sock"));
        let (settings, _) = load_in(folder.path(), &Environment::default(), Secrets::Needed).unwrap();
        assert_eq!(settings.journal.path, Path::new("/srv/old.db"));
    }

    #[test]
    fn what_is_wrong_in_it_is_refused_by_its_name() {
        let long = format!("/{}", "x".repeat(200));
        let folder = folder("[backup]\nfolder = \"/srv/copies\"\n");
        for (name, value, expected) in [
            (
                "LABWIRE_JOURNAL",
                "/data/labwire.db",
                "no such setting; labwire knows LABWIRE_CONFIG, LABWIRE_JOURNAL_PATH",
            ),
            ("LABWIRE_JOURNAL_PATH", "data/labwire.db", "write an absolute path"),
            ("LABWIRE_PAGE_LISTEN", "8480", "is no address"),
            ("LABWIRE_PAGE_LISTEN", "0.0.0.0:8480", "would be open to the network"),
            ("LABWIRE_PAGE_HOSTS", "https://bench", "is no host name"),
            ("LABWIRE_CONTROL_SOCKET", &long, "is too long for a socket"),
        ] {
            let errors =
                load_in(folder.path(), &of(&[(name, value)]), Secrets::Needed).unwrap_err().to_string();
            assert!(errors.contains(name) && errors.contains(expected), "{name}: {errors}");
        }
        let (settings, _) =
            load_in(folder.path(), &of(&[("LABWIRE_JOURNAL_PATH", "/data/a.db")]), Secrets::Needed).unwrap();
        assert_eq!(settings.backup.folder, Path::new("/srv/copies"), "what the file says stays");
    }
}
