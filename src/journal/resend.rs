//! Results that a destination has acknowledged, sent there once more because a named person says so: for a LIMS that lost
//! them. A delivery goes as it was, byte for byte under its key, and is owed again until the destination settles it. It
//! sends nothing itself, and brings nothing back that is held, rejected, void or replaced.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, Step};
use super::ledger::move_lines;
use super::read::observation;
use super::rows::instant;
use super::writer::Urgency;
use super::{DeliveryId, Journal, JournalError, ObservationId, Reader, restoration};
use crate::domain::{DestinationId, InstrumentId, Observation, OnceMore, Private, SpecimenId};

/// The most results at once: more would keep intake waiting.
const TOGETHER: usize = 5_000;

/// Which results are wanted once more, and where.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub destination: DestinationId,
    pub of: Of,
    pub instrument: Option<InstrumentId>,
    /// By the instrument's code.
    pub test: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Of {
    Specimen(SpecimenId),
    /// From the first moment on and before the second, by when their message was on disk.
    Received(Timestamp, Timestamp),
}

/// What a person says of them.
#[derive(Debug, Clone)]
pub struct Resending {
    pub wanted: Wanted,
    /// Who says so.
    pub by: String,
    /// The system user who gave the command.
    pub account: String,
    pub reason: String,
}

/// What would be sent once more, and what not.
#[derive(Debug, Default)]
pub struct Preview {
    pub sent: Vec<Sent>,
    pub stays: Vec<Stays>,
}

impl Preview {
    /// How many results would be sent.
    pub fn results(&self) -> usize {
        self.sent.iter().map(|it| it.results.len()).sum()
    }
}

/// A delivery that the destination has acknowledged.
#[derive(Debug)]
pub struct Sent {
    pub delivery: DeliveryId,
    pub key: String,
    pub how: OnceMore,
    /// The last answer: when, the verdict's name, and the HTTP status where there was one.
    pub answer: Option<(Timestamp, String, Option<u16>)>,
    /// Those of it that go once more. As it was, they are all that it carries.
    pub results: Vec<Again>,
}

/// A result that goes once more.
#[derive(Debug)]
pub struct Again {
    pub id: ObservationId,
    pub result: Private<Observation>,
    /// Otherwise it goes along with what was asked for.
    pub is_wanted: bool,
}

/// A result that doesn't.
#[derive(Debug)]
pub struct Stays {
    pub id: ObservationId,
    pub result: Private<Observation>,
    pub why: &'static str,
}

impl Reader {
    /// What [`Journal::resend`] would do now.
    ///
    /// # Errors
    /// Refused where that would be too many results.
    pub fn resending(&self, wanted: &Wanted) -> Result<Preview, JournalError> {
        let _moment = self.moment()?;
        preview(&self.connection, wanted)
    }
}

impl Journal {
    /// Lets a destination's results leave once more, and says what leaves. All of it is on disk when this returns.
    ///
    /// # Errors
    /// Refused, with the reason, where nothing may leave, or nobody is named, or no reason.
    pub async fn resend(&self, it: Resending, now: Timestamp) -> Result<Preview, JournalError> {
        self.submit(Urgency::Other, move |connection| resend(connection, &it, now)).await
    }
}

fn resend(connection: &Connection, it: &Resending, now: Timestamp) -> Result<Preview, JournalError> {
    let refused = |why: &str| Err(JournalError::Refused(why.to_owned()));
    if it.by.trim().is_empty() || it.reason.trim().is_empty() {
        return refused("it takes a name and a reason to send results once more");
    }
    if restoration::stands_still(connection)? {
        return refused("nothing is delivered until somebody has resumed; see labwire resume");
    }
    let preview = preview(connection, &it.wanted)?;
    if preview.sent.is_empty() {
        return refused("none of it may be sent once more; labwire resend without --yes says why");
    }
    for sent in &preview.sent {
        match sent.how {
            OnceMore::AsItWas => reopen(connection, sent.delivery, now)?,
            OnceMore::Anew => owe_again(connection, &it.wanted.destination, sent, now)?,
        }
        let how = match sent.how {
            OnceMore::AsItWas => "as it was",
            OnceMore::Anew => "in part, anew",
        };
        let step = Step {
            at: now,
            actor: &it.account,
            step: "sent once more",
            subject: format!("delivery {}", sent.delivery),
            detail: format!("{how}, by {}: {}", it.by, it.reason),
        };
        audit::append(connection, &step)?;
    }
    Ok(preview)
}

/// The same bytes under the same key are due again. Nothing newer of their lanes overtakes them.
fn reopen(connection: &Connection, delivery: DeliveryId, now: Timestamp) -> Result<(), JournalError> {
    move_lines(connection, delivery.0, "in-flight", &["accepted", "staged"], None, now)?;
    connection
        .prepare_cached("UPDATE delivery SET state = 'due', due_at = ?, settled_at = NULL WHERE id = ?")?
        .execute(params![now.as_microsecond(), delivery.0])?;
    Ok(())
}

/// The results are owed as if they had never left, and leave by another delivery.
fn owe_again(
    connection: &Connection,
    destination: &DestinationId,
    sent: &Sent,
    now: Timestamp,
) -> Result<(), JournalError> {
    for again in &sent.results {
        connection
            .prepare_cached(
                "UPDATE ledger SET state = 'pending', delivery = NULL, reason = NULL, changed_at = ?
                 WHERE observation = ? AND destination = ?",
            )?
            .execute(params![now.as_microsecond(), again.id.0, destination.as_str()])?;
    }
    Ok(())
}

fn preview(connection: &Connection, wanted: &Wanted) -> Result<Preview, JournalError> {
    let mut preview = Preview::default();
    let mut by_delivery: BTreeMap<DeliveryId, Vec<Again>> = BTreeMap::new();
    for id in chosen(connection, wanted)? {
        let Some(line) = line(connection, &wanted.destination, id)? else { continue };
        match line.way {
            Ok(delivery) => by_delivery.entry(delivery).or_default().push(Again {
                id,
                result: line.result,
                is_wanted: true,
            }),
            Err(why) => preview.stays.push(Stays { id, result: line.result, why }),
        }
    }
    for (delivery, wanted_of_it) in by_delivery {
        preview.sent.push(sent(connection, &wanted.destination, delivery, wanted_of_it)?);
    }
    if preview.results() > TOGETHER {
        return too_many();
    }
    Ok(preview)
}

fn too_many<T>() -> Result<T, JournalError> {
    Err(JournalError::Refused(format!("these are more than {TOGETHER} results; choose a shorter time")))
}

fn chosen(connection: &Connection, wanted: &Wanted) -> Result<Vec<ObservationId>, JournalError> {
    let (instrument, test) = (wanted.instrument.as_ref().map(InstrumentId::as_str), wanted.test.as_deref());
    let id = |row: &rusqlite::Row<'_>| row.get(0).map(ObservationId);
    let found: Vec<ObservationId> = match &wanted.of {
        Of::Specimen(specimen) => connection
            .prepare_cached(
                "SELECT id FROM observation WHERE specimen = ?1 AND (?2 IS NULL OR instrument = ?2)
                 AND (?3 IS NULL OR code = ?3) ORDER BY id LIMIT ?4",
            )?
            .query_map(params![specimen.reveal(), instrument, test, TOGETHER + 1], id)?
            .collect::<Result<_, _>>()?,
        // The messages come first, by their time: a search through all results would read the whole journal.
        Of::Received(from, to) => connection
            .prepare_cached(
                "SELECT o.id FROM message m CROSS JOIN observation o ON o.message = m.id
                 WHERE m.received_at >= ?5 AND m.received_at < ?1 AND (?2 IS NULL OR o.instrument = ?2)
                 AND (?3 IS NULL OR o.code = ?3) ORDER BY m.received_at, o.id LIMIT ?4",
            )?
            .query_map(
                params![to.as_microsecond(), instrument, test, TOGETHER + 1, from.as_microsecond()],
                id,
            )?
            .collect::<Result<_, _>>()?,
    };
    if found.len() > TOGETHER { too_many() } else { Ok(found) }
}

/// A result at a destination: the delivery that may go once more, or why it stays.
struct Line {
    result: Private<Observation>,
    way: Result<DeliveryId, &'static str>,
}

/// `None` where the destination was never meant to have it.
fn line(
    connection: &Connection,
    destination: &DestinationId,
    id: ObservationId,
) -> Result<Option<Line>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.detail, l.state, l.delivery, coalesce(d.state = 'settled', 0),
            EXISTS (SELECT 1 FROM reassignment r WHERE r.observation = o.id)
            OR EXISTS (SELECT 1 FROM notice n WHERE n.observation = o.id AND n.destination = l.destination
                AND n.says <> 'preliminary'),
            EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = o.id),
            EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.closed_at IS NULL),
            EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.closing = 'rejected'),
            EXISTS (SELECT 1 FROM problem p WHERE p.message = o.message AND p.kind = 'not-production')
         FROM observation o JOIN ledger l ON l.observation = o.id LEFT JOIN delivery d ON d.id = l.delivery
         WHERE o.id = ?1 AND l.destination = ?2 AND l.state <> 'not-for-it'",
    )?;
    let mut rows = statement.query(params![id.0, destination.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let state: String = row.get(1)?;
    let delivery: Option<i64> = row.get(2)?;
    let way = match (state.as_str(), delivery) {
        _ if row.get(4)? => Err("it is void under this number"),
        _ if row.get(5)? => Err("a newer version stands in its place"),
        _ if row.get(6)? => Err("it is held"),
        _ if row.get(7)? => Err("it was rejected here"),
        _ if row.get(8)? => Err("the analyzer marked it as training"),
        ("accepted" | "staged", Some(delivery)) if row.get(3)? => Ok(DeliveryId(delivery)),
        ("held", _) => Err("it is held"),
        ("rejected", _) => Err("it was rejected here"),
        ("superseded", _) => Err("it was replaced before it left"),
        ("refused" | "quarantined", _) => Err("it was refused: see labwire dead-letters"),
        ("unknown", _) => Err("whether it has arrived is still to be found out"),
        _ => Err("it is on its way already"),
    };
    Ok(Some(Line { result: Private::new(observation(row, 0)?), way }))
}

/// How what is wanted of a delivery goes once more: with all that it carries, unless something of that may not.
fn sent(
    connection: &Connection,
    destination: &DestinationId,
    delivery: DeliveryId,
    wanted: Vec<Again>,
) -> Result<Sent, JournalError> {
    let (key, items): (String, usize) = connection
        .prepare_cached("SELECT key, items FROM delivery WHERE id = ?")?
        .query_row([delivery.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let answer = connection
        .prepare_cached(
            "SELECT w.ended_at, w.verdict, w.status FROM attempt a JOIN answer w ON w.attempt = a.id
             WHERE a.delivery = ? ORDER BY a.id DESC LIMIT 1",
        )?
        .query_row([delivery.0], |row| Ok((instant(row.get(0)?), row.get(1)?, row.get(2)?)))
        .optional()?;
    let carried: Vec<ObservationId> = connection
        .prepare_cached("SELECT observation FROM ledger WHERE delivery = ? ORDER BY observation")?
        .query_map([delivery.0], |row| row.get(0).map(ObservationId))?
        .collect::<Result<_, _>>()?;
    let mut all = Vec::new();
    for id in carried {
        let may_go = line(connection, destination, id)?.filter(|line| line.way == Ok(delivery));
        all.extend(may_go.map(|line| Again {
            id,
            result: line.result,
            is_wanted: wanted.iter().any(|it| it.id == id),
        }));
    }
    let (how, results) = if all.len() == items { (OnceMore::AsItWas, all) } else { (OnceMore::Anew, wanted) };
    Ok(Sent { delivery, key, how, answer, results })
}
