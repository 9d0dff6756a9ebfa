//! What a command goes by that reads a gateway's journal or speaks with a running one: where both are, and the whole
//! configuration where nothing is wrong with it. A mistake elsewhere keeps nobody from seeing to results. What is needed to
//! find the two is read as the gateway reads it, and never guessed: with a mistake in that, nothing is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::complaint::Remarks;
use super::environment::Environment;
use super::finding::{Errors, Source};
use super::nearest::nearest;
use super::reader::{self, Table};
use super::secret::Secrets;
use super::settings::{BackupSettings, Instrument, JournalSettings, Settings};
use super::{calls, load, site};
use crate::domain::call::Step;

/// What of `labwire.toml` tells the places.
const NEEDED: [&str; 3] = ["journal", "control_socket", "backup"];

/// Where a command finds what it works on.
#[derive(Debug)]
pub struct Bearings {
    /// The configuration's own folder.
    pub folder: PathBuf,
    pub journal: JournalSettings,
    /// Nobody says where the journal is, and `labwire.toml` has mistakes: what said it may be among them.
    pub is_journal_assumed: bool,
    /// The Unix socket on which commands reach a running gateway.
    pub control_socket: PathBuf,
    /// `None`: what is said of copies has a mistake.
    pub backup: Option<BackupSettings>,
    /// Whom to call about a critical value, in order. `None`: what is said of it has a mistake.
    pub call_steps: Option<Vec<Step>>,
    /// Everything, or everything that is wrong.
    pub whole: Result<Settings, Errors>,
}

impl Bearings {
    /// Reads a configuration folder, and the environment, as [`Settings::load`] does, but no secret.
    ///
    /// # Errors
    /// Everything that is wrong, where that leaves open which journal or socket is meant.
    pub fn load(folder: &Path) -> Result<Bearings, Errors> {
        load_in(folder, &Environment::present())
    }

    /// Every instrument, or none where the configuration has a mistake.
    pub fn instruments(&self) -> &[Arc<Instrument>] {
        self.whole.as_ref().map_or(&[], |settings| &settings.instruments)
    }
}

fn load_in(folder: &Path, environment: &Environment) -> Result<Bearings, Errors> {
    match load::load_in(folder, environment, Secrets::Unused) {
        Ok((settings, _)) => Ok(Bearings {
            folder: settings.origin.folder.clone(),
            journal: settings.journal.clone(),
            is_journal_assumed: false,
            control_socket: settings.control_socket.clone(),
            backup: Some(settings.backup.clone()),
            call_steps: Some(settings.call_steps.clone()),
            whole: Ok(settings),
        }),
        Err(errors) => in_spite_of(&errors, folder, environment).ok_or(errors),
    }
}

/// What can be told in spite of these mistakes. `None` where one of them may be about a place.
fn in_spite_of(errors: &Errors, folder: &Path, environment: &Environment) -> Option<Bearings> {
    let folder = std::path::absolute(folder).ok()?;
    let source = Source::open(&folder, "labwire.toml").ok()?;
    if part(&source, is_misspelt)? {
        return None;
    }
    let mut journal = part(&source, |file| site::journal(file, &folder))?;
    let names_path = |table: &mut Table<'_>| table.free_entries().iter().any(|(name, _)| name.text == "path");
    let says_where = part(&source, |file| file.table("journal", names_path))?;
    let is_said = says_where == Some(true) || environment.journal().is_some();
    let is_journal_assumed = !is_said && errors.0.iter().any(|it| it.file == "labwire.toml");
    let (mut control_socket, _) = part(&source, |file| site::control_socket(file, &folder))?;
    if let Some(path) = environment.journal() {
        journal.path = path.ok()?;
    }
    if let Some(path) = environment.control_socket() {
        control_socket = path.ok()?;
    }
    let backup = part(&source, |file| site::backup(file, &folder, &journal));
    let called = part(&source, |file| file.table("critical_calls", calls::read).unwrap_or_default());
    let call_steps = called.map(|(_, steps)| steps);
    Some(Bearings {
        folder,
        journal,
        is_journal_assumed,
        control_socket,
        backup,
        call_steps,
        whole: Err(errors.clone()),
    })
}

/// A part of a file, whatever stands beside it; `None` where something is wrong with it.
fn part<T>(source: &Source, read: impl FnOnce(&mut Table<'_>) -> T) -> Option<T> {
    let remarks = Remarks::default();
    let value = reader::document(&source.text, &remarks, |file| {
        // Names that nobody knows are somebody else's to judge.
        file.free_entries();
        read(file)
    })?;
    (remarks.count() == 0).then_some(value)
}

/// Whether a name may be meant for one of those that tell a place: what it says would be passed over.
fn is_misspelt(file: &mut Table<'_>) -> bool {
    let names = file.free_entries();
    names.iter().any(|(name, _)| !NEEDED.contains(&name.text) && nearest(name.text, NEEDED).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &str = "site = \"a\"\ncontrol_socket = \"/run/a.sock\"\n[journal]\npath = \"/srv/a.db\"\n";

    /// Of a folder with this `labwire.toml`, and an instrument that nobody can read.
    fn bearings(site: &str) -> Result<Bearings, Errors> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("instruments.d")).unwrap();
        std::fs::write(folder.path().join("labwire.toml"), site).unwrap();
        std::fs::write(folder.path().join("instruments.d/a.toml"), "nonsense = 1\n").unwrap();
        load_in(folder.path(), &Environment::default())
    }

    #[test]
    fn a_mistake_elsewhere_hides_neither_journal_nor_socket() {
        for more in ["", "[page]\nlisten = 7\n", "[orders.lims]\n", "nonsense = 1\n[[journal_]]\n"] {
            let found = bearings(&PLACES.replace("[journal]", &format!("{more}[journal]")));
            if more.contains("journal_") {
                assert!(found.is_err(), "a name that may be meant for the journal's");
                continue;
            }
            let found = found.unwrap();
            assert_eq!(found.journal.path, Path::new("/srv/a.db"), "{more}");
            assert_eq!(found.control_socket, Path::new("/run/a.sock"), "{more}");
            assert_eq!(found.backup.unwrap().folder, Path::new("/srv/backups"), "{more}");
            assert!(found.whole.is_err() && found.call_steps.unwrap().is_empty(), "{more}");
        }
    }

    #[test]
    fn a_mistake_that_may_be_about_a_place_is_refused() {
        for (from, to) in [
            ("[journal]", "[jurnal]"),
            ("path =", "pth ="),
            ("\"/srv/a.db\"", "7"),
            ("control_socket", "control_soket"),
            ("\"/run/a.sock\"", "\"\""),
            ("site = ", "site "),
        ] {
            let site = PLACES.replace(from, to);
            assert_ne!(site, PLACES);
            assert!(bearings(&site).is_err(), "{site}");
        }
        assert!(bearings(PLACES).is_ok());
    }

    #[test]
    fn what_is_wrong_about_copies_or_calls_is_left_open() {
        let found =
            bearings(&format!("{PLACES}[backup]\nkeep_days = 0\n[critical_calls]\ndue_minutes = 0\n"))
                .unwrap();
        assert!(found.backup.is_none() && found.call_steps.is_none());
    }

    #[test]
    fn a_credential_that_only_the_service_sees_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let site = "site = \"a\"\n[destination.lims]\nurl = \"https://lims.example/\"\n\
                    token_file = \"/run/credentials/labwire.service/lims\"\n[alerts.email]\nserver = \"mail.example\"\n\
                    from = \"a@lab.example\"\nto = [\"b@lab.example\"]\nuser = \"a\"\npassword_credential = \"mail\"\n";
        std::fs::write(folder.path().join("labwire.toml"), site).unwrap();
        let found = load_in(folder.path(), &Environment::default()).unwrap();
        assert!(found.whole.is_ok() && !found.is_journal_assumed, "{:?}", found.whole);
        let told = |secrets| load::load_in(folder.path(), &Environment::default(), secrets);
        let errors = told(Secrets::Needed).unwrap_err().0;
        assert_eq!(errors.len(), 2, "{errors:?}");
        let (_, warnings) = told(Secrets::Tried).unwrap();
        let hidden = warnings.iter().filter(|it| it.message.contains("only the service sees it"));
        assert_eq!(hidden.count(), 2, "{warnings:?}");
        // A file of the site's own is looked for by whoever tries the configuration.
        let own = site.replace("/run/credentials/labwire.service/lims", "/nowhere/lims");
        std::fs::write(folder.path().join("labwire.toml"), own).unwrap();
        assert!(told(Secrets::Tried).is_err() && told(Secrets::Unused).is_ok());
    }

    #[test]
    fn the_environment_tells_the_places_as_it_does_the_gateway() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("labwire.toml"), format!("nonsense = 1\n{PLACES}")).unwrap();
        let environment = |journal: &str| Environment::of_places(journal, "/run/b.sock");
        let found = load_in(folder.path(), &environment("/data/b.db")).unwrap();
        assert_eq!(found.journal.path, Path::new("/data/b.db"));
        assert_eq!(found.control_socket, Path::new("/run/b.sock"));
        assert_eq!(found.backup.unwrap().folder, Path::new("/data/backups"));
        assert!(load_in(folder.path(), &environment("data/b.db")).is_err());
    }

    #[test]
    fn no_key_of_the_manual_is_taken_for_another() {
        let keys = [
            "site",
            "page",
            "log",
            "rules",
            "suspend",
            "reconciliation",
            "alerts",
            "trace",
            "critical_calls",
            "destination",
            "orders",
            "history",
            "qc",
            "telemetry",
            "otlp",
        ];
        for key in keys {
            assert_eq!(nearest(key, NEEDED), None, "{key}");
        }
    }
}
