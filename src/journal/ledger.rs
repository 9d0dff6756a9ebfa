//! What each destination is owed: lease, attempt, settle. A payload never changes once leased, its key is on
//! disk before it is first sent, and an attempt is on disk before its first byte leaves.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::audit::{self, GATEWAY, Step};
use super::rows::{Stored, instant};
use super::writer::Urgency;
use super::{DeliveryId, Journal, JournalError, ObservationId};
use crate::domain::{DestinationId, Observation, SpecimenId};

/// The most observations in one payload.
const ITEMS_A_PAYLOAD: usize = 250;

/// One attempt at one delivery, on disk before it begins.
#[derive(Debug)]
pub struct Lease {
    pub delivery: DeliveryId,
    pub attempt: i64,
    /// 1 for the first attempt.
    pub number: u32,
    pub kind: AttemptKind,
    /// Sent with every attempt; never reused for another payload.
    pub key: String,
    pub payload: Vec<u8>,
    pub items: Vec<ObservationId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    Send,
    /// Ask the destination what became of an earlier attempt.
    Probe,
}

/// What to do with deliveries whose fate isn't known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    Probe,
    Resend,
    /// A person decides.
    Wait,
}

/// What a payload is made of: one specimen's observations for one destination, oldest first.
#[derive(Debug)]
pub struct Consignment {
    pub destination: DestinationId,
    pub key: String,
    pub specimen: SpecimenId,
    pub items: Vec<Item>,
}

#[derive(Debug)]
pub struct Item {
    pub id: ObservationId,
    pub version: u32,
    pub supersedes: Option<ObservationId>,
    pub received_at: Timestamp,
    pub observation: Observation,
}

/// Turns a consignment into the bytes to send. Pure: it runs inside the lease's transaction.
pub type Render = fn(&Consignment) -> Result<Vec<u8>, String>;

/// The end of an attempt.
#[derive(Debug)]
pub struct Settlement {
    pub fates: Vec<(ObservationId, Fate)>,
    pub next: Next,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The answer's bytes, up to a bound.
    pub body: Option<Vec<u8>>,
    /// The verdict's name, for people.
    pub verdict: String,
    /// Why, in words without patient data.
    pub detail: String,
}

/// What became of one observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Accepted,
    /// The destination has it and hasn't applied it yet.
    Staged,
    Refused(String),
    /// It may or may not have arrived.
    Unknown,
    /// It certainly hasn't arrived and goes out again.
    Again,
}

/// What happens to the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Settled,
    Retry {
        at: Timestamp,
    },
    Unknown {
        at: Timestamp,
    },
    /// Refused in part or whole: a dead letter until a person acts.
    Dead,
}

impl Journal {
    /// The next attempt that this destination may make now, if there is one.
    pub async fn lease(
        &self,
        destination: DestinationId,
        resolve: Resolve,
        render: Render,
        now: Timestamp,
    ) -> Result<Option<Lease>, JournalError> {
        self.submit(Urgency::Other, move |connection| lease(connection, &destination, resolve, render, now))
            .await
    }

    /// Writes what an attempt came to.
    pub async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (delivery, attempt) = (lease.delivery, lease.attempt);
        self.submit(Urgency::Other, move |connection| settle(connection, delivery, attempt, &settlement, now))
            .await
    }
}

/// A delivery that waits for an attempt.
struct Waiting {
    id: i64,
    priority: i64,
    unknown: bool,
}

fn lease(
    connection: &Connection,
    destination: &DestinationId,
    resolve: Resolve,
    render: Render,
    now: Timestamp,
) -> Result<Option<Lease>, JournalError> {
    let waiting = waiting(connection, destination, resolve, now)?;
    let fresh = fresh(connection, destination)?;
    let delivery = match (waiting, fresh) {
        (Some(waiting), Some((priority, _))) if waiting.priority <= priority => waiting,
        (Some(waiting), None) => waiting,
        (_, Some((_, specimen))) => consign(connection, destination, specimen, render, now)?,
        (None, None) => return Ok(None),
    };
    let kind =
        if delivery.unknown && resolve == Resolve::Probe { AttemptKind::Probe } else { AttemptKind::Send };
    begin(connection, delivery.id, kind, now).map(Some)
}

fn waiting(
    connection: &Connection,
    destination: &DestinationId,
    resolve: Resolve,
    now: Timestamp,
) -> Result<Option<Waiting>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT id, priority, state = 'unknown' FROM delivery d
             WHERE destination = ?1 AND (state = 'due' OR (state = 'unknown' AND ?2)) AND due_at <= ?3
             AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.destination = ?1 AND s.state = 'sending'
                             AND s.specimen = d.specimen)
             ORDER BY priority, due_at, id LIMIT 1",
        )?
        .query_row(params![destination.as_str(), resolve != Resolve::Wait, now.as_microsecond()], |row| {
            Ok(Waiting { id: row.get(0)?, priority: row.get(1)?, unknown: row.get(2)? })
        })
        .optional()?)
}

/// The specimen whose results go out next: nothing older in the same lane may still be on its way, held or refused.
fn fresh(
    connection: &Connection,
    destination: &DestinationId,
) -> Result<Option<(i64, String)>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT priority, specimen FROM ledger l WHERE destination = ?1 AND state = 'pending'
             AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.destination = ?1 AND e.lane = l.lane
                             AND e.observation < l.observation
                             AND e.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined'))
             AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.destination = ?1 AND s.state = 'sending'
                             AND s.specimen = l.specimen)
             ORDER BY priority, observation LIMIT 1",
        )?
        .query_row([destination.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Makes a delivery of everything that may leave for one specimen.
fn consign(
    connection: &Connection,
    destination: &DestinationId,
    specimen: String,
    render: Render,
    now: Timestamp,
) -> Result<Waiting, JournalError> {
    let items: Vec<(i64, Item)> = connection
        .prepare_cached(
            "SELECT o.id, o.version, o.supersedes, m.received_at, o.detail, l.priority
             FROM ledger l JOIN observation o ON o.id = l.observation JOIN message m ON m.id = o.message
             WHERE l.destination = ?1 AND l.specimen = ?2 AND l.state = 'pending'
             AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.destination = ?1 AND e.lane = l.lane
                             AND e.observation < l.observation
                             AND e.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined'))
             ORDER BY l.observation LIMIT ?3",
        )?
        .query_and_then(params![destination.as_str(), specimen, ITEMS_A_PAYLOAD], |row| {
            Ok::<_, JournalError>((row.get(5)?, item(row)?))
        })?
        .collect::<Result<_, _>>()?;
    let priority = items.iter().map(|(priority, _)| *priority).min().unwrap_or(i64::MAX);
    let id: i64 = connection
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM delivery")?
        .query_row([], |row| row.get(0))?;
    let epoch: String =
        connection.prepare_cached("SELECT epoch FROM journal")?.query_row([], |row| row.get(0))?;
    let consignment = Consignment {
        destination: destination.clone(),
        key: format!("{epoch}-{id}"),
        specimen: SpecimenId::new(specimen),
        items: items.into_iter().map(|(_, item)| item).collect(),
    };
    let payload = render(&consignment).map_err(JournalError::Refused)?;
    connection
        .prepare_cached(
            "INSERT INTO delivery (id, destination, specimen, key, payload, sha256, priority, state, due_at,
             attempts, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'due', ?8, 0, ?8)",
        )?
        .execute(params![
            id,
            destination.as_str(),
            consignment.specimen.reveal(),
            consignment.key,
            payload,
            Sha256::digest(&payload).as_slice(),
            priority,
            now.as_microsecond()
        ])?;
    for item in &consignment.items {
        connection
            .prepare_cached("UPDATE ledger SET delivery = ? WHERE destination = ? AND observation = ?")?
            .execute(params![id, destination.as_str(), item.id.0])?;
    }
    Ok(Waiting { id, priority, unknown: false })
}

fn item(row: &Row<'_>) -> Result<Item, JournalError> {
    let id: i64 = row.get(0)?;
    let detail: String = row.get(4)?;
    let observation = serde_json::from_str::<Stored>(&detail)
        .map_err(|error| error.to_string())
        .and_then(Stored::into_observation)
        .map_err(|error| JournalError::Refused(format!("failed to read observation {id}: {error}")))?;
    Ok(Item {
        id: ObservationId(id),
        version: row.get(1)?,
        supersedes: row.get::<_, Option<i64>>(2)?.map(ObservationId),
        received_at: instant(row.get(3)?),
        observation,
    })
}

/// Writes the attempt before anything is sent.
fn begin(
    connection: &Connection,
    delivery: i64,
    kind: AttemptKind,
    now: Timestamp,
) -> Result<Lease, JournalError> {
    let at = now.as_microsecond();
    connection
        .prepare_cached("UPDATE delivery SET state = 'sending', attempts = attempts + 1 WHERE id = ?")?
        .execute([delivery])?;
    move_lines(connection, delivery, "in-flight", &["pending", "unknown", "refused"], None, now)?;
    let (key, payload, number): (String, Vec<u8>, u32) = connection
        .prepare_cached("SELECT key, payload, attempts FROM delivery WHERE id = ?")?
        .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let kind_name = match kind {
        AttemptKind::Send => "send",
        AttemptKind::Probe => "probe",
    };
    connection
        .prepare_cached("INSERT INTO attempt (delivery, number, kind, began_at) VALUES (?, ?, ?, ?)")?
        .execute(params![delivery, number, kind_name, at])?;
    let attempt = connection.last_insert_rowid();
    let items = connection
        .prepare_cached("SELECT observation FROM ledger WHERE delivery = ? ORDER BY observation")?
        .query_map([delivery], |row| row.get(0).map(ObservationId))?
        .collect::<Result<Vec<_>, _>>()?;
    audit::append(
        connection,
        &Step {
            at: now,
            actor: GATEWAY,
            step: "delivery attempted",
            subject: format!("delivery {delivery}"),
            detail: format!("{kind_name} {number}, {} results", items.len()),
        },
    )?;
    Ok(Lease { delivery: DeliveryId(delivery), attempt, number, kind, key, payload, items })
}

/// Moves the lines of a delivery that are in one of the `from` states.
pub(super) fn move_lines(
    connection: &Connection,
    delivery: i64,
    to: &str,
    from: &[&str],
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), JournalError> {
    for from in from {
        connection
            .prepare_cached(
                "UPDATE ledger SET state = ?1, changed_at = ?2, reason = ?3 WHERE delivery = ?4 AND state = ?5",
            )?
            .execute(params![to, now.as_microsecond(), reason, delivery, from])?;
    }
    Ok(())
}

fn settle(
    connection: &Connection,
    delivery: DeliveryId,
    attempt: i64,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    connection.prepare_cached("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
        attempt,
        at,
        settlement.status,
        settlement.body,
        settlement.verdict,
        settlement.detail
    ])?;
    for (observation, fate) in &settlement.fates {
        settle_line(connection, delivery, *observation, fate, now)?;
    }
    let (state, due_at, settled_at) = match settlement.next {
        Next::Settled => ("settled", at, Some(at)),
        Next::Retry { at } => ("due", at.as_microsecond(), None),
        Next::Unknown { at } => ("unknown", at.as_microsecond(), None),
        Next::Dead => ("dead", at, None),
    };
    connection
        .prepare_cached("UPDATE delivery SET state = ?, due_at = ?, settled_at = ? WHERE id = ?")?
        .execute(params![state, due_at, settled_at, delivery.0])?;
    audit::append(
        connection,
        &Step {
            at: now,
            actor: GATEWAY,
            step: "delivery answered",
            subject: format!("delivery {delivery}"),
            detail: settlement.verdict.clone(),
        },
    )
}

/// What was accepted once stays accepted, whatever a later answer to the same bytes says.
fn settle_line(
    connection: &Connection,
    delivery: DeliveryId,
    observation: ObservationId,
    fate: &Fate,
    now: Timestamp,
) -> Result<(), JournalError> {
    let (state, reason) = match fate {
        Fate::Accepted => ("accepted", None),
        Fate::Staged => ("staged", None),
        Fate::Refused(reason) => ("refused", Some(reason.as_str())),
        Fate::Unknown => ("unknown", None),
        Fate::Again => ("in-flight", None),
    };
    let moved = connection
        .prepare_cached(
            "UPDATE ledger SET state = ?1, changed_at = ?2, reason = ?3
             WHERE delivery = ?4 AND observation = ?5 AND state IN ('in-flight', 'unknown', 'refused')",
        )?
        .execute(params![state, now.as_microsecond(), reason, delivery.0, observation.0])?;
    match fate {
        Fate::Refused(_) if moved > 0 => quarantine_behind(connection, delivery, observation, now),
        Fate::Accepted | Fate::Staged if moved > 0 => reopen_lane(connection, delivery, observation, now),
        _ => Ok(()),
    }
}

/// Newer results of a refused one's lane wait for a person too.
fn quarantine_behind(
    connection: &Connection,
    delivery: DeliveryId,
    observation: ObservationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'quarantined', changed_at = ?1, reason = 'an earlier result of this test was refused'
             WHERE state = 'pending' AND observation > ?3 AND (destination, lane) IN
                   (SELECT destination, lane FROM ledger WHERE delivery = ?2 AND observation = ?3)",
        )?
        .execute(params![now.as_microsecond(), delivery.0, observation.0])?;
    Ok(())
}

/// Once nothing in a lane is refused any more, what waited behind it goes on.
pub(super) fn reopen_lane(
    connection: &Connection,
    delivery: DeliveryId,
    observation: ObservationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'pending', changed_at = ?1, reason = NULL
             WHERE state = 'quarantined' AND (destination, lane) IN
                   (SELECT l.destination, l.lane FROM ledger l WHERE l.delivery = ?2 AND l.observation = ?3
                    AND NOT EXISTS (SELECT 1 FROM ledger r WHERE r.destination = l.destination AND r.lane = l.lane
                                    AND r.state = 'refused'))",
        )?
        .execute(params![now.as_microsecond(), delivery.0, observation.0])?;
    Ok(())
}

/// An attempt that a stop of the gateway cut off may or may not have arrived.
pub(super) fn recover(connection: &mut Connection, now: Timestamp) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let at = now.as_microsecond();
    transaction.execute(
        "INSERT INTO answer SELECT a.id, ?1, NULL, NULL, 'unknown', 'the gateway stopped before the answer came'
         FROM attempt a JOIN delivery d ON d.id = a.delivery
         WHERE d.state = 'sending' AND NOT EXISTS (SELECT 1 FROM answer w WHERE w.attempt = a.id)",
        [at],
    )?;
    transaction.execute(
        "UPDATE ledger SET state = 'unknown', changed_at = ?1 WHERE state = 'in-flight'
         AND delivery IN (SELECT id FROM delivery WHERE state = 'sending')",
        [at],
    )?;
    transaction
        .execute("UPDATE delivery SET state = 'unknown', due_at = ?1 WHERE state = 'sending'", [at])?;
    transaction.execute(
        "INSERT INTO journal SELECT 1, ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM journal)",
        params![epoch(), at],
    )?;
    transaction.commit()
}

/// Eight random characters that tell this journal's keys from those of one that was lost or restored.
fn epoch() -> String {
    uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect()
}
