//! What people say of controls: a run is accepted all the same, or a result is taken out. Each is said once, by a name and
//! with a reason, and never changes; a result that is taken out stays where it was and counts no more.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::audit::{self, Step};
use super::super::rows::instant;
use super::super::writer::Urgency;
use super::super::{Journal, JournalError, ObservationId};
use super::again::{Anew, Last, anew, last};
use super::judge::{Counted, decide, stored};
use super::keep::{Decided, write_decision};
use crate::domain::qc::{Outcome, Program};

/// Who says something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// The person's name, as they write it.
    pub by: String,
    /// The system user who gave the command.
    pub account: String,
    pub reason: String,
}

/// What somebody said, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QcWord {
    pub by: String,
    pub reason: String,
    pub at: Timestamp,
}

impl Journal {
    /// Accepts a run as it was decided last; whatever is decided of it later stands for itself. Refused, with the reason,
    /// where there is nothing to accept.
    pub async fn accept_run(&self, run: i64, saying: Saying, now: Timestamp) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            must_be_said(&saying)?;
            let Some((decision, outcome)) = last_decision(connection, run)? else {
                return refused(format!("there is no run {run}"));
            };
            if outcome.is_acceptable() {
                return refused(format!("run {run} is accepted already"));
            }
            if outcome == Outcome::Void {
                return refused(format!("run {run} has no result that counts"));
            }
            let accepted = connection
                .prepare_cached("SELECT 1 FROM qc_word WHERE decision = ? AND observation IS NULL")?
                .exists([decision])?;
            if accepted {
                return refused(format!("somebody has accepted run {run} already"));
            }
            write(connection, decision, None, &saying, now)?;
            let change = format!("was {}, counts as {}", outcome.name(), Outcome::Accepted.name());
            audited(connection, "control run accepted", (format!("run {run}"), change), &saying, now)
        })
        .await
    }

    /// Takes a control result out. Its run, and those after it, are decided again without it. Refused, with the reason, where
    /// it is none, or out already.
    pub async fn exclude_control(
        &self,
        id: ObservationId,
        saying: Saying,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            must_be_said(&saying)?;
            let found: Option<(i64, i64)> = connection
                .prepare_cached(
                    "SELECT p.run, r.series FROM qc_point p JOIN qc_run r ON r.id = p.run WHERE p.observation = ?",
                )?
                .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((run, series)) = found else {
                return refused(format!("observation {id} is no control result"));
            };
            let is_out = connection
                .prepare_cached(
                    "SELECT 1 FROM qc_word WHERE observation = ?1
                     UNION ALL SELECT 1 FROM observation WHERE supersedes = ?1",
                )?
                .exists([id.0])?;
            if is_out {
                return refused(format!("observation {id} counts no more already"));
            }
            let Some((decision, before)) = last_decision(connection, run)? else {
                return refused(format!("nothing was decided of run {run}"));
            };
            write(connection, decision, Some(id), &saying, now)?;
            decide_again(connection, series, run, now)?;
            let after = last_decision(connection, run)?.map_or(before, |(_, outcome)| outcome);
            let change = format!("run {run} was {}, now {}", before.name(), after.name());
            let subject = format!("observation {id}");
            audited(connection, "control result excluded", (subject, change), &saying, now)
        })
        .await
    }
}

/// Decides a run anew, by the rules of its last decision, and those after it where that changes anything.
fn decide_again(connection: &Connection, series: i64, run: i64, now: Timestamp) -> Result<(), JournalError> {
    let began_at = connection
        .prepare_cached("SELECT began_at FROM qc_run WHERE id = ?")?
        .query_row([run], |row| Ok(instant(row.get(0)?)))?;
    let known = stored(connection, series, began_at)?;
    let Some(Last { by, violations: before, .. }) = last(connection, run)? else { return Ok(()) };
    let (counted, outcome, violations) = decide(&known, run, &by, Program::NOW);
    let own = Anew { run, began_at, by, counted, outcome, violations, before };
    for it in [own].into_iter().chain(anew(connection, &known, &[(began_at, run)].into())?) {
        let points = it.counted.iter().filter_map(|it| match it {
            Counted::Stored(id) => Some(*id),
            Counted::New(_) => None,
        });
        let decision =
            Decided { by: &it.by, points: points.collect(), outcome: it.outcome, violations: &it.violations };
        write_decision(connection, it.run, &decision, now)?;
    }
    Ok(())
}

fn must_be_said(saying: &Saying) -> Result<(), JournalError> {
    if saying.by.trim().is_empty() || saying.reason.trim().is_empty() {
        return refused("this needs a name and a reason".to_owned());
    }
    Ok(())
}

fn last_decision(connection: &Connection, run: i64) -> Result<Option<(i64, Outcome)>, JournalError> {
    let last: Option<(i64, String)> = connection
        .prepare_cached("SELECT id, outcome FROM qc_decision WHERE run = ? ORDER BY id DESC LIMIT 1")?
        .query_row([run], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(last.and_then(|(id, outcome)| Some((id, Outcome::from_name(&outcome)?))))
}

fn write(
    connection: &Connection,
    decision: i64,
    observation: Option<ObservationId>,
    saying: &Saying,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO qc_word (decision, observation, said_by, account, reason, said_at) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            decision,
            observation.map(|id| id.0),
            saying.by,
            saying.account,
            saying.reason,
            now.as_microsecond()
        ])?;
    Ok(())
}

fn audited(
    connection: &Connection,
    step: &str,
    (subject, change): (String, String),
    saying: &Saying,
    now: Timestamp,
) -> Result<(), JournalError> {
    let detail = format!("{}: {} ({change})", saying.by, saying.reason);
    audit::append(connection, &Step { at: now, actor: &saying.account, step, subject, detail })
}

fn refused<T>(why: String) -> Result<T, JournalError> {
    Err(JournalError::Refused(why))
}
