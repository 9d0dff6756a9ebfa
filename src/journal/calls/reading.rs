//! Looking calls up: what is open, and everything that happened to one. It reads what people recorded of patients: for
//! the page and the commands, never for a log.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::is_over;
use crate::domain::call::{Agreement, CallEntry, CallEvent, Course, Due, Opening, Reopening, Tell};
use crate::domain::clinic::Force;
use crate::domain::clinic::{Check, Path};
use crate::domain::{Observation, Private, SpecimenId, Words, words};
use crate::journal::decisions::{self, StoredDecision};
use crate::journal::read::observation;
use crate::journal::rows::call::from_json;
use crate::journal::rows::instant;
use crate::journal::{CallId, JournalError, ObservationId, Reader};

/// A call with everything that happened to it.
#[derive(Debug, Clone)]
pub struct CallView {
    pub id: CallId,
    pub specimen: SpecimenId,
    pub opened_at: Timestamp,
    /// The version that it is about now.
    pub observation: ObservationId,
    pub result: Private<Observation>,
    pub reason: Reason,
    pub tell: Private<Tell>,
    pub course: Course,
    pub happened: Vec<Happened>,
}

/// Why there is something to tell, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Opened(Opening),
    Reopened(Reopening),
    /// The analyzer has taken it back, or couldn't measure it, before anybody was told: a person must look.
    TakenBack,
    /// A newer version isn't critical, and nobody had been told of the one before.
    Cleared,
}

/// One thing that happened to a call.
#[derive(Debug, Clone)]
pub struct Happened {
    pub number: i64,
    pub at: Timestamp,
    pub account: String,
    pub observation: ObservationId,
    pub event: CallEvent,
    /// Of an attempt: what of it is as the journal has it.
    pub agreement: Agreement,
}

impl Reason {
    pub fn words(self) -> &'static str {
        match self {
            Reason::Opened(opening) => opening.words(),
            Reason::Reopened(reopening) => reopening.words(),
            Reason::TakenBack => "taken back, or without a value, before it was called: look now",
            Reason::Cleared => "no longer critical before it was called",
        }
    }
}

impl Happened {
    /// For a person who is allowed to see patient data. `written` says how a time is.
    pub fn words(&self, written: &dyn Fn(Timestamp) -> Words) -> Words {
        let (on, account) = (self.observation.to_string(), &self.account);
        match &self.event {
            CallEvent::Opened(opening, _) => {
                words!("opened for observation {on}: {why}", on, why = Words::fixed(opening.words()))
            }
            CallEvent::Reopened(reopening, _) => {
                words!("reopened for observation {on}: {why}", on, why = Words::fixed(reopening.words()))
            }
            CallEvent::Newer => words!("goes on with observation {on}, which says the same", on),
            CallEvent::Changed => {
                words!("goes on with observation {on}: nobody had been told of the one before", on)
            }
            CallEvent::Cleared => {
                words!(
                    "closed: observation {on} isn't critical, and nobody had been told of the one before",
                    on
                )
            }
            CallEvent::Dropped => {
                words!(
                    "closed: observation {on} was rejected by {account}, and nobody had been told of it",
                    on,
                    account
                )
            }
            CallEvent::Entry(CallEntry::Verified { by, note }) => {
                let what = noted(words!("verified by {by}", by), note.reveal());
                words!("{what}; account {account}", what, account)
            }
            CallEvent::Entry(CallEntry::Ended { by, reason }) => {
                let what = words!("ended by {by}: {reason}", by, reason = reason.reveal());
                words!("{what}; account {account}", what, account)
            }
            CallEvent::Entry(CallEntry::Attempt(attempt)) => {
                let what = noted(attempt.told(self.agreement, written), attempt.note.reveal());
                words!("{what}; account {account}", what, account)
            }
        }
    }
}

fn noted(what: Words, note: &str) -> Words {
    if note.trim().is_empty() { what } else { words!("{what} ({note})", what, note) }
}

impl CallView {
    /// What is to be done, while it is open.
    pub fn due(&self) -> Option<Due> {
        self.course.due()
    }

    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.course.is_overdue(now)
    }

    /// What it was opened for last.
    pub(super) fn opening(&self) -> Option<Opening> {
        self.happened.iter().rev().find_map(|it| match it.event {
            CallEvent::Opened(opening, _) => Some(opening),
            _ => None,
        })
    }

    /// Whether this version, and not one before it, opened it last.
    pub(super) fn is_opened_by(&self, version: ObservationId) -> bool {
        let opens = |it: &&Happened| matches!(it.event, CallEvent::Opened(..) | CallEvent::Reopened(..));
        self.happened.iter().rev().find(opens).is_some_and(|it| it.observation == version)
    }

    /// Whether this version, which stands again, is to be called: it was before, and somebody was told of it or of one that took
    /// its place, or nobody has put the call away.
    pub(super) fn is_about_again(&self, version: ObservationId) -> bool {
        let was_about = |it: &Happened| it.observation == version && it.event != CallEvent::Cleared;
        let is_cleared = self.happened.last().is_some_and(|it| it.event == CallEvent::Cleared);
        let nobody_put_it_away = self.course.is_open() || is_cleared;
        self.happened.iter().any(was_about) && (self.course.told || nobody_put_it_away)
    }
}

impl Reader {
    /// All open calls, the one that is due first first.
    pub fn open_calls(&self) -> Result<Vec<CallView>, JournalError> {
        let _moment = self.moment()?;
        let mut calls = self.calls("SELECT call FROM call_open ORDER BY call", [])?;
        calls.sort_by_key(|call| call.due().map(|due| due.at));
        Ok(calls)
    }

    /// A specimen's calls, oldest first, open or not.
    pub fn calls_of(&self, specimen: &SpecimenId) -> Result<Vec<CallView>, JournalError> {
        let _moment = self.moment()?;
        self.calls("SELECT id FROM critical_call WHERE specimen = ? ORDER BY id", [specimen.reveal()])
    }

    /// The calls that were opened last, open or not, newest first, at most `limit`.
    pub fn latest_calls(&self, limit: usize) -> Result<Vec<CallView>, JournalError> {
        let _moment = self.moment()?;
        self.calls("SELECT id FROM critical_call WHERE id > (SELECT max(id) FROM critical_call) - ? ORDER BY id DESC", [limit])
    }

    pub fn call(&self, id: CallId) -> Result<Option<CallView>, JournalError> {
        let _moment = self.moment()?;
        load(&self.connection, id)
    }

    fn calls(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<CallView>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map(parameters, |row| row.get(0).map(CallId))?;
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        ids.into_iter().filter_map(|id| load(&self.connection, id).transpose()).collect()
    }
}

pub(in crate::journal) fn load(
    connection: &Connection,
    id: CallId,
) -> Result<Option<CallView>, JournalError> {
    let found: Option<(String, i64)> = connection
        .prepare_cached("SELECT specimen, opened_at FROM critical_call WHERE id = ?")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((specimen, opened_at)) = found else { return Ok(None) };
    let happened = happened(connection, id)?;
    folded(connection, (id, SpecimenId::new(specimen), instant(opened_at)), happened, None).map(Some)
}

/// The call as it stood after one of its events; nothing where that isn't one of them.
pub(in crate::journal) fn as_of(
    connection: &Connection,
    call: CallView,
    event: i64,
) -> Result<Option<CallView>, JournalError> {
    let CallView { id, specimen, opened_at, mut happened, .. } = call;
    happened.retain(|it| it.number <= event);
    let Some(last) = happened.last().filter(|it| it.number == event) else { return Ok(None) };
    let until = last.at;
    folded(connection, (id, specimen, opened_at), happened, Some(until)).map(Some)
}

/// `until`: what was decided later counts for nothing.
fn folded(
    connection: &Connection,
    (id, specimen, opened_at): (CallId, SpecimenId, Timestamp),
    happened: Vec<Happened>,
    until: Option<Timestamp>,
) -> Result<CallView, JournalError> {
    let odd = || JournalError::Refused(format!("failed to read call {id}: it was never opened"));
    let mut course: Option<Course> = None;
    let (mut reason, mut opened_by) = (None, None);
    for it in &happened {
        match &it.event {
            CallEvent::Opened(opening, cause) => {
                course = course.or_else(|| Some(Course::new(*cause)));
                (reason, opened_by) = (Some(Reason::Opened(*opening)), Some(it.observation));
            }
            CallEvent::Reopened(reopening, _) => reason = Some(Reason::Reopened(*reopening)),
            _ => {}
        }
        course = course.map(|course| course.after(&it.event, it.at, it.agreement));
    }
    let (course, reason) = course.zip(reason).ok_or_else(odd)?;
    let last = happened.last().ok_or_else(odd)?;
    let (observation, is_cleared) = (last.observation, last.event == CallEvent::Cleared);
    let result = result(connection, observation)?;
    let reason = match reason {
        Reason::Opened(_) if is_over(&result) => Reason::TakenBack,
        Reason::Opened(_) if is_cleared => Reason::Cleared,
        Reason::Opened(Opening::Undecided) if is_critical(connection, observation, until)? => {
            Reason::Opened(Opening::Critical)
        }
        // A newer version that isn't, or isn't known to be, and that nobody has believed yet.
        Reason::Opened(Opening::Critical)
            if opened_by != Some(observation) && !is_critical(connection, observation, until)? =>
        {
            Reason::Opened(Opening::Undecided)
        }
        reason => reason,
    };
    let tell = match reason {
        Reason::Reopened(Reopening::Withdrawn) | Reason::TakenBack => Tell::Withdrawn,
        _ => Tell::of(&result),
    };
    Ok(CallView {
        id,
        specimen,
        opened_at,
        observation,
        result: Private::new(result),
        reason,
        tell: Private::new(tell),
        course,
        happened,
    })
}

/// Whether rules in force found last that a version is critical, and not only that it may be.
fn is_critical(
    connection: &Connection,
    id: ObservationId,
    until: Option<Timestamp>,
) -> Result<bool, JournalError> {
    Ok(last_decisions(connection, id, until)?.iter().any(StoredDecision::is_critical))
}

/// Whether rules in force found last that a version isn't critical.
pub(super) fn is_clear(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    let decisions = last_decisions(connection, id, None)?;
    let mut asked = decisions.iter().filter(|it| it.check == Check::Critical.name()).peekable();
    Ok(asked.peek().is_some() && asked.all(|it| it.ruling == Path::Clear.name() && !it.rounding_decides))
}

/// What rules in force found last of a version.
fn last_decisions(
    connection: &Connection,
    id: ObservationId,
    until: Option<Timestamp>,
) -> Result<Vec<StoredDecision>, JournalError> {
    let last: Option<String> = connection
        .prepare_cached(
            "SELECT decisions FROM evaluation WHERE observation = ?1 AND force = ?2 AND (?3 IS NULL OR decided_at <= ?3)
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![id.0, Force::InForce.name(), until.map(Timestamp::as_microsecond)], |row| row.get(0))
        .optional()?;
    Ok(last.map(|last| decisions::read(&last)).transpose()?.unwrap_or_default())
}

fn happened(connection: &Connection, id: CallId) -> Result<Vec<Happened>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, account, observation, kind, detail FROM call_event WHERE call = ? ORDER BY id",
    )?;
    statement
        .query_and_then([id.0], |row| {
            let (kind, detail): (String, String) = (row.get(4)?, row.get(5)?);
            let (event, agreement) = from_json(&kind, &detail)
                .map_err(|why| JournalError::Refused(format!("failed to read call {id}: {why}")))?;
            Ok(Happened {
                number: row.get(0)?,
                at: instant(row.get(1)?),
                account: row.get(2)?,
                observation: ObservationId(row.get(3)?),
                event,
                agreement,
            })
        })?
        .collect()
}

pub(super) fn result(connection: &Connection, id: ObservationId) -> Result<Observation, JournalError> {
    let mut statement = connection.prepare_cached("SELECT detail FROM observation WHERE id = ?")?;
    statement
        .query_and_then([id.0], |row| observation(row, 0))?
        .next()
        .unwrap_or_else(|| Err(JournalError::Refused(format!("there is no observation {id}"))))
}
