//! What can still be read of a damaged journal: which results it had, what each destination had said of them, and which problems
//! nobody had seen to: of those there may be no result. It reads
//! row by row, so that what is lost hides nothing else, and changes nothing; nor does the gateway act by it.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::read::observation;
use super::rows::instant;
use super::{MessageId, ObservationId, OpenError, verify};
use crate::domain::{Observation, Private};

/// The most numbers that are tried one by one from either end of a hole. A longer one isn't made of rows: numbers begin far above
/// after a journal was put back.
const TRIED: i64 = 500_000;

/// A result of a damaged journal.
#[derive(Debug)]
pub struct Found {
    pub id: ObservationId,
    pub recorded_at: Timestamp,
    pub result: Private<Observation>,
    /// What has put an end to it here, as far as that can be read.
    pub over: Option<&'static str>,
    /// What became of it at each destination; `None` where that can't be read.
    pub lines: Option<Vec<Line>>,
}

/// What had become of a result at one destination.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub destination: String,
    /// As the ledger names it.
    pub state: String,
    pub since: Timestamp,
    /// Under which it was sent, where it was and that can be read.
    pub key: Option<String>,
}

impl Line {
    /// Whether the destination had said that it has the result.
    pub fn is_there(&self) -> bool {
        matches!(self.state.as_str(), "accepted" | "staged")
    }

    /// Whether the destination had a right to it and may not have it.
    pub fn is_missing(&self) -> bool {
        !self.is_there() && !matches!(self.state.as_str(), "not-for-it" | "rejected" | "superseded")
    }
}

/// A problem that was open.
#[derive(Debug)]
pub struct Open {
    pub id: i64,
    pub message: Option<MessageId>,
    pub at: Timestamp,
    pub kind: String,
    pub instrument: String,
    pub specimen: Private<String>,
    pub text: Private<String>,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Salvaged {
    pub results: Vec<Found>,
    /// Messages whose results aren't among these: they weren't read yet, or that can't be told.
    pub unread: Vec<(MessageId, Timestamp)>,
    pub problems: Vec<Open>,
    /// Results, messages and problems whose rows can't be read, as far as their numbers tell.
    pub lost: u64,
}

/// Reads the results that were stored, and the messages and problems that came, since a moment.
///
/// # Errors
/// Where SQLite can't even begin to read it.
pub fn salvage(path: &Path, since: Timestamp) -> Result<Salvaged, OpenError> {
    let connection = verify::open(path)?;
    let mut salvaged = Salvaged::default();
    let (results, holes) = ids(&connection, "observation");
    salvaged.lost += holes;
    for id in results {
        match found(&connection, id) {
            Some(found) if found.recorded_at >= since => salvaged.results.push(found),
            Some(_) => {}
            None => salvaged.lost += 1,
        }
    }
    let (messages, holes) = ids(&connection, "message");
    salvaged.lost += holes;
    for id in messages {
        match received(&connection, id) {
            Some((at, is_read)) if !is_read && at >= since => salvaged.unread.push((MessageId(id), at)),
            Some(_) => {}
            None => salvaged.lost += 1,
        }
    }
    let (problems, holes) = ids(&connection, "problem");
    salvaged.lost += holes;
    for id in problems {
        match problem(&connection, id) {
            Some(Some(open)) if open.at >= since => salvaged.problems.push(open),
            Some(_) => {}
            None => salvaged.lost += 1,
        }
    }
    Ok(salvaged)
}

/// The numbers of a table's rows that can be reached, and how many numbers between them can't: one at least, where these are too
/// many to be rows.
fn ids(connection: &Connection, table: &str) -> (Vec<i64>, u64) {
    let (mut ids, ended) = walk(connection, table, "ASC");
    if ended {
        return (ids, 0);
    }
    let (mut from_the_end, _) = walk(connection, table, "DESC");
    from_the_end.reverse();
    let before = ids.last().copied().unwrap_or(0);
    let after = from_the_end.first().copied().unwrap_or(before + 1);
    let first = before.saturating_add(1);
    let numbers = after.saturating_sub(first);
    let middle = first.saturating_add(TRIED).min(after);
    let tried = (first..middle).chain(middle.max(after.saturating_sub(TRIED))..after);
    let mut found = 0;
    if let Ok(mut one) = connection.prepare(&format!("SELECT 1 FROM {table} WHERE id = ?")) {
        for id in tried.filter(|id| one.exists([id]).unwrap_or(false)) {
            ids.push(id);
            found += 1;
        }
    }
    ids.extend(from_the_end);
    let lost = if numbers > 2 * TRIED { 1 } else { (numbers - found).max(i64::from(found == 0)) };
    (ids, u64::try_from(lost).unwrap_or(1))
}

/// The numbers from one end of a table to the other, or to the first row that can't be reached, and whether that was the end.
fn walk(connection: &Connection, table: &str, order: &str) -> (Vec<i64>, bool) {
    let mut ids = Vec::new();
    let walked =
        connection.prepare(&format!("SELECT id FROM {table} ORDER BY id {order}")).and_then(|mut all| {
            let mut rows = all.query([])?;
            while let Some(row) = rows.next()? {
                ids.push(row.get(0)?);
            }
            Ok(())
        });
    (ids, walked.is_ok())
}

fn found(connection: &Connection, id: i64) -> Option<Found> {
    let (recorded_at, result) = connection
        .prepare_cached("SELECT recorded_at, detail FROM observation WHERE id = ?")
        .ok()?
        .query_and_then([id], |row| {
            Ok::<_, super::JournalError>((instant(row.get(0)?), observation(row, 1)?))
        })
        .ok()?
        .next()?
        .ok()?;
    let result = Private::new(result);
    let (over, lines) = (over(connection, id), lines(connection, id).ok());
    Some(Found { id: ObservationId(id), recorded_at, result, over, lines })
}

fn over(connection: &Connection, id: i64) -> Option<&'static str> {
    [
        ("SELECT 1 FROM reassignment WHERE observation = ?", "moved to another specimen: void here"),
        ("SELECT 1 FROM observation WHERE supersedes = ?", "replaced by a newer version"),
        ("SELECT 1 FROM hold WHERE observation = ? AND closing = 'rejected'", "rejected"),
    ]
    .into_iter()
    .find(|(sql, _)| connection.prepare_cached(sql).and_then(|mut it| it.exists([id])).unwrap_or(false))
    .map(|(_, what)| what)
}

fn lines(connection: &Connection, id: i64) -> rusqlite::Result<Vec<Line>> {
    let mut statement = connection.prepare_cached(
        "SELECT destination, state, changed_at, delivery FROM ledger WHERE observation = ?",
    )?;
    let lines = statement.query_map([id], |row| {
        let delivery: Option<i64> = row.get(3)?;
        let key = delivery.and_then(|delivery| key(connection, delivery));
        Ok(Line { destination: row.get(0)?, state: row.get(1)?, since: instant(row.get(2)?), key })
    })?;
    lines.collect()
}

fn key(connection: &Connection, delivery: i64) -> Option<String> {
    let mut statement = connection.prepare_cached("SELECT key FROM delivery WHERE id = ?").ok()?;
    statement.query_row([delivery], |row| row.get(0)).optional().ok().flatten()
}

/// A problem; the inner `None` where somebody had seen to it.
fn problem(connection: &Connection, id: i64) -> Option<Option<Open>> {
    connection
        .prepare_cached(
            "SELECT message, seen_at, kind, instrument, specimen, text, closed_at FROM problem WHERE id = ?",
        )
        .ok()?
        .query_row([id], |row| {
            let open = Open {
                id,
                message: row.get::<_, Option<i64>>(0)?.map(MessageId),
                at: instant(row.get(1)?),
                kind: row.get(2)?,
                instrument: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                specimen: Private::new(row.get::<_, Option<String>>(4)?.unwrap_or_default()),
                text: Private::new(row.get(5)?),
            };
            Ok(Some(open).filter(|_| !matches!(row.get::<_, Option<i64>>(6), Ok(Some(_)))))
        })
        .ok()
}

/// When a message was received, and whether it was read.
fn received(connection: &Connection, id: i64) -> Option<(Timestamp, bool)> {
    connection
        .prepare_cached("SELECT received_at, processed_at IS NOT NULL FROM message WHERE id = ?")
        .ok()?
        .query_row([id], |row| Ok((instant(row.get(0)?), row.get(1)?)))
        .ok()
}
