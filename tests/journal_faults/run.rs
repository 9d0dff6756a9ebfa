//! Runs a role under strace, and finds out what it acknowledged and what is on disk afterwards.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use labwire::journal::Journal;
use rusqlite::{Connection, OpenFlags};

use super::roles::{PATH, ROLE, Role, prepare};

pub(crate) struct Run {
    folder: tempfile::TempDir,
    role: Role,
    /// What strace saw.
    pub(crate) trace: String,
    /// What the role said, line by line.
    pub(crate) said: Vec<String>,
}

impl Run {
    /// Plays `role` with strace's `expressions` (each after an `-e`), on a file made beforehand.
    pub(crate) fn new(role: Role, expressions: &[&str]) -> Run {
        let folder = tempfile::tempdir().unwrap();
        prepare(role, &file(folder.path()));
        Run::within(folder, role, expressions)
    }

    /// The same, where the role has to make the file itself.
    pub(crate) fn afresh(role: Role, expressions: &[&str]) -> Run {
        Run::within(tempfile::tempdir().unwrap(), role, expressions)
    }

    fn within(folder: tempfile::TempDir, role: Role, expressions: &[&str]) -> Run {
        let log = folder.path().join("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-o"]).arg(&log);
        for expression in expressions {
            strace.args(["-e", expression]);
        }
        let output = strace
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "journal_faults::roles::a_role_is_played_when_there_is_one", "--nocapture"])
            .env(ROLE, role.name())
            .env(PATH, file(folder.path()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        let trace = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
        Run { folder, role, trace, said }
    }

    /// Whether strace says that it did what it was told.
    pub(crate) fn was_hit(&self) -> bool {
        self.trace.contains("(INJECTED)") || self.trace.contains("killed by SIGKILL")
    }

    pub(crate) fn acknowledged(&self) -> BTreeSet<u32> {
        self.said.iter().filter_map(|line| line.split_once("ACK ")?.1.trim().parse().ok()).collect()
    }

    pub(crate) fn refused(&self) -> Vec<&str> {
        self.said.iter().filter(|line| line.contains("REFUSED")).map(String::as_str).collect()
    }

    pub(crate) fn path(&self) -> PathBuf {
        file(self.folder.path())
    }

    /// What a restart finds. The journal itself is opened as the gateway would, and must balance.
    pub(crate) fn stored(&self) -> BTreeSet<u32> {
        let path = file(self.folder.path());
        if self.role == Role::Journal {
            let journal = Journal::open(&path, 0, Timestamp::UNIX_EPOCH).unwrap();
            let reader = journal.reader().unwrap();
            assert_eq!(reader.audit_break().unwrap(), None);
            assert_eq!(reader.deep_imbalances().unwrap(), [""; 0]);
        }
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let mut statement = connection.prepare("SELECT raw FROM parcel").unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.map(|raw| String::from_utf8_lossy(raw.unwrap().get(..6).unwrap()).parse().unwrap()).collect()
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("labwire.db")
}
