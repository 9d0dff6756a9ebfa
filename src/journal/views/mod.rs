//! What the page and the commands show: plain rows, read in single queries.

mod dead;
mod evidence;
mod held;
mod ordered;
mod overview;
mod previous;
mod waiting;
mod way;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

pub use dead::Dead;
pub use evidence::{Beside, Evidence, Kin};
pub use held::HoldView;
pub use ordered::OrderStep;
pub use overview::{AnswerView, AttemptView, DeliveryView, MessageView, QueueView};
pub use previous::Previous;
pub use way::{ProblemStanding, Step, Way, told};

use super::archive::Archives;
use super::orders::lims_in_words;
use super::parcels::hex;
use super::rows::instant;
use super::{DeliveryId, JournalError, MessageId, ProblemId, Reader};
use crate::domain::{InstrumentId, Private, ProblemKind, SpecimenId};

/// One instrument's numbers.
#[derive(Debug, Clone, Default)]
pub struct InstrumentView {
    pub instrument: String,
    pub last_message: Option<Timestamp>,
    /// When the last message came that held a new result, if that is one of its latest.
    pub last_result: Option<Timestamp>,
    pub received: i64,
    pub new: i64,
    pub duplicate: i64,
    pub problem: i64,
    pub open_problems: i64,
    pub held: i64,
    pub unanswered_queries: i64,
}

/// A problem that nobody has seen to.
#[derive(Debug, Clone)]
pub struct ProblemView {
    pub id: ProblemId,
    pub message: Option<MessageId>,
    pub instrument: Option<String>,
    /// The LIMS whose message it is about, in words.
    pub lims: Option<String>,
    /// The file that its message is a part of: line numbers are that file's.
    pub file: Option<Private<String>>,
    pub specimen: Option<SpecimenId>,
    pub kind: String,
    pub text: Private<String>,
    pub seen_at: Timestamp,
}

impl ProblemView {
    /// Whose message it is about, in words.
    pub fn from(&self) -> &str {
        self.instrument.as_deref().or(self.lims.as_deref()).unwrap_or("an unknown sender")
    }
}

/// A delivery that waits for a person.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub delivery: DeliveryId,
    pub destination: String,
    pub specimen: SpecimenId,
    pub key: String,
    /// `refused`, or `unknown` where it isn't known whether the LIMS has it.
    pub state: String,
    pub attempts: u32,
    /// It is the record of a critical call, and holds no result.
    pub is_of_call: bool,
    /// Results of this delivery that are refused or unknown.
    pub results: u32,
    pub reason: Private<String>,
    pub since: Timestamp,
}

/// A frame as it arrived.
#[derive(Debug, Clone)]
pub struct FrameView {
    pub received_at: Timestamp,
    pub raw: Private<Vec<u8>>,
    /// SHA-256 as lowercase hex, as stored when it arrived.
    pub sha256: String,
}

/// A host query that got no orders.
#[derive(Debug, Clone)]
pub struct QueryView {
    pub message: MessageId,
    pub instrument: String,
    /// What was asked for; empty means everything.
    pub specimens: Vec<SpecimenId>,
    pub asked_at: Timestamp,
    /// What was answered, or why nothing was; `None` while the answer is on its way.
    pub answer: Option<String>,
}

/// What waits in the journal, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages that haven't been read yet.
    pub unread: i64,
    /// Messages whose sender isn't known.
    pub unattributed: i64,
    /// Transmissions that were cut, each counted once whatever problems it has.
    pub incomplete: i64,
    /// Changes of what an instrument sends.
    pub drifts: i64,
    /// All of them: those with the unknown senders and the cut transmissions, and the others.
    pub open_problems: i64,
    /// Open problems that are neither of an unknown sender nor of a cut transmission nor of files.
    pub other_problems: i64,
    /// Files that wait for somebody, and places that none can be fetched from.
    pub stuck: i64,
    pub held: i64,
    /// Deliveries refused, or unknown and waiting for a person.
    pub dead_letters: i64,
    pub unanswered_queries: i64,
}

impl Reader {
    /// Each instrument that ever sent something, by name.
    pub fn instruments(&self) -> Result<Vec<InstrumentView>, JournalError> {
        let _moment = self.moment()?;
        let mut statement = self.connection.prepare_cached(
            "WITH name AS (SELECT DISTINCT subject AS n FROM counter WHERE name = 'read' AND subject <> '')
             SELECT n,
                (SELECT max(received_at) FROM message WHERE instrument = n AND id >=
                    (SELECT coalesce(max(id), 0) FROM message WHERE instrument = n)),
                (SELECT value FROM counter WHERE name = 'received' AND subject = n),
                (SELECT value FROM counter WHERE name = 'new' AND subject = n),
                (SELECT value FROM counter WHERE name = 'duplicate' AND subject = n),
                (SELECT value FROM counter WHERE name = 'problem' AND subject = n)
             FROM name ORDER BY n",
        )?;
        let rows = statement.query_map([], |row| {
            let number = |column| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
            Ok(InstrumentView {
                instrument: row.get(0)?,
                last_message: row.get::<_, Option<i64>>(1)?.map(instant),
                received: number(2)?,
                new: number(3)?,
                duplicate: number(4)?,
                problem: number(5)?,
                ..InstrumentView::default()
            })
        })?;
        let mut instruments = rows.collect::<Result<Vec<_>, _>>()?;
        // What is open is walked through once for all of them, not once for each.
        let problems = self.by_instrument(
            "SELECT instrument, count(*) FROM problem WHERE closed_at IS NULL AND instrument IS NOT NULL
             GROUP BY instrument",
        )?;
        let held = self.by_instrument(
            "SELECT o.instrument, count(DISTINCT h.observation) FROM hold h JOIN observation o ON o.id = h.observation
             WHERE h.closed_at IS NULL
             AND (SELECT coalesce(max(l.state = 'held'), 1) FROM ledger l WHERE l.observation = h.observation) GROUP BY o.instrument",
        )?;
        let queries =
            self.by_instrument("SELECT instrument, count(*) FROM query_without_orders GROUP BY instrument")?;
        for it in &mut instruments {
            it.last_result = self.last_result_of(&it.instrument)?;
            let of = |counts: &BTreeMap<String, i64>| counts.get(&it.instrument).copied().unwrap_or_default();
            let counts = (of(&problems), of(&held), of(&queries));
            (it.open_problems, it.held, it.unanswered_queries) = counts;
        }
        Ok(instruments)
    }

    fn by_instrument(&self, counts: &str) -> Result<BTreeMap<String, i64>, JournalError> {
        let mut statement = self.connection.prepare_cached(counts)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What waits for the gateway or for a person.
    pub fn waiting(&self) -> Result<Waiting, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT (SELECT count(*) FROM message WHERE processed_at IS NULL),
                        (SELECT count(DISTINCT message) FROM problem WHERE closed_at IS NULL
                            AND kind IN ('unregistered-source', 'ambiguous-source')),
                        (SELECT count(DISTINCT coalesce(message, -id)) FROM problem WHERE closed_at IS NULL
                            AND kind = 'incomplete-transmission'),
                        (SELECT count(*) FROM problem WHERE closed_at IS NULL),
                        (SELECT count(*) FROM problem WHERE closed_at IS NULL
                            AND kind IN ('unregistered-source', 'ambiguous-source', 'incomplete-transmission',
                                'stuck-file', 'no-files')),
                        (SELECT count(DISTINCT observation) FROM hold h WHERE closed_at IS NULL
                            AND (SELECT coalesce(max(l.state = 'held'), 1) FROM ledger l WHERE l.observation = h.observation)),
                        (SELECT count(*) FROM delivery WHERE state = 'dead'),
                        (SELECT count(*) FROM query_without_orders),
                        (SELECT count(*) FROM problem WHERE closed_at IS NULL AND kind = 'drift'),
                        (SELECT count(*) FROM problem WHERE closed_at IS NULL AND kind IN ('stuck-file', 'no-files'))",
            )?
            .query_row([], |row| {
                let (open_problems, of_those_kinds) = (row.get::<_, i64>(3)?, row.get::<_, i64>(4)?);
                Ok(Waiting {
                    unread: row.get(0)?,
                    unattributed: row.get(1)?,
                    incomplete: row.get(2)?,
                    drifts: row.get(8)?,
                    open_problems,
                    other_problems: open_problems - of_those_kinds,
                    stuck: row.get(9)?,
                    held: row.get(5)?,
                    dead_letters: row.get(6)?,
                    unanswered_queries: row.get(7)?,
                })
            })?)
    }

    /// Whether something of a kind is open for an instrument.
    pub fn has_open_problem(
        &self,
        instrument: &InstrumentId,
        kind: ProblemKind,
    ) -> Result<bool, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM problem WHERE instrument = ? AND kind = ? AND closed_at IS NULL AND NOT withdrawn",
        )?;
        Ok(statement.exists(params![instrument.as_str(), kind.name()])?)
    }

    /// Open problems, newest first, at most `limit`.
    pub fn open_problems(&self, limit: usize) -> Result<Vec<ProblemView>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT p.id, p.message, p.instrument, p.specimen, p.kind, p.text, p.seen_at, t.source, f.name FROM problem p
             LEFT JOIN message m ON m.id = p.message LEFT JOIN transfer t ON t.id = m.transfer
             LEFT JOIN part ON part.message = p.message LEFT JOIN file f ON f.id = part.file
             WHERE p.closed_at IS NULL ORDER BY p.id DESC LIMIT ?",
        )?;
        Ok(statement.query_map([limit], problem)?.collect::<Result<_, _>>()?)
    }

    /// How many open problems of messages name no specimen, and since when the oldest is open: each may be about any.
    pub fn nameless_problems(&self) -> Result<(i64, Option<Timestamp>), JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*), min(seen_at) FROM problem WHERE closed_at IS NULL AND +message IS NOT NULL
                AND coalesce(specimen, '') = ''",
        )?;
        let count = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(instant)));
        Ok(statement.query_row([], count)?)
    }

    /// The messages of which something is open that names no specimen, newest first, each with its instrument where that is
    /// known: each may be about any specimen. What only says how the instrument is set, or what the message is for, hides none.
    pub fn messages_in_doubt(&self) -> Result<Vec<(MessageId, Option<String>)>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT message, max(instrument) FROM problem WHERE closed_at IS NULL AND +message IS NOT NULL
                AND coalesce(specimen, '') = ''
                AND kind NOT IN ('clock-off', 'drift', 'not-production') GROUP BY +message ORDER BY +message DESC",
        )?;
        let message = |row: &Row<'_>| Ok((row.get(0).map(MessageId)?, row.get(1)?));
        Ok(statement.query_map([], message)?.collect::<Result<_, _>>()?)
    }

    /// A problem, if it is open.
    pub fn open_problem(&self, id: ProblemId) -> Result<Option<ProblemView>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT p.id, p.message, p.instrument, p.specimen, p.kind, p.text, p.seen_at, t.source, f.name FROM problem p
             LEFT JOIN message m ON m.id = p.message LEFT JOIN transfer t ON t.id = m.transfer
             LEFT JOIN part ON part.message = p.message LEFT JOIN file f ON f.id = part.file
             WHERE p.id = ? AND p.closed_at IS NULL",
        )?;
        Ok(statement.query_row([id.0], problem).optional()?)
    }

    /// Deliveries that wait for a person, oldest first, at most `limit`.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT d.id, d.destination, d.specimen, d.key,
                CASE WHEN EXISTS (SELECT 1 FROM ledger l WHERE l.delivery = d.id AND l.state = 'refused'
                        UNION ALL SELECT 1 FROM call_line c WHERE c.delivery = d.id AND c.state = 'refused'
                        UNION ALL SELECT 1 FROM notice n WHERE n.delivery = d.id AND n.state = 'refused')
                    THEN 'refused' ELSE 'unknown' END, d.attempts,
                (SELECT count(*) FROM ledger l WHERE l.delivery = d.id AND l.state IN ('refused', 'unknown'))
                    + (SELECT count(*) FROM notice n WHERE n.delivery = d.id AND n.state IN ('refused', 'unknown')),
                coalesce((SELECT l.reason FROM ledger l WHERE l.delivery = d.id AND l.reason IS NOT NULL LIMIT 1),
                    (SELECT c.reason FROM call_line c WHERE c.delivery = d.id AND c.reason IS NOT NULL LIMIT 1),
                    (SELECT n.reason FROM notice n WHERE n.delivery = d.id AND n.reason IS NOT NULL LIMIT 1),
                    (SELECT w.detail FROM attempt a JOIN answer w ON w.attempt = a.id WHERE a.delivery = d.id
                     ORDER BY a.id DESC LIMIT 1), ''),
                d.due_at, EXISTS (SELECT 1 FROM call_line c WHERE c.delivery = d.id)
             FROM delivery d WHERE d.state = 'dead' ORDER BY d.id LIMIT ?",
        )?;
        let rows = statement.query_map([limit], |row| {
            Ok(DeadLetter {
                delivery: DeliveryId(row.get(0)?),
                destination: row.get(1)?,
                specimen: SpecimenId::new(row.get::<_, String>(2)?),
                key: row.get(3)?,
                state: row.get(4)?,
                attempts: row.get(5)?,
                results: row.get(6)?,
                reason: Private::new(row.get(7)?),
                since: instant(row.get(8)?),
                is_of_call: row.get(9)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The frames that a message came in, as they arrived: each holds some of it, if only its line ends. Of a file only
    /// what was read as this message, with the file's head: its pieces hold other patients' results.
    pub fn frames(&self, message: MessageId) -> Result<Vec<FrameView>, JournalError> {
        if let Some((file, ..)) = self.part_of(message)? {
            let content = self.content(message)?;
            let sha256 = hex(&Sha256::digest(&content));
            return Ok(vec![FrameView { received_at: file.seen_at, raw: Private::new(content), sha256 }]);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT p.received_at, p.raw, p.archive, p.sha256 FROM message m
             JOIN parcel p ON p.transfer = m.transfer AND p.id BETWEEN m.first_parcel AND m.last_parcel
             WHERE m.id = ? AND (p.id > m.first_parcel OR m.first_offset < p.content_end - p.content_start
                OR m.first_parcel = m.last_parcel) ORDER BY p.id",
        )?;
        let archives = Archives::of(&self.connection);
        let frame = |row: &Row<'_>| {
            Ok(FrameView {
                received_at: instant(row.get(0)?),
                raw: Private::new(archives.of_row(row, (1, 2, 3))?.into_owned()),
                sha256: hex(&row.get::<_, Vec<u8>>(3)?),
            })
        };
        statement.query_and_then([message.0], frame)?.collect()
    }

    /// A delivery's payload as leased: every attempt to send it sends these bytes.
    pub fn payload(&self, delivery: DeliveryId) -> Result<Option<Private<Vec<u8>>>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT payload, archive, sha256 FROM delivery WHERE id = ?")?;
        let mut rows = statement.query([delivery.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let payload = Archives::of(&self.connection).of_row(row, (0, 1, 2))?;
        Ok(Some(Private::new(payload.into_owned())))
    }

    /// Host queries of the last day that got no orders, newest first, at most `limit`.
    pub fn unanswered_queries(&self, limit: usize) -> Result<Vec<QueryView>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT message, instrument, specimens, asked_at, answer FROM query_without_orders
             ORDER BY asked_at DESC, id DESC LIMIT ?",
        )?;
        let rows = statement.query_map([limit], query)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Host queries with whatever they were answered, newest first, at most `limit`.
    pub fn host_queries(&self, limit: usize) -> Result<Vec<QueryView>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT message, instrument, specimens, asked_at, coalesce(answer, prepared) FROM host_query
             WHERE id > (SELECT max(id) FROM host_query) - ?1 ORDER BY id DESC",
        )?;
        let rows = statement.query_map([limit], query)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A counter that isn't part of the sums, summed over its subjects or of one.
    pub fn counter(&self, name: &str, subject: Option<&str>) -> Result<i64, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT coalesce(sum(value), 0) FROM counter WHERE name = ?1 AND (?2 IS NULL OR subject = ?2)",
            )?
            .query_row(params![name, subject], |row| row.get(0))?)
    }
}

fn query(row: &rusqlite::Row<'_>) -> rusqlite::Result<QueryView> {
    let specimens: String = row.get(2)?;
    let specimens: Vec<String> = serde_json::from_str(&specimens).unwrap_or_default();
    Ok(QueryView {
        message: MessageId(row.get(0)?),
        instrument: row.get(1)?,
        specimens: specimens.into_iter().map(SpecimenId::new).collect(),
        asked_at: instant(row.get(3)?),
        answer: row.get(4)?,
    })
}

fn problem(row: &Row<'_>) -> rusqlite::Result<ProblemView> {
    Ok(ProblemView {
        id: ProblemId(row.get(0)?),
        message: row.get::<_, Option<i64>>(1)?.map(MessageId),
        instrument: row.get(2)?,
        lims: row.get::<_, Option<String>>(7)?.and_then(|source| lims_in_words(&source)),
        file: row.get::<_, Option<String>>(8)?.map(Private::new),
        specimen: row.get::<_, Option<String>>(3)?.map(SpecimenId::new),
        kind: row.get(4)?,
        text: Private::new(row.get(5)?),
        seen_at: instant(row.get(6)?),
    })
}
