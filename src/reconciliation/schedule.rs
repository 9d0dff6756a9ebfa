//! The reports that are written by themselves, each day for the day before. What was missed while the gateway was off is
//! written at the next start; a day that says something else than its last report did gets another revision. It only
//! reads results, and names no patient and no specimen in the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::day::Day;
use super::folder;
use super::gathering::Gathering;
use super::report::{Report, Rules, Verdict};
use crate::board::{Board, Chore};
use crate::clock;
use crate::config::settings::ReportSettings;
use crate::journal::days::Written;
use crate::journal::{Journal, JournalError, Reader};

/// How often the time is looked at, and a report that failed is tried again.
const LOOK: Duration = Duration::from_secs(30);
/// How many days back a report is still written or revised.
const DAYS: usize = 31;

/// Who writes the reports.
pub struct Schedule {
    pub journal: Journal,
    pub board: Board,
    pub rules: Rules,
    pub settings: ReportSettings,
    pub zone: TimeZone,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    pub day: String,
    pub revision: u32,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("failed to read the journal: {0}")]
    Closed(String),
    #[error("failed to write into {folder}: {why}")]
    Folder { folder: String, why: String },
}

impl Schedule {
    /// Runs until the gateway stops. A report that is being written then is finished by the next start.
    pub async fn run(self, stop: CancellationToken) {
        let mut done: Option<Date> = None;
        let mut last_failure = String::new();
        tokio::select! {
            () = stop.cancelled() => return,
            () = self.journal.opened() => {}
        }
        loop {
            let now = clock::now();
            let due = self.due(now);
            // A clock that was set back asks for nothing again.
            if due.is_some_and(|due| done.is_none_or(|done| done < due)) {
                let attempt = tokio::select! {
                    () = stop.cancelled() => return,
                    attempt = self.write_due(now) => attempt,
                };
                match attempt {
                    Ok(_) => {
                        (done, last_failure) = (due, String::new());
                        self.board.set_chore(Chore::Reports, clock::now(), None);
                    }
                    Err(error) => {
                        let failure = error.to_string();
                        if failure != last_failure {
                            tracing::error!(
                                "the reconciliation can't be reported, and is tried again: {failure}"
                            );
                        }
                        self.board.set_chore(Chore::Reports, clock::now(), Some(failure.clone()));
                        last_failure = failure;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// The day on which the reports that are due at this moment became so.
    fn due(&self, now: Timestamp) -> Option<Date> {
        let local = now.to_zoned(self.zone.clone());
        if local.time() >= self.settings.at { Some(local.date()) } else { local.date().yesterday().ok() }
    }

    /// Writes every report that is due at this moment and isn't there, or would say something else now.
    ///
    /// # Errors
    /// The first failure; what was written before it stays.
    pub async fn write_due(&self, now: Timestamp) -> Result<Vec<Scheduled>, ReportError> {
        let reader = self.journal.reader().map_err(|error| ReportError::Closed(error.to_string()))?;
        let first = reader.created_at()?.map(|at| at.to_zoned(self.zone.clone()).date());
        let Some(mut day) = self.due(now).and_then(|due| due.yesterday().ok()) else { return Ok(Vec::new()) };
        let mut days = Vec::new();
        while days.len() < DAYS && first.is_some_and(|first| first <= day) {
            days.extend(Day::new(day, &self.zone));
            let Ok(before) = day.yesterday() else { break };
            day = before;
        }
        let mut written = Vec::new();
        let reader = Mutex::new(reader);
        for day in days.into_iter().rev() {
            let (report, noted) = self.gather(&reader, day, now).await?;
            written.extend(self.write(report, noted, now).await?);
        }
        Ok(written)
    }

    /// The report, and the last one of that day. Others run between two steps.
    async fn gather(
        &self,
        reader: &Mutex<Reader>,
        day: Day,
        now: Timestamp,
    ) -> Result<(Report, Option<Written>), ReportError> {
        let reader = || reader.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = reader().report(&day.name())?;
        let mut gathering = Gathering::new(day, &self.rules, now);
        while gathering.step(&reader())? {
            tokio::task::yield_now().await;
        }
        Ok((gathering.finish(&reader())?, noted))
    }

    async fn write(
        &self,
        report: Report,
        noted: Option<Written>,
        now: Timestamp,
    ) -> Result<Option<Scheduled>, ReportError> {
        let failed =
            |why: String| ReportError::Folder { folder: self.settings.folder.display().to_string(), why };
        let sha256 = folder::digest(&report).map_err(failed)?;
        if noted.as_ref().is_some_and(|noted| noted.sha256 == sha256) {
            return Ok(None);
        }
        let next = noted.map_or(1, |noted| noted.revision + 1);
        let revision = folder::put(&self.settings, &report, next).await.map_err(failed)?;
        let day = report.day.name();
        self.journal.note_report(day.clone(), Written { revision, at: now, sha256 }).await?;
        match report.verdict() {
            Verdict::Unbalanced => tracing::error!(day, revision, "reconciliation: {}", report.summary()),
            Verdict::Open => tracing::warn!(day, revision, "reconciliation: {}", report.summary()),
            Verdict::Clear => tracing::info!(day, revision, "reconciliation: {}", report.summary()),
        }
        Ok(Some(Scheduled { day, revision }))
    }
}
