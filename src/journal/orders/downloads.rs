//! What instruments that don't ask are told of their work, and what came of that. What may have been told is written
//! before a byte of it leaves, so that it can be taken back. It sends nothing.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{rows, steps};
use crate::domain::{InstrumentId, Priority, SpecimenId};
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::rows::instant;
use crate::journal::writer::Urgency;
use crate::journal::{Journal, JournalError, Reader};

/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Numbers of sends from here on are downloads'.
const FIRST_SEND: u64 = 1 << 62;

/// A tube's work on an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DownloadId(pub i64);

/// What is to be told, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    pub id: DownloadId,
    pub instrument: String,
    pub specimen: SpecimenId,
    pub wanted: BTreeSet<String>,
    /// What the instrument may know of.
    pub told: BTreeSet<String>,
    /// `due`, `sending`, `taken` or `refused`.
    pub state: String,
    pub attempts: u32,
    pub changed_at: Timestamp,
    /// What came of the last attempt.
    pub note: String,
    /// What the instrument was told with, as [`Wanted::particulars`].
    pub particulars: String,
}

/// What an instrument is to do with a tube now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub specimen: SpecimenId,
    pub tests: BTreeSet<String>,
    pub priority: Priority,
    /// Stands for the patient, the priority and the specimen; empty where there is nothing to do.
    pub particulars: String,
}

/// What an instrument was to be told, or was, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadStep {
    pub at: Timestamp,
    pub instrument: String,
    pub specimen: SpecimenId,
    pub tests: BTreeSet<String>,
    /// `due`, `taken` or `refused`.
    pub state: String,
    pub note: String,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadFate {
    Taken,
    /// The instrument answered that it won't do it.
    Refused,
    /// It may or may not have arrived, or never left: it is sent again.
    Again,
}

impl DownloadId {
    /// The number under which it is sent.
    pub fn send_id(self) -> u64 {
        FIRST_SEND | self.0.unsigned_abs()
    }

    /// Whose fate a send's is, if a download's.
    pub fn of_send(id: u64) -> Option<DownloadId> {
        let is_one = id & FIRST_SEND != 0 && id != u64::MAX;
        is_one.then(|| DownloadId(i64::try_from(id & !FIRST_SEND).unwrap_or(i64::MAX)))
    }
}

impl Journal {
    /// What a stop of the gateway left under way is sent again.
    pub async fn recover_downloads(&self, instrument: InstrumentId) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            connection
                .prepare_cached(
                    "UPDATE download SET state = 'due' WHERE instrument = ? AND state = 'sending'",
                )?
                .execute([instrument.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Writes what an instrument is to do now with tubes that the LIMS spoke of, up to this word.
    pub async fn want_downloads(
        &self,
        instrument: InstrumentId,
        wanted: Vec<Wanted>,
        up_to: i64,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            for it in &wanted {
                want(connection, &instrument, it, now)?;
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO download_cursor VALUES (?, ?)")?
                .execute(params![instrument.as_str(), up_to])?;
            Ok(())
        })
        .await
    }

    /// Puts an attempt down before a byte of it leaves: what of it the instrument may know of from now on.
    pub async fn begin_download(
        &self,
        id: DownloadId,
        tests: BTreeSet<String>,
        particulars: String,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Frame, move |connection| {
            let mut told = load(connection, id)?.told;
            told.extend(tests.iter().cloned());
            connection
                .prepare_cached(
                    "UPDATE download SET state = 'sending', attempts = attempts + 1, told = ?, wanted = ?,
                     particulars = ?, changed_at = ? WHERE id = ?",
                )?
                .execute(params![json(&told)?, json(&tests)?, particulars, now.as_microsecond(), id.0])?;
            Ok(())
        })
        .await
    }

    /// Notes what came of an attempt. What the LIMS wants otherwise by now is due again.
    pub async fn settle_download(
        &self,
        id: DownloadId,
        fate: DownloadFate,
        note: &'static str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let it = load(connection, id)?;
            if it.state != "sending" {
                return Ok(());
            }
            let (state, told, pause) = match fate {
                DownloadFate::Taken => ("taken", it.wanted, SignedDuration::ZERO),
                DownloadFate::Refused => ("refused", it.told, SignedDuration::ZERO),
                DownloadFate::Again => ("due", it.told, pause(it.attempts)),
            };
            connection
                .prepare_cached(
                    "UPDATE download SET state = ?, told = ?, due_at = ?, changed_at = ?, note = ? WHERE id = ?",
                )?
                .execute(params![
                    state,
                    json(&told)?,
                    now.saturating_add(pause).unwrap_or(now).as_microsecond(),
                    now.as_microsecond(),
                    note,
                    id.0
                ])?;
            step(connection, id, now)?;
            if fate == DownloadFate::Taken {
                steps::told(connection, &it.instrument, it.specimen.reveal())?;
            }
            let (subject, detail) = (format!("download {}", id.0), note.to_owned());
            audit::append(connection, &Step { at: now, actor: GATEWAY, step: "download", subject, detail })
        })
        .await
    }
}

/// From one attempt to the next: 10 s, then twice as long each time.
fn pause(attempts: u32) -> SignedDuration {
    let doubled = 10_i64.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    SignedDuration::from_secs(doubled).min(LONGEST_PAUSE)
}

fn want(
    connection: &Connection,
    instrument: &InstrumentId,
    it: &Wanted,
    now: Timestamp,
) -> Result<(), JournalError> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM download WHERE instrument = ? AND specimen = ?")?
        .query_row(params![instrument.as_str(), it.specimen.reveal()], |row| row.get(0))
        .optional()?;
    let (at, tests, priority) = (now.as_microsecond(), json(&it.tests)?, it.priority as u8);
    let Some(id) = known else {
        if !it.tests.is_empty() {
            connection
                .prepare_cached(
                    "INSERT INTO download (instrument, specimen, priority, wanted, told, state, attempts, due_at,
                     changed_at, note, particulars) VALUES (?, ?, ?, ?, '[]', 'due', 0, ?, ?, '', ?)",
                )?
                .execute(params![
                    instrument.as_str(),
                    it.specimen.reveal(),
                    priority,
                    tests,
                    at,
                    at,
                    it.particulars
                ])?;
            step(connection, DownloadId(connection.last_insert_rowid()), now)?;
        }
        return Ok(());
    };
    let stored = load(connection, DownloadId(id))?;
    // Of a tube on which there is nothing to do nobody's particulars count.
    if stored.wanted == it.tests && (it.tests.is_empty() || stored.particulars == it.particulars) {
        return Ok(());
    }
    // What is under way will be found to be another's answer: it is due again at once.
    connection
        .prepare_cached(
            "UPDATE download SET wanted = ?, particulars = ?, priority = ?, state = 'due', attempts = 0, due_at = ?, changed_at = ?,
             note = 'the LIMS wants something else by now' WHERE id = ?",
        )?
        .execute(params![tests, it.particulars, priority, at, at, id])?;
    step(connection, DownloadId(id), now)
}

/// Keeps how a download stands, where that isn't how it stood: an instrument that isn't there is told of a tube in vain a
/// hundred times a day.
fn step(connection: &Connection, id: DownloadId, now: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO download_step (download, at, tests, state, note)
             SELECT id, ?2, wanted, state, note FROM download d WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM download_step s
                 WHERE s.id = (SELECT max(id) FROM download_step WHERE download = ?1)
                 AND s.tests = d.wanted AND s.state = d.state AND s.note = d.note AND s.state = 'due')",
        )?
        .execute(params![id.0, now.as_microsecond()])?;
    Ok(())
}

fn load(connection: &Connection, id: DownloadId) -> Result<Download, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, instrument, specimen, wanted, told, state, attempts, changed_at, note, particulars FROM download WHERE id = ?",
    )?;
    let mut rows = statement.query([id.0])?;
    rows.next()?
        .map(download)
        .transpose()?
        .ok_or_else(|| JournalError::Refused(format!("there is no download {}", id.0)))
}

fn tests(json: &str) -> Result<BTreeSet<String>, JournalError> {
    serde_json::from_str(json)
        .map_err(|error| JournalError::Refused(format!("failed to read a download: {error}")))
}

fn download(row: &Row<'_>) -> Result<Download, JournalError> {
    Ok(Download {
        id: DownloadId(row.get(0)?),
        instrument: row.get(1)?,
        specimen: SpecimenId::new(row.get::<_, String>(2)?),
        wanted: tests(&row.get::<_, String>(3)?)?,
        told: tests(&row.get::<_, String>(4)?)?,
        state: row.get(5)?,
        attempts: row.get(6)?,
        changed_at: instant(row.get(7)?),
        note: row.get(8)?,
        particulars: row.get(9)?,
    })
}

fn json(tests: &BTreeSet<String>) -> Result<String, JournalError> {
    serde_json::to_string(tests)
        .map_err(|error| JournalError::Refused(format!("failed to write a download as JSON: {error}")))
}

impl Reader {
    /// The tubes that the LIMS spoke of since this instrument's downloads were made last, whatever it said of them, and
    /// the last of at most `limit` words.
    pub fn spoken_of(
        &self,
        instrument: &InstrumentId,
        limit: usize,
    ) -> Result<(BTreeSet<SpecimenId>, Option<i64>), JournalError> {
        let words: Vec<(i64, i64)> = self
            .connection
            .prepare_cached(
                "SELECT id, lab_order FROM order_word
                 WHERE id > coalesce((SELECT word FROM download_cursor WHERE instrument = ?), 0) ORDER BY id LIMIT ?",
            )?
            .query_map(params![instrument.as_str(), limit], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        // An order that was moved stood on another tube before.
        let mut statement =
            self.connection.prepare_cached("SELECT detail FROM order_word WHERE lab_order = ?")?;
        let mut labels = BTreeSet::new();
        for order in words.iter().map(|(_, order)| *order).collect::<BTreeSet<_>>() {
            let mut rows = statement.query([order])?;
            while let Some(row) = rows.next()? {
                labels.insert(rows::read(&row.get::<_, String>(0)?)?.key.specimen);
            }
        }
        Ok((labels, words.last().map(|(word, _)| *word)))
    }

    /// What is to be told an instrument next. An attempt that lies ahead was made before the clock was set back: how long
    /// ago that is nobody knows, so nothing waits for it.
    pub fn due_download(
        &self,
        instrument: &InstrumentId,
        now: Timestamp,
    ) -> Result<Option<Download>, JournalError> {
        let mut found = self.downloads(
            "SELECT id, instrument, specimen, wanted, told, state, attempts, changed_at, note, particulars FROM download
             WHERE instrument = ?1 AND state = 'due' AND (due_at <= ?2 OR changed_at > ?2)
             ORDER BY priority, id LIMIT 1",
            params![instrument.as_str(), now.as_microsecond()],
        )?;
        Ok(found.pop())
    }

    /// One download as it stands.
    pub fn download(&self, id: DownloadId) -> Result<Download, JournalError> {
        load(&self.connection, id)
    }

    /// Everything that instruments are still to be told, at most `limit`.
    pub fn open_downloads(&self, limit: usize) -> Result<Vec<Download>, JournalError> {
        self.downloads(
            "SELECT id, instrument, specimen, wanted, told, state, attempts, changed_at, note, particulars FROM download
             WHERE state <> 'taken' ORDER BY id LIMIT ?",
            params![limit],
        )
    }

    /// All that instruments were to be told of a tube, and were, oldest first.
    pub fn download_steps(&self, specimen: &SpecimenId) -> Result<Vec<DownloadStep>, JournalError> {
        self.steps(
            "SELECT s.at, d.instrument, d.specimen, s.tests, s.state, s.note FROM download d
             JOIN download_step s ON s.download = d.id WHERE d.specimen = ? ORDER BY s.id",
            params![specimen.reveal()],
        )
    }

    /// What instruments took, the last first, at most `limit`.
    pub fn taken_downloads(&self, limit: usize) -> Result<Vec<DownloadStep>, JournalError> {
        self.steps(
            "SELECT s.at, d.instrument, d.specimen, s.tests, s.state, s.note FROM download_step s
             JOIN download d ON d.id = s.download WHERE s.state = 'taken' ORDER BY s.id DESC LIMIT ?",
            params![limit],
        )
    }

    fn steps(
        &self,
        sql: &'static str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<DownloadStep>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            steps.push(DownloadStep {
                at: instant(row.get(0)?),
                instrument: row.get(1)?,
                specimen: SpecimenId::new(row.get::<_, String>(2)?),
                tests: tests(&row.get::<_, String>(3)?)?,
                state: row.get(4)?,
                note: row.get(5)?,
            });
        }
        Ok(steps)
    }

    fn downloads(
        &self,
        sql: &'static str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<Download>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut downloads = Vec::new();
        while let Some(row) = rows.next()? {
            downloads.push(download(row)?);
        }
        Ok(downloads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_of_a_download_is_told_from_others() {
        assert_eq!(DownloadId::of_send(DownloadId(7).send_id()), Some(DownloadId(7)));
        for other in [0, 7, u64::MAX] {
            assert_eq!(DownloadId::of_send(other), None);
        }
    }

    #[test]
    fn the_pause_grows_to_a_bound() {
        let pauses: Vec<i64> = [0, 1, 2, 3, 9, u32::MAX].iter().map(|it| pause(*it).as_secs()).collect();
        assert_eq!(pauses, [10, 10, 20, 40, 300, 300]);
    }
}
