//! What messages became: observations and their versions, repetitions, problems, holds, host queries, and the
//! first line of each observation in every destination's ledger. One message is one transaction.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, GATEWAY, Step};
use super::rows::{Stored, class_name, status_name};
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, ObservationId, counters};
use crate::domain::{
    DestinationId, HostQuery, InstrumentId, Observation, Problem, SampleClass, SpecimenId, Standing,
};

/// One message, read and classified.
#[derive(Debug)]
pub struct Processed {
    pub message: MessageId,
    /// Whose message it is; `None` where that can't be told, and then nothing was read from it.
    pub instrument: Option<InstrumentId>,
    /// SHA-256 of what makes two messages the same.
    pub fingerprint: Vec<u8>,
    /// The earlier message that this one repeats.
    pub repeats: Option<MessageId>,
    pub entries: Vec<Entry>,
    pub problems: Vec<Problem>,
    pub queries: Vec<HostQuery>,
}

/// One observation and where it belongs.
#[derive(Debug)]
pub struct Entry {
    pub observation: Observation,
    pub place: Place,
    pub routes: Vec<(DestinationId, Route)>,
}

/// How an observation stands to those already stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A result of its own: the first of its kind, a rerun, or a possible duplicate.
    Own,
    /// The next version of an earlier one.
    Supersedes(ObservationId),
    /// The same result again; nothing new is stored.
    Repeats(ObservationId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Deliver,
    NotForIt,
}

/// A host query as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryId(pub i64);

impl Journal {
    /// Writes everything one message became. Processing a message again adds what is new and counts nothing twice.
    pub async fn record(&self, processed: Processed, now: Timestamp) -> Result<Vec<QueryId>, JournalError> {
        self.submit(Urgency::Other, move |connection| record(connection, &processed, now)).await
    }

    /// Notes what a host query was answered, or why it wasn't.
    pub async fn answer_query(
        &self,
        query: QueryId,
        answer: String,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            connection
                .prepare_cached("UPDATE host_query SET answer = ?, answered_at = ? WHERE id = ?")?
                .execute(params![answer, now.as_microsecond(), query.0])?;
            let step = Step {
                at: now,
                actor: GATEWAY,
                step: "host query answered",
                subject: format!("query {}", query.0),
                detail: answer,
            };
            audit::append(connection, &step)
        })
        .await
    }

    /// Adds to a counter that isn't part of the sums, such as the notes of an instrument's link.
    pub async fn count(&self, name: &'static str, subject: String, by: usize) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| counters::add(connection, name, &subject, by)).await
    }
}

fn record(connection: &Connection, it: &Processed, now: Timestamp) -> Result<Vec<QueryId>, JournalError> {
    let mut tally = Tally::default();
    for entry in &it.entries {
        place(connection, it.message, entry, &mut tally, now)?;
    }
    for problem in &it.problems {
        write_problem(connection, it, problem, now)?;
        tally.problem += usize::from(problem.replaces_result);
    }
    let queries = it
        .queries
        .iter()
        .map(|query| write_query(connection, it.message, query, now))
        .collect::<Result<Vec<_>, _>>()?;
    let state = if it.instrument.is_some() { "processed" } else { "unattributed" };
    connection
        .prepare_cached(
            "UPDATE message SET processed_at = ?, instrument = ?, fingerprint = ?, repeats = ?,
             state = CASE state WHEN 'incomplete' THEN state ELSE ? END WHERE id = ?",
        )?
        .execute(params![
            now.as_microsecond(),
            it.instrument.as_ref().map(InstrumentId::as_str),
            it.fingerprint,
            it.repeats.map(|message| message.0),
            state,
            it.message.0
        ])?;
    tally.write(connection, it.instrument.as_ref().map_or("", InstrumentId::as_str))?;
    let step = Step {
        at: now,
        actor: GATEWAY,
        step: "message processed",
        subject: format!("message {}", it.message),
        detail: format!(
            "{} new, {} repeated, {} problems, {} queries",
            tally.new,
            tally.duplicate,
            it.problems.len(),
            queries.len()
        ),
    };
    audit::append(connection, &step)?;
    Ok(queries)
}

/// What one message adds to the sums.
#[derive(Default)]
struct Tally {
    new: usize,
    duplicate: usize,
    problem: usize,
    owed: BTreeMap<DestinationId, usize>,
}

impl Tally {
    fn add(&mut self, entry: &Entry) {
        self.new += 1;
        for (destination, _) in &entry.routes {
            *self.owed.entry(destination.clone()).or_default() += 1;
        }
    }

    fn write(&self, connection: &Connection, instrument: &str) -> Result<(), JournalError> {
        counters::add(connection, counters::RECEIVED, instrument, self.new + self.duplicate + self.problem)?;
        counters::add(connection, counters::NEW, instrument, self.new)?;
        counters::add(connection, counters::DUPLICATE, instrument, self.duplicate)?;
        counters::add(connection, counters::PROBLEM, instrument, self.problem)?;
        for (destination, owed) in &self.owed {
            counters::add(connection, counters::OWED, destination.as_str(), *owed)?;
        }
        Ok(())
    }
}

fn place(
    connection: &Connection,
    message: MessageId,
    entry: &Entry,
    tally: &mut Tally,
    now: Timestamp,
) -> Result<(), JournalError> {
    let observation = &entry.observation;
    let key = params![message.0, observation.record, observation.test.component];
    let known = connection
        .prepare_cached(
            "SELECT 1 FROM observation WHERE message = ?1 AND record = ?2 AND component = ?3
             UNION ALL SELECT 1 FROM repetition WHERE message = ?1 AND record = ?2 AND component = ?3",
        )?
        .exists(key)?;
    if known {
        return Ok(());
    }
    match entry.place {
        Place::Repeats(earlier) => {
            connection.prepare_cached("INSERT INTO repetition VALUES (?, ?, ?, ?)")?.execute(params![
                message.0,
                observation.record,
                observation.test.component,
                earlier.0
            ])?;
            tally.duplicate += 1;
        }
        Place::Own => {
            let id = insert(connection, message, observation, 1, None, now)?;
            open(connection, id, entry, now)?;
            tally.add(entry);
        }
        Place::Supersedes(earlier) => {
            let version: i64 = connection
                .prepare_cached("SELECT version FROM observation WHERE id = ?")?
                .query_row([earlier.0], |row| row.get(0))?;
            let id = insert(connection, message, observation, version + 1, Some(earlier), now)?;
            supersede(connection, earlier, now)?;
            open(connection, id, entry, now)?;
            tally.add(entry);
        }
    }
    Ok(())
}

fn insert(
    connection: &Connection,
    message: MessageId,
    it: &Observation,
    version: i64,
    supersedes: Option<ObservationId>,
    now: Timestamp,
) -> Result<ObservationId, JournalError> {
    let detail = serde_json::to_string(&Stored::from(it))
        .map_err(|error| JournalError::Refused(format!("failed to write an observation as JSON: {error}")))?;
    connection
        .prepare_cached(
            "INSERT INTO observation (message, record, instrument, specimen, code, aspect, component, class, status,
             version, supersedes, recorded_at, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            message.0,
            it.record,
            it.instrument.as_str(),
            it.specimen.reveal(),
            it.test.code,
            it.test.aspect,
            it.test.component,
            class_name(it.class),
            status_name(it.status),
            version,
            supersedes.map(|earlier| earlier.0),
            now.as_microsecond(),
            detail
        ])?;
    Ok(ObservationId(connection.last_insert_rowid()))
}

/// Takes back what of an earlier version has not left yet. What has left stays as it went.
fn supersede(connection: &Connection, earlier: ObservationId, now: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'superseded', changed_at = ?, reason = 'a newer version arrived'
             WHERE observation = ? AND state IN ('held', 'pending', 'quarantined')",
        )?
        .execute(params![now.as_microsecond(), earlier.0])?;
    connection
        .prepare_cached(
            "UPDATE hold SET closed_at = ?, closed_by = ?, closing = 'superseded'
             WHERE observation = ? AND closed_at IS NULL",
        )?
        .execute(params![now.as_microsecond(), GATEWAY, earlier.0])?;
    Ok(())
}

/// Opens an observation's holds and its line in each destination's ledger.
fn open(
    connection: &Connection,
    id: ObservationId,
    entry: &Entry,
    now: Timestamp,
) -> Result<(), JournalError> {
    let observation = &entry.observation;
    if let Standing::Held(reasons) = &observation.standing {
        for reason in reasons {
            connection
                .prepare_cached("INSERT INTO hold (observation, reason, opened_at) VALUES (?, ?, ?)")?
                .execute(params![id.0, reason.name(), now.as_microsecond()])?;
        }
    }
    let lane = lane(observation);
    for (destination, route) in &entry.routes {
        let state = match (route, observation.class, &observation.standing) {
            (Route::NotForIt, _, _) | (_, SampleClass::Control | SampleClass::Calibration, _) => "not-for-it",
            (_, _, Standing::Held(_)) => "held",
            (_, _, Standing::Clear) if lane_is_blocked(connection, destination, &lane)? => "quarantined",
            (_, _, Standing::Clear) => "pending",
        };
        connection
            .prepare_cached(
                "INSERT INTO ledger (destination, observation, lane, specimen, priority, state, changed_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                destination.as_str(),
                id.0,
                lane,
                observation.specimen.reveal(),
                urgency(observation),
                state,
                now.as_microsecond()
            ])?;
    }
    Ok(())
}

/// The results among which order is kept, and which one refusal stops.
fn lane(observation: &Observation) -> String {
    let test = &observation.test;
    [observation.specimen.reveal(), &test.code, &test.aspect, &test.component].join("\u{1f}")
}

fn lane_is_blocked(
    connection: &Connection,
    destination: &DestinationId,
    lane: &str,
) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM ledger WHERE destination = ? AND lane = ? AND state = 'refused'")?
        .exists(params![destination.as_str(), lane])?)
}

/// Lower goes first: STAT, then as soon as possible, then the rest.
fn urgency(observation: &Observation) -> u8 {
    match observation.priority.as_deref() {
        Some("S") => 0,
        Some("A") => 1,
        _ => 2,
    }
}

fn write_problem(
    connection: &Connection,
    it: &Processed,
    problem: &Problem,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO problem (message, record, instrument, specimen, kind, text, replaces_result, seen_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            it.message.0,
            problem.record,
            it.instrument.as_ref().map(InstrumentId::as_str),
            problem.specimen.as_ref().map(SpecimenId::reveal),
            problem.kind.name(),
            problem.text.reveal(),
            problem.replaces_result,
            now.as_microsecond()
        ])?;
    Ok(())
}

/// A message that is processed again keeps the query it had.
fn write_query(
    connection: &Connection,
    message: MessageId,
    query: &HostQuery,
    now: Timestamp,
) -> Result<QueryId, JournalError> {
    let specimens: Vec<&str> = query.specimens.iter().map(SpecimenId::reveal).collect();
    let specimens = serde_json::to_string(&specimens)
        .map_err(|error| JournalError::Refused(format!("failed to write a query as JSON: {error}")))?;
    let known = connection
        .prepare_cached("SELECT id FROM host_query WHERE message = ? AND specimens = ?")?
        .query_row(params![message.0, specimens], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(QueryId(id));
    }
    connection
        .prepare_cached(
            "INSERT INTO host_query (message, instrument, specimens, cancels, asked_at) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            message.0,
            query.instrument.as_str(),
            specimens,
            query.cancels,
            now.as_microsecond()
        ])?;
    Ok(QueryId(connection.last_insert_rowid()))
}
