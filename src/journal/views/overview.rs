//! What the page shows beyond the lists: everything of one moment, the queue of each destination, one message and
//! one delivery with their circumstances.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::domain::{Private, SpecimenId};
use crate::journal::archive::Archives;
use crate::journal::orders::lims_in_words;
use crate::journal::rows::instant;
use crate::journal::{DeliveryId, JournalError, MessageId, Reader};

/// What a destination still has to be sent or asked, by delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueView {
    /// Deliveries by state (`due`, `sending`, `unknown`, `dead`), zeroes left out.
    pub deliveries: BTreeMap<String, i64>,
    /// Results that may have arrived: their delivery is a dead letter, which only a person brings on.
    pub perhaps_there: i64,
    /// When the oldest result that the destination hasn't settled became owed to it.
    pub oldest: Option<Timestamp>,
}

/// A message's circumstances.
#[derive(Debug, Clone)]
pub struct MessageView {
    pub source: String,
    pub peer: String,
    pub received_at: Timestamp,
    /// `stored`, `incomplete`, `processed` or `unattributed`.
    pub state: String,
    pub processed_at: Option<Timestamp>,
    pub instrument: Option<String>,
    /// The LIMS whose message it is, in words.
    pub lims: Option<String>,
    /// The earlier message that this one repeats.
    pub repeats: Option<MessageId>,
    /// Whose results or problems came in it.
    pub specimens: Vec<SpecimenId>,
}

/// A delivery's circumstances.
#[derive(Debug, Clone)]
pub struct DeliveryView {
    pub destination: String,
    pub specimen: SpecimenId,
    pub key: String,
    /// `due`, `sending`, `unknown`, `settled` or `dead`.
    pub state: String,
    pub created_at: Timestamp,
    /// SHA-256 of the payload as lowercase hex, as stored when it was made.
    pub sha256: String,
    pub attempts: Vec<AttemptView>,
}

/// One attempt, and its answer where there was one.
#[derive(Debug, Clone)]
pub struct AttemptView {
    pub number: u32,
    /// `send` or `probe`.
    pub kind: String,
    pub began_at: Timestamp,
    pub answer: Option<AnswerView>,
}

#[derive(Debug, Clone)]
pub struct AnswerView {
    pub ended_at: Timestamp,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    pub verdict: String,
    pub detail: Private<String>,
    /// Over what it went, where anything left.
    pub connection: Option<String>,
    /// How many bytes came back; they are [`Reader::received`].
    pub received: Option<usize>,
}

impl Reader {
    /// Reads several things as of one moment: what `read` sees doesn't change between its queries. It must be brief.
    pub fn at_one_moment<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let _moment = self.moment()?;
        read(self)
    }

    /// A transaction of its own, or none within one.
    pub(in crate::journal) fn moment(&self) -> Result<Option<Transaction<'_>>, JournalError> {
        Ok(match self.connection.is_autocommit() {
            true => Some(self.connection.unchecked_transaction()?),
            false => None,
        })
    }

    /// The queue of each destination that was ever owed something.
    pub fn queues(&self) -> Result<BTreeMap<String, QueueView>, JournalError> {
        let mut queues: BTreeMap<String, QueueView> = BTreeMap::new();
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT destination FROM ledger_total")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            queues.insert(row.get(0)?, QueueView::default());
        }
        let mut states = self.connection.prepare_cached(
            "SELECT state, count(*) FROM delivery WHERE destination = ? AND state <> 'settled' GROUP BY state",
        )?;
        let mut perhaps_there = self.connection.prepare_cached(
            "SELECT count(*) FROM delivery d CROSS JOIN ledger l ON l.delivery = d.id
             WHERE d.destination = ? AND d.state = 'dead' AND d.state <> 'settled' AND l.state = 'unknown'",
        )?;
        let mut oldest = self.connection.prepare_cached(
            "SELECT min(at) FROM (
                SELECT min(created_at) AS at FROM delivery
                    WHERE destination = ?1 AND state IN ('due', 'sending', 'unknown') AND state <> 'settled'
                UNION ALL SELECT changed_at FROM ledger
                    WHERE destination = ?1 AND state = 'pending' AND observation =
                        (SELECT min(observation) FROM ledger WHERE destination = ?1 AND state = 'pending'))",
        )?;
        for (destination, queue) in &mut queues {
            let mut rows = states.query([destination])?;
            while let Some(row) = rows.next()? {
                queue.deliveries.insert(row.get(0)?, row.get(1)?);
            }
            queue.perhaps_there = perhaps_there.query_row([destination], |row| row.get(0))?;
            queue.oldest = oldest.query_row([destination], |row| row.get::<_, Option<i64>>(0))?.map(instant);
        }
        Ok(queues)
    }

    /// A message's circumstances, if there is such a message.
    pub fn message(&self, message: MessageId) -> Result<Option<MessageView>, JournalError> {
        let specimens = self
            .connection
            .prepare_cached(
                "SELECT specimen FROM observation WHERE message = ?1
                 UNION SELECT specimen FROM problem WHERE message = ?1 AND specimen IS NOT NULL
                 UNION SELECT o.specimen FROM repetition r JOIN observation o ON o.id = r.observation
                    WHERE r.message = ?1",
            )?
            .query_map([message.0], |row| Ok(SpecimenId::new(row.get::<_, String>(0)?)))?
            .collect::<Result<_, _>>()?;
        Ok(self
            .connection
            .prepare_cached(
                "SELECT t.source, t.peer, m.received_at, m.state, m.processed_at, m.instrument, m.repeats
                 FROM message m JOIN transfer t ON t.id = m.transfer WHERE m.id = ?",
            )?
            .query_row([message.0], |row| {
                Ok(MessageView {
                    lims: lims_in_words(&row.get::<_, String>(0)?),
                    source: row.get(0)?,
                    peer: row.get(1)?,
                    received_at: instant(row.get(2)?),
                    state: row.get(3)?,
                    processed_at: row.get::<_, Option<i64>>(4)?.map(instant),
                    instrument: row.get(5)?,
                    repeats: row.get::<_, Option<i64>>(6)?.map(MessageId),
                    specimens,
                })
            })
            .optional()?)
    }

    /// What came back to one attempt at a delivery, where anything did.
    pub fn received(
        &self,
        delivery: DeliveryId,
        number: u32,
    ) -> Result<Option<Private<Vec<u8>>>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT w.body, w.archive, w.sha256 FROM attempt a JOIN answer w ON w.attempt = a.id
             WHERE a.delivery = ? AND a.number = ? AND w.body IS NOT NULL",
        )?;
        let mut rows = statement.query(params![delivery.0, number])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let body = Archives::of(&self.connection).of_row(row, (0, 1, 2))?;
        Ok(Some(Private::new(body.into_owned())))
    }

    /// A delivery's circumstances, if there is such a delivery.
    pub fn delivery(&self, delivery: DeliveryId) -> Result<Option<DeliveryView>, JournalError> {
        let attempts = self
            .connection
            .prepare_cached(
                "SELECT a.number, a.kind, a.began_at, w.ended_at, w.status, w.verdict, w.detail, w.connection,
                    coalesce(w.size, length(w.body))
                 FROM attempt a LEFT JOIN answer w ON w.attempt = a.id WHERE a.delivery = ? ORDER BY a.id",
            )?
            .query_map([delivery.0], |row| {
                let answer = match row.get::<_, Option<i64>>(3)? {
                    None => None,
                    Some(ended) => Some(AnswerView {
                        ended_at: instant(ended),
                        status: row.get(4)?,
                        verdict: row.get(5)?,
                        detail: Private::new(row.get(6)?),
                        connection: row.get(7)?,
                        received: row.get(8)?,
                    }),
                };
                let began_at = instant(row.get(2)?);
                Ok(AttemptView { number: row.get(0)?, kind: row.get(1)?, began_at, answer })
            })?
            .collect::<Result<_, _>>()?;
        Ok(self
            .connection
            .prepare_cached(
                "SELECT destination, specimen, key, state, created_at, lower(hex(sha256)) FROM delivery WHERE id = ?",
            )?
            .query_row(params![delivery.0], |row| {
                Ok(DeliveryView {
                    destination: row.get(0)?,
                    specimen: SpecimenId::new(row.get::<_, String>(1)?),
                    key: row.get(2)?,
                    state: row.get(3)?,
                    created_at: instant(row.get(4)?),
                    sha256: row.get(5)?,
                    attempts,
                })
            })
            .optional()?)
    }
}
