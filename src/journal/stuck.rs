//! What of an instrument's files waits for a person: each a problem of the list, opened once and closed by itself when
//! it is over. It decides nothing: whoever looks after the files says what is stuck now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::audit::{self, GATEWAY, Step};
use super::writer::Urgency;
use super::{Journal, JournalError, ProblemId, Reader};
use crate::domain::{InstrumentId, Private, ProblemKind};

/// What waits for a person at one place, in words: files by their names, and the place itself by [`PLACE`].
pub type Stuck = BTreeMap<String, Private<String>>;

/// The name that no file has.
pub const PLACE: &str = "";

impl Journal {
    /// Says all that is stuck at a source now. What is new becomes a problem, what is stuck for another reason says so,
    /// and what is stuck no longer is closed. A problem that a person dismissed isn't opened again while it lasts.
    pub async fn say_stuck(
        &self,
        source: String,
        instrument: InstrumentId,
        stuck: Stuck,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let open = rows(connection, &source)?;
            for (name, problem) in open.iter().filter(|(name, _)| !stuck.contains_key(*name)) {
                close(connection, &source, name, *problem, "it was taken, or is gone", now)?;
            }
            for (name, text) in &stuck {
                match open.get(name) {
                    Some(problem) => reword(connection, *problem, text.reveal())?,
                    None => begin(connection, (&source, name), &instrument, text.reveal(), now)?,
                }
            }
            Ok(())
        })
        .await
    }

    /// Closes what was stuck at places that the configuration no longer names.
    pub async fn keep_places(&self, sources: BTreeSet<String>, now: Timestamp) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let all: BTreeSet<String> = connection
                .prepare_cached("SELECT source FROM stuck")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for source in all.difference(&sources) {
                for (name, problem) in rows(connection, source)? {
                    let why = "the configuration no longer names its place";
                    close(connection, source, &name, problem, why, now)?;
                }
            }
            Ok(())
        })
        .await
    }
}

impl Reader {
    /// What was said last to be stuck at a source.
    pub fn stuck(&self, source: &str) -> Result<Stuck, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT s.name, p.text FROM stuck s JOIN problem p ON p.id = s.problem WHERE s.source = ?",
            )?
            .query_map([source], |row| Ok((row.get(0)?, Private::new(row.get(1)?))))?
            .collect::<Result<_, _>>()?)
    }
}

fn rows(connection: &Connection, source: &str) -> Result<BTreeMap<String, ProblemId>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT name, problem FROM stuck WHERE source = ?")?
        .query_map([source], |row| Ok((row.get(0)?, ProblemId(row.get(1)?))))?
        .collect::<Result<_, _>>()?)
}

fn begin(
    connection: &Connection,
    (source, name): (&str, &str),
    instrument: &InstrumentId,
    text: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let kind = if name == PLACE { ProblemKind::NoFiles } else { ProblemKind::StuckFile };
    connection
        .prepare_cached(
            "INSERT INTO problem (instrument, kind, text, replaces_result, seen_at) VALUES (?, ?, ?, 0, ?)",
        )?
        .execute(params![instrument.as_str(), kind.name(), text, now.as_microsecond()])?;
    let problem = ProblemId(connection.last_insert_rowid());
    connection
        .prepare_cached("INSERT INTO stuck (source, name, problem) VALUES (?, ?, ?)")?
        .execute(params![source, name, problem.0])?;
    told(connection, kind.name(), problem, format!("of {instrument}"), now)
}

fn reword(connection: &Connection, problem: ProblemId, text: &str) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE problem SET text = ?1 WHERE id = ?2 AND closed_at IS NULL AND text <> ?1")?
        .execute(params![text, problem.0])?;
    Ok(())
}

fn close(
    connection: &Connection,
    source: &str,
    name: &str,
    problem: ProblemId,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached("DELETE FROM stuck WHERE source = ? AND name = ?")?
        .execute(params![source, name])?;
    let why = if name == PLACE { "files can be fetched again" } else { why };
    let closed = connection
        .prepare_cached(
            "UPDATE problem SET closed_at = ?, closed_by = ?, closing_note = ? WHERE id = ? AND closed_at IS NULL",
        )?
        .execute(params![now.as_microsecond(), GATEWAY, why, problem.0])?;
    match closed {
        0 => Ok(()),
        _ => told(connection, "over", problem, why.to_owned(), now),
    }
}

fn told(
    connection: &Connection,
    step: &'static str,
    problem: ProblemId,
    detail: String,
    now: Timestamp,
) -> Result<(), JournalError> {
    let subject = format!("problem {problem}");
    audit::append(connection, &Step { at: now, actor: GATEWAY, step, subject, detail })
}
