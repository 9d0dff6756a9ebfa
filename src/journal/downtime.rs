//! The list for a downtime: which patients' results aren't in the LIMS at a moment, and, of a list that was kept, what
//! became of each since. A result's words never change; where a newer version came, it stands beside.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, Step};
use super::calls::CallView;
use super::orders::{CachedOrder, identity_doubts, ordered};
use super::read::observation;
use super::rows::instant;
use super::writer::Urgency;
use super::{CallId, Journal, JournalError, ObservationId, Reader};
use crate::domain::{Observation, OrderDoubt, SampleClass};

/// The most results on one list. A page of more would not be read.
pub const LONGEST: usize = 2_000;

/// A list that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListId(pub i64);

/// Where a result is at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    pub destination: String,
    /// As the ledger names it.
    pub state: String,
    /// It left once, and nobody knows whether it arrived.
    pub may_be_there: bool,
}

impl At {
    /// The destination hasn't said that it has it, and it isn't settled otherwise.
    pub fn is_open(&self) -> bool {
        matches!(
            self.state.as_str(),
            "held" | "pending" | "in-flight" | "unknown" | "refused" | "quarantined"
        )
    }
}

/// A patient's result that some destination hasn't.
#[derive(Debug, Clone)]
pub struct Missing {
    pub observation: ObservationId,
    /// Of each of the destinations that it is meant for: what another one has is told too.
    pub at: Vec<At>,
    pub detail: Observation,
    pub received_at: Timestamp,
    /// As the LIMS told it last; it knows the patient better than the analyzer does.
    pub order: Option<CachedOrder>,
    /// What speaks against the order's patient being the one of the result, whatever the site does about it.
    pub doubts: Vec<OrderDoubt>,
}

/// When a list was kept, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub id: ListId,
    pub at: Timestamp,
    pub by: String,
}

/// A result on a kept list, and what became of it.
#[derive(Debug, Clone)]
pub struct Since {
    pub then: Missing,
    /// The newest version, where one came since.
    pub newer: Option<Observation>,
    /// Where the newest version is now.
    pub now: Vec<At>,
}

impl Since {
    /// The newest version, where it isn't what the list said: another value, unit or status, or another specimen's.
    pub fn changed(&self) -> Option<&Observation> {
        let then = &self.then.detail;
        let told =
            |it: &'_ Observation| (it.specimen.clone(), it.value_as_sent.clone(), it.unit.clone(), it.status);
        self.newer.as_ref().filter(|newer| told(newer) != told(then))
    }
}

impl Journal {
    /// Keeps the list of this moment for these destinations.
    ///
    /// # Errors
    /// Refused where there is nothing to keep.
    pub async fn keep_downtime_list(
        &self,
        destinations: Vec<String>,
        actor: String,
        now: Timestamp,
    ) -> Result<ListId, JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let (missing, _) = missing(connection, &destinations)?;
            if missing.is_empty() {
                return Err(JournalError::Refused(
                    "the LIMS has everything: there is nothing to keep".into(),
                ));
            }
            connection.execute(
                "INSERT INTO downtime_list (kept_at, kept_by) VALUES (?, ?)",
                params![now.as_microsecond(), actor],
            )?;
            let list = connection.last_insert_rowid();
            let mut line = connection.prepare_cached("INSERT INTO downtime_line VALUES (?, ?, ?, ?)")?;
            for it in &missing {
                for at in it.at.iter().filter(|at| at.is_open()) {
                    line.execute(params![list, it.observation.0, at.destination, at.state])?;
                }
            }
            let step = Step {
                at: now,
                actor: &actor,
                step: "downtime list kept",
                subject: format!("list {list}"),
                detail: format!("{} results", missing.len()),
            };
            audit::append(connection, &step)?;
            Ok(ListId(list))
        })
        .await
    }
}

impl Reader {
    /// Patients' results that some of these destinations hasn't, at most [`LONGEST`], and whether there are more.
    pub fn missing(&self, destinations: &[String]) -> Result<(Vec<Missing>, bool), JournalError> {
        let _moment = self.moment()?;
        missing(&self.connection, destinations)
    }

    /// The results of the open critical calls, wherever they are: whom a call is about is told with its patient.
    pub fn of_open_calls(&self) -> Result<BTreeMap<CallId, Missing>, JournalError> {
        let calls = self.open_calls()?;
        let of = |call: &CallView| Ok((call.id, missing_at(&self.connection, call.observation, Vec::new())?));
        calls.iter().map(of).collect()
    }

    /// The latest lists that were kept, the last first.
    pub fn downtime_lists(&self, limit: usize) -> Result<Vec<Kept>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, kept_at, kept_by FROM downtime_list ORDER BY id DESC LIMIT ?")?;
        let rows = statement.query_map([limit], |row| {
            Ok(Kept { id: ListId(row.get(0)?), at: instant(row.get(1)?), by: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A list that was kept, and what became of everything on it.
    pub fn downtime_list(&self, list: ListId) -> Result<Option<(Kept, Vec<Since>)>, JournalError> {
        let _moment = self.moment()?;
        let kept = self
            .connection
            .prepare_cached("SELECT kept_at, kept_by FROM downtime_list WHERE id = ?")?
            .query_row([list.0], |row| Ok(Kept { id: list, at: instant(row.get(0)?), by: row.get(1)? }))
            .optional()?;
        let Some(kept) = kept else { return Ok(None) };
        let mut then: BTreeMap<ObservationId, Vec<At>> = BTreeMap::new();
        let mut lines = self.connection.prepare_cached(
            "SELECT observation, destination, state, state = 'unknown' FROM downtime_line WHERE list = ?",
        )?;
        let mut rows = lines.query([list.0])?;
        while let Some(row) = rows.next()? {
            let at = At { destination: row.get(1)?, state: row.get(2)?, may_be_there: row.get(3)? };
            then.entry(ObservationId(row.get(0)?)).or_default().push(at);
        }
        let since = then.into_iter().map(|(id, then)| since(&self.connection, id, then));
        Ok(Some((kept, since.collect::<Result<_, _>>()?)))
    }
}

/// Where a result is everywhere, and of what is on its way whether it left without an answer.
const AT: &str = "SELECT destination, state, state = 'unknown' OR (state = 'in-flight' AND EXISTS (
        SELECT 1 FROM attempt a LEFT JOIN answer w ON w.attempt = a.id
        WHERE a.delivery = l.delivery AND a.kind = 'send' AND coalesce(w.verdict, 'unknown') = 'unknown'))
    FROM ledger l WHERE observation = ? ORDER BY destination";

fn missing(connection: &Connection, destinations: &[String]) -> Result<(Vec<Missing>, bool), JournalError> {
    let mut listed: BTreeSet<ObservationId> = BTreeSet::new();
    let mut more = false;
    // What waits for somebody first: there is less of it, and it must not be cut off.
    let waits_for_somebody = "SELECT observation FROM ledger WHERE destination = ?1
         AND state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined') LIMIT ?2";
    let waits = "SELECT observation FROM ledger WHERE destination = ?1 AND state = 'pending' LIMIT ?2";
    for query in [waits_for_somebody, waits] {
        let mut statement = connection.prepare_cached(query)?;
        for destination in destinations {
            let mut rows = statement.query(params![destination, LONGEST + 1])?;
            while let Some(row) = rows.next()? {
                let id = ObservationId(row.get(0)?);
                if !listed.contains(&id) && listed.len() >= LONGEST {
                    more = true;
                    break;
                }
                listed.insert(id);
            }
        }
    }
    let mut missing = Vec::new();
    for id in listed {
        missing.extend(patients(connection, id, at(connection, id, destinations)?)?);
    }
    Ok((missing, more))
}

fn at(connection: &Connection, id: ObservationId, destinations: &[String]) -> Result<Vec<At>, JournalError> {
    let mut statement = connection.prepare_cached(AT)?;
    let at = statement.query_map([id.0], |row| {
        Ok(At { destination: row.get(0)?, state: row.get(1)?, may_be_there: row.get(2)? })
    })?;
    let at = at.collect::<Result<Vec<At>, _>>()?;
    Ok(at.into_iter().filter(|it| destinations.contains(&it.destination)).collect())
}

/// A patient's result with its order; nothing for a control's.
fn patients(
    connection: &Connection,
    id: ObservationId,
    at: Vec<At>,
) -> Result<Option<Missing>, JournalError> {
    let missing = missing_at(connection, id, at)?;
    Ok((missing.detail.class == SampleClass::Patient).then_some(missing))
}

fn missing_at(connection: &Connection, id: ObservationId, at: Vec<At>) -> Result<Missing, JournalError> {
    let (received_at, detail) = detail(connection, id)?;
    let (order, doubts) =
        (ordered(connection, id)?.and_then(|it| it.order), identity_doubts(connection, id)?);
    Ok(Missing { observation: id, at, detail, received_at, order, doubts })
}

fn detail(connection: &Connection, id: ObservationId) -> Result<(Timestamp, Observation), JournalError> {
    connection
        .prepare_cached("SELECT recorded_at, detail FROM observation WHERE id = ?")?
        .query_and_then([id.0], |row| Ok::<_, JournalError>((instant(row.get(0)?), observation(row, 1)?)))?
        .next()
        .transpose()?
        .ok_or_else(|| JournalError::Refused(format!("there is no result {id}")))
}

/// What became of it at the destinations that hadn't it then.
fn since(connection: &Connection, id: ObservationId, then: Vec<At>) -> Result<Since, JournalError> {
    let mut newest = id;
    let mut newer = connection.prepare_cached("SELECT id FROM observation WHERE supersedes = ?")?;
    while let Some(next) = newer.query_row([newest.0], |row| row.get(0)).optional()? {
        newest = ObservationId(next);
    }
    let lacking: Vec<String> = then.iter().map(|it| it.destination.clone()).collect();
    let now = at(connection, newest, &lacking)?;
    let newer = if newest == id { None } else { Some(detail(connection, newest)?.1) };
    Ok(Since { then: missing_at(connection, id, then)?, newer, now })
}
