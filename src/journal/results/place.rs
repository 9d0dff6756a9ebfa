//! Where one observation goes: a new row, the next version of an earlier one, or a note that it came again; and with a
//! new row its holds and its line in each destination's ledger. It counts nothing.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::succession::make_way;
use super::{Entry, Place, Route};
use crate::domain::{
    DestinationId, HoldReason, Observation, Priority, SampleClass, SpecimenId, Standing, Status,
};
use crate::journal::calls::{self, Version};
use crate::journal::decisions;
use crate::journal::history::Unanswered;
use crate::journal::ledger::{URGENCIES, announce, has_result};
use crate::journal::orders::write_link;
use crate::journal::reassign::was_moved;
use crate::journal::rows::{Stored, class_name, status_name};
use crate::journal::{JournalError, MessageId, ObservationId, restoration};

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placed {
    New(ObservationId),
    Repeated,
    /// It is there from an earlier reading of the same message: itself, or only that it was a repetition.
    Known(Option<ObservationId>),
    /// It was there and went nowhere; now it does, to these that were owed nothing of it yet among others.
    Routed(ObservationId, Vec<DestinationId>),
}

impl Placed {
    /// The stored result that the entry is.
    pub(super) fn id(&self) -> Option<ObservationId> {
        match self {
            Placed::New(id) | Placed::Routed(id, _) => Some(*id),
            Placed::Known(id) => *id,
            Placed::Repeated => None,
        }
    }
}

/// Where an entry belongs `to`: its own place, with the stored result for the entry that it may be a version of.
pub(super) fn place(
    connection: &Connection,
    message: MessageId,
    entry: &Entry,
    to: Place,
    now: Timestamp,
) -> Result<Placed, JournalError> {
    let observation = &entry.observation;
    let key = params![message.0, observation.record, observation.test.component];
    let known: Option<Option<i64>> = connection
        .prepare_cached(
            "SELECT id FROM observation o WHERE message = ?1 AND record = ?2 AND component = ?3
             AND NOT EXISTS (SELECT 1 FROM reassignment r WHERE r.observation = o.supersedes)
             AND NOT EXISTS (SELECT 1 FROM reevaluation r WHERE r.observation = o.id)
             UNION ALL SELECT NULL FROM repetition WHERE message = ?1 AND record = ?2 AND component = ?3",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    match known {
        Some(Some(id)) if went_nowhere(connection, ObservationId(id))? => {
            let id = ObservationId(id);
            let owed = route_again(connection, message, id, entry, now)?;
            return Ok(Placed::Routed(id, owed));
        }
        Some(known) => return Ok(Placed::Known(known.map(ObservationId))),
        None => {}
    }
    match to {
        Place::Repeats(earlier) => {
            connection.prepare_cached("INSERT INTO repetition VALUES (?, ?, ?, ?)")?.execute(params![
                message.0,
                observation.record,
                observation.test.component,
                earlier.0
            ])?;
            Ok(Placed::Repeated)
        }
        // Of which entry it is a version, its caller knows.
        Place::Own | Place::OfEntry(_) => {
            let entry = &in_doubt(connection, message, entry)?;
            own(connection, message, entry, now)
        }
        Place::Supersedes(earlier) if was_moved(connection, newest(connection, earlier)?)? => {
            let mut entry = entry.clone();
            entry.observation.standing = match entry.observation.standing {
                Standing::Clear => Standing::Held(vec![HoldReason::MisreadSpecimen]),
                Standing::Held(mut reasons) => {
                    reasons.push(HoldReason::MisreadSpecimen);
                    Standing::Held(reasons)
                }
            };
            own(connection, message, &entry, now)
        }
        Place::Supersedes(earlier) => {
            let entry = &in_doubt(connection, message, entry)?;
            let earlier = newest(connection, earlier)?;
            let version: i64 = connection
                .prepare_cached("SELECT version FROM observation WHERE id = ?")?
                .query_row([earlier.0], |row| row.get(0))?;
            let id = insert(connection, message, observation, version + 1, Some(earlier), now)?;
            make_way(connection, earlier, observation, now)?;
            open(connection, id, entry, Before { version: Some(earlier), moved: false }, now)?;
            Ok(Placed::New(id))
        }
    }
}

fn own(
    connection: &Connection,
    message: MessageId,
    entry: &Entry,
    now: Timestamp,
) -> Result<Placed, JournalError> {
    let id = insert(connection, message, &entry.observation, 1, None, now)?;
    open(connection, id, entry, Before::default(), now)?;
    Ok(Placed::New(id))
}

/// What a version takes the place of.
#[derive(Clone, Copy, Default)]
pub(super) struct Before {
    pub(super) version: Option<ObservationId>,
    /// It is another specimen's there.
    pub(super) moved: bool,
}

impl Before {
    /// The version before it, of the same specimen.
    fn of_it(self) -> Option<ObservationId> {
        self.version.filter(|_| !self.moved)
    }
}

/// A result that would leave is held where the LIMS may have it already, under a key that isn't known here.
pub(super) fn in_doubt<'a>(
    connection: &Connection,
    message: MessageId,
    entry: &'a Entry,
) -> Result<Cow<'a, Entry>, JournalError> {
    let class = entry.observation.class;
    let may_leave = entry.routes.iter().any(|(_, route)| match route {
        Route::Deliver => class == SampleClass::Patient,
        Route::Control => class == SampleClass::Control,
        Route::Follow => true,
        Route::Never => false,
    });
    if !may_leave || !restoration::is_in_doubt(connection, message)? {
        return Ok(Cow::Borrowed(entry));
    }
    let mut held = entry.clone();
    held.observation.hold(HoldReason::MayBeDelivered);
    Ok(Cow::Owned(held))
}

/// The version of a result that nothing has superseded yet.
fn newest(connection: &Connection, version: ObservationId) -> Result<ObservationId, JournalError> {
    let mut newest = version;
    while let Some(next) = connection
        .prepare_cached("SELECT id FROM observation WHERE supersedes = ?")?
        .query_row([newest.0], |row| row.get(0).map(ObservationId))
        .optional()?
    {
        newest = next;
    }
    Ok(newest)
}

pub(super) fn insert(
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
            "INSERT INTO observation (id, message, record, instrument, specimen, code, aspect, component, class,
             status, version, supersedes, recorded_at, detail)
             VALUES (max(coalesce((SELECT max(id) FROM observation), 0) + 1,
                         coalesce((SELECT max(first_observation) FROM restoration), 0)), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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

/// Opens an observation's holds and its line in each destination's ledger.
pub(super) fn open(
    connection: &Connection,
    id: ObservationId,
    entry: &Entry,
    before: Before,
    now: Timestamp,
) -> Result<(), JournalError> {
    let observation = &entry.observation;
    decisions::write(connection, id, &entry.judged, Unanswered::AskAgain, now)?;
    if let Some(link) = &entry.link {
        write_link(connection, id, link, now)?;
    }
    // The call about the wrong specimen's is over with it: whoever was told must hear that, and this one is another.
    let earlier = before.of_it();
    let judged = &entry.judged;
    let is_doubted = observation.standing != Standing::Clear
        || !judged.waits_at.is_empty()
        || entry.link.as_ref().is_some_and(|link| !link.holds.is_empty());
    calls::on_version(connection, &Version { id, observation, earlier, judged, is_doubted }, now)?;
    let by_reading: &[HoldReason] = match &observation.standing {
        Standing::Held(reasons) => reasons,
        Standing::Clear => &[],
    };
    let mut by_rules = false;
    for (destination, route) in &entry.routes {
        let leaves = match route {
            Route::Deliver => observation.class == SampleClass::Patient,
            Route::Control => observation.class == SampleClass::Control,
            Route::Follow => was_meant_for(connection, before.version, destination, observation.class)?,
            Route::Never => false,
        };
        let waits = entry.judged.waits_at.contains(destination);
        by_rules |= leaves && waits;
        let state = match &observation.standing {
            _ if !leaves => "not-for-it",
            Standing::Held(_) => "held",
            Standing::Clear if waits => "held",
            Standing::Clear => free(connection, destination, observation)?,
        };
        write_line(connection, destination, id, entry, state, now)?;
        // Where it has an earlier version as a result, that stands until this one is decided. What a correction without one
        // corrects isn't known.
        if state == "held" && may_be_announced(entry, destination) {
            let is_there =
                before.of_it().map(|it| has_result(connection, it, destination.as_str())).transpose()?;
            if !is_there.unwrap_or(observation.status == Status::Correction) {
                announce(connection, id, destination.as_str(), now)?;
            }
        }
    }
    // What waits nowhere isn't held: its decisions stand beside it all the same.
    hold(connection, id, by_reading, now)?;
    if by_rules { hold(connection, id, &entry.judged.reasons, now) } else { Ok(()) }
}

/// Whether a destination is told of a held result as preliminary: nothing but its release is awaited, or rules hold it that
/// say so, and there is a value to tell.
fn may_be_announced(entry: &Entry, destination: &DestinationId) -> bool {
    let observation = &entry.observation;
    observation.standing == Standing::Clear
        && observation.status != Status::Failed
        && !observation.is_without_value()
        && entry.judged.announced_at.contains(destination)
}

pub(in crate::journal) fn hold(
    connection: &Connection,
    id: ObservationId,
    reasons: &[HoldReason],
    now: Timestamp,
) -> Result<(), JournalError> {
    for reason in reasons {
        connection
            .prepare_cached("INSERT INTO hold (observation, reason, opened_at) VALUES (?, ?, ?)")?
            .execute(params![id.0, reason.name(), now.as_microsecond()])?;
    }
    Ok(())
}

fn write_line(
    connection: &Connection,
    destination: &DestinationId,
    id: ObservationId,
    entry: &Entry,
    state: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let observation = &entry.observation;
    connection
        .prepare_cached(
            "INSERT INTO ledger (destination, observation, lane, specimen, priority, state, changed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            destination.as_str(),
            id.0,
            lane(observation),
            observation.specimen.reveal(),
            urgency(entry),
            state,
            now.as_microsecond()
        ])?;
    Ok(())
}

/// The state of what may leave.
fn free(
    connection: &Connection,
    destination: &DestinationId,
    observation: &Observation,
) -> Result<&'static str, JournalError> {
    let blocked = lane_is_blocked(connection, destination, &observation.specimen, &lane(observation))?;
    Ok(if blocked { "quarantined" } else { "pending" })
}

/// Whether an earlier version was to go to a destination. One of another class is none.
fn was_meant_for(
    connection: &Connection,
    earlier: Option<ObservationId>,
    destination: &DestinationId,
    class: SampleClass,
) -> Result<bool, JournalError> {
    let Some(earlier) = earlier else { return Ok(false) };
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM ledger l JOIN observation o ON o.id = l.observation
             WHERE l.observation = ? AND l.destination = ? AND l.state <> 'not-for-it' AND o.class = ?",
        )?
        .exists(params![earlier.0, destination.as_str(), class_name(class)])?)
}

/// Whether a patient's result was meant for no destination, and neither a newer version nor a person's word has put an
/// end to it.
fn went_nowhere(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM observation o WHERE o.id = ?1 AND o.class = 'patient'
             AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.observation = ?1 AND l.state <> 'not-for-it')
             AND NOT EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = ?1)
             AND NOT EXISTS (SELECT 1 FROM reassignment r WHERE r.observation = ?1)
             AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.observation = ?1 AND h.closing = 'rejected')",
        )?
        .exists([id.0])?)
}

/// Sends what went nowhere where the configuration wants it now. Tells the destinations that had no line for it.
fn route_again(
    connection: &Connection,
    message: MessageId,
    id: ObservationId,
    entry: &Entry,
    now: Timestamp,
) -> Result<Vec<DestinationId>, JournalError> {
    let has_hold = |sql: &'static str| connection.prepare_cached(sql)?.exists([id.0]);
    let is_held = has_hold("SELECT 1 FROM hold WHERE observation = ? AND closed_at IS NULL")?;
    let is_released = has_hold("SELECT 1 FROM hold WHERE observation = ? AND closing = 'released'")?;
    let doubtful = !is_held && restoration::is_in_doubt(connection, message)?;
    if doubtful {
        hold(connection, id, &[HoldReason::MayBeDelivered], now)?;
    }
    let is_held = is_held || doubtful;
    let mut by_rules = false;
    let mut owed = Vec::new();
    for (destination, route) in &entry.routes {
        if *route != Route::Deliver {
            continue;
        }
        let waits = !is_released && entry.judged.waits_at.contains(destination);
        by_rules |= waits;
        let state = match is_held || waits {
            true => "held",
            false => free(connection, destination, &entry.observation)?,
        };
        let changed = connection
            .prepare_cached(
                "UPDATE ledger SET state = ?, changed_at = ? WHERE observation = ? AND destination = ?",
            )?
            .execute(params![state, now.as_microsecond(), id.0, destination.as_str()])?;
        if changed == 0 {
            write_line(connection, destination, id, entry, state, now)?;
            owed.push(destination.clone());
        }
    }
    if by_rules {
        decisions::write(connection, id, &entry.judged, Unanswered::AskAgain, now)?;
        hold(connection, id, &entry.judged.reasons, now)?;
    }
    Ok(owed)
}

/// The results among which order is kept, and which one refusal stops. A version that came too late has a lane of its own:
/// what is newer doesn't wait until somebody has decided about it.
fn lane(observation: &Observation) -> String {
    let test = &observation.test;
    let mut parts = vec![observation.specimen.reveal(), &test.code, &test.aspect, &test.component];
    let is_late =
        matches!(&observation.standing, Standing::Held(why) if why.contains(&HoldReason::LateVersion));
    parts.extend(is_late.then_some("late"));
    parts.join("\u{1f}")
}

fn lane_is_blocked(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &SpecimenId,
    lane: &str,
) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM ledger INDEXED BY ledger_in_the_way
             WHERE destination = ? AND specimen = ? AND lane = ? AND state = 'refused'
             AND state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined')",
        )?
        .exists(params![destination.as_str(), specimen.reveal(), lane])?)
}

/// HL7 table 0078 and ASTM alike: beyond the panic limits, or critically abnormal.
const CRITICAL: [&str; 3] = ["HH", "LL", "AA"];

/// One of [`URGENCIES`]: STAT and what rules or the analyzer itself call critical, then as soon as possible, then the rest.
fn urgency(entry: &Entry) -> u8 {
    let [stat, soon, rest] = URGENCIES;
    let observation = &entry.observation;
    let sent = observation.priority.as_deref().map_or(Priority::Routine, Priority::read);
    let wanted = entry.judged.wanted.map_or(sent, |ordered| ordered.min(sent));
    match wanted {
        _ if entry.judged.is_critical() => stat,
        _ if observation.flags.iter().any(|flag| CRITICAL.contains(&flag.trim())) => stat,
        Priority::Stat => stat,
        Priority::Asap => soon,
        Priority::Routine => rest,
    }
}
