//! Critical calls: opened by the result that is or may be critical, in the transaction that stores it; reopened by a newer
//! version or a rejection; and what people record of them, each written once. It never says that somebody was told: a
//! person does.

mod reading;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, GATEWAY, Step};
use super::decisions::Judged;
use super::orders::ordered;
use super::rows::call::{kind, to_json};
use super::writer::Urgency;
use super::{CallId, Journal, JournalError, ObservationId};
use crate::domain::call::{
    A_MINUTE, Agreement, Attempt, CallEntry, CallEvent, CallPolicy, Cause, Course, Differing, Found, Keeper,
    Opening, Stand, Tell,
};
use crate::domain::clinic::{Check, Decision, Evaluation, Force, Path, Ruling};
use crate::domain::{DestinationId, Observation, Private, SampleClass};

use reading::is_clear;
use reading::result;
pub use reading::{CallView, Happened, Reason};
pub(super) use reading::{as_of, load};

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// A version of a result that was just stored, and what rules made of it.
pub(super) struct Version<'a> {
    pub(super) id: ObservationId,
    pub(super) observation: &'a Observation,
    pub(super) earlier: Option<ObservationId>,
    pub(super) judged: &'a Judged,
    /// It waits for a person, who may not believe it.
    pub(super) is_doubted: bool,
}

/// What a person recorded, and with whose account.
#[derive(Debug, Clone)]
pub struct Recording {
    pub call: CallId,
    pub entry: CallEntry,
    pub differing: Differing,
    /// The system user who gave the command.
    pub account: String,
    /// The destinations that are told of calls.
    pub tells: Vec<DestinationId>,
}

impl Journal {
    /// Writes down what a person did about a call. Tells whether that leaves anything to do.
    ///
    /// # Errors
    /// Refused, with everything that is missing, where the record isn't whole, or tells another value than the journal's
    /// without saying that it was told so.
    pub async fn record_call(&self, recording: Recording, now: Timestamp) -> Result<Stand, JournalError> {
        self.submit(Urgency::Other, move |connection| record(connection, &recording, now)).await
    }
}

/// Opens, goes on with or reopens the call about a result, in the caller's transaction.
pub(super) fn on_version(
    connection: &Connection,
    version: &Version<'_>,
    now: Timestamp,
) -> Result<(), JournalError> {
    if version.observation.class != SampleClass::Patient {
        return Ok(());
    }
    let call = match version.earlier {
        Some(earlier) => call_about(connection, earlier)?,
        None => None,
    };
    let policy = policy(version.judged);
    let keeps = policy.is_some_and(|policy| policy.keeper == Keeper::Labwire);
    // A site that has switched its log off opens no call; what it has called by it before stays its own to correct.
    let found = match keeps {
        _ if is_over(version.observation) => Found::TakenBack,
        // Until somebody believes a value that isn't critical the one before it is the one that counts.
        true if version.is_doubted => found(version.judged).unless_clear(),
        true => found(version.judged),
        false => Found::Nothing,
    };
    if call.is_none() && !matches!(found, Found::Opens(_)) {
        return Ok(());
    }
    let policy = policy.or(call.as_ref().map(|call| call.course.policy())).unwrap_or_default();
    // What a person had read anew is known from then on.
    let found_at = match is_read_anew(connection, version.id)? {
        true => now,
        false => received_at(connection, version.id)?,
    };
    let cause = Cause { policy, found_at };
    let tell = match found {
        Found::TakenBack => Tell::Withdrawn,
        _ => Tell::of(version.observation),
    };
    let same = call.as_ref().is_some_and(|call| *call.tell.reveal() == tell);
    let course = call.as_ref().map(|call| &call.course);
    let Some(event) = Course::on_version(course, found, same, cause) else { return Ok(()) };
    let (id, before) = match call {
        Some(call) => (call.id, call.course),
        None => (begin(connection, version.observation, now)?, Course::new(cause)),
    };
    let written = Written {
        call: id,
        observation: version.id,
        event: &event,
        agreement: Agreement::WHOLE,
        account: GATEWAY,
    };
    write(connection, before, &written, now).map(drop)
}

/// Opens a call about a stored result where rules in force find only now that there must be one. What they find otherwise
/// now puts no call away: a person does.
pub(super) fn on_judged_again(
    connection: &Connection,
    id: ObservationId,
    judged: &Judged,
    now: Timestamp,
) -> Result<(), JournalError> {
    let keeps = policy(judged).filter(|policy| policy.keeper == Keeper::Labwire);
    let (Found::Opens(opening), Some(policy)) = (found(judged), keeps) else { return Ok(()) };
    let observation = result(connection, id)?;
    if observation.class != SampleClass::Patient || is_over(&observation) {
        return Ok(());
    }
    let cause = Cause { policy, found_at: now };
    let (call, before) = match call_about(connection, id)? {
        None => (begin(connection, &observation, now)?, Course::new(cause)),
        Some(call) if call.happened.last().is_some_and(|it| it.event == CallEvent::Cleared) => {
            (call.id, call.course)
        }
        Some(_) => return Ok(()),
    };
    let event = CallEvent::Opened(opening, cause);
    let written =
        Written { call, observation: id, event: &event, agreement: Agreement::WHOLE, account: GATEWAY };
    write(connection, before, &written, now).map(drop)
}

/// Closes the call about a result that isn't held any more where it took the place of a critical one, isn't critical itself, and
/// nobody had been told of the one before.
pub(super) fn on_believed(
    connection: &Connection,
    id: ObservationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    let Some(call) = call_about(connection, id)?.filter(|call| call.observation == id) else { return Ok(()) };
    let is_over = is_over(call.result.reveal());
    if !call.course.is_open()
        || call.course.told
        || call.is_opened_by(id)
        || is_over
        || !is_clear(connection, id)?
    {
        return Ok(());
    }
    let (event, before) = (&CallEvent::Cleared, call.course);
    let written =
        Written { call: call.id, observation: id, event, agreement: Agreement::WHOLE, account: GATEWAY };
    write(connection, before, &written, now).map(drop)
}

fn is_read_anew(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM observation o JOIN reevaluation r ON r.observation = o.supersedes WHERE o.id = ?",
    )?;
    Ok(statement.exists([id.0])?)
}

fn in_force(judged: &Judged) -> impl Iterator<Item = &Evaluation> {
    judged.evaluations.iter().filter(|it| it.force == Force::InForce)
}

/// As it is signed; nothing where no rules in force looked at it.
fn policy(judged: &Judged) -> Option<CallPolicy> {
    in_force(judged).next().map(|it| it.rules.calls)
}

fn found(judged: &Judged) -> Found {
    let critical = |it: &&Decision| it.check == Check::Critical;
    let asked = || in_force(judged).flat_map(|it| &it.decisions).filter(critical);
    if asked().any(|it| matches!(it.ruling, Ruling::Decided(Path::Low | Path::High))) {
        Found::Opens(Opening::Critical)
    } else if asked().any(Decision::may_be_critical) {
        Found::Opens(Opening::Undecided)
    } else if asked().next().is_some() && asked().all(|it| it.ruling == Ruling::Decided(Path::Clear)) {
        Found::Clear
    } else {
        Found::Nothing
    }
}

/// Whether nothing of the value is left: it may have been told to somebody, who must hear that.
fn is_over(observation: &Observation) -> bool {
    observation.is_without_value() || observation.is_taken_back()
}

/// What the rejection of a result does to the call about it, in the caller's transaction. `stands`: the version before it,
/// where that stands again.
pub(super) fn on_rejection(
    connection: &Connection,
    (id, stands): (ObservationId, Option<ObservationId>),
    account: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let Some(call) = call_about(connection, id)?.filter(|call| call.observation == id) else { return Ok(()) };
    let cause = Cause { policy: call.course.policy(), found_at: now };
    let again = stands.zip(call.opening()).filter(|(stands, _)| call.is_about_again(*stands));
    let Some(event) = call.course.on_rejection(again.map(|(_, opening)| opening), cause) else {
        return Ok(());
    };
    let observation = again.map_or(id, |(stands, _)| stands);
    let written = Written { call: call.id, observation, event: &event, agreement: Agreement::WHOLE, account };
    write(connection, call.course, &written, now).map(drop)
}

const NOT_THE_VALUE: &str =
    "the value that was told differs from the journal's; mend a slip, or say that it was told so";
const BEFORE_IT: &str = "the call lies before the value was measured";
const NOT_THE_PATIENT: &str = "the identifiers that were told don't name the patient as known here; mend a slip, or say that it was told so";

fn record(connection: &Connection, it: &Recording, now: Timestamp) -> Result<Stand, JournalError> {
    let refused = |why: String| Err(JournalError::Refused(why));
    let Some(call) = load(connection, it.call)? else {
        return refused(format!("there is no call {}", it.call));
    };
    let faults = it.entry.faults(now);
    if !faults.is_empty() {
        return refused(faults.join("; "));
    }
    let agreement = match &it.entry {
        CallEntry::Attempt(attempt) if attempt.made_at + A_MINUTE <= measured_at(connection, &call)? => {
            return refused(BEFORE_IT.to_owned());
        }
        CallEntry::Attempt(attempt) => agreement(connection, &call, attempt)?,
        CallEntry::Verified { .. } if !call.course.is_open() => {
            return refused(format!("call {} is closed; there is nothing to verify for it", it.call));
        }
        CallEntry::Verified { .. } if call.course.is_verified() => {
            return refused(format!("call {} is verified already", it.call));
        }
        CallEntry::Ended { .. } if !call.course.is_open() => {
            return refused(format!("call {} is closed already", it.call));
        }
        // Of what was taken back before anybody heard of it nothing need be told.
        CallEntry::Ended { .. } if call.course.attempts == 0 && call.reason != Reason::TakenBack => {
            return refused(format!(
                "nobody has tried call {} yet; record an attempt first, if only one that reached nobody",
                it.call
            ));
        }
        CallEntry::Verified { .. } | CallEntry::Ended { .. } => Agreement::WHOLE,
    };
    if it.differing == Differing::Refused && !agreement.is_whole() {
        let why = if agreement.value { NOT_THE_PATIENT } else { NOT_THE_VALUE };
        return refused(why.to_owned());
    }
    let event = CallEvent::Entry(it.entry.clone());
    let written = Written {
        call: it.call,
        observation: call.observation,
        event: &event,
        agreement,
        account: &it.account,
    };
    let (event, course) = write(connection, call.course, &written, now)?;
    tell(connection, (event, &it.entry), &call, &it.tells, now)?;
    Ok(course.stand)
}

/// What was told, beside what the journal has: of the patient, what the analyzer sent and what the LIMS has ordered it by.
fn agreement(connection: &Connection, call: &CallView, attempt: &Attempt) -> Result<Agreement, JournalError> {
    if !attempt.reached() {
        return Ok(Agreement::WHOLE);
    }
    let order = ordered(connection, call.observation)?.and_then(|it| it.order);
    let known = [Some(&call.result.reveal().patient), order.as_ref().map(|it| &it.order.patient)];
    let known: Vec<_> = known.into_iter().flatten().map(Private::reveal).collect();
    Ok(Agreement { value: call.tell.reveal().agrees(attempt.value.reveal()), patient: attempt.names(&known) })
}

struct Written<'a> {
    call: CallId,
    observation: ObservationId,
    event: &'a CallEvent,
    agreement: Agreement,
    account: &'a str,
}

/// Appends an event and its audit row; the event's number, and where it leaves the call.
fn write(
    connection: &Connection,
    before: Course,
    it: &Written<'_>,
    now: Timestamp,
) -> Result<(i64, Course), JournalError> {
    let course = before.after(it.event, now, it.agreement);
    let detail = to_json(it.event, it.agreement)
        .map_err(|error| JournalError::Refused(format!("failed to write a call as JSON: {error}")))?;
    let leaves = if course.is_open() { "open" } else { "closed" };
    connection
        .prepare_cached(
            "INSERT INTO call_event (call, observation, kind, at, account, detail, leaves)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            it.call.0,
            it.observation.0,
            kind(it.event),
            now.as_microsecond(),
            it.account,
            detail,
            leaves
        ])?;
    let event = connection.last_insert_rowid();
    let by = match it.event {
        CallEvent::Entry(entry) => format!(" by {}", entry.by()),
        _ => String::new(),
    };
    let outcome = match it.event {
        CallEvent::Entry(CallEntry::Attempt(attempt)) => format!(" ({})", attempt.outcome.words()),
        _ => String::new(),
    };
    let step = Step {
        at: now,
        actor: it.account,
        step: "critical call",
        subject: format!("call {}", it.call),
        detail: format!("{}{outcome}{by} on observation {}; {leaves}", kind(it.event), it.observation),
    };
    audit::append(connection, &step)?;
    Ok((event, course))
}

fn begin(connection: &Connection, it: &Observation, now: Timestamp) -> Result<CallId, JournalError> {
    connection
        .prepare_cached("INSERT INTO critical_call (specimen, opened_at) VALUES (?, ?)")?
        .execute(params![it.specimen.reveal(), now.as_microsecond()])?;
    Ok(CallId(connection.last_insert_rowid()))
}

/// The destinations that the result was meant for, in any of its versions, are to know who was told what, or why nobody. A
/// verification goes along with that.
fn tell(
    connection: &Connection,
    (event, entry): (i64, &CallEntry),
    call: &CallView,
    tells: &[DestinationId],
    now: Timestamp,
) -> Result<(), JournalError> {
    let tells = if matches!(entry, CallEntry::Verified { .. }) { &[] } else { tells };
    for destination in tells {
        connection
            .prepare_cached(
                "INSERT INTO call_line (event, destination, call, observation, specimen, state, changed_at)
                 SELECT ?1, ?2, ?3, ?4, ?5, 'pending', ?6 WHERE EXISTS
                    (SELECT 1 FROM call_event e JOIN ledger l ON l.observation = e.observation
                     WHERE e.call = ?3 AND l.destination = ?2 AND l.state <> 'not-for-it')",
            )?
            .execute(params![
                event,
                destination.as_str(),
                call.id.0,
                call.observation.0,
                call.specimen.reveal(),
                now.as_microsecond()
            ])?;
    }
    Ok(())
}

/// The call that a version of a result belongs to.
fn call_about(connection: &Connection, id: ObservationId) -> Result<Option<CallView>, JournalError> {
    let call = connection
        .prepare_cached("SELECT call FROM call_event WHERE observation = ? LIMIT 1")?
        .query_row([id.0], |row| row.get(0).map(CallId))
        .optional()?;
    match call {
        Some(call) => load(connection, call),
        None => Ok(None),
    }
}

/// Since when anybody could have known what a call is about: when the analyzer says that it was measured, and where it says
/// nothing that can be so, a day before it came.
fn measured_at(connection: &Connection, call: &CallView) -> Result<Timestamp, JournalError> {
    let mut first = Timestamp::MAX;
    for happened in &call.happened {
        let received = received_at(connection, happened.observation)?;
        let told = result(connection, happened.observation)?.told_at().filter(|told| *told <= received);
        first = first.min(told.unwrap_or_else(|| received.saturating_sub(A_DAY).unwrap_or(Timestamp::MIN)));
    }
    Ok(first)
}

/// When the message was on disk that a result came in.
fn received_at(connection: &Connection, id: ObservationId) -> Result<Timestamp, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT m.received_at FROM observation o JOIN message m ON m.id = o.message WHERE o.id = ?",
        )?
        .query_row([id.0], |row| row.get(0).map(super::rows::instant))?)
}
