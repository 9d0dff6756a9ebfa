//! Reading without being able to write: a connection of its own, opened read-only, and transactions no longer than
//! one query.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};

use super::archive::Archives;
use super::rows::{Stored, instant};
use super::{JournalError, MessageId, ObservationId, OpenError, TransferId, audit, migrate, opening};
use crate::domain::{DestinationId, InstrumentId, Observation, ProblemKind, SpecimenId};

/// A read-only connection.
pub struct Reader {
    pub(super) connection: Connection,
}

/// A message that waits to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub message: MessageId,
    pub transfer: TransferId,
    /// The configured port or listener it came in by.
    pub source: String,
    /// Who was at the other end.
    pub peer: String,
    pub received_at: Timestamp,
    /// It was cut before its end.
    pub incomplete: bool,
    /// It was read before.
    pub is_reread: bool,
    /// With the head of its file before it, where it is a part of one that has a head.
    pub content: Vec<u8>,
    /// Where it stood in the file that it is a part of.
    pub part: Option<PartPlace>,
}

/// Where a part of a file stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlace {
    /// How much of the content is the file's head, in bytes.
    pub head: usize,
    /// The line of the file, from 1, at which the part begins.
    pub first_line: u64,
}

/// A stored observation, superseded or not.
#[derive(Debug, Clone)]
pub struct Earlier {
    pub id: ObservationId,
    pub message: MessageId,
    pub transfer: TransferId,
    pub received_at: Timestamp,
    pub observation: Observation,
    /// It is held because its transmission broke off, and nobody has decided about it.
    pub waits_for_its_end: bool,
    /// No newer version has taken its place.
    pub is_current: bool,
    /// The analyzer marked its message as training, test or debugging.
    pub not_production: bool,
    /// It came under another number, and a person moved it here.
    pub was_moved: bool,
    /// It equals one of another file and no hour tells them apart: a person is to decide, or has rejected it.
    pub is_doubted: bool,
}

/// A stored observation that came again.
#[derive(Debug, Clone, Copy)]
pub struct Repeated {
    pub observation: ObservationId,
    /// With which it came again.
    pub message: MessageId,
    pub transfer: TransferId,
    pub received_at: Timestamp,
}

const TOLD_AGAIN: &str = "SELECT r.observation, r.message, m.transfer, m.received_at
     FROM observation o JOIN repetition r ON r.observation = o.id JOIN message m ON m.id = r.message
     WHERE o.specimen = ? AND o.code = ? AND o.instrument = ? ORDER BY o.id, r.message";

/// How many of the newest results of a specimen's test a new one is compared with, besides all of its own time.
const NEWEST: usize = 200;

const EARLIER: &str =
    "SELECT id FROM observation WHERE specimen = ? AND code = ? AND instrument = ? ORDER BY id";

const COMPARED: &str = "SELECT id FROM observation INDEXED BY observation_specimen
     WHERE specimen = ?1 AND code = ?2 AND instrument = ?3 AND ?4 <> ''
         AND coalesce(json_extract(detail, '$.completed.text'), json_extract(detail, '$.started.text'), '') = ?4
     UNION SELECT n.id FROM (SELECT id FROM observation INDEXED BY observation_specimen
         WHERE specimen = ?1 AND code = ?2 AND instrument = ?3 ORDER BY id DESC LIMIT ?5) n
     ORDER BY id";

const STORED: &str = "SELECT o.id, o.message, m.received_at, o.detail, EXISTS (SELECT 1 FROM hold h
         WHERE h.observation = o.id AND h.closed_at IS NULL AND h.reason = 'incomplete-transmission'),
         NOT EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = o.id),
         EXISTS (SELECT 1 FROM problem p WHERE p.message = o.message AND p.kind = 'not-production'),
         m.transfer, EXISTS (WITH RECURSIVE version(id) AS (SELECT o.supersedes
             UNION ALL SELECT e.supersedes FROM version v JOIN reevaluation r ON r.observation = v.id
                 JOIN observation e ON e.id = v.id)
             SELECT 1 FROM version v JOIN reassignment a ON a.observation = v.id),
         EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.reason = 'equal-without-hour'
             AND (h.closing IS NULL OR h.closing <> 'released'))
     FROM observation o JOIN message m ON m.id = o.message WHERE o.id = ?";

impl Reader {
    /// Opens the journal at `path`. It must exist, and be of the version that this program writes.
    pub fn open(path: &Path) -> Result<Reader, OpenError> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(std::time::Duration::from_secs(2))?;
        migrate::check(&connection, path)?;
        opening::keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Reader { connection })
    }

    /// The oldest messages that wait to be read, at most `limit`.
    pub fn pending(&self, limit: usize) -> Result<Vec<MessageId>, JournalError> {
        self.messages("SELECT id FROM message WHERE processed_at IS NULL ORDER BY id LIMIT ?", limit)
    }

    fn messages(&self, sql: &'static str, limit: usize) -> Result<Vec<MessageId>, JournalError> {
        Ok(self.ids(sql, [limit])?.into_iter().map(MessageId).collect())
    }

    /// A message as it is to be read. A part of a file may be large: hold one at a time.
    pub fn with_content(&self, message: MessageId) -> Result<Pending, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT m.transfer, t.source, t.peer, m.received_at, m.state, m.fingerprint IS NOT NULL
             FROM message m JOIN transfer t ON t.id = m.transfer WHERE m.id = ?",
        )?;
        let content = self.content(message)?;
        let part = self.part_of(message)?.map(|(.., place)| place);
        Ok(statement.query_row([message.0], |row| {
            Ok(Pending {
                message,
                transfer: TransferId(row.get(0)?),
                source: row.get(1)?,
                peer: row.get(2)?,
                received_at: instant(row.get(3)?),
                incomplete: row.get::<_, String>(4)? == "incomplete",
                is_reread: row.get(5)?,
                content,
                part,
            })
        })?)
    }

    /// The content of the message of the same transfer that came before this one, with its number.
    pub fn before(&self, message: MessageId) -> Result<Option<(MessageId, Vec<u8>)>, JournalError> {
        let earlier = self
            .connection
            .prepare_cached(
                "SELECT max(e.id) FROM message m JOIN message e ON e.transfer = m.transfer AND e.id < m.id WHERE m.id = ?",
            )?
            .query_row([message.0], |row| row.get::<_, Option<i64>>(0))?;
        let Some(earlier) = earlier.map(MessageId) else { return Ok(None) };
        Ok(Some((earlier, self.content(earlier)?)))
    }

    /// The destinations that an observation, in its newest version, was meant for.
    pub fn meant_for(&self, observation: ObservationId) -> Result<Vec<DestinationId>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE newer(id) AS (SELECT ?1 UNION SELECT o.id FROM observation o JOIN newer n ON o.supersedes = n.id)
             SELECT destination FROM ledger WHERE observation = (SELECT max(id) FROM newer) AND state <> 'not-for-it'",
        )?;
        let rows = statement.query_map([observation.0], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().map(DestinationId::new).collect())
    }

    /// The messages whose sender isn't known, oldest first, at most `limit`.
    pub fn unattributed(&self, limit: usize) -> Result<Vec<MessageId>, JournalError> {
        self.messages("SELECT id FROM message WHERE state = 'unattributed' ORDER BY id LIMIT ?", limit)
    }

    /// The messages with results that the configuration sent nowhere and that nobody has seen to, oldest first, at most
    /// `limit`.
    pub fn without_destination(&self, limit: usize) -> Result<Vec<MessageId>, JournalError> {
        self.messages(
            "SELECT DISTINCT message FROM problem WHERE kind = 'no-destination' AND closed_at IS NULL
             ORDER BY message LIMIT ?",
            limit,
        )
    }

    /// The transmissions that were cut, that nobody has seen to and whose instrument is known, newest first, at most
    /// `limit`, each with its instrument.
    pub fn incomplete(&self, limit: usize) -> Result<Vec<(InstrumentId, Pending)>, JournalError> {
        let messages = self.messages(
            "SELECT m.id FROM problem p JOIN message m ON m.id = p.message
             WHERE p.kind = 'incomplete-transmission' AND p.closed_at IS NULL AND m.state = 'incomplete'
             ORDER BY p.message DESC LIMIT ?",
            limit,
        )?;
        let mut sender = self.connection.prepare_cached("SELECT instrument FROM message WHERE id = ?")?;
        let mut found = Vec::new();
        for message in messages {
            let sender: Option<String> = sender.query_row([message.0], |row| row.get(0))?;
            let Some(sender) = sender else { continue };
            found.push((InstrumentId::new(sender), self.with_content(message)?));
        }
        Ok(found)
    }

    /// The latest messages of an instrument and when each was on disk, the latest first, at most `limit`.
    pub fn latest_of(
        &self,
        instrument: &InstrumentId,
        limit: usize,
    ) -> Result<Vec<(MessageId, Timestamp)>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, received_at FROM message WHERE instrument = ? ORDER BY id DESC LIMIT ?",
        )?;
        let message = |row: &rusqlite::Row<'_>| Ok((row.get(0).map(MessageId)?, instant(row.get(1)?)));
        let rows = statement.query_map(params![instrument.as_str(), limit], message)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A message's content, put together from its parcels; a part of a file comes with the file's head.
    pub fn content(&self, message: MessageId) -> Result<Vec<u8>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT p.raw, p.content_start, p.content_end,
                    CASE p.id WHEN m.first_parcel THEN m.first_offset ELSE 0 END,
                    CASE p.id WHEN m.last_parcel THEN m.end_offset ELSE p.content_end - p.content_start END,
                    p.archive, p.sha256
             FROM message m JOIN parcel p ON p.transfer = m.transfer AND p.id BETWEEN m.first_parcel AND m.last_parcel
             WHERE m.id = ? ORDER BY p.id",
        )?;
        let mut rows = statement.query([message.0])?;
        let (mut content, archives) = (self.head(message)?, Archives::of(&self.connection));
        while let Some(row) = rows.next()? {
            let (start, end): (usize, usize) = (row.get(1)?, row.get(2)?);
            let (from, to): (usize, usize) = (row.get(3)?, row.get(4)?);
            let raw = archives.of_row(row, (0, 5, 6))?;
            let part = raw.get(start..end).and_then(|text| text.get(from..to)).ok_or_else(|| {
                JournalError::Refused(format!("message {message} reaches beyond its parcels"))
            })?;
            content.extend_from_slice(part);
        }
        Ok(content)
    }

    /// The latest message of an instrument with this fingerprint, before `than`.
    pub fn same_message(
        &self,
        instrument: &InstrumentId,
        fingerprint: &[u8],
        than: MessageId,
    ) -> Result<Option<(MessageId, Timestamp)>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT id, received_at FROM message WHERE instrument = ? AND fingerprint = ? AND id < ?
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_row(params![instrument.as_str(), fingerprint, than.0], |row| {
                Ok((MessageId(row.get(0)?), instant(row.get(1)?)))
            })
            .optional()?)
    }

    /// The messages of an instrument with this fingerprint that came before one, and not in its transfer: the latest few.
    pub fn same_elsewhere(
        &self,
        instrument: &InstrumentId,
        fingerprint: &[u8],
        (transfer, than): (TransferId, MessageId),
    ) -> Result<Vec<MessageId>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM message WHERE instrument = ? AND fingerprint = ? AND id < ? AND transfer <> ?
             ORDER BY id DESC LIMIT 16",
        )?;
        let rows = statement
            .query_map(params![instrument.as_str(), fingerprint, than.0, transfer.0], |row| row.get(0))?;
        Ok(rows.map(|id| id.map(MessageId)).collect::<Result<_, _>>()?)
    }

    /// What is stored of a specimen's test from an instrument, every version, oldest first: one by one, since a control
    /// gathers thousands over the years.
    pub fn each_earlier(
        &self,
        (instrument, specimen, code): (&InstrumentId, &SpecimenId, &str),
        mut each: impl FnMut(Earlier),
    ) -> Result<(), JournalError> {
        let ids = self.ids(EARLIER, params![specimen.reveal(), code, instrument.as_str()])?;
        ids.into_iter().try_for_each(|id| self.stored(id).map(&mut each))
    }

    /// Of these what a new result is compared with: what names the same `time` as sent, however old, and the newest few
    /// hundred. Where nothing names a time, only those.
    pub fn compared(
        &self,
        (instrument, specimen, code): (&InstrumentId, &SpecimenId, &str),
        time: &str,
    ) -> Result<Vec<Earlier>, JournalError> {
        let ids = self.ids(COMPARED, params![specimen.reveal(), code, instrument.as_str(), time, NEWEST])?;
        ids.into_iter().map(|id| self.stored(id)).collect()
    }

    fn ids(&self, sql: &'static str, sought: impl Params) -> Result<Vec<i64>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map(sought, |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    fn stored(&self, id: i64) -> Result<Earlier, JournalError> {
        let mut statement = self.connection.prepare_cached(STORED)?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(Earlier {
            id: ObservationId(row.get(0)?),
            message: MessageId(row.get(1)?),
            received_at: instant(row.get(2)?),
            observation: observation(row, 3)?,
            waits_for_its_end: row.get(4)?,
            is_current: row.get(5)?,
            not_production: row.get(6)?,
            transfer: TransferId(row.get(7)?),
            was_moved: row.get(8)?,
            is_doubted: row.get(9)?,
        })
    }

    /// Whether the analyzer marked a message as training, test or debugging.
    pub fn is_not_production(&self, message: MessageId) -> Result<bool, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM problem WHERE message = ? AND kind = 'not-production'")?;
        Ok(statement.exists([message.0])?)
    }

    /// How often and in which messages what [`each_earlier`](Self::each_earlier) tells came again.
    pub fn told_again(
        &self,
        (instrument, specimen, code): (&InstrumentId, &SpecimenId, &str),
    ) -> Result<Vec<Repeated>, JournalError> {
        let mut statement = self.connection.prepare_cached(TOLD_AGAIN)?;
        let rows = statement.query_map(params![specimen.reveal(), code, instrument.as_str()], |row| {
            Ok(Repeated {
                observation: ObservationId(row.get(0)?),
                message: MessageId(row.get(1)?),
                transfer: TransferId(row.get(2)?),
                received_at: instant(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a message of a transfer before this one has a problem that says the same.
    pub fn was_told(
        &self,
        (transfer, message): (TransferId, MessageId),
        kind: ProblemKind,
        text: &str,
    ) -> Result<bool, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM message m JOIN problem p ON p.message = m.id
             WHERE m.transfer = ? AND m.id < ? AND p.kind = ? AND p.text = ?",
        )?;
        Ok(statement.exists(params![transfer.0, message.0, kind.name(), text])?)
    }

    /// The record and the component of each result that is stored of a message.
    pub fn stored_of(&self, message: MessageId) -> Result<BTreeSet<(u32, String)>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT record, component FROM observation WHERE message = ?")?;
        let rows = statement.query_map([message.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The first audit row whose hash doesn't fit, if the chain is broken. Reads the whole chain.
    pub fn audit_break(&self) -> Result<Option<i64>, JournalError> {
        Ok(audit::first_break(&self.connection)?)
    }

    /// Changes whenever anything was committed.
    pub fn data_version(&self) -> Result<i64, JournalError> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }
}

/// The observation stored as JSON in a column.
pub(super) fn observation(row: &Row<'_>, column: usize) -> Result<Observation, JournalError> {
    let detail: String = row.get(column)?;
    observation_of(&detail)
}

pub(super) fn observation_of(detail: &str) -> Result<Observation, JournalError> {
    serde_json::from_str::<Stored>(detail)
        // Without the error's own text: it quotes what it stumbled over.
        .map_err(|error| format!("{:?} error at column {}", error.classify(), error.column()))
        .and_then(Stored::into_observation)
        .map_err(|error| JournalError::Refused(format!("failed to read a stored observation: {error}")))
}

#[cfg(test)]
mod tests {
    use rusqlite::{ErrorCode, StatementStatus};

    use super::COMPARED;
    use crate::domain::{InstrumentId, SpecimenId};
    use crate::journal::Journal;

    #[test]
    fn a_statement_is_planned_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal =
            Journal::open(&folder.path().join("labwire.db"), 0, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let reader = journal.reader().unwrap();
        for specimen in ["0815", "0816"] {
            let sought = (&InstrumentId::new("a"), &SpecimenId::new(specimen), "K");
            reader.compared(sought, "20261026093100").unwrap();
        }
        let statement = reader.connection.prepare_cached(COMPARED).unwrap();
        assert!(statement.get_status(StatementStatus::Run) >= 2, "it is the one that was used");
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn a_reader_can_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let journal =
            Journal::open(&folder.path().join("labwire.db"), 0, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let reader = journal.reader().unwrap();
        for change in ["UPDATE counter SET value = 0", "DELETE FROM hold", "PRAGMA user_version = 9"] {
            let refused = reader.connection.execute(change, []).unwrap_err();
            assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ReadOnly), "{change}");
        }
    }
}
