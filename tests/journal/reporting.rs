//! The reports that are written by themselves: one for each day, what was missed later, never one over another that says
//! something else, and none for days before there was a journal.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use labwire::board::Board;
use labwire::config::settings::{ReportFormat, ReportSettings};
use labwire::journal::ProblemId;
use labwire::journal::desk::Decision;
use labwire::reconciliation::{ReportError, Schedule};

use super::kit::*;
use super::reconciling::{rules, today};

/// A journal that began on 15 January 2027, and a folder for its reports.
struct Office {
    lab: Lab,
    folder: tempfile::TempDir,
    formats: Vec<ReportFormat>,
}

impl Office {
    fn new() -> Office {
        let formats = vec![ReportFormat::Json, ReportFormat::Csv];
        Office { lab: Lab::new(), folder: tempfile::tempdir().unwrap(), formats }
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            journal: self.lab.journal.clone(),
            board: Board::default(),
            rules: rules(),
            settings: ReportSettings {
                folder: self.folder.path().join("reports"),
                at: jiff::civil::time(0, 15, 0, 0),
                formats: self.formats.clone(),
            },
            zone: TimeZone::get("Europe/Vienna").unwrap(),
        }
    }

    fn try_at(&self, time: &str) -> Result<Vec<String>, ReportError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let now: Timestamp = time.parse().unwrap();
        let written = runtime.block_on(self.schedule().write_due(now))?;
        Ok(written.iter().map(|it| format!("{} r{}", it.day, it.revision)).collect())
    }

    fn at(&self, time: &str) -> Vec<String> {
        self.try_at(time).unwrap()
    }

    fn open(self) -> Office {
        fs::create_dir(self.folder.path().join("reports")).unwrap();
        self
    }

    fn files(&self) -> BTreeMap<String, String> {
        fs::read_dir(self.folder.path().join("reports"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("reports").join(name)
    }
}

#[test]
fn a_day_is_reported_once_when_it_is_over() {
    let office = Office::new().open();
    office.lab.own(result("S1", "K", "4.1"));
    office.lab.deliver_everything();
    // The local day ends at 23:00 UTC, and its report is due a quarter of an hour later.
    assert_eq!(office.at("2027-01-15T23:14:59Z"), [""; 0]);
    assert_eq!(office.at("2027-01-15T23:15:00Z"), ["2027-01-15 r1"]);
    assert_eq!(office.at("2027-01-15T23:16:00Z"), [""; 0]);
    assert_eq!(office.at("2027-01-16T12:00:00Z"), [""; 0]);
    assert_eq!(office.names(), ["reconciliation-2027-01-15.csv", "reconciliation-2027-01-15.json"]);
    let json = &office.files()["reconciliation-2027-01-15.json"];
    let report: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(report["schema"], "labwire/reconciliation/1");
    assert_eq!(
        (&report["from"], &report["as_of"]),
        (&"2027-01-15T00:00:00+01:00".into(), &"2027-01-16T00:15:00+01:00".into())
    );
    assert_eq!(
        (&report["balanced"], &report["destinations"]["lims"]["states"]["accepted"]),
        (&true.into(), &1.into())
    );
    let mode = fs::metadata(office.path("reconciliation-2027-01-15.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "{mode:o}: the group reads it, and nobody else");
    office.lab.assert_balanced();
    let audited: String = office
        .lab
        .ask("SELECT step || ': ' || subject || ', ' || detail FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(audited, "reconciliation reported: day 2027-01-15, revision 1");
}

#[test]
fn what_was_missed_is_written_later_up_to_a_month_back_and_not_before_the_journal_began() {
    let office = Office::new().open();
    assert_eq!(office.at("2027-01-18T09:00:00Z"), ["2027-01-15 r1", "2027-01-16 r1", "2027-01-17 r1"]);
    let missed = office.at("2027-05-01T09:00:00Z");
    assert_eq!(missed.len(), 31);
    assert_eq!((missed[0].as_str(), missed[30].as_str()), ("2027-03-31 r1", "2027-04-30 r1"));
}

#[test]
fn a_day_that_says_something_else_later_gets_another_revision_and_the_first_stays() {
    let office = Office::new().open();
    office.lab.record_of(office.lab.message(), Vec::new(), vec![lost_result(1)]).unwrap();
    assert_eq!(office.at("2027-01-16T09:00:00Z"), ["2027-01-15 r1"]);
    let first = office.files();
    office.lab.decide(Decision::Dismiss(ProblemId(1))).unwrap();
    assert_eq!(office.at("2027-01-17T09:00:00Z"), ["2027-01-15 r2", "2027-01-16 r1"]);
    assert_eq!(office.at("2027-01-18T09:00:00Z"), ["2027-01-17 r1"]);
    let now = office.files();
    assert!(first.iter().all(|(name, text)| now[name] == *text), "what was written stays as it was");
    let second: serde_json::Value = serde_json::from_str(&now["reconciliation-2027-01-15-r2.json"]).unwrap();
    assert_eq!((&second["revision"], second["open"].as_object().unwrap().len()), (&2.into(), 0));
    assert!(now["reconciliation-2027-01-15-r2.csv"].contains("2027-01-15,report,,,revision,2,"));
}

#[test]
fn a_report_that_was_fetched_away_is_not_written_again() {
    let office = Office::new().open();
    office.at("2027-01-16T09:00:00Z");
    for name in office.names() {
        fs::remove_file(office.path(&name)).unwrap();
    }
    assert_eq!(office.at("2027-01-16T10:00:00Z"), [""; 0]);
    assert_eq!(office.names(), [""; 0]);
}

#[test]
fn a_file_of_that_name_is_kept_if_it_says_something_else_and_taken_if_it_says_the_same() {
    let office = Office::new().open();
    let elsewhere = "somebody's own notes";
    fs::write(office.path("reconciliation-2027-01-15.csv"), elsewhere).unwrap();
    assert_eq!(office.at("2027-01-16T09:00:00Z"), ["2027-01-15 r2"]);
    assert_eq!(office.files()["reconciliation-2027-01-15.csv"], elsewhere);

    // As after a crash between the file and the journal: another journal of the same content finds its files there.
    let again = Office { lab: Lab::new(), folder: office.folder, formats: office.formats };
    fs::remove_file(again.path("reconciliation-2027-01-15.csv")).unwrap();
    fs::rename(again.path("reconciliation-2027-01-15-r2.csv"), again.path("reconciliation-2027-01-15.csv"))
        .unwrap();
    fs::rename(again.path("reconciliation-2027-01-15-r2.json"), again.path("reconciliation-2027-01-15.json"))
        .unwrap();
    let before = again.files();
    assert_eq!(again.at("2027-01-16T10:00:00Z"), ["2027-01-15 r1"]);
    assert_eq!(again.files(), before, "nothing is written over and nothing is added");
}

#[test]
fn a_folder_that_can_not_be_written_says_why_and_is_made_good_later() {
    let office = Office::new();
    let told = |office: &Office| office.try_at("2027-01-16T09:00:00Z").unwrap_err().to_string();
    assert!(told(&office).ends_with("reports: the folder doesn't exist; make it, or mount what it is on"));
    fs::write(office.folder.path().join("reports"), "").unwrap();
    assert!(told(&office).ends_with("reports: the folder is a file; name another"));
    assert_eq!(office.lab.ask::<i64>("SELECT count(*) FROM report"), 0);
    fs::remove_file(office.folder.path().join("reports")).unwrap();
    let office = office.open();
    assert_eq!(office.at("2027-01-16T09:01:00Z"), ["2027-01-15 r1"]);
    assert!(office.names().iter().all(|name| Path::new(name).extension().is_some_and(|end| end != "tmp")));
}

#[test]
fn a_format_that_is_added_later_is_written_from_then_on() {
    let mut office = Office::new().open();
    office.formats = vec![ReportFormat::Json];
    office.at("2027-01-16T09:00:00Z");
    office.formats = vec![ReportFormat::Json, ReportFormat::Csv];
    office.at("2027-01-17T09:00:00Z");
    let expected =
        ["reconciliation-2027-01-15.json", "reconciliation-2027-01-16.csv", "reconciliation-2027-01-16.json"];
    assert_eq!(office.names(), expected);
}

#[test]
fn a_report_that_was_noted_stays_noted() {
    let office = Office::new().open();
    office.at("2027-01-16T09:00:00Z");
    let written = office.lab.reader.report(&today().name()).unwrap().unwrap();
    assert_eq!(written.revision, 1);
    let again = office.lab.journal.note_report(today().name(), written);
    assert!(office.lab.wait(again).is_err());
    for change in ["UPDATE report SET sha256 = x''", "DELETE FROM report"] {
        assert!(office.lab.reading().execute(change, []).is_err(), "{change}");
    }
}
