//! Attempts by file. The file's name is the key, so that what lies there already tells whether an earlier attempt got so
//! far. It never replaces a file.

use std::io;
use std::path::PathBuf;

use tokio::fs;

use super::kind::Attempted;
use super::verdict::folder::{Deposit, judge};
use super::verdict::{Reply, Why};
use crate::board::Cause;
use crate::config::settings::{Folder, Format};
use crate::host::deposit::{self, PATIENCE, put, sync};
use crate::journal::ledger::Lease;

/// The way to one destination.
pub struct Client {
    folder: PathBuf,
    extension: &'static str,
}

impl Client {
    pub fn new(settings: &Folder) -> Client {
        let extension = match settings.format {
            Format::Hl7(_) => "hl7",
            Format::Csv => "csv",
        };
        Client { folder: settings.folder.clone(), extension }
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let deposit = self.deposit(&lease.key, &lease.payload);
        let reply = match tokio::time::timeout(PATIENCE, deposit).await {
            Ok(reply) => reply,
            Err(_) => {
                Reply::NoAnswer(Why { text: "the folder doesn't answer".to_owned(), cause: Cause::NoAnswer })
            }
        };
        let connection = match reply {
            Reply::NotSent(_) => None,
            Reply::Answered(_) | Reply::NoAnswer(_) => Some(self.place(&lease.key).display().to_string()),
        };
        Attempted { judgement: judge(&reply, &lease.items), status: None, body: None, connection }
    }

    async fn deposit(&self, key: &str, content: &[u8]) -> Reply<Deposit> {
        let place = self.place(key);
        let found = match fs::read(&place).await {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Reply::NotSent(why(&error)),
        };
        let deposit = match found {
            Some(found) if found == content => Deposit::Present,
            Some(_) => return Reply::Answered(Deposit::Differs),
            None => {
                if let Err(error) = put(&place, content).await {
                    return Reply::NotSent(why(&error));
                }
                Deposit::Written
            }
        };
        // A file that was found may be one whose rename a power cut would still undo.
        match sync(&self.folder).await {
            Ok(()) => Reply::Answered(deposit),
            Err(error) => Reply::NoAnswer(why(&error)),
        }
    }

    fn place(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.{}", self.extension))
    }
}

fn why(error: &io::Error) -> Why {
    Why { text: deposit::why(error), cause: Cause::of(error) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::config::settings::VerdictKind;
    use crate::journal::ledger::{AttemptKind, Carries};
    use crate::journal::{DeliveryId, ObservationId};

    fn lease(payload: &str) -> Lease {
        Lease {
            delivery: DeliveryId(1),
            attempt: 1,
            number: 1,
            kind: AttemptKind::Send,
            key: "0a1b2c3d-1".to_owned(),
            payload: payload.as_bytes().to_vec(),
            carries: Carries::Results,
            items: vec![ObservationId(1)],
            token: None,
            came: Vec::new(),
        }
    }

    #[tokio::test]
    async fn an_attempt_names_its_file_where_something_may_be_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |folder: &Path| Client::new(&Folder { folder: folder.to_owned(), format: Format::Csv });
        let attempted = at(folder.path()).attempt(&lease("a")).await;
        let file = folder.path().join("0a1b2c3d-1.csv");
        assert_eq!(attempted.connection, Some(file.display().to_string()));
        let nowhere = at(&folder.path().join("none")).attempt(&lease("a")).await;
        assert_eq!(nowhere.connection, None);
    }

    async fn verdict(folder: &Path, payload: &str) -> (VerdictKind, String) {
        let client = Client::new(&Folder { folder: folder.to_owned(), format: Format::Csv });
        let judgement = client.attempt(&lease(payload)).await.judgement;
        (judgement.verdict, judgement.detail)
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_payload_becomes_one_file_however_often_it_is_delivered() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(verdict(folder.path(), "a").await.0, VerdictKind::Accepted);
        assert_eq!(verdict(folder.path(), "a").await.0, VerdictKind::Duplicate, "as after a crash");
        assert_eq!(names(&folder), ["0a1b2c3d-1.csv"]);
        assert_eq!(std::fs::read(folder.path().join("0a1b2c3d-1.csv")).unwrap(), b"a");
    }

    #[tokio::test]
    async fn another_file_of_that_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("0a1b2c3d-1.csv");
        std::fs::write(&place, "b").unwrap();
        assert_eq!(verdict(folder.path(), "a").await.0, VerdictKind::Refused);
        assert_eq!(std::fs::read(&place).unwrap(), b"b");
    }

    #[tokio::test]
    async fn what_a_crash_left_of_an_attempt_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".0a1b2c3d-1.csv.tmp"), "half of someth").unwrap();
        assert_eq!(verdict(folder.path(), "a").await.0, VerdictKind::Accepted);
        assert_eq!(names(&folder), ["0a1b2c3d-1.csv"]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, told) = verdict(&folder.path().join("away"), "a").await;
        assert_eq!((missing, told.contains("doesn't exist")), (VerdictKind::Retry, true), "{told}");
        std::fs::write(folder.path().join("file"), "").unwrap();
        let (no_folder, told) = verdict(&folder.path().join("file"), "a").await;
        assert_eq!((no_folder, told.contains("is a file")), (VerdictKind::Retry, true), "{told}");
    }
}
