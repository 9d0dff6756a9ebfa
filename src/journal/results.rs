//! What messages became: observations and their versions, repetitions, problems, holds, host queries, and the
//! first line of each observation in every destination's ledger. One message is one transaction.

mod anew;
mod place;
mod standing;
mod succession;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) use anew::{Anew, carry_over};
use place::{Placed, place};
pub(super) use standing::stands_again;

use super::audit::{self, GATEWAY, Step};
use super::decisions::{self, Judged};
use super::orders::{Link, step_told};
use super::qc::{self, JudgedRun};
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, ObservationId, counters, habits, traffic};
use crate::domain::{DestinationId, Habit, HostQuery, InstrumentId, Observation, Problem, SpecimenId};

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
    /// What the message shows that isn't known of the instrument. What is known all the same is passed over.
    pub habits: Vec<Habit>,
    /// What the controls among the entries come to.
    pub runs: Vec<JudgedRun>,
    /// What is stored of the same specimens is to be judged again with this.
    pub looks_beside: bool,
}

/// One observation and where it belongs.
#[derive(Debug, Clone)]
pub struct Entry {
    pub observation: Observation,
    pub place: Place,
    pub routes: Vec<(DestinationId, Route)>,
    /// What rules made of it.
    pub judged: Judged,
    /// Which order it belongs to; `None` where nobody tells orders.
    pub link: Option<Link>,
}

/// How an observation stands to those already stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A result of its own: the first of its kind, a rerun, or a possible duplicate.
    Own,
    /// The next version of an earlier one.
    Supersedes(ObservationId),
    /// The next version of another of its message's, by that one's place among them.
    OfEntry(usize),
    /// The same result again; nothing new is stored.
    Repeats(ObservationId),
}

/// Whether a destination is to get an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A patient's result; of anything else nothing leaves by it.
    Deliver,
    /// A control's result, to where nothing else goes.
    Control,
    /// Only as a newer version of what it was meant to get: it must not be left with the older.
    Follow,
    Never,
}

/// Whether an answer may have reached who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Maybe,
    No,
}

/// A host query as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryId(pub i64);

/// Results that are as much for the log as one step of other work.
const ENTRIES_A_STEP: usize = 8;

impl Journal {
    /// Writes everything one message became. Reading a message again adds what is new and counts nothing twice; unless
    /// a person asked for that, a message that was read is refused.
    pub async fn record(&self, processed: Processed, now: Timestamp) -> Result<Vec<QueryId>, JournalError> {
        let steps = 1 + processed.entries.len() / ENTRIES_A_STEP;
        self.submit(Urgency::Bulk(steps), move |connection| record(connection, &processed, now)).await
    }

    /// Notes what a host query was answered, or why it wasn't. An answer that begins with "orders" brought some;
    /// every other query goes on being shown. The first answer counts; a later one changes nothing.
    pub async fn answer_query(
        &self,
        query: QueryId,
        answer: String,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let noted = connection
                .prepare_cached(
                    "UPDATE host_query SET answer = ?, answered_at = ?, without_orders = ?
                     WHERE id = ? AND answered_at IS NULL",
                )?
                .execute(params![answer, now.as_microsecond(), !answer.starts_with("orders"), query.0])?;
            if noted == 0 {
                return Ok(());
            }
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

    /// Puts down what is about to be answered to host queries, before a byte of it leaves.
    pub async fn prepare_answers(&self, answers: Vec<(QueryId, String)>) -> Result<(), JournalError> {
        self.submit(Urgency::Frame, move |connection| {
            for (query, answer) in &answers {
                connection
                    .prepare_cached("UPDATE host_query SET prepared = ? WHERE id = ?")?
                    .execute(params![answer, query.0])?;
            }
            Ok(())
        })
        .await
    }

    /// Notes what became of a prepared answer, for every query of its message that has one: `taken` says whether it may
    /// have reached the analyzer.
    pub async fn settle_answer(
        &self,
        query: QueryId,
        fate: &'static str,
        taken: Taken,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let prepared = self.submit(Urgency::Other, move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT q.id, q.prepared FROM host_query f JOIN host_query q ON q.message = f.message
                 WHERE f.id = ? AND q.prepared IS NOT NULL AND q.answered_at IS NULL",
            )?;
            let rows = statement.query_map([query.0], |row| Ok((QueryId(row.get(0)?), row.get(1)?)))?;
            let prepared = rows.collect::<Result<Vec<(QueryId, String)>, _>>()?;
            if taken == Taken::Maybe {
                steps_told(connection, query)?;
            }
            Ok(prepared)
        });
        for (query, prepared) in prepared.await? {
            let answer = match taken {
                Taken::Maybe => format!("{prepared}; {fate}"),
                Taken::No => format!("{fate}: {prepared}"),
            };
            self.answer_query(query, answer, now).await?;
        }
        Ok(())
    }

    /// Adds to a counter that isn't part of the sums.
    pub async fn count(&self, name: &'static str, subject: String, by: usize) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| counters::add(connection, name, &subject, by)).await
    }
}

fn record(connection: &Connection, it: &Processed, now: Timestamp) -> Result<Vec<QueryId>, JournalError> {
    if is_processed(connection, it.message)? {
        return Err(JournalError::Refused(format!("message {} was read already", it.message)));
    }
    decisions::keep_rules(connection, it.entries.iter().map(|entry| &entry.judged))?;
    let mut tally = Tally::default();
    // What takes the place of another of its message's comes after that.
    let mut order: Vec<(usize, &Entry)> = it.entries.iter().enumerate().collect();
    order.sort_by_key(|(_, entry)| matches!(entry.place, Place::OfEntry(_)));
    let mut ids: BTreeMap<usize, ObservationId> = BTreeMap::new();
    let mut new = vec![None; it.entries.len()];
    for (at, entry) in order {
        let to = match entry.place {
            Place::OfEntry(of) => ids.get(&of).map_or(Place::Own, |earlier| Place::Supersedes(*earlier)),
            place => place,
        };
        let placed = place(connection, it.message, entry, to, now)?;
        ids.extend(placed.id().map(|id| (at, id)));
        if let (Placed::New(id), Some(new)) = (&placed, new.get_mut(at)) {
            *new = Some(*id);
        }
        match placed {
            Placed::New(_) => tally.add(entry),
            Placed::Repeated => tally.duplicate += 1,
            Placed::Known(_) => {}
            Placed::Routed(_, owed) => tally.owe(&owed),
        }
    }
    if it.looks_beside {
        decisions::note_beside(connection, it.message)?;
    }
    if let Some(instrument) = &it.instrument {
        qc::write(connection, instrument, &it.runs, &new, now)?;
    }
    for problem in &it.problems {
        let replaces = problem.replaces_result && !is_stored(connection, it.message, problem.record)?;
        write_problem(connection, it, problem, replaces, now)?;
        tally.problem += usize::from(replaces);
    }
    let queries = it
        .queries
        .iter()
        .map(|query| write_query(connection, it.message, query, now))
        .collect::<Result<Vec<_>, _>>()?;
    let drifts = match &it.instrument {
        Some(instrument) => habits::keep(connection, it.message, instrument, &it.habits, now)?,
        None => 0,
    };
    let state = if it.instrument.is_some() { "processed" } else { "unattributed" };
    connection
        .prepare_cached(
            "UPDATE message SET processed_at = ?, instrument = ?, fingerprint = ?, repeats = ?,
             state = CASE state WHEN 'incomplete' THEN state ELSE ? END, results = results + ? WHERE id = ?",
        )?
        .execute(params![
            now.as_microsecond(),
            it.instrument.as_ref().map(InstrumentId::as_str),
            it.fingerprint,
            it.repeats.map(|message| message.0),
            state,
            tally.received(),
            it.message.0
        ])?;
    tally.write(connection, it.message, it.instrument.as_ref().map_or("", InstrumentId::as_str))?;
    if let Some(instrument) = &it.instrument {
        traffic::add(connection, instrument.as_str(), it.message, tally.received())?;
    }
    let step = Step {
        at: now,
        actor: GATEWAY,
        step: "message processed",
        subject: format!("message {}", it.message),
        detail: format!(
            "{} new, {} repeated, {} problems, {} queries",
            tally.new,
            tally.duplicate,
            it.problems.len() + drifts,
            queries.len()
        ),
    };
    audit::append(connection, &step)?;
    Ok(queries)
}

fn is_processed(connection: &Connection, message: MessageId) -> Result<bool, JournalError> {
    connection
        .prepare_cached("SELECT processed_at IS NOT NULL FROM message WHERE id = ?")?
        .query_row([message.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| JournalError::Refused(format!("there is no message {message}")))
}

/// Whether a record of a message became a result in an earlier reading: then a problem with it counts for nothing.
fn is_stored(connection: &Connection, message: MessageId, record: Option<u32>) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM observation WHERE message = ?1 AND record = ?2
             UNION ALL SELECT 1 FROM repetition WHERE message = ?1 AND record = ?2",
        )?
        .exists(params![message.0, record])?)
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
        self.owe(entry.routes.iter().map(|(destination, _)| destination));
    }

    /// One more line for each of these.
    fn owe<'a>(&mut self, destinations: impl IntoIterator<Item = &'a DestinationId>) {
        for destination in destinations {
            *self.owed.entry(destination.clone()).or_default() += 1;
        }
    }

    fn received(&self) -> usize {
        self.new + self.duplicate + self.problem
    }

    fn write(
        &self,
        connection: &Connection,
        message: MessageId,
        instrument: &str,
    ) -> Result<(), JournalError> {
        counters::add(connection, counters::READ, instrument, 1)?;
        counters::add(connection, counters::RECEIVED, instrument, self.received())?;
        counters::add(connection, counters::NEW, instrument, self.new)?;
        counters::add(connection, counters::DUPLICATE, instrument, self.duplicate)?;
        counters::add(connection, counters::PROBLEM, instrument, self.problem)?;
        self.owed.iter().try_for_each(|(destination, owed)| owe(connection, message, destination, *owed))
    }
}

/// So many lines more of a message are owed to a destination.
fn owe(
    connection: &Connection,
    message: MessageId,
    destination: &DestinationId,
    lines: usize,
) -> Result<(), JournalError> {
    counters::add(connection, counters::OWED, destination.as_str(), lines)?;
    connection
        .prepare_cached(
            "INSERT INTO owed VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET results = results + ?3",
        )?
        .execute(params![message.0, destination.as_str(), lines])?;
    Ok(())
}

fn write_problem(
    connection: &Connection,
    it: &Processed,
    problem: &Problem,
    replaces: bool,
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
            replaces,
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
        .prepare_cached("SELECT id FROM host_query WHERE message = ? AND record = ?")?
        .query_row(params![message.0, query.record], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(QueryId(id));
    }
    connection
        .prepare_cached(
            "INSERT INTO host_query (message, record, instrument, specimens, cancels, asked_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            message.0,
            query.record,
            query.instrument.as_str(),
            specimens,
            query.cancels,
            now.as_microsecond()
        ])?;
    Ok(QueryId(connection.last_insert_rowid()))
}

/// What a query's message was answered has left: of each tube that it names.
fn steps_told(connection: &Connection, query: QueryId) -> Result<(), JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT q.instrument, q.specimens FROM host_query f JOIN host_query q ON q.message = f.message
         WHERE f.id = ? AND q.prepared IS NOT NULL",
    )?;
    let rows = statement.query_map([query.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let queries: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    for (instrument, specimens) in &queries {
        let specimens: Vec<String> = serde_json::from_str(specimens)
            .map_err(|error| JournalError::Refused(format!("failed to read a query: {error}")))?;
        for specimen in &specimens {
            step_told(connection, instrument, specimen)?;
        }
    }
    Ok(())
}
