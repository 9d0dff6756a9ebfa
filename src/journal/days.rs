//! What arrived in a span of time, message by message: what was counted of each when it was read, and, found again row
//! by row, what it became and where each of its results is now. The two sides come from different tables, so that they
//! can differ. It adds nothing up and decides nothing; it reads some messages at a time, so that no read lasts long.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::rows::instant;
use super::writer::Urgency;
use super::{
    DeliveryId, Journal, JournalError, MessageId, ObservationId, ProblemId, Reader, TransferId, audit,
};
use crate::domain::{Private, SpecimenId};

/// About how many results are read at once.
const RESULTS: i64 = 1_000;

/// From its first moment up to and without its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Where a walk through a span has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(Timestamp, MessageId);

/// One message and all that came of it.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub message: MessageId,
    pub received_at: Timestamp,
    /// Nothing can be said of what it holds before it is read.
    pub is_read: bool,
    /// It was cut before its end.
    pub is_incomplete: bool,
    /// `None` where its sender isn't known.
    pub instrument: Option<String>,
    pub transfer: TransferId,
    /// Why its transfer broke off, where it did.
    pub cut: Option<String>,
    /// Results received, as counted when it was read.
    pub results: i64,
    /// Lines that each destination is owed, as counted when it was read.
    pub owed: BTreeMap<String, i64>,
    /// Results that were received before.
    pub repeated: i64,
    pub queries: i64,
    pub observations: Vec<Came>,
    /// Those that another reading withdrew are left out.
    pub problems: Vec<Trouble>,
}

/// A result of a message.
#[derive(Debug, Clone)]
pub struct Came {
    pub id: ObservationId,
    pub specimen: SpecimenId,
    /// Code, aspect and component.
    pub test: [String; 3],
    /// It isn't a patient's.
    pub is_control: bool,
    /// A person had it made of another version: moved here from another specimen, or re-evaluated. It was received as that one.
    pub is_remade: bool,
    /// The analyzer could not measure it.
    pub is_failed: bool,
    pub lines: Vec<LineNow>,
}

/// Where a result is at one destination.
#[derive(Debug, Clone)]
pub struct LineNow {
    pub destination: String,
    /// As the ledger names it.
    pub state: String,
    pub since: Timestamp,
    pub reason: Option<Private<String>>,
    /// Pending, and something older of its lane must be over first.
    pub is_behind: bool,
    /// What carries it, and since when there is such a delivery.
    pub delivery: Option<(DeliveryId, Timestamp)>,
    /// That delivery is a dead letter: only a person brings it on.
    pub waits_for_person: bool,
    /// An attempt at that delivery is over.
    pub was_answered: bool,
    /// Of that delivery some result is refused or of unknown fate.
    pub is_undecided: bool,
    /// When the destination first acknowledged it, where it went once more since.
    pub first_acknowledged: Option<Timestamp>,
    /// Since when it is owed once more.
    pub owed_again: Option<Timestamp>,
}

/// A problem of a message.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub id: ProblemId,
    pub kind: String,
    pub text: Private<String>,
    pub instrument: Option<String>,
    pub specimen: Option<SpecimenId>,
    pub seen_at: Timestamp,
    pub replaces_result: bool,
    pub is_open: bool,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// From 1.
    pub revision: u32,
    pub at: Timestamp,
    /// Of what it says, without when and as which revision.
    pub sha256: Vec<u8>,
}

impl Journal {
    /// Notes that a report of a day was written. Refused where that revision was noted before.
    pub async fn note_report(&self, day: String, written: Written) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            connection.prepare_cached("INSERT INTO report VALUES (?, ?, ?, ?)")?.execute(params![
                day,
                written.revision,
                written.at.as_microsecond(),
                written.sha256
            ])?;
            let step = audit::Step {
                at: written.at,
                actor: audit::GATEWAY,
                step: "reconciliation reported",
                subject: format!("day {day}"),
                detail: format!("revision {}", written.revision),
            };
            audit::append(connection, &step)
        })
        .await
    }
}

impl Reader {
    /// The next messages received in a span, oldest first, at most `limit` and fewer where they hold many results, as of
    /// one moment; and where the walk goes
    /// on. Nothing more to come where there is no place.
    pub fn arrivals(
        &self,
        span: Span,
        after: Option<Place>,
        limit: usize,
    ) -> Result<(Vec<Arrival>, Option<Place>), JournalError> {
        let _moment = self.moment()?;
        let Place(at, id) = after.unwrap_or(Place(span.from, MessageId(-1)));
        let mut arrivals = self
            .connection
            .prepare_cached(
                "SELECT m.id, m.received_at, m.processed_at IS NOT NULL, m.state, m.instrument, m.transfer,
                    t.ending, m.results FROM message m JOIN transfer t ON t.id = m.transfer
                 WHERE (m.received_at, m.id) > (?1, ?2) AND m.received_at < ?3
                 ORDER BY m.received_at, m.id LIMIT ?4",
            )?
            .query_map(params![at.as_microsecond(), id.0, span.to.as_microsecond(), limit], arrival)?
            .collect::<Result<Vec<_>, _>>()?;
        let found = arrivals.len();
        arrivals.truncate(few(&arrivals));
        for arrival in &mut arrivals {
            self.fill(arrival)?;
        }
        let more = found >= limit || arrivals.len() < found;
        let place = arrivals.last().filter(|_| more).map(|last| Place(last.received_at, last.message));
        Ok((arrivals, place))
    }

    fn fill(&self, arrival: &mut Arrival) -> Result<(), JournalError> {
        let message = arrival.message.0;
        arrival.owed = self
            .connection
            .prepare_cached("SELECT destination, results FROM owed WHERE message = ?")?
            .query_map([message], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        (arrival.repeated, arrival.queries) = self
            .connection
            .prepare_cached(
                "SELECT (SELECT count(*) FROM repetition WHERE message = ?1),
                        (SELECT count(*) FROM host_query WHERE message = ?1 AND NOT cancels)",
            )?
            .query_row([message], |row| Ok((row.get(0)?, row.get(1)?)))?;
        arrival.problems = self
            .connection
            .prepare_cached(
                "SELECT id, kind, text, instrument, specimen, seen_at, replaces_result, closed_at IS NULL
                 FROM problem WHERE message = ? AND NOT withdrawn ORDER BY id",
            )?
            .query_map([message], trouble)?
            .collect::<Result<_, _>>()?;
        arrival.observations = self
            .connection
            .prepare_cached(
                "SELECT id, specimen, code, aspect, component, class <> 'patient', status = 'failed',
                    EXISTS (SELECT 1 FROM remade r WHERE r.observation = o.supersedes)
                 FROM observation o WHERE message = ? ORDER BY record, component, version",
            )?
            .query_map([message], came)?
            .collect::<Result<_, _>>()?;
        let mut lines = self.connection.prepare_cached(
            "SELECT l.destination, l.state, l.changed_at, l.reason, l.behind, l.delivery, d.created_at,
                coalesce(d.state = 'dead', 0), EXISTS (SELECT 1 FROM attempt a JOIN answer w ON w.attempt = a.id
                    WHERE a.delivery = l.delivery),
                EXISTS (SELECT 1 FROM ledger u WHERE u.delivery = l.delivery AND u.state IN ('refused', 'unknown')),
                (SELECT min(s.acknowledged_at) FROM resend_line s
                    WHERE s.observation = l.observation AND s.destination = l.destination),
                (SELECT max(r.at) FROM resend_line s JOIN resend r ON r.id = s.resend
                    WHERE s.observation = l.observation AND s.destination = l.destination)
             FROM ledger l LEFT JOIN delivery d ON d.id = l.delivery WHERE l.observation = ?
             ORDER BY l.destination",
        )?;
        for came in &mut arrival.observations {
            came.lines = lines.query_map([came.id.0], line)?.collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Open problems of no message that were seen in a span, oldest first.
    pub fn troubles_of_no_message(&self, span: Span) -> Result<Vec<Trouble>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, kind, text, instrument, specimen, seen_at, replaces_result, closed_at IS NULL FROM problem
             WHERE closed_at IS NULL AND message IS NULL AND seen_at >= ? AND seen_at < ? ORDER BY id",
        )?;
        let rows =
            statement.query_map(params![span.from.as_microsecond(), span.to.as_microsecond()], trouble)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Why a result is held, in the stored words, and since when.
    pub fn why_held(&self, id: ObservationId) -> Result<Option<(Vec<String>, Timestamp)>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT reason, opened_at FROM hold WHERE observation = ? AND closed_at IS NULL ORDER BY id",
        )?;
        let holds: Vec<(String, i64)> =
            statement.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let since = holds.iter().map(|(_, at)| *at).min();
        Ok(since.map(|since| (holds.into_iter().map(|(reason, _)| reason).collect(), instant(since))))
    }

    /// What the last attempt at a delivery came to, in words without patient data.
    pub fn last_answer(&self, delivery: DeliveryId) -> Result<Option<String>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT w.detail FROM attempt a JOIN answer w ON w.attempt = a.id
                 WHERE a.delivery = ? ORDER BY a.id DESC LIMIT 1",
            )?
            .query_row([delivery.0], |row| row.get(0))
            .optional()?)
    }

    /// Since when there is a journal.
    pub fn created_at(&self) -> Result<Option<Timestamp>, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT created_at FROM journal")?
            .query_row([], |row| row.get(0))
            .optional()?
            .map(instant))
    }

    /// The latest report of a day that was written.
    pub fn report(&self, day: &str) -> Result<Option<Written>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT revision, written_at, sha256 FROM report WHERE day = ? ORDER BY revision DESC LIMIT 1",
            )?
            .query_row([day], |row| {
                Ok(Written { revision: row.get(0)?, at: instant(row.get(1)?), sha256: row.get(2)? })
            })
            .optional()?)
    }
}

/// How many of these hold few enough results together to be read at once; at least one.
fn few(arrivals: &[Arrival]) -> usize {
    let mut results = 0;
    let fits = arrivals.iter().take_while(|it| {
        let before = results;
        results += it.results;
        before < RESULTS
    });
    fits.count()
}

fn arrival(row: &Row<'_>) -> rusqlite::Result<Arrival> {
    let ending: Option<String> = row.get(6)?;
    Ok(Arrival {
        message: MessageId(row.get(0)?),
        received_at: instant(row.get(1)?),
        is_read: row.get(2)?,
        is_incomplete: row.get::<_, String>(3)? == "incomplete",
        instrument: row.get(4)?,
        transfer: TransferId(row.get(5)?),
        cut: ending.filter(|ending| ending != "ended"),
        results: row.get(7)?,
        owed: BTreeMap::new(),
        repeated: 0,
        queries: 0,
        observations: Vec::new(),
        problems: Vec::new(),
    })
}

fn came(row: &Row<'_>) -> rusqlite::Result<Came> {
    Ok(Came {
        id: ObservationId(row.get(0)?),
        specimen: SpecimenId::new(row.get::<_, String>(1)?),
        test: [row.get(2)?, row.get(3)?, row.get(4)?],
        is_control: row.get(5)?,
        is_failed: row.get(6)?,
        is_remade: row.get(7)?,
        lines: Vec::new(),
    })
}

fn line(row: &Row<'_>) -> rusqlite::Result<LineNow> {
    let delivery: Option<i64> = row.get(5)?;
    let made: Option<i64> = row.get(6)?;
    Ok(LineNow {
        destination: row.get(0)?,
        state: row.get(1)?,
        since: instant(row.get(2)?),
        reason: row.get::<_, Option<String>>(3)?.map(Private::new),
        is_behind: row.get(4)?,
        delivery: delivery.zip(made).map(|(id, made)| (DeliveryId(id), instant(made))),
        waits_for_person: row.get(7)?,
        was_answered: row.get(8)?,
        is_undecided: row.get(9)?,
        first_acknowledged: row.get::<_, Option<i64>>(10)?.map(instant),
        owed_again: row.get::<_, Option<i64>>(11)?.map(instant),
    })
}

fn trouble(row: &Row<'_>) -> rusqlite::Result<Trouble> {
    Ok(Trouble {
        id: ProblemId(row.get(0)?),
        kind: row.get(1)?,
        text: Private::new(row.get(2)?),
        instrument: row.get(3)?,
        specimen: row.get::<_, Option<String>>(4)?.map(SpecimenId::new),
        seen_at: instant(row.get(5)?),
        replaces_result: row.get(6)?,
        is_open: row.get(7)?,
    })
}
