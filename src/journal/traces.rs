//! What traces tell: when a message was received and read, and when what became of it was sent. Never what it says.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::rows::instant;
use super::{JournalError, MessageId, Reader};

/// How far traces have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub message: MessageId,
    pub attempt: i64,
}

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub message: MessageId,
    pub source: String,
    /// `None`: no instrument takes it.
    pub instrument: Option<String>,
    /// When its first bytes were on disk.
    pub began_at: Timestamp,
    /// When its last were.
    pub received_at: Timestamp,
    pub processed_at: Timestamp,
    /// It was cut before its end.
    pub is_incomplete: bool,
    /// It was received before, and changed nothing.
    pub is_repetition: bool,
    pub results: u64,
}

/// One attempt to deliver, over and settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub id: i64,
    pub delivery: i64,
    pub destination: String,
    /// From 1.
    pub number: u64,
    /// The destination was asked what became of it, and nothing was sent.
    pub is_probe: bool,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    /// As the answer was judged, `accepted` or otherwise.
    pub verdict: String,
    pub http_status: Option<u16>,
    /// Whose results it carries, and when these were received.
    pub messages: Vec<(MessageId, Timestamp)>,
}

impl Reader {
    /// Everything that is over by now.
    pub fn traces_so_far(&self) -> Result<Progress, JournalError> {
        let message = self.all_read_up_to()?;
        let attempt = self
            .connection
            .prepare_cached("SELECT coalesce(max(id), 0) FROM attempt")?
            .query_row([], |row| row.get(0))?;
        Ok(Progress { message, attempt })
    }

    /// The last message before the first that waits to be read.
    fn all_read_up_to(&self) -> Result<MessageId, JournalError> {
        let waiting: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(id) FROM message WHERE processed_at IS NULL")?
            .query_row([], |row| row.get(0))?;
        let last = match waiting {
            Some(waiting) => waiting - 1,
            None => self
                .connection
                .prepare_cached("SELECT coalesce(max(id), 0) FROM message")?
                .query_row([], |row| row.get(0))?,
        };
        Ok(MessageId(last))
    }

    /// Messages read since, the oldest first, at most so many.
    pub fn ways_after(&self, last: MessageId, most: usize) -> Result<Vec<Way>, JournalError> {
        let until = self.all_read_up_to()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT m.id, t.source, m.instrument, p.received_at, m.received_at, m.processed_at, m.state, m.repeats, m.results
             FROM message m JOIN transfer t ON t.id = m.transfer JOIN parcel p ON p.id = m.first_parcel
             WHERE m.id > ? AND m.id <= ? ORDER BY m.id LIMIT ?",
        )?;
        let ways = statement.query_map(params![last.0, until.0, most], |row| {
            Ok(Way {
                message: MessageId(row.get(0)?),
                source: row.get(1)?,
                instrument: row.get(2)?,
                began_at: instant(row.get(3)?),
                received_at: instant(row.get(4)?),
                processed_at: instant(row.get(5)?),
                is_incomplete: row.get::<_, String>(6)? == "incomplete",
                is_repetition: row.get::<_, Option<i64>>(7)?.is_some(),
                results: row.get(8)?,
            })
        })?;
        Ok(ways.collect::<Result<_, _>>()?)
    }

    /// Attempts begun since, the oldest first, at most so many.
    pub fn attempts_after(&self, last: i64, most: usize) -> Result<Vec<i64>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM attempt WHERE id > ? ORDER BY id LIMIT ?")?;
        let ids = statement.query_map(params![last, most], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// An attempt; nothing while it goes on.
    pub fn attempt_that_ended(&self, id: i64) -> Result<Option<Attempt>, JournalError> {
        let attempt = self
            .connection
            .prepare_cached(
                "SELECT a.delivery, d.destination, a.number, a.kind, a.began_at, w.ended_at, w.verdict, w.status
                 FROM attempt a JOIN delivery d ON d.id = a.delivery JOIN answer w ON w.attempt = a.id WHERE a.id = ?",
            )?
            .query_row([id], |row| {
                Ok(Attempt {
                    id,
                    delivery: row.get(0)?,
                    destination: row.get(1)?,
                    number: row.get(2)?,
                    is_probe: row.get::<_, String>(3)? == "probe",
                    began_at: instant(row.get(4)?),
                    ended_at: instant(row.get(5)?),
                    verdict: row.get(6)?,
                    http_status: row.get(7)?,
                    messages: Vec::new(),
                })
            })
            .optional()?;
        let Some(mut attempt) = attempt else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT m.id, m.received_at FROM message m JOIN observation o ON o.message = m.id
             WHERE o.id IN (SELECT observation FROM ledger WHERE delivery = ?1
                 UNION SELECT observation FROM notice WHERE delivery = ?1) ORDER BY m.id",
        )?;
        let messages = statement
            .query_map([attempt.delivery], |row| Ok((MessageId(row.get(0)?), instant(row.get(1)?))))?;
        attempt.messages = messages.collect::<Result<_, _>>()?;
        Ok(Some(attempt))
    }
}
