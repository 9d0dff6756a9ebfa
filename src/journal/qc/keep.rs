//! Writes what a message's controls come to, in the transaction that writes the message.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::super::audit::{self, GATEWAY, Step};
use super::super::{JournalError, ObservationId};
use super::judge::{Counted, JudgedRun, NewControl, RunPlace, series};
use super::rows::{written_ids, written_rules, written_violations};
use crate::domain::qc::{Multirule, Outcome, Program, Severity, Violation, names};
use crate::domain::{InstrumentId, TestIdentity};

/// `ids` holds the number of each of the message's entries that became a result of its own. A run of which nothing is new
/// is passed over, and so is a later one that was decided again by what isn't.
pub(in crate::journal) fn write(
    connection: &Connection,
    instrument: &InstrumentId,
    runs: &[JudgedRun],
    ids: &[Option<ObservationId>],
    now: Timestamp,
) -> Result<(), JournalError> {
    let id_of = |entry: usize| ids.get(entry).copied().flatten();
    for judged in runs {
        let fresh: Vec<(&NewControl, ObservationId)> =
            judged.controls.iter().filter_map(|it| Some((it, id_of(it.entry)?))).collect();
        let is_unknown = |it: &Counted| matches!(it, Counted::New(entry) if id_of(*entry).is_none());
        let is_later = judged.controls.is_empty();
        if (fresh.is_empty() && !is_later) || (is_later && judged.counted.iter().any(is_unknown)) {
            continue;
        }
        let run = match judged.place {
            RunPlace::Stored(run) => run,
            RunPlace::New => {
                let series = series_or_new(connection, instrument, &judged.test)?;
                connection
                    .prepare_cached("INSERT INTO qc_run (series, began_at) VALUES (?, ?)")?
                    .execute(params![series, judged.began_at.as_microsecond()])?;
                connection.last_insert_rowid()
            }
        };
        for (control, id) in fresh {
            write_point(connection, run, control, id)?;
        }
        let counted = judged.counted.iter().filter_map(|it| match it {
            Counted::Stored(id) => Some(*id),
            Counted::New(entry) => id_of(*entry).map(|id| id.0),
        });
        let decision = Decided {
            by: &judged.by,
            points: counted.collect(),
            outcome: judged.outcome,
            violations: &judged.violations,
        };
        write_decision(connection, run, &decision, now)?;
    }
    Ok(())
}

fn series_or_new(
    connection: &Connection,
    instrument: &InstrumentId,
    test: &TestIdentity,
) -> Result<i64, JournalError> {
    if let Some(known) = series(connection, instrument, test)? {
        return Ok(known);
    }
    connection
        .prepare_cached("INSERT INTO qc_series (instrument, code, aspect, component) VALUES (?, ?, ?, ?)")?
        .execute(params![instrument.as_str(), test.code, test.aspect, test.component])?;
    Ok(connection.last_insert_rowid())
}

fn write_point(
    connection: &Connection,
    run: i64,
    control: &NewControl,
    id: ObservationId,
) -> Result<(), JournalError> {
    let (lot, level) = control.material.clone().unzip();
    let target = control.target.as_ref().ok();
    connection.prepare_cached("INSERT INTO qc_point VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            id.0,
            run,
            control.measured_at.as_microsecond(),
            control.value,
            control.unit,
            lot,
            level,
            target.map(|it| it.mean.to_string()),
            target.map(|it| it.sd.to_string()),
            target.map(|it| &it.source),
            control.target.as_ref().err().map(|why| why.name()),
        ],
    )?;
    Ok(())
}

/// A decision about a run.
pub(super) struct Decided<'a> {
    pub(super) by: &'a Multirule,
    pub(super) points: Vec<i64>,
    pub(super) outcome: Outcome,
    pub(super) violations: &'a [Violation],
}

/// Writes a decision and its audit row. Returns its number.
pub(super) fn write_decision(
    connection: &Connection,
    run: i64,
    it: &Decided<'_>,
    now: Timestamp,
) -> Result<i64, JournalError> {
    let (text, sha256) = written_rules(it.by)?;
    connection.prepare_cached("INSERT OR IGNORE INTO qc_rules VALUES (?, ?)")?.execute([&sha256, &text])?;
    connection
        .prepare_cached(
            "INSERT INTO qc_decision (run, program, rules, points, outcome, violations, decided_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            run,
            Program::NOW.name(),
            sha256,
            written_ids(&it.points)?,
            it.outcome.name(),
            written_violations(it.violations)?,
            now.as_microsecond()
        ])?;
    let id = connection.last_insert_rowid();
    let (rejects, warns) = (names(it.violations, Severity::Reject), names(it.violations, Severity::Warn));
    let warned: &[&str] = if warns.is_empty() { &[] } else { &["warned by"] };
    let step = Step {
        at: now,
        actor: GATEWAY,
        step: "control run judged",
        subject: format!("run {run}"),
        detail: [&[it.outcome.name()], rejects.as_slice(), warned, warns.as_slice()].concat().join(" "),
    };
    audit::append(connection, &step)?;
    Ok(id)
}
